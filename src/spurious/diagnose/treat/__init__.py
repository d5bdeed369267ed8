"""What mends a model: remedies, as code and as changes of a copy, and copies that are trained."""
