"""The result of `mg.compare`: the first difference between two graphs, as an object and as text."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...drawing.columns import two_columns
from ...drawing.render import suffix_of
from ...explorer.pair import pair_page
from ...graph import Array, Node
from ...support.text import printable
from ..anomaly import title
from .alignment import kind_of

Pair = tuple[Node | None, Node | None]

SEEDS = "Use the same data, and call mg.seed(0) before each model is made. Then compare again."

ROUNDING = 1_000
"""Two arrays are equal if no element differs by more than this many units of rounding, relative to
the largest element. A unit is 1.2e-7 in float32 and 2.2e-16 in float64; if the dtypes differ, the
larger unit counts. Sums of some thousand terms in another order differ by less than 100 units, and
a few hundred gates multiply this by less than 10. The leaves, which no gate has rounded, must agree
within 4 units."""

SENTENCES = {
    "equal": "The graphs are equal: all gates, values and gradients agree.",
    "written differently": "The graphs compute the same values and gradients, but are written "
    "differently, first here:",
    "parameter": f"The first difference is a parameter: it has other values. {SEEDS}",
    "input": f"The first difference is an input: it has other values. {SEEDS}",
    "constant": "The first difference is a constant.",
    "shape": "The first difference is a shape.",
    "dtype": "The first difference is a dtype.",
    "gate": "The first difference is a gate: {a} has {x} where {b} has {y}.",
    "only in a": "The first difference is a gate that only {a} has: {group}.",
    "only in b": "The first difference is a gate that only {b} has: {group}.",
    "setting": "The first difference is a setting of {x}.",
    "order": "The first difference is the order of the inputs of {x}.",
    "wiring": "The first difference is an input of {x}: {p} in {a}, and {q} in {b}.",
    "value": "The first difference is a value: {x} computes something else from the same inputs.",
    "cut": "All values agree so far, but here the gradient stops in only one of the graphs.",
    "gradient": "All values agree. Starting at the loss, this is the first gradient that differs.",
}


@dataclass(repr=False)
class Comparison:
    """The result of `mg.compare`. It is true if the graphs are equal, and `str()` explains it.

    - `kind`: the kind of the first difference. `compare` lists the kinds.
    - `a`, `b`: the nodes of the first difference, or None.
    - `users`: if these nodes are inputs of gates, the two gates.
    - `before`, `follows`: the number of pairs of gates that are equal before the difference, and of
      those that differ after it. For a gradient, "after" means nearer to the parameters.
    - `partners`: the node of `b` for each node of `a` that has a partner.
    - `roots`: the last nodes of both graphs.
    - `names`: what the text calls the two graphs.
    - `by_chance`: whether the values agree, but would not for other parameters.
    - `group`: for a gate that only one graph has, this gate and those after it that the
      other graph does not have either.
    - `gradients`: for a gradient, those of all nodes of both graphs.
    """

    kind: str
    a: Node | None
    b: Node | None
    users: Pair
    before: int
    follows: int
    partners: dict[Node, Node]
    roots: tuple[Node, Node]
    names: tuple[str, str]
    by_chance: bool = False
    group: list[Node] = field(default_factory=list)
    gradients: tuple[dict[Node, Array], dict[Node, Array]] | None = field(
        default=None
    )

    @property
    def equal(self) -> bool:
        """Whether all values and gradients are equal."""
        return self.kind in ("equal", "written differently")

    @property
    def arrays(self) -> tuple[Array | None, Array | None]:
        """The values, or for "gradient" the gradients, of both nodes. None stands for a missing one."""
        if (
            self.gradients is not None
            and self.a is not None
            and self.b is not None
        ):
            return self.gradients[0].get(self.a), self.gradients[1].get(
                self.b
            )
        one, other = [
            None if node is None else node.output
            for node in (self.a, self.b)
        ]
        return one, other

    @property
    def index(self) -> tuple[int, ...] | None:
        """The position of the largest difference, or None if the arrays cannot be compared."""
        one, other = self.arrays
        if (
            one is None
            or other is None
            or one.shape != other.shape
            or not one.size
        ):
            return None
        gap = difference(one, other)
        return tuple(map(int, np.unravel_index(gap.argmax(), gap.shape)))

    @property
    def largest(self) -> float | None:
        """The largest difference between two elements, or None if there is none to compare."""
        one, other = self.arrays
        if one is None or other is None or self.index is None:
            return None
        return float(difference(one, other)[self.index])

    def differing(self) -> list[tuple[Node, Node]]:
        """Return the partners whose values differ."""
        return [
            (x, y)
            for x, y in self.partners.items()
            if x.shape != y.shape or not close(x.output, y.output)
        ]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the result to a file: .html for a page in which both graphs step together, and .svg,
        .png, .pdf or .dot for a picture in two columns.

        Errors: as for `mg.explore` and `mg.draw`.
        """
        if Path(path).suffix == ".html":
            return pair_page(self, Path(path))
        suffix_of(path)
        return two_columns(self).save(path)

    def _repr_mimebundle_(self, **formats: Any) -> dict[str, str]:
        return two_columns(self)._repr_mimebundle_() | {
            "text/plain": str(self)
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        sides = []
        for name, node, user in zip(
            self.names, (self.a, self.b), self.users, strict=True
        ):
            place = user or node
            sides.append(
                {
                    "name": name,
                    "gate": node and (kind_of(node) or node.name or "leaf"),
                    "shape": node and node.shape,
                    "dtype": node and str(node.dtype),
                    "scope": place and "/".join(place.scope),
                    "source": place and place.source,
                }
            )
        return {
            "equal": self.equal,
            "kind": self.kind,
            "sides": sides,
            "largest": self.largest
            if np.isfinite(self.largest or 0)
            else str(self.largest),
            "index": self.index,
            "before": self.before,
            "follows": self.follows,
            "text": str(self),
        }

    def __bool__(self) -> bool:
        return self.equal

    def __repr__(self) -> str:
        return printable(f"<Comparison: {self.headline}>")

    @property
    def headline(self) -> str:
        """The first sentence of the text."""
        words = {"x": _called(self.a), "y": _called(self.b)}
        before = [
            node.predecessors if node else () for node in (self.a, self.b)
        ]
        called = [
            tuple(map(_called, nodes))
            for nodes in zip(*before, strict=False)
        ]
        other = [
            ("another node", "another node"),
            *(pair for pair in called if pair[0] != pair[1]),
        ]
        words["p"], words["q"] = other[-1]
        words["group"] = _called(self.a or self.b)
        if len(self.group) > 1:
            words["group"] += ", followed by " + ", ".join(
                map(_called, self.group[1:4])
            )
        return SENTENCES[self.kind].format(
            a=self.names[0], b=self.names[1], **words
        )

    def __str__(self) -> str:
        lines = [self.headline]
        sides = zip(
            self.names,
            (self.a, self.b),
            self.users,
            self.arrays,
            strict=True,
        )
        for name, node, user, array in sides:
            if node is not None:
                lines.append(
                    f"  {name}: {self._described(node, user, array)}"
                )
            elif self.kind != "equal":
                lines.append(f"  {name}: nothing")
        if self.largest and self.kind != "dtype":
            at = f" at {list(self.index)}" if self.index else ""
            lines.append(
                f"The largest difference is {self.largest:.4g}{at}."
            )
        shapes = [
            node.shape
            for node in (self.a, self.b)
            if node and not node.requires_grad
        ]
        if (
            self.kind == "shape"
            and len(shapes) == 2
            and shapes[0][1:] == shapes[1][1:]
        ):
            rows = " and ".join(f"{shape[0]} rows" for shape in shapes)
            lines.append(
                f"If the first axis is the batch, the batches have {rows}."
            )
        if self.by_chance:
            lines.append(
                "Here both compute the same, but not for other values of the parameters."
            )
        if not self.equal:
            place = (
                "nearer to the loss"
                if self.kind == "gradient"
                else "before it"
            )
            lines.append(
                f"Pairs of gates: {self.before} {place} are equal, {self.follows} after it differ."
            )
        return printable_lines(lines)

    def _described(
        self, node: Node, user: Node | None, array: Array | None
    ) -> str:
        name = title(node, inside=True)
        if node.gate is None and user is not None:
            name = f"{_called(node)}, used by {title(user, inside=True)}"
        if self.kind in ("setting", "order") and node.gate is not None:
            name += f", {node.gate!r}"
        what = "its gradient" if self.kind == "gradient" else "its value"
        if array is None:
            return f"{name}; {what} is missing"
        at = f" at {list(self.index)}" if self.index else ""
        value = (
            f"{what}{at} is {array[self.index]:.6g}"
            if self.index is not None
            else ""
        )
        return f"{name}; {node.shape} {node.dtype}" + (
            f"; {value}" if value else ""
        )


def printable_lines(lines: list[str]) -> str:
    """Join lines of which each is printable."""
    return "\n".join(map(printable, lines))


def _called(node: Node | None) -> str:
    if node is None:
        return "nothing"
    origin = getattr(node, "origin", "created")
    made = "" if origin in ("created", "cut") else f" ({origin})"
    return kind_of(node) or (node.name or "a leaf") + made


def difference(one: Array, other: Array) -> Array:
    """Return |one - other| in float64. Equal infinities, and two NaN, differ by 0."""
    one, other = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore"):
        gap = np.abs(one - other)
    gap = np.where(
        (one == other) | (np.isnan(one) & np.isnan(other)), 0.0, gap
    )
    return np.where(np.isnan(gap), np.inf, gap)


def close(
    one: Array, other: Array, units: float = ROUNDING, least: float = 0.0
) -> bool:
    """Return whether two arrays have the same shape, and the same values up to rounding."""
    if one.shape != other.shape:
        return False
    floats = [
        array.dtype for array in (one, other) if array.dtype.kind == "f"
    ]
    unit = max((np.finfo(dtype).eps for dtype in floats), default=0.0)
    sizes = [
        np.abs(array[np.isfinite(array)]).max(initial=0)
        for array in (one, other)
    ]
    return bool(
        (difference(one, other) <= units * unit * max(*sizes, least)).all()
    )
