"""List a model's layers with their output shapes, parameters, bytes and operations (`summary`)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from minigrad import enable_grad
from minigrad.context import ANY_STEP, Scope, step_of
from minigrad.debug.unchanged import unchanged
from minigrad.graph import Array, Node
from minigrad.support.notebook import table
from minigrad.support.text import table as text_table

from .run import evaluating


@dataclass
class Line:
    """A line of the table, for one scope of the model. Shared parameters are counted only in the
    first scope that uses them.
    """

    scope: str
    layer: str
    output: tuple[int, ...]
    parameters: int
    bytes: int
    flops: int


@dataclass(repr=False)
class Summary:
    """The table of a model's scopes. Print this object to see the table. `bytes` is the size of the
    recorded outputs, and `flops` is the number of operations in one forward pass.

    Since: 0.1.
    """

    lines: list[Line]
    parameters: int
    frozen: int
    parameter_bytes: int

    def _rows(self) -> list[list[str]]:
        """Return the lines and the total, as strings."""
        used = sum(line.bytes for line in self.lines)
        flops = sum(line.flops for line in self.lines)
        lines = [*map(astuple, self.lines), ("total", "", "", self.parameters, used, flops)]
        return [[*map(str, line[:3]), *map("{:,}".format, line[3:])] for line in lines]

    def _total(self) -> str:
        frozen = f", {self.frozen:,} of them frozen" if self.frozen else ""
        return f"{self.parameters:,} parameters{frozen}: {self.parameter_bytes:,} bytes"

    def __repr__(self) -> str:
        *lines, total = self._rows()
        return f"{text_table(_HEAD, lines, total, names=3)}\n{self._total()}"

    def _repr_html_(self) -> str:
        return table(self._total(), _HEAD, self._rows())


_HEAD = ["scope", "layer", "output", "parameters", "bytes", "flops"]


def summary(model: Any, *inputs: Any) -> Summary:
    """Call the model once, in evaluation mode, and list the outputs and costs of its scopes.

    All time steps share one line (`t00 … t39`). Each parameter is counted once, even if it is used
    several times. Frozen parameters are included.

    >>> import numpy as np
    >>> from layers import Dense, Embedding, RNN, Sequential
    >>> model = Sequential(Embedding(100, 8), RNN(8, 4), Dense(4, 2))
    >>> table = summary(model, np.zeros((1, 5), int))
    >>> table.parameters                       # 100*8 + 8*4 + 4*4 + 4 + 4*2 + 2
    862
    >>> table.lines[-1]
    Line(scope='sequential/dense', layer='Dense', output=(1, 2), parameters=10, bytes=16, flops=18)

    Errors: any errors from calling the model.

    Since: 0.1.
    """
    from minigrad.drawing import Graph

    parameters = model.named_parameters()
    trained = {tensor.node for tensor in parameters.values()}
    frozen = [tensor for tensor in parameters.values() if not tensor.requires_grad]
    try:
        for tensor in frozen:  # a gate is recorded only if an input requires a gradient
            tensor.requires_grad = True
        with evaluating(model, training=False), unchanged(model), enable_grad():
            nodes = Graph(model(*inputs)).nodes
    finally:
        for tensor in frozen:
            tensor.requires_grad = False
    return Summary(
        lines_of(nodes, trained, getattr(model, "named_layers", dict)()),
        parameters=sum(tensor.size for tensor in parameters.values()),
        frozen=sum(tensor.size for tensor in frozen),
        parameter_bytes=sum(tensor.array.nbytes for tensor in parameters.values()),
    )


def lines_of(
    nodes: Iterable[Node], parameters: Collection[Node], layers: Mapping[str, Any]
) -> list[Line]:
    """Return a line for each scope, in the order of recording. All time steps share a line."""
    from minigrad.drawing.boxes import name_steps

    scopes: dict[Scope, list[Node]] = {}
    steps: dict[Scope, set[int]] = {}
    counted: set[int] = set()
    size: dict[Node, int] = {}
    # Leaves come first, because a gate's output may be a view of an array that a leaf owns.
    for node in sorted(nodes, key=lambda node: node.gate is not None):
        size[node] = _held(node.output, counted)
        if node.gate is None:
            continue
        scope = node.scope
        if place := step_of(scope):
            outer, step, inner = place
            scope = (*outer, ANY_STEP, *inner)
            steps.setdefault(scope, set()).add(step)
        scopes.setdefault(scope, []).append(node)
    lines = []
    seen: set[Node] = set()
    for scope, gates in scopes.items():
        used = {leaf for node in gates for leaf in node.inputs if leaf in parameters}
        names = (name_steps(steps[scope]) if name == ANY_STEP else name for name in scope)
        layer = layers.get(".".join(name for name in scope[1:] if name != ANY_STEP))
        lines.append(
            Line(
                scope="/".join(names) or "(top level)",
                layer="" if layer is None else type(layer).__name__,
                output=gates[-1].shape,
                parameters=sum(leaf.output.size for leaf in used - seen),
                bytes=sum(size[node] for node in gates),
                flops=sum(map(_flops, gates)),
            )
        )
        seen |= used
    return lines


def _flops(node: Node) -> int:
    shapes = [array.shape for array in node.arrays]
    return int(node.gate.flops(node.shape, *shapes))


def _held(array: Array, counted: set[int]) -> int:
    """Return the number of bytes that an array keeps alive, or 0 if they are already counted.

    A view keeps its entire base array alive.
    """
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    if id(owner) in counted:
        return 0
    counted.add(id(owner))
    return owner.nbytes
