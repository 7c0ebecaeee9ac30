"""The explorer: a recorded graph as one HTML page that steps through it, forward and backward. Knows no server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..arrays import Array
from ..backward import start
from ..checks import describe
from ..errors import DtypeError, GradientError, OptionError
from ..files import write_whole
from ..graph import Node
from ..tensor import Tensor
from ..timesteps import PATTERN
from .collect import collect_graph
from .page import build, frame

__all__ = ["Page", "explore"]


class Page:
    """A page that was made: `html` is its whole text, `path` where it was written. Displays itself in a notebook."""

    def __init__(self, html: str, path: Path | None) -> None:
        self.html, self.path = html, path

    def __repr__(self) -> str:
        return f"<Page of {len(self.html.encode(errors='replace')):,} bytes{f' at {self.path}' if self.path else ''}>"

    def _repr_html_(self) -> str:
        return frame(self.html)


def explore(output: Tensor, path: str | os.PathLike[str] | None = None, *, words: Sequence[str] = ()) -> Page:
    """Make a page that steps through the graph behind `output`: every gate forward, every gradient backward.

    The page is one HTML file that opens from disk in any browser of today, with no network. Its backward pass starts
    with the upstream gradient of the last `output.backward(...)`, or with 1 for a scalar, and does not touch any
    `.grad`. Without `path` nothing is written: a notebook shows the page as the cell's result.

    `words` stand along the time steps: for a recurrent network, one for each step.

    >>> a, b = Tensor(2.0, requires_grad=True, name="a"), Tensor(-3.0, requires_grad=True, name="b")
    >>> page = explore(np.tanh(a * b + 5.0))
    >>> page.html[:15]
    '<!doctype html>'

    Errors: DtypeError for what is not a Tensor; GradientError where nothing was recorded, and for an `output` that is
    no scalar and has had no `backward(upstream)`; OptionError for a path that cannot be written or does not end in
    .html, and for a number of words that is not that of the steps.

    Source: reverse accumulation, Griewank and Walther, Evaluating Derivatives (2008), ch. 3.
    """
    node = _root(output)
    target = None if path is None else _target(path)
    words = list(words)
    data = collect_graph(node, node.upstream if node.upstream is not None else _one(node), words)
    steps = [column for column in data["columns"] if column["kind"] == "step"]
    if words and len(words) != len(steps):
        raise OptionError(
            "MG804",
            f"{len(words)} words were given for {len(steps)} time steps",
            cause="each word stands at the step that reads it"
            if steps
            else f"the graph has no scopes that match {PATTERN!r}, which is how an unroller names its steps",
            remedy="give one word for each step, padding included, or none",
        )
    page = build(data)
    if target is not None:
        try:
            write_whole(target, lambda file: file.write(page.encode(errors="backslashreplace")))
        except OSError as error:
            raise OptionError(
                "MG803",
                f"the page cannot be written to {str(target)!r}",
                cause=str(error.strerror or error),
                remedy="name a file in a folder that exists and that you may write to",
            ) from None
    return Page(page, target)


def _root(output: Tensor) -> Node:
    if not isinstance(output, Tensor):
        raise DtypeError(
            "MG801",
            f"explore shows the graph behind a Tensor, not {type(output).__name__}",
            cause="an array or a number does not know how it was computed",
            remedy="pass the loss as the gates returned it, not its .array or .item()",
        )
    node = output.node
    if node.gate is None and node.requires_grad:
        raise GradientError(
            "MG802",
            f"{describe(node)} is a leaf: no gate made it, so there is nothing to step through",
            cause="a parameter has no computation behind it",
            remedy="pass what was computed from it, such as the loss",
        )
    return node


def _one(node: Node) -> Array:
    """What `backward` starts with at a scalar, also at NaN; else the error that it would give."""
    if node.requires_grad and node.output.size == 1:
        return np.ones(node.output.shape, node.output.dtype)
    return start(node, None)


def _target(path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise OptionError(
            "MG805",
            f"the explorer writes .html, and {str(target)!r} ends otherwise",
            cause="browsers tell what a file is by its ending",
            remedy=f"name it {target.with_suffix('.html').name!r}; for a picture, use mg.draw",
        )
    return target
