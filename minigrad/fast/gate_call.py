"""A faster `Gate.__call__` for one or two Tensors."""

from typing import Any

import numpy as np

from ..context import OBSERVERS, ON_RECORD, RECORDING, SCOPE
from ..errors import MinigradError
from ..gate import Gate
from ..graph import Leaf, Node, next_serial
from ..help import engine_errors as checks
from ..tensor import Tensor, TensorLike, as_tensors

general_call = Gate.__call__
_new_node, _new_tensor = Node.__new__, Tensor.__new__
_recording, _scope, _on_record = RECORDING.get, SCOPE.get, ON_RECORD.get


def call(self: Gate, *inputs: TensorLike) -> Tensor:
    """Call a gate on one or two Tensors. Other calls use the general version."""
    # The general version checks constant inputs, and reads only the rows that a look-up needs.
    if OBSERVERS or self.constant_inputs:
        return general_call(self, *inputs)
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
    elif len(inputs) in (1, 2):  # some inputs are numbers, arrays or lists
        return call(self, *as_tensors(inputs))
    else:
        return general_call(self, *inputs)
    try:
        # faster than forward(*arrays)
        output = self.forward(first) if len(arrays) == 1 else self.forward(first, last)
    except Exception as error:
        raise checks.forward_failed(self, error, nodes) from (
            None if isinstance(error, MinigradError) else error
        )
    if type(output) is not np.ndarray:
        if isinstance(output, tuple):
            output, saved = output
            arrays += (saved,)
        output = np.asarray(output)
    recorded = requires_grad and _recording()
    # As in the plain version, an output that may share memory with a parameter is copied, and so is
    # an unrecorded one. Here, every view counts, because it is faster to ask for its base.
    if (output.base is not None or output is first or output is last) and (
        not recorded or any(not node.gate and node.requires_grad for node in nodes)
    ):
        output = output.copy()
    if recorded:  # faster than calling __init__
        node = _new_node(Node)
        node.gate, node.inputs, node.arrays, node.requires_grad = self, nodes, arrays, True
    else:
        node = leaf = _new_node(Leaf)
        leaf.gate, leaf.inputs, leaf.arrays, leaf.requires_grad = None, (), (), False
        leaf.grad, leaf.cut_from, leaf.updated = None, None, 0
        leaf.origin = "constants" if _recording() else "no_grad"
    node.output, node.scope, node.serial = output, _scope(), next_serial()
    node.name = node.source = node.upstream = None
    if recorded and (watch := _on_record()) is not None:
        watch(node)
    tensor = _new_tensor(Tensor)
    tensor.node = node
    return tensor
