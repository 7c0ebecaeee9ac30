"""The appendix: code that only saves time, plugged into the engine here. Up to rounding, it changes no result.

`plug_in` does three things when minigrad is imported. docs/design.md says how much time each saves, measured by leaving
it out (`python tests/benchmarks/seams.py`):

- `accumulator.add` replaces `backward.add` and adds up the gradients that arrive at one node;
- `call` replaces `Gate.__call__`: it is written out for one Tensor and for two, which nearly all calls have;
- `keep_freed_memory` lets the memory of one training step stay allocated for the next, on Linux.

Row-sparse gradients (accumulator.py), tables with pending updates (table.py) and fused gates for whole sequences
(gates/recurrent.py) also only save time. They are not plugged in: the gates and layers that need them import them.
"""

import sys
from typing import Any

import numpy as np

from .. import backward
from ..context import OBSERVERS, ON_RECORD, RECORDING, SCOPE
from ..errors import MinigradError
from ..gate import Gate
from ..graph import Leaf, Node, next_serial
from ..help import engine_errors as checks
from ..tensor import Tensor, TensorLike
from . import accumulator

_general_call = Gate.__call__
_plain_add = backward.add
_new_node, _new_tensor = Node.__new__, Tensor.__new__


def plug_in() -> None:
    """Replace the plain versions with the fast ones."""
    backward.add = accumulator.add
    Gate.__call__ = call  # type: ignore[method-assign]
    keep_freed_memory()


def unplug() -> None:
    """Put the plain versions back: to step through them in a debugger, and for tests."""
    backward.add = _plain_add
    Gate.__call__ = _general_call  # type: ignore[method-assign]


def call(self: Gate, *inputs: TensorLike) -> Tensor:
    """`Gate.__call__` for calls with one Tensor or two. It leaves all other calls to the general version."""
    if OBSERVERS:
        return _general_call(self, *inputs)
    if len(inputs) == 2 and type(a := inputs[0]) is Tensor and type(b := inputs[1]) is Tensor:
        one, other = a.node, b.node
        nodes: tuple[Node, ...] = (one, other)
        first, last = one.output, other.output
        arrays: tuple[Any, ...] = (first, last)
        requires_grad = one.requires_grad or other.requires_grad
    elif len(inputs) == 1 and type(a := inputs[0]) is Tensor:
        one = a.node
        first = last = one.output
        nodes, arrays, requires_grad = (one,), (first,), one.requires_grad
    else:
        return _general_call(self, *inputs)
    if self.constant_inputs:
        return _general_call(self, *inputs)
    try:
        output = self.forward(*arrays)
    except Exception as error:
        raise checks.forward_failed(self, error, nodes) from (None if isinstance(error, MinigradError) else error)
    if type(output) is not np.ndarray:
        if isinstance(output, tuple):
            output, saved = output
            arrays += (saved,)
        output = np.asarray(output)
    recorded = requires_grad and RECORDING.get()
    if (output.base is not None or output is first or output is last) and (
        not recorded or any(not node.gate and node.requires_grad for node in nodes)
    ):
        output = output.copy()
    if recorded:  # without the cost of calling __init__
        node = _new_node(Node)
        node.gate, node.inputs, node.arrays, node.requires_grad = self, nodes, arrays, True
    else:
        node = leaf = _new_node(Leaf)
        leaf.gate, leaf.inputs, leaf.arrays, leaf.requires_grad = None, (), (), False
        leaf.grad, leaf.cut_from, leaf.updated = None, None, 0
        leaf.origin = "constants" if RECORDING.get() else "no_grad"
    node.output, node.scope, node.serial = output, SCOPE.get(), next_serial()
    node.name = node.source = node.upstream = None
    if node.gate and (watch := ON_RECORD.get()) is not None:
        watch(node)
    tensor = _new_tensor(Tensor)
    tensor.node = node
    return tensor


def keep_freed_memory() -> None:
    """Let glibc return memory to the system only when more than 256 MB are free, and reuse blocks of up to 64 MB.

    A training step may allocate and free a hundred megabytes of arrays. By default glibc returns them to the system and
    requests them again, page by page, which can take longer than the arithmetic. On other systems this does nothing.
    """
    if sys.platform != "linux":
        return
    import ctypes  # NumPy has loaded it already

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, musl has not
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
        mallopt(trim_threshold, 256 << 20)
        mallopt(mmap_threshold, 64 << 20) or mallopt(mmap_threshold, 32 << 20)  # older glibc's limit
