"""A recorded graph is a program: its gates can be called again, on new leaves or with changes.

>>> from .tensor import Tensor
>>> w = Tensor(3.0, requires_grad=True)
>>> z = w * w + 1
>>> again(z.node, {w.node: Tensor(5.0)})[z.node].item()
26.0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .graph import Leaf, Node, Shape, ancestors
from .tensor import Tensor, from_node

Change = Callable[[Node, Sequence[Tensor]], Tensor | None]


def again(
    root: Node, values: Mapping[Node, Tensor], change: Change | None = None
) -> dict[Node, Tensor]:
    """Call the gates of a graph again, and return the new Tensor of each node.

    `values` contains Tensors for some nodes, usually the parameters. All other leaves keep their
    arrays. `change(node, inputs)`, if given, is called for each gate. It returns the Tensor to use
    as the gate's output, or None to call the gate.

    With the parameters' former values, the outputs are equal to the recorded ones, bit for bit,
    because everything random, such as a mask of dropout, is a leaf of the graph.

    Errors: any errors from the gates, for values of the wrong shape.
    """
    made = dict(values)
    for node in reversed(ancestors([root])):
        if node in made:
            continue
        if node.gate is None:
            made[node] = from_node(node)
            continue
        inputs = [made[parent] for parent in node.inputs]
        replaced = change(node, inputs) if change is not None else None
        made[node] = node.gate(*inputs) if replaced is None else replaced
    return made


class Outline(NamedTuple):
    """The shape and dtype of an output that was not kept."""

    shape: Shape
    dtype: np.dtype[Any]


def without_outputs(root: Node) -> dict[Node, Node]:
    """Copy the gates of a graph without the arrays that they computed. Return the copy of each node.

    The leaves are shared with the original graph. The copy needs little memory, and `again`
    computes its arrays when they are needed.
    """
    copies: dict[Node, Node] = {}
    for node in reversed(ancestors([root])):
        if isinstance(node, Leaf):
            copies[node] = node
            continue
        copy = copies[node] = Node()
        copy.gate = node.gate
        copy.inputs = tuple([copies[parent] for parent in node.inputs])
        copy.arrays = ()
        copy.output = Outline(node.output.shape, node.output.dtype)  # type: ignore[assignment]
        copy.scope = node.scope
        copy.serial = node.serial
        copy.name = node.name
        copy.source = node.source
        copy.upstream = None
    return copies
