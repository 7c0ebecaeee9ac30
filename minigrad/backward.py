"""The backward pass, which applies the chain rule from one node back to the leaves it depends on.

`sweep` implements the whole algorithm. It visits the newest nodes first, so it reaches every
consumer of a node before the node itself. At each node, it calls the gate's backward rule with the
node's gradient, and adds the results to the gradients of the node's inputs.
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
    """Return the gradients of all leaves that require a gradient, and of the nodes in `keep`.

    `upstream` is the gradient of `root`. Each result is an array, and several nodes may share the
    same array. For a leaf, the result may instead be a LazyGradient that optimizers can use.

    No gradient is stored on a node, so a failed pass leaves no partial gradients behind. If `rule`
    is given, `rule(node, dz)` replaces the gates' backward rules. For second derivatives,
    derivatives.py passes a rule that runs on Tensors.
    """
    watch = ON_GRADIENT.get()
    # for each node, the running sum of the gradients from its consumers
    arrived: dict[Node, Any] = {root: upstream}
    found: dict[Node, Any] = {}
    for node in ancestors([root]):
        dz = arrived.pop(node, None)
        if dz is None:  # no consumer computed a gradient, so it is zero or not required
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
                # read-only, because other gates may receive the same array
                dz.setflags(False)
            gradients = (
                gate.backward(dz, node.output, *node.arrays) if rule is None else rule(node, dz)
            )
            if len(gradients) != len(node.inputs):
                raise ValueError(
                    f"it returned {len(gradients)} gradients for {len(node.inputs)} inputs"
                )
            # without strict=, which would be slower; the lengths were compared above
            for parent, array, gradient in zip(node.inputs, node.arrays, gradients):  # noqa: B905
                if parent.updated > node.serial:
                    raise checks.changed_in_place(node, parent)
                if gradient is None or not parent.requires_grad:
                    continue
                if parent in arrived:
                    # `add` below or, if minigrad.fast is enabled, `add` in fast/accumulator.py
                    arrived[parent] = SEAMS.add(arrived[parent], gradient, array.shape)
                    continue
                # an expensive gradient is a function, called only if the gradient is needed
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
    """Return total + gradient, for an input of `shape` that is used several times."""
    return dense(total) + dense(unbroadcast(gradient() if callable(gradient) else gradient, shape))


def unbroadcast(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over the broadcast axes, back to the input's shape.

    Broadcasting repeats an element, so the element's gradient is the sum over all repetitions.
    Raises ValueError if an input of `shape` cannot be broadcast to the gradient's shape.

    >>> unbroadcast(np.ones((5, 2, 3)), (2, 1)).tolist()
    [[15.0], [15.0]]
    """
    extra = len(gradient.shape) - len(shape)
    repeated = list(range(extra))
    for axis, size in enumerate(shape):
        if extra < 0 or size not in (1, gradient.shape[extra + axis]):
            raise ValueError(
                f"it returned a gradient of shape {gradient.shape} for an input of shape {shape}"
            )
        if size != gradient.shape[extra + axis]:
            repeated.append(extra + axis)
    return gradient.sum(axis=tuple(repeated)).reshape(shape) if repeated else gradient


def transposed_product(a: Any, dz: Any) -> Any:
    """Return aᵀ @ dz, the gradient of b in a @ b.

    This is a separate function because fast/accumulator.py recognizes it and combines several such
    products into one.
    """
    return a.T.dot(dz) if type(a) is type(dz) is np.ndarray else a.T @ dz


def start(node: Node, upstream: Any) -> Array:
    """Return the upstream gradient for a backward pass from `node`, as an array.

    The array has the node's shape. For a scalar, the default is 1.
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
