"""The exceptions that minigrad raises.

Each error has a stable code, which is listed in docs/errors.md. The message states the problem with
the caller's values, the position in the graph, the probable cause, and the remedy. Each class also
derives from a built-in exception, so `except ValueError` catches a ShapeError.
"""

import sys
from collections.abc import Sequence

from .support.text import printable


class MinigradError(Exception):
    """The base class of all errors.

    The message consists of the attributes `code`, `what`, `lines`, `where`, `cause` and `remedy`.
    Each item of `lines` appears on its own line below `what`. Control characters and line breaks,
    for example in a tensor's name, are shown as escape sequences.

    >>> raise ShapeError("MG101", "MultiplyGate cannot multiply (2, 3) by (4, 5)",
    ...                  cause="the inner sizes 3 and 4 differ", remedy="transpose one of them")
    Traceback (most recent call last):
    minigrad.errors.ShapeError: [MG101] MultiplyGate cannot multiply (2, 3) by (4, 5)
      cause:  the inner sizes 3 and 4 differ
      remedy: transpose one of them

    Since: 0.1.
    """

    def __init__(
        self,
        code: str,
        what: str,
        *,
        lines: Sequence[str] = (),
        cause: str = "",
        remedy: str = "",
        where: str = "",
    ) -> None:
        self.code, self.what, self.lines = code, what, lines
        self.where, self.cause, self.remedy = where, cause, remedy
        super().__init__(code, what)

    def __str__(self) -> str:
        texts = [f"[{self.code}] {self.what}", *(f"    {line}" for line in self.lines)]
        for label, text in (("where", self.where), ("cause", self.cause), ("remedy", self.remedy)):
            if text:
                texts.append(f"  {label + ':':<8}{text}")
        return "\n".join(map(printable, texts))


def shown(name: object) -> str:
    """Return a path or a name for a message: printable, and shortened if it is very long.

    >>> shown("rnn.cell.W"), shown(""), len(shown("n" * 10_000))
    ('rnn.cell.W', "''", 353)
    """
    text = str(name)
    text = text if text and text.isprintable() else repr(text)
    return text if len(text) <= 400 else f"{text[:300]}...{text[-50:]}"


def reason(error: BaseException) -> str:
    """Return a short reason for a failure: the system's message, or the exception's text."""
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__


class ShapeError(MinigradError, ValueError):
    """Shapes that are incompatible.

    Since: 0.1.
    """


class DtypeError(MinigradError, TypeError):
    """A dtype or value type that an operation does not support.

    Since: 0.1.
    """


class GradientError(MinigradError, RuntimeError):
    """A gradient that cannot be computed, or that would be wrong.

    Since: 0.1.
    """


class UnsupportedError(MinigradError, TypeError):
    """A NumPy function that has no gate, or a call with unsupported arguments.

    Since: 0.1.
    """


class UnknownNameError(MinigradError, AttributeError):
    """A name that a Tensor, a layer, an optimizer or a module does not have.

    Since: 0.2.
    """


class UnknownImportError(MinigradError, ModuleNotFoundError):
    """A module that does not exist, or a name that a module does not have.

    Since: 0.2.
    """


class OptionError(MinigradError, ValueError):
    """An invalid value for an option.

    Since: 0.1.
    """


class IndexRangeError(MinigradError, IndexError):
    """An id outside the vocabulary, a label outside the classes, or an index outside an axis.

    Since: 0.1.
    """


class NonFiniteError(MinigradError, ArithmeticError):
    """NaN or infinity where a finite number is needed.

    Since: 0.1.
    """


class NumberRangeError(MinigradError, OverflowError):
    """A number that a dtype cannot represent.

    Since: 0.2.
    """


class DataError(MinigradError, RuntimeError):
    """Data that is missing, damaged or empty, or that could not be downloaded.

    Since: 0.1.
    """


class CheckpointError(MinigradError, RuntimeError):
    """A checkpoint that cannot be read, or that does not match the model.

    Since: 0.1.
    """


class DrawError(MinigradError, RuntimeError):
    """A picture that cannot be drawn or written.

    Since: 0.1.
    """


def pip_install(*packages: str) -> str:
    """Return the command that installs packages for the running Python, for use in a message."""
    import shlex

    python = (
        "python" if sys.platform == "emscripten" else sys.executable or "python"
    )  # in a web page, Python has no executable file
    return shlex.join([python, "-m", "pip", "install", *packages])
