"""A loss as a program: operations, the table of functions, and what evaluates them."""
