"""Turns DOT text into a picture file: finds a program that draws, runs it, and writes a whole file
or none.

The program is Graphviz's `dot` or, if that is missing, `graphviz-pure`, which pip installs beside
Python. Where no program can be started, as in a browser, `set_renderer` takes a function that
draws.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from shlex import quote

from ..errors import DrawError, OptionError, pip_install
from ..support.files import write_whole
from .labels import FONT, quoted

SUFFIXES = ("png", "svg", "pdf", "dot")
_renderer: Callable[[str], str] | None = None


def set_renderer(svg_of: Callable[[str], str] | None) -> None:
    """Let `svg_of`, a function from DOT text to SVG text, draw every SVG from now on; None goes
    back to Graphviz.

    A page that runs Python in the browser brings its own, such as viz-js's `renderString`. `draw`,
    `Graph` and `Drawing` use it for files and for what a notebook displays. An exception from it
    becomes a DrawError MG608.

    >>> from minigrad import Graph, Tensor
    >>> set_renderer(lambda dot: f"<svg>{dot.splitlines()[0]} ...</svg>")
    >>> Graph(Tensor([3.0], requires_grad=True) ** 2)._repr_mimebundle_()["image/svg+xml"]
    '<svg>digraph minigrad { ...</svg>'
    >>> set_renderer(None)

    Source of the text's format: https://graphviz.org/doc/info/lang.html.
    """
    global _renderer
    _renderer = svg_of


def suffix_of(path: str | os.PathLike[str]) -> str:
    """The format that a path's suffix names."""
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in SUFFIXES:
        raise OptionError(
            "MG602",
            f"cannot draw into {os.fspath(path)!r}: "
            + (f"there is no format {suffix!r}" if suffix else "it has no suffix"),
            cause="the suffix of the path says the format",
            remedy="end the path in ." + ", .".join(SUFFIXES),
        )
    return suffix


def render(text: str, suffix: str) -> bytes:
    """The bytes of a file in that format, drawn from DOT text."""
    if suffix == "dot":
        return text.encode()
    if suffix == "svg" and _renderer is not None:
        try:
            return _renderer(text).encode()
        except Exception as error:  # whatever a renderer raises: JavaScript's errors come as exceptions of Pyodide's
            raise _failed("the renderer", suffix, str(error)) from error
    if sys.platform == "emscripten":
        raise DrawError(
            "MG607",
            f"no .{suffix} can be drawn here",
            cause="Python in WebAssembly cannot start Graphviz, which is a program",
            remedy="end the path in .svg, once minigrad.drawing.set_renderer has been given a "
            "function that draws",
        )
    import graphviz

    try:
        picture: bytes = graphviz.pipe("dot", suffix, text.encode(), quiet=True)
        return picture
    except graphviz.ExecutableNotFound:
        pass
    except subprocess.CalledProcessError as error:
        raise _failed("dot", suffix, error.stderr.decode(errors="replace")) from None
    pure = pure_program()
    if pure is None:
        raise DrawError(
            "MG607",
            "there is no program `dot` here",
            cause="pictures are laid out by Graphviz, which is not a Python package",
            remedy="install Graphviz with your system's package manager or from "
            "https://graphviz.org/download/; for PNG and SVG "
            f"`{pip_install('graphviz-pure')}` is enough",
        )
    # It measures text by a single font name, not a list; and its own fonts, which it uses for PNG,
    # lack ⊙.
    text = text.replace(quoted(FONT), '"Helvetica"')
    if suffix == "png":
        text = text.replace("⊙", "○")
    done = subprocess.run([pure, f"-T{suffix}"], input=text.encode(), capture_output=True)
    if done.returncode != 0:
        raise _failed("graphviz-pure", suffix, done.stderr.decode(errors="replace"))
    return done.stdout


def pure_program() -> Path | None:
    """`graphviz-pure` beside the running Python, where pip puts it, or on the PATH."""
    found = shutil.which("graphviz-pure", path=sysconfig.get_path("scripts")) or shutil.which(
        "graphviz-pure"
    )
    return Path(found) if found else None


def _failed(program: str, suffix: str, said: str) -> DrawError:
    other = "" if suffix == "svg" else "try .svg; "
    return DrawError(
        "MG608",
        f"{program} could not draw this graph: {' '.join(said.split())[-300:]}",
        cause="often too large a picture for its memory, or an installation that cannot write "
        f".{suffix}",
        remedy=f"{other}draw less of the graph (depth=, window=); the .dot text can be written and "
        "looked at",
    )


def save(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a picture, whole or not at all."""
    target = Path(path)
    try:
        write_whole(target, lambda file: file.write(content))
    except OSError as error:
        remedy = "name a file in a folder that you may write to"
        if isinstance(error, FileNotFoundError):
            remedy = f"create the folder first (mkdir -p {quote(str(target.parent))}), or choose another path"
        raise DrawError(
            "MG606",
            f"the picture cannot be written to {os.fspath(path)!r}",
            cause=error.strerror or str(error),
            remedy=remedy,
        ) from None
    return target
