"""Every exception that minigrad raises on purpose.

An error has a stable code to look up in docs/errors.md. It says what is wrong, with the caller's
own numbers; where in the graph (the engine fills that in); the probable cause; and the remedy. Each
class also derives from the built-in exception that a Python programmer would expect, so `except
ValueError` keeps working.
"""

import sys
from collections.abc import Sequence

from .support.text import printable


class MinigradError(Exception):
    """Base of all errors. Its attributes `code`, `what`, `lines`, `where`, `cause` and `remedy`
    make up the message.

    `lines` is a list that goes below `what`, an item on each line. A line break anywhere else, as
    in a tensor's name, is shown as an escape, and so are control characters.

    >>> raise ShapeError("MG101", "MultiplyGate cannot multiply (2, 3) by (4, 5)",
    ...                  cause="the inner sizes 3 and 4 differ", remedy="transpose one of them")
    Traceback (most recent call last):
    minigrad.errors.ShapeError: [MG101] MultiplyGate cannot multiply (2, 3) by (4, 5)
      cause:  the inner sizes 3 and 4 differ
      remedy: transpose one of them
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
    """A path, or a name from a file, as messages show it: nothing that confuses a terminal, and not
    endlessly long.

    >>> shown("rnn.cell.W"), shown(""), len(shown("n" * 10_000))
    ('rnn.cell.W', "''", 353)
    """
    text = str(name)
    text = text if text and text.isprintable() else repr(text)
    return text if len(text) <= 400 else f"{text[:300]}...{text[-50:]}"


def reason(error: BaseException) -> str:
    """Why something failed, in a few words: what the system said of a file, or what the exception
    says.
    """
    return getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__


class ShapeError(MinigradError, ValueError):
    """Shapes that do not fit together."""


class DtypeError(MinigradError, TypeError):
    """A dtype, or a kind of value, that an operation cannot take."""


class GradientError(MinigradError, RuntimeError):
    """A gradient that cannot be computed, or that would be wrong."""


class UnsupportedError(MinigradError, TypeError):
    """A NumPy function on a Tensor, for which there is no gate; a call with arguments that a
    function does not take.
    """


class UnknownNameError(MinigradError, AttributeError):
    """A name that a Tensor, a layer, an optimizer or a module does not have."""


class UnknownImportError(MinigradError, ModuleNotFoundError):
    """A module, or a name in one, that cannot be imported because there is none."""


class OptionError(MinigradError, ValueError):
    """A value that an option cannot take."""


class IndexRangeError(MinigradError, IndexError):
    """An id outside the vocabulary, a label outside the classes, an index outside an axis."""


class NonFiniteError(MinigradError, ArithmeticError):
    """NaN or infinity where a finite number is needed."""


class DataError(MinigradError, RuntimeError):
    """Data that is missing, damaged, empty, or could not be downloaded."""


class CheckpointError(MinigradError, RuntimeError):
    """A checkpoint that cannot be read, or that does not fit the model it is loaded into."""


class DrawError(MinigradError, RuntimeError):
    """A picture that cannot be drawn or written."""


def pip_install(*packages: str) -> str:
    """The command that installs packages for the Python that runs, to be copied: the remedy if one
    is missing.
    """
    import shlex

    python = (
        "python" if sys.platform == "emscripten" else sys.executable or "python"
    )  # a page has no interpreter's file
    return shlex.join([python, "-m", "pip", "install", *packages])
