"""List a model's layers with their output shapes, parameters, bytes and operations (`summary`)."""

from dataclasses import astuple, dataclass
from typing import Any

from minigrad import enable_grad
from minigrad.context import ANY_STEP
from minigrad.debug.unchanged import unchanged
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
    """
    from minigrad.drawing import Graph
    from minigrad.drawing.summary import rows

    parameters = model.named_parameters()
    trained = {tensor.node for tensor in parameters.values()}
    frozen = [tensor for tensor in parameters.values() if not tensor.requires_grad]
    try:
        for tensor in frozen:  # a gate is recorded only if an input requires a gradient
            tensor.requires_grad = True
        with evaluating(model, training=False), unchanged(model), enable_grad():
            found = rows(list(Graph(model(*inputs))))
    finally:
        for tensor in frozen:
            tensor.requires_grad = False
    layers: dict[str, Any] = getattr(model, "named_layers", dict)()
    counted: set[Any] = set()
    lines = []
    for row in found:
        new = (row.parameters.keys() & trained) - counted
        counted |= new
        layer = layers.get(".".join(name for name in row.scope[1:] if name != ANY_STEP))
        lines.append(
            Line(
                scope=row.path,
                layer="" if layer is None else type(layer).__name__,
                output=() if row.output is None else row.output.shape,
                parameters=sum(leaf.output.size for leaf in new),
                bytes=row.bytes,
                flops=row.forward,
            )
        )
    return Summary(
        lines,
        parameters=sum(tensor.size for tensor in parameters.values()),
        frozen=sum(tensor.size for tensor in frozen),
        parameter_bytes=sum(tensor.array.nbytes for tensor in parameters.values()),
    )
