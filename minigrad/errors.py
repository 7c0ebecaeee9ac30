"""Every exception that minigrad raises on purpose. Knows how to phrase an error; knows nothing of tensors or graphs.

An error here says four things: a stable code to look up in docs/errors.md, what was wrong with the caller's own
numbers in it, the probable cause, and the way out. Each class also derives from the built-in exception that a Python
programmer would expect, so `except ValueError` keeps working.
"""

from __future__ import annotations


class MinigradError(Exception):
    """Base of all errors: `code`, `what`, `cause` and `remedy` are attributes, and together they are the message.

    >>> raise ShapeError("MG101", "MultiplyGate cannot multiply (2, 3) by (4, 5)",
    ...                  cause="the inner sizes 3 and 4 differ", remedy="transpose one of them")
    Traceback (most recent call last):
    minigrad.errors.ShapeError: [MG101] MultiplyGate cannot multiply (2, 3) by (4, 5)
      cause:  the inner sizes 3 and 4 differ
      remedy: transpose one of them
    """

    def __init__(self, code: str, what: str, *, cause: str = "", remedy: str = "") -> None:
        self.code, self.what, self.cause, self.remedy = code, what, cause, remedy
        lines = [f"[{code}] {what}"]
        if cause:
            lines.append(f"  cause:  {cause}")
        if remedy:
            lines.append(f"  remedy: {remedy}")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[object, ...]:
        # The default would call the class with the message alone, which it does not take.
        return _rebuild, (type(self), self.code, self.what, self.cause, self.remedy)


def _rebuild(cls: type[MinigradError], code: str, what: str, cause: str, remedy: str) -> MinigradError:
    return cls(code, what, cause=cause, remedy=remedy)


class ShapeError(MinigradError, ValueError):
    """Shapes that do not fit together."""


class DtypeError(MinigradError, TypeError):
    """A dtype, or a kind of value, that an operation cannot take."""


class GradientError(MinigradError, RuntimeError):
    """A gradient that cannot be computed, or that would be wrong."""


class UnsupportedError(MinigradError, TypeError):
    """A NumPy function on a Tensor that no gate records."""


class OptionError(MinigradError, ValueError):
    """An argument outside the values that an option can take."""


class IndexRangeError(MinigradError, IndexError):
    """An id outside the vocabulary, a label outside the classes, an index outside an axis."""


class NonFiniteError(MinigradError, ArithmeticError):
    """NaN or infinity where a finite number is needed."""


class DataError(MinigradError, RuntimeError):
    """Data that is missing, damaged, empty, or could not be downloaded."""


class CheckpointError(MinigradError, RuntimeError):
    """A checkpoint that cannot be read, or that does not fit the model it is loaded into."""
