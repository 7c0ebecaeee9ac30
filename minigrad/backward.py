"""The backward sweep: from one node back through the graph, by the chain rule. Knows no Tensor, no gate, only rules.

What several consumers send to a node adds up; where its output was broadcast, so do the gradients of its repetitions.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import numpy as np

from .errors import GradientError, MinigradError
from .graph import Node, by_serial, show, state
from .pieces import Deferred, Pieces


def _wanting(root: Node) -> list[Node]:
    """As `ancestors`, without the constants: a sweep has no business with those."""
    seen = {root}
    stack = [root]
    while stack:
        for parent in stack.pop().inputs:
            if parent.requires_grad and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=by_serial, reverse=True)


def sweep(
    root: Node, seed: Any, *, keep: Container[Node] = (), lift: Callable[[Node], Any] | None = None
) -> dict[Node, Any]:
    """Send `seed`, the gradient of something with respect to root's output, back through the graph.

    Returns the gradient of every leaf that wants one, and of the nodes in `keep`. Nothing is stored on any node, so an
    error leaves no half-finished gradient behind. With `lift`, which makes a Tensor of a node, the same rules run on
    Tensors and record a graph of their own, from which second derivatives come.
    """
    # This loop passes every gate of every program, so that what is rare in it is asked about last.
    # Sums so far, in the shape that they arrive in: one that was broadcast is summed once, when it is complete.
    gradients: dict[Node, Any] = {root: seed}
    result: dict[Node, Any] = {}
    owned: set[Node] = set()  # nodes whose sum so far is an array made here, which may be added to in place
    spread: set[Node] = set()  # nodes whose sum so far may have a broader shape than their own
    watch = state.on_gradient
    for node in _wanting(root):
        dz = gradients.pop(node, None)
        if dz is None:  # every consumer said that its gradient is zero
            continue
        if watch is not None:
            watch(node, dz)
        if node in spread:
            dz = unbroadcast(dz, node.stored.shape)
        gate = node.gate
        if gate is None or node in keep:
            result[node] = dz if lift is not None else _settled(dz, node in owned)
            if gate is None:
                continue
        if type(dz) is not np.ndarray and isinstance(dz, Deferred):
            dz = dz.dense()
        inputs, arrays, serial = node.inputs, node.arrays, node.serial
        try:
            parts = gate.backward(dz, node.output, *arrays) if lift is None else _lifted(node, dz, lift)
            if len(parts) != len(inputs):
                raise ValueError(f"{len(parts)} gradients for {len(inputs)} inputs")
            for parent, array, part in zip(inputs, arrays, parts):  # noqa: B905  # strict= doubles its cost
                if parent.updated > serial:
                    raise _updated(node, parent)
                if part is None or not parent.requires_grad:
                    continue
                if type(part) is not np.ndarray and callable(part):  # held back until it was known to be wanted
                    part = part()
                if parent not in gradients:
                    gradients[parent] = part
                    if part.shape != array.shape:
                        check_broadcast(part.shape, array.shape)
                        spread.add(parent)
                    continue
                so_far = gradients[parent]
                if part.shape != so_far.shape:
                    so_far, part = unbroadcast(so_far, array.shape), unbroadcast(part, array.shape)
                if parent in owned and type(part) is type(so_far):
                    so_far += part  # rebinds, since a NumPy scalar cannot be added to in place
                    gradients[parent] = so_far
                else:
                    gradients[parent] = so_far + part
                    if lift is None:
                        owned.add(parent)
        except MinigradError:
            raise
        except Exception as error:
            raise _rule_failed(node, dz, error) from error
    return result


def _settled(dz: Any, owned: bool) -> Any:
    """A gradient that is handed out: nobody else's array, and whole but for the pieces that an optimizer can use."""
    if isinstance(dz, Deferred):
        return dz if isinstance(dz, Pieces) else dz.dense()
    return dz if owned else np.array(dz)


def check_broadcast(part: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """ValueError unless a gradient of shape `part` can belong to an input of `shape` that was broadcast."""
    ends = part[len(part) - len(shape) :]
    if len(part) < len(shape) or any(size not in (1, end) for size, end in zip(shape, ends, strict=True)):
        raise ValueError(f"the gradient of an input of shape {shape} came out as {part}")


def unbroadcast(part: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which its input was repeated, so that it has the input's shape again.

    An array repeated by broadcasting is used once per repetition, and gradients of several uses add up.

    >>> unbroadcast(np.ones((5, 2, 3)), (2, 1)).tolist()
    [[15.0], [15.0]]
    """
    check_broadcast(part.shape, shape)
    extra = len(part.shape) - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + axis for axis, size in enumerate(shape) if size == 1 and part.shape[extra + axis] != 1
    )
    if axes:
        part = part.sum(axis=axes, keepdims=True)
    return part.reshape(shape) if extra else part


def _lifted(node: Node, dz: Any, lift: Callable[[Node], Any]) -> Any:
    """The rule run on Tensors, under the scope of its node so that the new graph reads like the old one."""
    gate = node.gate
    assert gate is not None
    if not gate.differentiable_twice:
        raise GradientError(
            "MG124",
            f"{gate.name} has no second derivative",
            where=f"{gate.name} in {show(node.scope)}",
            cause="its backward rule is written for arrays alone, and leaves no graph behind",
            remedy="differentiate mg.opened(output), or build the layer with fused=False: both use small gates",
        )
    for parent, array in zip(node.inputs, node.arrays, strict=True):
        if parent.output is not array:
            raise _updated(node, parent)
    before, state.scope = state.scope, ("backward", *node.scope)
    try:
        # Ids, labels and conditions have no derivative: rules read them as plain arrays.
        arrays = [
            array if array.dtype.kind != "f" or position in gate.constant_inputs else lift(parent)
            for position, (parent, array) in enumerate(zip(node.inputs, node.arrays, strict=True))
        ]
        parts = gate.backward(dz, lift(node), *arrays)
        wanted = {position for position, parent in enumerate(node.inputs) if parent.requires_grad}
        # A gradient that is held back records its gates when it is asked for: now, while its scope is open.
        return [part() if position in wanted and callable(part) else part for position, part in enumerate(parts)]
    finally:
        state.scope = before


def _updated(node: Node, leaf: Node) -> GradientError:
    gate = node.gate.name if node.gate else "?"
    return GradientError(
        "MG123",
        f"{leaf.name or 'a tensor'} {leaf.output.shape} was changed after {gate} used it and before backward",
        where=f"{gate} in {show(node.scope)}",
        cause="an optimizer step, or another update, came between the forward pass and this backward pass; a recurrent "
        "state that is carried over from the last batch brings its old graph along",
        remedy="run the forward pass again before calling backward; carry a state over as state.detach()",
    )


def _rule_failed(node: Node, dz: Any, error: Exception) -> GradientError:
    gate = node.gate.name if node.gate else "?"
    shapes = ", ".join(str(parent.stored.shape) for parent in node.inputs)
    return GradientError(
        "MG125",
        f"the backward rule of {gate} failed: {error}",
        where=f"{gate} in {show(node.scope)}; inputs {shapes}, output {node.output.shape}, dz {dz.shape}",
        cause="backward(dz, z, *arrays) must return one gradient, of the input's shape, for each input",
        remedy=f"mg.gradcheck shows what is wrong with the rule of {gate}",
    )
