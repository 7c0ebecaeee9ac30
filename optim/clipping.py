"""Gradient clipping by the global norm, the norm of all gradients taken as one vector."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.context import tell
from minigrad.errors import NonFiniteError
from minigrad.gradients import SparseGradient
from minigrad.help.other_frameworks import call_renamed

from .optimizer import Array, by_name, check_range

# for norms in this range, the squares of float32 gradients neither overflow nor underflow
SAFE_NORMS = 1e-15, 1e15


def clip_gradients(
    parameters: Mapping[str, Tensor] | Iterable[Tensor] | Tensor, max_norm: float, **others: Any
) -> float:
    """Scale all gradients, of any shape, by min(1, max_norm / |g|). Returns |g|, the norm of all
    gradients taken as one vector.

    `parameters` is a dict or another iterable of Tensors, or a single Tensor. PyTorch's
    name for this function, `clip_grad_norm_`, works too.

    Clipping shortens steps that are too long and keeps their direction. Recurrent networks need it,
    because gradients can explode over many time steps.

    >>> from minigrad import Tensor
    >>> W = Tensor([3.0, 4.0], requires_grad=True)
    >>> (W * W).sum().backward()               # the gradient is [6, 8]
    >>> clip_gradients({"W": W}, 1.0)
    10.0
    >>> W.grad
    array([0.6, 0.8], dtype=float32)

    Errors: NonFiniteError MG310, which lists the paths of gradients that are not finite;
    OptionError MG305 for a negative norm. Source: Pascanu, Mikolov and Bengio, On the difficulty of
    training recurrent neural networks (2013).

    Since: 0.1.
    """
    if others:
        return call_renamed(clip_gradients, **locals())
    check_range("max_norm", max_norm)
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    if not isinstance(parameters, Mapping):
        parameters = by_name([*parameters])
    tell("clipped", parameters, max_norm)
    gradients = {}
    for path, tensor in parameters.items():
        values = gradient_values(tensor)
        if values is not None:
            gradients[path] = values
    norm = _norm(gradients.values())
    largest = 1.0
    # the squares may have overflowed or underflowed
    if not SAFE_NORMS[0] < norm < SAFE_NORMS[1]:
        sizes = {path: float(np.abs(values).max(initial=0)) for path, values in gradients.items()}
        if culprits := [path for path, size in sizes.items() if not math.isfinite(size)]:
            raise NonFiniteError(
                "MG310",
                f"the gradient of {', '.join(culprits)} contains NaN or infinity",
                cause="the backward pass probably overflowed, and scaling cannot repair the result",
                remedy="lower the learning rate; mg.detect_anomaly() names the first gate whose "
                "gradient is not finite",
            )
        largest = max(sizes.values(), default=0.0) or 1.0
        # compute in float64, after dividing by the largest element
        norm = _norm(values / np.float64(largest) for values in gradients.values())
    if norm * largest > max_norm:
        for values in gradients.values():
            if largest != 1:
                values /= np.float64(largest)
            values *= max_norm / norm
    return norm * largest


def _norm(arrays: Iterable[Array]) -> float:
    return math.sqrt(sum(float(np.vdot(array, array)) for array in arrays))


def gradient_values(tensor: Tensor) -> Array | None:
    """Return the elements of a parameter's gradient, or None if there is no gradient. For a
    row-sparse gradient, return only the rows that have a gradient.

    Terms for the same row are added, so each row occurs only once. Any other lazy gradient is
    converted to an array. The result shares memory with the gradient, so scaling the result also
    scales the gradient.
    """
    leaf: Any = tensor.node
    rows = leaf.grad.rows() if isinstance(leaf.grad, SparseGradient) else None
    return tensor.grad if rows is None else rows[1]
