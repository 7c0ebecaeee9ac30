"""Pickling of nodes. It is also used to send nodes to other processes, and by copy.deepcopy.

Serial numbers are valid only within one process, so a restored node gets a new one. The node's
inputs are restored first, so they get lower numbers. A Table applies its pending updates before it
is pickled, and is restored without its optimizer.
"""

import copyreg
from typing import Any

import numpy as np

from .graph import Leaf, Node, next_serial
from .help import engine_errors as checks

NOT_SENT = frozenset(("pending", "serial", "updated"))


def reduce(node: Node) -> tuple[Any, ...]:
    """Return a node's state for pickle.

    Errors: GradientError if an input was changed after the node used it.
    """
    for parent in node.inputs:
        if parent.updated > node.serial:
            raise checks.changed_in_place(node, parent)
    slots: set[str] = set()
    for cls in type(node).__mro__:
        slots.update(getattr(cls, "__slots__", ()))
    # first, because setting the output of a Table reads `pending`
    state: dict[str, Any] = dict.fromkeys(sorted(slots & NOT_SENT))
    for name in sorted(slots - NOT_SENT):
        state[name] = getattr(node, name)
    arrays = state["arrays"] = list(node.arrays)
    for number, parent in enumerate(node.inputs):
        if arrays[number] is parent.stored:
            # `restore` fills in this array; a copy would look as if the parent had changed
            arrays[number] = None
    return restore, (type(node), state)


def restore(cls: type[Node], state: dict[str, Any]) -> Node:
    """Restore a node with a new serial number, which is the highest in this process."""
    node = cls.__new__(cls)
    for name, value in state.items():
        setattr(node, name, value)
    arrays = list(node.arrays)
    for number, parent in enumerate(node.inputs):
        if arrays[number] is None:
            arrays[number] = parent.stored
    node.arrays = tuple(arrays)
    if isinstance(node, Leaf):
        node.updated = 0
        # optimizers write to these arrays, which pickle may restore as read-only
        if node.requires_grad:
            node.output = np.array(node.output)
            node.output.setflags(write=False)
            if isinstance(node.grad, np.ndarray):
                node.grad = np.array(node.grad)
    node.serial = next_serial()
    return node


def register(*classes: type[Node]) -> None:
    """Make pickle use `reduce` for these classes. Subclasses must be registered separately."""
    for cls in classes:
        copyreg.pickle(cls, reduce)


register(Node, Leaf)
