"""Gradients as Tensors: `grad`, higher derivatives, Jacobians and Hessian-vector products.

Backward rules use operations that also work on Tensors. When a rule runs on Tensors, its operations
are recorded in a graph, which can be differentiated like any other graph.

Source: Griewank and Walther, Evaluating Derivatives (2008), ch. 3.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .backward import start, sweep
from .context import SCOPE, setting
from .gradients import dense, unbroadcast
from .graph import Array, Node
from .help import engine_errors as checks
from .help.other_frameworks import call_renamed
from .numpy_api import to_array
from .tensor import Tensor, TensorLike, as_tensors, constant, from_node


def grad(
    output: Tensor,
    inputs: Sequence[Tensor] | Tensor,
    *,
    create_graph: bool = False,
    upstream: TensorLike = None,
    **others: Any,
) -> tuple[Tensor, ...]:
    """Return d(output)/d(input) for each of `inputs`, without changing any `.grad`.

    Inputs may be leaves or intermediate results. A gradient has its input's shape, and is zero if
    `output` does not depend on the input. With `create_graph=True` the gradients are recorded too,
    and can be differentiated again. `upstream` has the same meaning as in `Tensor.backward`.

    Errors: as for `Tensor.backward`.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> (first,) = grad(x * x * x, [x], create_graph=True)
    >>> (second,) = grad(first, [x])
    >>> first.item(), second.item()
    (27.0, 18.0)

    Since: 0.1.
    """
    if others:
        return call_renamed(grad, **locals())
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    checks.check_inputs_of_grad(inputs)
    first = start(output.node, upstream)
    keep = {tensor.node for tensor in inputs}
    if create_graph:
        found = sweep(
            output.node,
            constant(first, "created"),
            keep=keep,
            rule=rule_on_tensors,
        )
    else:
        found = sweep(output.node, first, keep=keep)
    gradients = [
        dense(found[node]) if node in found else np.zeros(node.shape, node.dtype)
        for node in (tensor.node for tensor in inputs)
    ]
    return tuple(one if isinstance(one, Tensor) else Tensor(one) for one in gradients)


def jacobian(
    f: Callable[..., Tensor],
    inputs: TensorLike,
    **others: Any,
) -> Any:
    """Return all derivatives of f(x): J[i, j] = d f(x)_i / d x_j.

    J has the shape of f(x) followed by the shape of x. `inputs` is x, or a list or tuple of
    arguments for f. For a list or tuple, the result is a tuple with one J for each argument. f runs
    once, followed by one backward pass for each element of f(x). The Jacobian of `grad` is the
    Hessian, as in the second example.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> jacobian(lambda x: x * x, x)
    Tensor([[2., 0.],
            [0., 4.]])
    >>> jacobian(lambda x: grad((x * x * x).sum(), x, create_graph=True)[0], x)
    Tensor([[ 6.,  0.],
            [ 0., 12.]])

    Errors: as for `grad`.

    Since: 0.2.
    """
    if others:
        return call_renamed(jacobian, **locals())
    points = _points(inputs)
    (output,) = as_tensors([f(*points)])
    rows = [
        grad(output, points, upstream=one)
        for one in np.eye(output.size).reshape(output.size, *output.shape)
    ]
    parts = [
        np.array(
            [row[k].array for row in rows],
            x.dtype,
        )
        for k, x in enumerate(points)
    ]
    shaped = [
        Tensor(part.reshape(output.shape + x.shape)) for part, x in zip(parts, points, strict=True)
    ]
    return tuple(shaped) if isinstance(inputs, (list, tuple)) else shaped[0]


def hvp(
    f: Callable[..., Tensor],
    inputs: TensorLike,
    vectors: TensorLike,
    **others: Any,
) -> Any:
    """Return the Hessian-vector product H v, with H[i, j] = d² f(x) / (d x_i d x_j).

    f(x) must be a single number. H itself is never computed, because H v is the gradient of
    (df/dx) · v. `inputs` is x, or a list or tuple of arguments for f, as in `jacobian`. `vectors`
    is v, or one vector for each argument. v and H v have the shape of x.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> hvp(lambda x: (x * x * x).sum(), x, [1.0, 1.0])
    Tensor([ 6., 12.])

    Errors: ShapeError if a vector and its input have different shapes (MG102); otherwise as for
    `grad`. Source: Pearlmutter, Fast exact multiplication by the Hessian (1994).

    Since: 0.2.
    """
    if others:
        return call_renamed(hvp, **locals())
    points, several = _points(inputs), isinstance(inputs, (list, tuple))
    pairs = zip(points, vectors if several else [vectors], strict=True)
    given = [np.asarray(to_array(v), x.dtype) for x, v in pairs]
    for x, v in zip(points, given, strict=True):
        if v.shape != x.shape:
            raise checks.upstream_misshapen(x.node, v.shape, "a vector")
    (output,) = as_tensors([f(*points)])
    terms = [
        (g * v).sum()
        for g, v in zip(
            grad(output, points, create_graph=True),
            given,
            strict=True,
        )
    ]
    along = sum(terms[1:], terms[0])  # df/dx · v; if f is linear, this is a constant and H is 0
    products = (
        grad(along, points)
        if along.requires_grad
        else tuple(Tensor(np.zeros_like(v)) for v in given)
    )
    return products if several else products[0]


def _points(inputs: TensorLike) -> list[Tensor]:
    """Return the inputs as Tensors that require a gradient, copied where necessary."""
    several = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    return [
        x if isinstance(x, Tensor) and x.requires_grad else Tensor(to_array(x), requires_grad=True)
        for x in several
    ]


def rule_on_arrays(node: Node, dz: Any) -> list[Array | None]:
    """Return a node's gradients with respect to its inputs: arrays of the inputs' shapes, or None.

    Drawings and checks use this function. `sweep` is faster, because it adds lazy gradients before
    it converts them to arrays.
    """
    gradients = node.gate.backward(dense(dz), node.output, *node.arrays)
    if len(gradients) != len(node.inputs):
        raise ValueError(f"it returned {len(gradients)} gradients for {len(node.inputs)} inputs")
    whole: list[Array | None] = []
    for parent, array, gradient in zip(node.inputs, node.arrays, gradients, strict=False):
        if gradient is None or not parent.requires_grad:
            whole.append(None)
            continue
        gradient = dense(gradient() if callable(gradient) else gradient)
        whole.append(np.asarray(unbroadcast(np.asarray(gradient), array.shape)))
    return whole


def rule_on_tensors(node: Node, dz: Tensor) -> list[Any]:
    """Return the gradients of a node's inputs as Tensors.

    The gradients are recorded in the node's scope, prefixed with "backward".
    """
    gate = node.gate
    if not gate.differentiable_twice:
        raise checks.no_second_derivative(node)
    for parent, array in zip(node.inputs, node.arrays, strict=False):
        if parent.output is not array:
            raise checks.changed_in_place(node, parent)
    with setting(SCOPE, ("backward", *node.scope)):
        # Ids, labels and conditions have no derivative, so rules read them as plain arrays.
        arrays = [
            array
            if array.dtype.kind != "f" or position in gate.constant_inputs
            else from_node(parent)
            for position, (parent, array) in enumerate(zip(node.inputs, node.arrays, strict=False))
        ]
        # A value that forward saved is an array, through which no gradient could pass.
        saved = [None] * (len(node.arrays) - len(node.inputs))
        gradients = gate.backward(dz, from_node(node), *arrays, *saved)
        # A gradient that is a function records gates when called, so call it inside the scope.
        return [
            one() if callable(one) and parent.requires_grad else one
            for one, parent in zip(gradients, node.inputs, strict=True)
        ]
