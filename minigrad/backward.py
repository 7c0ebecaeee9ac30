"""The backward pass, which applies the chain rule from one node back to the leaves it depends on.

`sweep` implements the whole algorithm. It visits the newest nodes first, so it reaches every
consumer of a node before the node itself. At each node, it calls the gate's backward rule with the
node's gradient, and adds the results to the gradients of the node's inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from .context import ON_GRADIENT, RECORDING, observing
from .errors import MinigradError
from .gradients import Gradient, add, dense, first, for_leaf
from .graph import Array, Node, ancestors
from .help import engine_errors as checks
from .numpy_api import as_array


def sweep(
    root: Node,
    upstream: Any,
    *,
    keep: Collection[Node] = (),
    rule: Callable[[Node, Any], Any] | None = None,
) -> dict[Node, Any]:
    """Return the gradients of all leaves that require a gradient, and of the nodes in `keep`.

    `upstream` is the gradient of `root`. Each result is an array, and several nodes may share the
    same array. For a leaf, the result may instead be a SparseGradient. If `rule` returns Tensors, the
    results are Tensors.

    No gradient is stored on a node, so a failed pass leaves no partial gradients behind. If `rule`
    is given, `rule(node, dz)` replaces the gates' backward rules. For second derivatives,
    derivatives.py passes a rule that runs on Tensors.
    """
    with observing("watch_backward", root):
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
                found[node] = for_leaf(dz)
                continue
            if isinstance(dz, Gradient) and not gate.takes_gradient:
                dz = dz.dense()
            if keep and node in keep:
                found[node] = dense(dz)
            try:
                if rule is not None:
                    gradients = rule(node, dz)
                else:
                    if gate.foreign:
                        # read-only, because other gates may receive the same array
                        dz.setflags(False)
                    gradients = gate.backward(dz, node.output, *node.arrays)
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
                    if callable(gradient):  # an expensive gradient, computed only if it is needed
                        gradient = gradient()
                    if parent in arrived:
                        arrived[parent] = add(arrived[parent], gradient, array.shape)
                    elif type(gradient) is np.ndarray and gradient.shape == array.shape:
                        arrived[parent] = gradient  # the usual case, without a function call
                    else:
                        arrived[parent] = first(gradient, array.shape)
            except MinigradError:
                raise
            except Exception as error:
                raise checks.rule_failed(node, dz, error) from error
        return found


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
    given = as_array(getattr(upstream, "array", upstream), output.dtype)
    if given.shape != output.shape:
        raise checks.upstream_misshapen(node, given.shape)
    return given
