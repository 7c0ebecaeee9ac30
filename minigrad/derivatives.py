"""Gradients as Tensors: `grad`, and with `create_graph=True` higher derivatives.

Backward rules use operations that work on Tensors too. Run on Tensors, a rule records a graph of its own, and that
graph can be differentiated like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import checks
from .accumulator import dense
from .arrays import Array
from .backward import start, sweep, unbroadcast
from .context import SCOPE, setting
from .graph import Node
from .tensor import Tensor, TensorLike, constant, from_node


def grad(
    output: Tensor,
    inputs: Sequence[Tensor] | Tensor,
    *,
    create_graph: bool = False,
    upstream: TensorLike = None,
    seed: TensorLike = None,
) -> tuple[Tensor, ...]:
    """d(output)/d(input) for each of `inputs`, which may be leaves or intermediate results. No `.grad` is changed.

    With `create_graph=True` the gradients are recorded too, and can be differentiated again. An input that `output`
    does not depend on gets zeros. `upstream`, `seed` and errors: as for `Tensor.backward`.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> (first,) = grad(x * x * x, [x], create_graph=True)
    >>> (second,) = grad(first, [x])
    >>> first.item(), second.item()
    (27.0, 18.0)
    """
    if seed is not None:
        upstream = checks.renamed("seed", "upstream", seed)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checks.check_inputs_of_grad(inputs)
    first = start(output.node, upstream)
    wanted = {tensor.node for tensor in inputs}
    if create_graph:
        found = sweep(output.node, constant(first, "created"), keep=wanted, rule=rule_on_tensors)
    else:
        found = sweep(output.node, first, keep=wanted)
    gradients = (found.get(tensor.node, np.zeros(tensor.shape, tensor.dtype)) for tensor in inputs)
    return tuple(one if isinstance(one, Tensor) else Tensor(dense(one)) for one in gradients)


def rule_on_arrays(node: Node, dz: Any) -> list[Array | None]:
    """The gradient that a node's rule gives each input, as an array of the input's shape, or None for no gradient.

    For drawings and checks. A backward pass saves work: it adds lazy gradients up before it makes arrays of them.
    """
    gradients = node.gate.backward(dense(dz), node.output, *node.arrays)
    if len(gradients) != len(node.inputs):
        raise ValueError(f"{len(gradients)} gradients came for {len(node.inputs)} inputs")
    whole: list[Array | None] = []
    for parent, array, gradient in zip(node.inputs, node.arrays, gradients, strict=False):
        if gradient is None or not parent.requires_grad:
            whole.append(None)
            continue
        gradient = dense(gradient() if callable(gradient) else gradient)
        whole.append(np.asarray(unbroadcast(np.asarray(gradient), array.shape)))
    return whole


def rule_on_tensors(node: Node, dz: Tensor) -> list[Any]:
    """The gradients of a node's inputs as Tensors, recorded in the scope "backward" followed by the node's own."""
    gate = node.gate
    if not gate.differentiable_twice:
        raise checks.no_second_derivative(node)
    for parent, array in zip(node.inputs, node.arrays, strict=True):
        if parent.output is not array:
            raise checks.changed_in_place(node, parent)
    with setting(SCOPE, ("backward", *node.scope)):
        # Ids, labels and conditions have no derivative: rules read them as plain arrays.
        arrays = [
            array if array.dtype.kind != "f" or position in gate.constant_inputs else from_node(parent)
            for position, (parent, array) in enumerate(zip(node.inputs, node.arrays, strict=True))
        ]
        gradients = gate.backward(dz, from_node(node), *arrays)
        # A gradient given as a function records gates when it is called, so call it here, inside the scope.
        return [
            one() if callable(one) and parent.requires_grad else one
            for one, parent in zip(gradients, node.inputs, strict=True)
        ]
