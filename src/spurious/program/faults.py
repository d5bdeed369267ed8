"""Why a program cannot be evaluated at a point.

The tree::

    ArithmeticError
    └── ProgramError          the point, or a ball around it, is outside of what is asked
        ├── KinkError         a derivative is asked for where a function may have none
        ├── DomainError       a function may be undefined, or infinite, there
        └── IrrationalError   exact rational arithmetic, and a result that is not rational
"""

from __future__ import annotations


class ProgramError(ArithmeticError):
    """A program has no value, or no derivative, in the arithmetic asked for."""


class KinkError(ProgramError):
    """An argument may lie on a kink of its function, so that a derivative may not exist."""


class DomainError(ProgramError):
    """An argument may lie outside of its function's domain, or on the domain's end."""


class IrrationalError(ProgramError):
    """A function's value at a rational argument is not known to be rational."""
