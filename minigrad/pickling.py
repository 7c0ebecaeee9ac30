"""Nodes that travel: pickled, sent to another process, or copied with copy.deepcopy.

Serial numbers order a graph, and those of another process say nothing here. A node that arrives gets a new one, after
those of its inputs, which arrive before it. A Table catches up first, and leaves its optimizer behind.
"""

import copyreg
from typing import Any

from . import checks
from .graph import Leaf, Node, next_serial
from .table import Table

NOT_SENT = ("serial", "updated", "pending")


def reduce(node: Node) -> tuple[Any, ...]:
    """How pickle takes a node apart. GradientError if a leaf was changed since the node used it."""
    for parent in node.inputs:
        if parent.updated > node.serial:
            raise checks.changed_in_place(node, parent)
    if isinstance(node, Table):
        node.catch_up()
    slots = {name for cls in type(node).__mro__ for name in getattr(cls, "__slots__", ())}
    return restore, (type(node), {name: getattr(node, name) for name in sorted(slots - {*NOT_SENT})})


def restore(cls: type[Node], state: dict[str, Any]) -> Node:
    """The node again, as the newest of this process."""
    node = cls.__new__(cls)
    if isinstance(node, Table):
        node.pending = None
    for name, value in state.items():
        setattr(node, name, value)
    if isinstance(node, Leaf):
        node.updated = 0
    node.serial = next_serial()
    return node


def register(*classes: type[Node]) -> None:
    """Have instances of these classes pickled this way; subclasses are registered by themselves."""
    for cls in classes:
        copyreg.pickle(cls, reduce)


register(Node, Leaf, Table)
