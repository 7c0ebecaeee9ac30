"""The backward pass: from the gradient of one node to the gradients of all its leaves, by the chain
rule.

`sweep` is the whole algorithm. It visits the nodes newest first, so that all consumers of a node
come before the node itself. It passes each node's gradient to the rule of its gate, and adds what
the rule returns to the inputs' gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import numpy as np

from .context import ON_GRADIENT, RECORDING, SEAMS, observed
from .errors import MinigradError
from .graph import Array, LazyGradient, Node, ancestors, dense
from .help import engine_errors as checks


@observed
def sweep(
    root: Node,
    upstream: Any,
    *,
    keep: Container[Node] = (),
    rule: Callable[[Node, Any], Any] | None = None,
) -> dict[Node, Any]:
    """The gradients of all leaves that require one, and of the nodes in `keep`, given the root's
    upstream gradient.

    They are arrays, which nodes may share. A leaf's may instead be a LazyGradient that optimizers
    can use.

    Nothing is stored on the nodes, so an error leaves no half-finished gradients behind.
    `rule(node, dz)` replaces the gate's own rule: for second derivatives, derivatives.py passes one
    that runs on Tensors.
    """
    watch = ON_GRADIENT.get()
    # the sum of the gradients from a node's consumers so far
    arrived: dict[Node, Any] = {root: upstream}
    found: dict[Node, Any] = {}
    for node in ancestors([root]):
        dz = arrived.pop(node, None)
        if dz is None:  # no consumer gave it a gradient: it is zero or not required
            continue
        if watch is not None:
            watch(node, dz)
        gate = node.gate
        if gate is None:
            found[node] = dz.finalize() if isinstance(dz, LazyGradient) else dz
            continue
        if isinstance(dz, LazyGradient):
            dz = dz.dense()
        if node in keep:
            found[node] = dz
        try:
            if gate.foreign and rule is None:
                # read-only: a rule that wrote to it would change what other gates get
                dz.setflags(False)
            gradients = (
                gate.backward(dz, node.output, *node.arrays) if rule is None else rule(node, dz)
            )
            if len(gradients) != len(node.inputs):
                raise ValueError(f"{len(gradients)} gradients for {len(node.inputs)} inputs")
            # strict= costs time
            for parent, array, gradient in zip(node.inputs, node.arrays, gradients):  # noqa: B905
                if parent.updated > node.serial:
                    raise checks.changed_in_place(node, parent)
                if gradient is None or not parent.requires_grad:
                    continue
                if parent in arrived:
                    # `add` below or, where minigrad.fast is enabled, the one of fast/accumulator.py
                    arrived[parent] = SEAMS.add(arrived[parent], gradient, array.shape)
                    continue
                # a gradient that takes work, computed only now that it is known to be needed
                if callable(gradient):
                    gradient = gradient()
                arrived[parent] = (
                    gradient
                    if gradient.shape == array.shape
                    else unbroadcast(gradient, array.shape)
                )
        except MinigradError:
            raise
        except Exception as error:
            raise checks.rule_failed(node, dz, error) from error
    return found


@SEAMS.plain
def add(total: Any, gradient: Any, shape: tuple[int, ...]) -> Any:
    """total + gradient, for an input of `shape` that is used several times."""
    return dense(total) + dense(unbroadcast(gradient() if callable(gradient) else gradient, shape))


def unbroadcast(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the axes along which its input was broadcast, so that it has the input's
    shape again.

    Broadcasting uses an element several times, and the gradients of all its uses add up. ValueError
    if an input of `shape` cannot have been broadcast to the shape of the gradient.

    >>> unbroadcast(np.ones((5, 2, 3)), (2, 1)).tolist()
    [[15.0], [15.0]]
    """
    extra = len(gradient.shape) - len(shape)
    repeated = list(range(extra))
    for axis, size in enumerate(shape):
        if extra < 0 or size not in (1, gradient.shape[extra + axis]):
            raise ValueError(
                f"the gradient of an input of shape {shape} came out as {gradient.shape}"
            )
        if size != gradient.shape[extra + axis]:
            repeated.append(extra + axis)
    return gradient.sum(axis=tuple(repeated)).reshape(shape) if repeated else gradient


def transposed_product(a: Any, dz: Any) -> Any:
    """aᵀ @ dz, the gradient of b in a @ b: a function of its own, so that the accumulator can
    recognise it.
    """
    return a.T.dot(dz) if type(a) is type(dz) is np.ndarray else a.T @ dz


def start(node: Node, upstream: Any) -> Array:
    """The upstream gradient for a backward pass from `node`, as an array of its shape; for a scalar
    1 by default.
    """
    if not (RECORDING.get() and node.requires_grad):
        raise checks.nothing_recorded(node)
    output = node.output
    if upstream is None:
        if output.size != 1:
            raise checks.upstream_missing(node)
        if not np.isfinite(output).all():
            raise checks.loss_not_finite(node)
        return np.ones(output.shape, output.dtype)
    given = checks.as_array(getattr(upstream, "array", upstream), output.dtype)
    if given.shape != output.shape:
        raise checks.upstream_misshapen(node, given.shape)
    return given
