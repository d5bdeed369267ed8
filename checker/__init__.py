"""Check `spurious-certificate/1` and `/2` files. One file, the standard library, nothing else.

    python spurious_checker.py CERTIFICATE... [--json]

A certificate claims something about a point in the parameter space of a neural network (it is a
local minimum, it is not, it is not a global one ...) and carries the evidence. This program never
searches: it evaluates the loss, follows the one rule that the certificate names, compares.

What it trusts: Python's integers, fractions and JSON reader; the theorems in docs/mathematics.md;
and the reader's patience. It takes nothing on trust from the program that wrote the certificate.
"Section 5.1" and the like refer to docs/certificates.md.

How to read it. A number is one of three kinds: `Fraction` (exact), `Soft` (exact: a rational
combination of 1/(1 + sum of exp(d)), section 1), and `Interval` (two integers over 2^bits, rounded
outward). A loss, also a dense network's, is a program: a list of steps over arrays, with one
routine for values and one for tangents; its gradient is written as more steps of the same kinds, so
the tangents of these are the Hessian. It runs on arrays of such numbers (`Numbers`), or of middles
and radii as lists of integers (`Balls`), which is fast. Whatever cannot be decided at 128 bits
raises `Undecided` and the whole check is repeated with twice the bits; whatever is wrong raises
`Invalid`. A rule is given a `Case`, of either format, and returns what it establishes (`Found`);
the claim must say exactly that. What is shown around a point is shown over a `Box` of parameters,
some of which may be fixed. `RULES` and `PROGRAM_RULES` list the rules; of these only the one that
a certificate names has to be read, with what comes before the first of them.

Exit statuses: 0 all valid, 1 some certificate is invalid, 2 bad input.
"""
