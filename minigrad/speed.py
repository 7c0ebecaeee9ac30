"""The appendix: what only buys time is plugged into the engine here, and the engine computes the same without it.

`plug_in` puts three things in place, when minigrad is imported. What each of them buys, measured by leaving it out
alone (`python tests/benchmarks/seams.py`), is in docs/design.md:

- `accumulator.add` adds up the gradients that meet at one node, instead of `backward.add`;
- `call` is `Gate.__call__` written out for one Tensor and for two, which nearly all calls have;
- `keep_freed_memory` has Linux keep the memory of one training step for the next.

The row-sparse gradients of look-ups (accumulator.py), tables with pending updates (table.py) and the fused gates of
whole sequences (gates/recurrent.py) also only buy time. They have their places in the engine's classes, and are found
where they are used.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from . import accumulator, backward, checks
from .context import ON_RECORD, RECORDING, SCOPE
from .errors import MinigradError
from .gate import Gate
from .graph import Node, next_serial
from .tensor import Tensor, TensorLike

_general_call = Gate.__call__
_plain_add = backward.add
_new_node, _new_tensor = Node.__new__, Tensor.__new__


def plug_in() -> None:
    """Put the fast ways in place."""
    backward.add = accumulator.add
    Gate.__call__ = call  # type: ignore[method-assign]
    keep_freed_memory()


def unplug() -> None:
    """Leave the plain ways in place: for those who want to step through them, and for the tests."""
    backward.add = _plain_add
    Gate.__call__ = _general_call  # type: ignore[method-assign]


def call(self: Gate, *inputs: TensorLike) -> Tensor:
    """`Gate.__call__`, for recorded calls with one Tensor or two. All others are left to the general one."""
    if len(inputs) == 2 and type(a := inputs[0]) is Tensor and type(b := inputs[1]) is Tensor:
        one, other = a.node, b.node
        nodes: tuple[Node, ...] = (one, other)
        arrays: tuple[Any, ...] = (one.output, other.output)
        wanted = one.requires_grad or other.requires_grad
    elif len(inputs) == 1 and type(a := inputs[0]) is Tensor:
        one = a.node
        nodes, arrays, wanted = (one,), (one.output,), one.requires_grad
    else:
        return _general_call(self, *inputs)
    if not wanted or self.constant_inputs or not RECORDING.get():
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
    node = _new_node(Node)  # and no detour over __init__
    node.gate, node.inputs, node.arrays, node.output = self, nodes, arrays, output
    node.requires_grad, node.scope, node.serial = True, SCOPE.get(), next_serial()
    node.name = node.source = node.upstream = None
    if (watch := ON_RECORD.get()) is not None:
        watch(node)
    tensor = _new_tensor(Tensor)
    tensor.node = node
    return tensor


def keep_freed_memory() -> None:
    """Have glibc return memory to the system only when more than 64 MB are free, and keep blocks of up to 32 MB.

    A training step allocates and frees some megabytes of arrays. By default glibc returns them to the operating system
    and gets them anew, page by page, which can take longer than the arithmetic. Elsewhere this does nothing.
    """
    if sys.platform != "linux":
        return
    import ctypes  # NumPy has loaded it already

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, musl has not
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
        mallopt(trim_threshold, 64 << 20)
        mallopt(mmap_threshold, 32 << 20)
