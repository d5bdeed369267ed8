"""What a diagnosis is told in: the report as data, as a page, and for a terminal."""
