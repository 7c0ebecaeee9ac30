"""Provide the public interface for drawing: `draw`, `Graph` and `Drawing`."""

import numbers
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..context import enable_grad
from ..errors import DrawError, DtypeError, OptionError
from ..gates.fused.unfuse import UNFUSED
from ..graph import Leaf, Node
from ..help.engine_errors import describe, nothing_recorded
from ..support.text import printable
from ..tensor import Tensor, from_node
from .boxes import Box, Link, connect, history
from .colour import STYLES
from .description import description
from .dot import write
from .facts import Gradients, gates_and_leaves
from .grid import Grid
from .labels import Words, shortened, size_of
from .modes import MODES, check_size, choose
from .render import render, save, suffix_of

DPI = 144  # pixels per inch in a PNG, which doubles its natural size
# The maximum length of a PNG's longer side, in pixels. Larger files take seconds to write, and few
# viewers can open them.
PIXELS = 14_000


class Graph:
    """The recorded graph of one or several Tensors: all nodes that the Tensors depend on, oldest
    first.

    A notebook displays the picture of a Graph that is the result of a cell.

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> graph = Graph((x * x).sum())
    >>> len(graph), [node.gate.name for node in graph if node.gate]
    (3, ['Hadamard', 'Sum'])

    Errors: DtypeError for anything but Tensors.

    Since: 0.1.
    """

    def __init__(self, output: Tensor | Sequence[Tensor]) -> None:
        outputs: list[Any] = list(output) if isinstance(output, (list, tuple)) else [output]
        if not outputs or not all(isinstance(one, Tensor) for one in outputs):
            given = ", ".join(type(one).__name__ for one in outputs) or "an empty list"
            raise DtypeError(
                "MG601",
                f"drawing needs a Tensor or a list of Tensors, not {given}",
                cause="arrays and numbers do not record how they were computed",
                remedy="pass the loss or any other Tensor, not its .array or .item()",
            )
        self.roots: list[Node] = list(dict.fromkeys(one.node for one in outputs))
        self.nodes = history(self.roots)

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __repr__(self) -> str:
        return f"<Graph of {gates_and_leaves(self.nodes)}>"

    def draw(self, **options: Any) -> "Drawing":
        """Draw the graph. Takes the same options as the function `draw`."""
        return draw([from_node(root) for root in self.roots], **options)

    def dot(self, **options: Any) -> str:
        """Return the picture as DOT text. Takes the same options as the function `draw`."""
        return self.draw(**options).dot

    def _repr_mimebundle_(self, **formats: Any) -> dict[str, str]:
        return self.draw()._repr_mimebundle_()


@dataclass(eq=False, repr=False)
class Drawing:
    """A finished picture. A notebook displays a Drawing that is the result of a cell.

    - `dot`: the picture as DOT text.
    - `mode`: the drawing mode that was used.
    - `caption`: the text below the picture.
    - `path`: the file that the picture was saved to, or None.
    - `description`: the picture in words, for readers who cannot see it: a line about the whole, and a
      line for each box.
    """

    dot: str
    mode: str
    caption: str
    _longest: float
    path: Path | None = None
    description: str = ""

    def __repr__(self) -> str:
        where = f" in {self.path}" if self.path else ""
        colon = ": " if self.caption else ""
        return printable(f"<Drawing, {self.mode}{where}{colon}{self.caption}>")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture in the format of the path's suffix, and return the path."""
        suffix = suffix_of(path)
        text = self.dot
        if suffix == "png":
            dpi = min(DPI, int(72 * PIXELS / max(self._longest, 1.0)))
            text = text.replace("{", f'{{\n  graph [dpi="{max(dpi, 10)}"];', 1)
        try:
            content = render(text, suffix)
        except DrawError as error:
            if error.code == "MG607":
                written = save(Path(path).with_suffix(".dot"), self.dot.encode())
                error.where = (
                    f"{written} contains the graph as DOT text, which any Graphviz can draw"
                )
            raise
        self.path = save(path, content)
        return self.path

    def _repr_mimebundle_(self, **formats: Any) -> dict[str, str]:
        try:
            return {"image/svg+xml": render(self.dot, "svg").decode(), "text/plain": repr(self)}
        except DrawError as error:  # show the message without a traceback
            return {"text/plain": f"{self!r}\n{error}"}


def draw(
    output: Tensor | Sequence[Tensor], path: str | os.PathLike[str] | None = None, *, mode: str = "auto",
    window: tuple[int, int] | None = None, depth: int | None = None, opened: str | Sequence[str] = (),
    values: bool = False, grads: bool = False,
) -> "Drawing":  # fmt: skip
    """Draw the graph of `output`, a Tensor or a list of Tensors.

    - `path`: the file to write, which ends in .png, .svg, .pdf or .dot. Without `path`, no file is
      written.
    - `mode`: "unrolled" draws every gate, with a column for each time step. "rolled" draws time
      steps with the same structure only once, with the state as a loop. Equal blocks, such as the
      scopes `block[0]` to `block[3]`, are also drawn only once. "auto" picks the more readable
      of these modes, and folds parts of a large graph. The result's `mode` is the mode that was
      used.
    - `window=(t0, t1)`: draw the time steps from t0 to t1, inclusive, in full and fold the others.
    - `depth=n`: draw each scope at nesting depth n as a single box. With `depth=1`, each layer is
      one box. A model's own scope around its layers does not count.
    - `opened`: the name of a scope, or a list of names. If such a scope would be a single box, its
      gates are drawn instead, and each scope in it as a box.
    - `values`: show small arrays in full, and the range, mean and norm of large arrays.
    - `grads`: show the norms of gradients. Arrows with larger gradients are thicker and darker.

    Returns a Drawing, which displays itself in a notebook and can be saved. Read the picture from
    the bottom up: inputs are at the bottom, and the loss is at the top. If nothing was recorded,
    the caption explains why.

    >>> x = Tensor([[1.0, 2.0]], name="x")
    >>> W = Tensor([[0.5], [-1.0]], requires_grad=True, name="W")
    >>> picture = draw((x @ W).sum())
    >>> picture.dot.splitlines()[0]
    'digraph minigrad {'

    Errors: DtypeError for anything but Tensors; OptionError for an invalid option or suffix, for a
    window outside the graph's time steps, for a name that no scope has, or for a picture that is
    too large; DrawError if the path cannot be written or no drawing program is available (the DOT
    text is still written).
    Source: the unrolled picture follows Goodfellow, Bengio and Courville, Deep Learning (2016),
    section 10.1.

    Since: 0.1.
    """
    if path is not None:
        suffix_of(path)  # reject an unsupported suffix before starting the work
    graph = Graph(output)
    _check(mode, depth)
    gates = [node for node in graph if node.gate]
    names = [opened] if isinstance(opened, str) else opened
    box_of, picked, reason = choose(gates, mode, window, depth, names)
    boxes, links = connect(graph.nodes, graph.roots, box_of)
    timed = any(box.band is not None for box in boxes)
    check_size(len(boxes), timed)
    words = Words(Gradients(graph.nodes), values, grads)
    for box in boxes:
        box.face = words.face(box)
        box.size = size_of(box.face, STYLES[box.style]["shape"])
    caption = _caption(graph, boxes, links, reason)
    grid = Grid(boxes, links) if timed else None
    longest = 0.0 if grid is None else max(grid.width, grid.height)
    dot = write(boxes, links, words, caption, grid)
    drawing = Drawing(dot, picked, caption, longest, description=description(boxes, links))
    if path is not None:
        drawing.save(path)
    return drawing


def _check(mode: str, depth: int | None) -> None:
    if mode not in MODES:
        raise OptionError(
            "MG611", f"there is no mode {mode!r}", cause="mode selects how time steps are drawn",
            remedy=f"choose from {', '.join(map(repr, MODES))}; to draw only some steps, use window=(t0, t1)",
        )  # fmt: skip
    if depth is not None and not (isinstance(depth, numbers.Integral) and depth >= 1):
        raise OptionError("MG613", f"depth must be an integer of 1 or more, not {depth!r}",
                          cause="depth limits how many levels of nested scopes are drawn",
                          remedy="use depth=1 to draw each outermost scope as one box")  # fmt: skip


def _caption(
    graph: Graph,
    boxes: list[Box],
    links: list[Link],
    reason: str,
) -> str:
    """Return the caption. It explains the choice of mode, cuts, roots that are leaves, and fused
    gates.
    """
    notes = [reason] if reason else []
    cuts = sorted({shortened(link.label, 60) for link in links if link.kind == "cut"})
    if cuts:
        notes.append(f"No gradient passes the {', the '.join(cuts[:4])}")
        if any(box.starved for box in boxes):
            notes[-1] += "; boxes without a gradient are pale"
        notes[-1] += "."
    for root in graph.roots:
        if isinstance(root, Leaf) and root.origin != "cut":
            notes.append(_nothing_behind(root))
    fused = sorted({node.gate.name for node in graph if type(node.gate) in UNFUSED})
    if fused:
        notes.append(f"Fused gates: {', '.join(fused)}. Use mg.unfuse to draw their parts.")
    return " ".join(notes)


def _nothing_behind(root: Leaf) -> str:
    """Return a sentence that explains why the picture of a leaf is a single box."""
    name = shortened(describe(root), 60)
    if root.origin == "created":
        return f"No gate computed {name}, so there is no graph to draw."
    with enable_grad():
        error = nothing_recorded(root)
    return f"Nothing was recorded for {name}: {error.cause}. To see a graph, {error.remedy}."
