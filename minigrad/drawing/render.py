"""Turn DOT text into a picture file.

Graphviz's program `dot` draws the picture. If `dot` is not installed, `graphviz-pure` is used
instead, which you can install with pip. In an environment that cannot start programs, such as a
browser, pass a drawing function to `set_renderer`.
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
    """Draw every SVG with `svg_of`, a function from DOT text to SVG text. None restores Graphviz.

    In a browser, pass a JavaScript renderer such as viz-js's `renderString`. `draw`, `Graph` and
    `Drawing` then use the renderer for files and in notebooks. If the renderer raises an exception,
    they raise DrawError MG608.

    >>> from minigrad import Graph, Tensor
    >>> set_renderer(lambda dot: f"<svg>{dot.splitlines()[0]} ...</svg>")
    >>> Graph(Tensor([3.0], requires_grad=True) ** 2)._repr_mimebundle_()["image/svg+xml"]
    '<svg>digraph minigrad { ...</svg>'
    >>> set_renderer(None)

    Source of the DOT language: https://graphviz.org/doc/info/lang.html.
    """
    global _renderer
    _renderer = svg_of


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Return the file format that the path's suffix selects."""
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in SUFFIXES:
        reason = f"the format {suffix!r} is not supported" if suffix else "it has no suffix"
        raise OptionError(
            "MG602",
            f"cannot draw to {os.fspath(path)!r}: {reason}",
            cause="the suffix of the path selects the format",
            remedy=f"end the path with one of .{', .'.join(SUFFIXES)}",
        )
    return suffix


def render(text: str, suffix: str) -> bytes:
    """Draw DOT text and return the contents of a file in the format `suffix`."""
    if suffix == "dot":
        return text.encode()
    if suffix == "svg" and _renderer is not None:
        try:
            return _renderer(text).encode()
        except Exception as error:  # Pyodide raises JavaScript errors as its own exception type
            raise _failed("the renderer", suffix, str(error)) from error
    if sys.platform == "emscripten":
        raise DrawError(
            "MG607",
            f"cannot draw a .{suffix} file here",
            cause="Python in WebAssembly cannot start the Graphviz program",
            remedy="pass a drawing function to minigrad.drawing.set_renderer, and use a path that "
            "ends in .svg",
        )
    import graphviz

    try:
        return bytes(graphviz.pipe("dot", suffix, text.encode(), quiet=True))
    except graphviz.ExecutableNotFound:
        pass
    except subprocess.CalledProcessError as error:
        raise _failed("dot", suffix, error.stderr.decode(errors="replace")) from None
    pure = pure_program()
    if pure is None:
        raise DrawError(
            "MG607",
            "the program `dot` was not found",
            cause="pictures are laid out by Graphviz, which is not a Python package",
            remedy="install Graphviz with your system's package manager or from "
            f"https://graphviz.org/download/; for PNG and SVG, `{pip_install('graphviz-pure')}` "
            "is enough",
        )
    # graphviz-pure accepts a single font name, not a list. Its PNG fonts do not contain ⊙.
    text = text.replace(quoted(FONT), '"Helvetica"')
    if suffix == "png":
        text = text.replace("⊙", "○")
    done = subprocess.run([pure, f"-T{suffix}"], input=text.encode(), capture_output=True)
    if done.returncode != 0:
        raise _failed("graphviz-pure", suffix, done.stderr.decode(errors="replace"))
    return done.stdout


def pure_program() -> str | None:
    """Find `graphviz-pure` in Python's scripts folder, where pip installs it, or on the PATH."""
    name = "graphviz-pure"
    return shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)


def _failed(program: str, suffix: str, said: str) -> DrawError:
    other = "" if suffix == "svg" else "try .svg, "
    return DrawError(
        "MG608",
        f"{program} could not draw this graph: {' '.join(said.split())[-300:]}",
        cause=f"the picture may be too large, or this installation may not support .{suffix}",
        remedy=f"{other}draw a smaller part of the graph with depth= or window=, or write the "
        ".dot text instead",
    )


def save(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a picture to a file. If writing fails, no partial file remains."""
    target = Path(path)
    try:
        write_whole(target, lambda file: file.write(content))
    except OSError as error:
        remedy = "choose a folder that is writable, or free some disk space"
        if isinstance(error, FileNotFoundError):
            remedy = f"create the folder first with `mkdir -p {quote(str(target.parent))}`, or choose another path"
        raise DrawError(
            "MG606",
            f"cannot write the picture to {os.fspath(path)!r}",
            cause=error.strerror or str(error),
            remedy=remedy,
        ) from None
    return target
