"""A referee for `certify`: problems of every kind, and the truth from arithmetic of its own."""
