"""Nodes that travel: pickled, sent to another process, or copied with copy.deepcopy.

Serial numbers order a graph, and those of another process say nothing here. A node that arrives
gets a new one, after those of its inputs, which arrive before it. A Table catches up first, and
leaves its optimizer behind.
"""

import copyreg
from typing import Any

import numpy as np

from .fast.table import Table
from .graph import Leaf, Node, next_serial
from .help import engine_errors as checks

NOT_SENT = ("serial", "updated", "pending")


def reduce(node: Node) -> tuple[Any, ...]:
    """How pickle takes a node apart. GradientError if a leaf was changed since the node used it."""
    for parent in node.inputs:
        if parent.updated > node.serial:
            raise checks.changed_in_place(node, parent)
    if isinstance(node, Table):
        node.catch_up()
    slots = {name for cls in type(node).__mro__ for name in getattr(cls, "__slots__", ())}
    state = {name: getattr(node, name) for name in sorted(slots - {*NOT_SENT})}
    state["arrays"] = arrays = [*node.arrays]
    for number, parent in enumerate(node.inputs):
        if arrays[number] is parent.stored:
            # for `restore` to fill in: a copy would look as if the parent had changed since
            arrays[number] = None
    return restore, (type(node), state)


def restore(cls: type[Node], state: dict[str, Any]) -> Node:
    """The node again, as the newest of this process."""
    node = cls.__new__(cls)
    if isinstance(node, Table):
        node.pending = None
    for name, value in state.items():
        setattr(node, name, value)
    arrays = list(node.arrays)
    for number, parent in enumerate(node.inputs):
        arrays[number] = parent.stored if arrays[number] is None else arrays[number]
    node.arrays = tuple(arrays)
    if isinstance(node, Leaf):
        node.updated = 0
        # its arrays, which optimizers write into, may lie in read-only bytes
        if node.requires_grad:
            node.output = np.array(node.output)
            node.output.setflags(write=False)
            node.grad = np.array(node.grad) if isinstance(node.grad, np.ndarray) else node.grad
    node.serial = next_serial()
    return node


def register(*classes: type[Node]) -> None:
    """Have instances of these classes pickled this way; subclasses are registered by themselves."""
    for cls in classes:
        copyreg.pickle(cls, reduce)


register(Node, Leaf, Table)
