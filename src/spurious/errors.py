"""The exceptions that spurious raises.

The tree::

    Exception
    └── SpuriousError         everything raised on purpose by this package
        └── InputError        what the user gave cannot be used; the CLI exits with status 2
            └── MissingExtraError   an optional package is not installed

A message is one line. It names the field, says what was found and what was expected, and
gives the fix, for example::

    point.layers[0].weight[1]: found a row of 3 numbers, expected 2 (one per input of the layer)
"""

__all__ = ["InputError", "MissingExtraError", "SpuriousError"]


class SpuriousError(Exception):
    """Base class of every exception that this package raises on purpose.

    Examples:
        >>> import spurious
        >>> try:
        ...     spurious.read_problem("nothing.json")
        ... except spurious.SpuriousError as error:
        ...     print(error)
        nothing.json: found no such file, expected a problem file
    """


class InputError(SpuriousError):
    """What the user gave cannot be used. The message is one line and names the field.

    Examples:
        >>> import spurious
        >>> spurious.dataset("nothing")
        Traceback (most recent call last):
            ...
        spurious.errors.InputError: dataset: found the unknown name 'nothing', expected one of ...
    """


class MissingExtraError(InputError):
    """An optional package is not installed; the message is the command that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        """Takes what is imported, and the extra of spurious that brings it."""
        super().__init__(
            f"{package}: not installed, but this needs it; pip install 'spurious[{extra}]'"
        )

    def __reduce__(self) -> tuple[type[InputError], tuple[str]]:
        """Between processes the message is all that counts."""
        return InputError, (str(self),)
