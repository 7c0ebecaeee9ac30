"""Create explorer pages: `explore` makes an HTML page that steps through a recorded graph."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..context import enable_grad
from ..errors import DtypeError, GradientError, OptionError
from ..gradient_checker import GradientReport
from ..graph import Array, Node
from ..help.engine_errors import describe, nothing_recorded
from ..support.text import counted
from ..tensor import Tensor
from .collect import collect_graph
from .page import build, frame, save

__all__ = ["Page", "explore"]


@dataclass
class Page:
    """A finished page. A notebook displays a Page that is the result of a cell.

    `html` is the HTML text. `path` is the file that the page was written to, or None.
    """

    html: str = field(repr=False)
    path: Path | None

    def _repr_html_(self) -> str:
        return frame(self.html)


def explore(
    output: Tensor,
    path: str | os.PathLike[str] | None = None,
    *,
    words: Sequence[str] = (),
    report: GradientReport | None = None,
) -> Page:
    """Make a page that steps through the graph of `output`, forward and backward, gate by gate.

    The page is a single HTML file, which any modern browser can open from disk without a network
    connection. The page's backward pass starts from the upstream gradient of the last
    `output.backward(...)` call, or from 1 for a scalar. Exploring does not change any `.grad`.

    - `path`: the file to write. Without `path`, no file is written. In a notebook, the page is
      displayed as the cell's result.
    - `words`: labels for the time steps of a recurrent network, one for each step.
    - `report`: the result of `gradcheck` for the same computation. The page then opens at the first
      gate with a wrong rule, marks it, and shows its gradients next to the measured gradients.

    >>> a, b = Tensor(2.0, requires_grad=True, name="a"), Tensor(-3.0, requires_grad=True, name="b")
    >>> page = explore(np.tanh(a * b + 5.0))
    >>> page.html[:15]
    '<!doctype html>'

    Errors: DtypeError for anything but a Tensor; GradientError if nothing was recorded, or if
    `output` is not a scalar and `backward(upstream)` was not called; OptionError if `path` cannot
    be written, if the number of words differs from the number of time steps, if the report is for a
    different computation, or if the graph is too large for a page.

    Source: reverse accumulation, Griewank and Walther, Evaluating Derivatives (2008), ch. 3.

    Since: 0.1.
    """
    node = _root(output)
    target = None if path is None else Path(path)
    words = list(map(str, words))
    upstream = _one(node) if node.upstream is None else node.upstream
    data = collect_graph(node, upstream, words, report)
    steps = sum(column["kind"] == "step" for column in data["columns"])
    if words and len(words) != steps:
        raise OptionError(
            "MG804",
            f"got {counted(len(words), 'word', 'words')} for "
            f"{counted(steps, 'time step', 'time steps')}",
            cause="each word labels the step that reads it; the steps are the scopes named t00, "
            "t01, ..., or else the steps of a loop",
            remedy="pass one word for each step, including padding, or leave out words=",
        )
    page = build(data)
    if target is not None:
        save(page, target)
    return Page(page, target)


def _root(output: Tensor) -> Node:
    if not isinstance(output, Tensor):
        raise DtypeError(
            "MG801",
            f"explore needs a Tensor, not {type(output).__name__}",
            cause="arrays and numbers do not record how they were computed",
            remedy="pass the loss Tensor itself, not its .array or .item()",
        )
    node = output.node
    if node.gate is None and node.requires_grad:
        raise GradientError(
            "MG802",
            f"{describe(node)} is a leaf, so there is no computation to step through",
            cause="a leaf, such as a parameter, is not the result of a gate",
            remedy="pass a tensor that was computed from it, such as the loss",
        )
    return node


def _one(node: Node) -> Array:
    """Return the upstream gradient for a scalar on which `backward` was not called. It is 1."""
    if not node.requires_grad:
        with enable_grad():  # the error must not blame a surrounding no_grad
            raise nothing_recorded(node)
    if node.output.size != 1:
        raise GradientError(
            "MG806",
            f"cannot explore {describe(node)}: it is not a single number and has no gradient yet",
            cause="the page shows the gradients of a single number, but this tensor has "
            f"{node.output.size} elements",
            remedy="explore t.sum() or t.mean(), or first call t.backward(upstream) with an array "
            "of t's shape",
        )
    return np.ones(node.output.shape, node.output.dtype)
