"""What a Tensor refuses, and why: data that are not numbers, dtypes without gradients, backward from nowhere.

Knows arrays and nodes, not Tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DtypeError, GradientError, NonFiniteError, ShapeError
from .graph import Leaf, Node, show, state
from .pieces import Array


def title(node: Node) -> str:
    """What an error calls a tensor: by its name, or else by its shape."""
    return f"tensor {node.name!r}" if node.name else f"a tensor of shape {node.output.shape}"


def as_array(data: Any, dtype: Any) -> Array:
    """A fresh array of numbers: whoever gave `data` may go on writing to it."""
    if isinstance(node := getattr(data, "node", None), Node):
        raise DtypeError(
            "MG111",
            f"cannot make a Tensor from {title(node)}: it is one already",
            cause="a copy would lose its history silently",
            remedy="use it as it is, or t.detach() for a constant with its value",
        )
    try:
        array = np.array(data, dtype=dtype)
    except (ValueError, TypeError) as error:
        raise ShapeError(
            "MG103",
            f"cannot make an array of {str(data)[:80]!r}: {str(error).split('. The detected')[0]}",
            cause="nested lists must have equal lengths at each level, and hold numbers",
            remedy="pad the rows to one length (minigrad.data.pad), or make one Tensor per row",
        ) from None
    if array.dtype.kind not in "fiub":
        raise DtypeError(
            "MG110",
            f"a Tensor holds real numbers, not {array.dtype} ({str(data)[:60]!r})",
            cause="text, objects, dates and complex numbers have no gradient here",
            remedy="turn the data into numbers first (for text: minigrad.data.Vocabulary)",
        )
    if dtype is None and array.dtype.kind in "fiu" and not isinstance(data, (np.ndarray, np.generic)):
        array = array.astype(np.float32)
    return array


def check_differentiable(dtype: np.dtype[Any], name: str | None) -> None:
    """DtypeError unless arrays of this dtype can have a gradient."""
    if dtype in (np.float32, np.float64):
        return
    small = dtype == np.float16
    raise DtypeError(
        "MG112",
        f"{f'tensor {name!r}' if name else 'a tensor'} of dtype {dtype} cannot require a gradient",
        cause="gradients below 6e-8 vanish in float16"
        if small
        else f"a gradient is a limit of small steps, which {dtype} cannot take",
        remedy="use float32 or float64: array.astype('float32')",
    )


def check_seed(node: Node, seed: Any) -> Array:
    """The gradient that a backward pass from `node` starts with, as an array of its shape: 1 for a scalar."""
    output = node.output
    if not state.recording:
        raise GradientError(
            "MG121",
            f"backward from {title(node)} was called inside no_grad",
            cause="no_grad says that no gradients are wanted here",
            remedy="call backward after the `with no_grad()` block",
        )
    if not node.requires_grad:
        origin = node.origin if isinstance(node, Leaf) else "constants"
        raise GradientError(
            "MG122",
            f"nothing was recorded for {title(node)}: there is no graph to go back through",
            cause={
                "no_grad": "it was computed inside no_grad",
                "detached": "it was detached from its history",
                "cut": "it was cut from its history",
            }.get(origin, "none of the tensors that it was computed from requires a gradient"),
            remedy="compute it from at least one Tensor(..., requires_grad=True), outside no_grad",
        )
    if seed is None:
        if output.size != 1:
            raise GradientError(
                "MG120",
                f"backward from {_sized(node)} needs a seed",
                cause="a gradient belongs to one number; which mix of these "
                f"{output.size} numbers is meant is for the caller to say",
                remedy="call backward on a scalar, such as t.sum() or t.mean(), or pass seed= an array of that shape",
            )
        if not np.isfinite(output).all():
            raise NonFiniteError(
                "MG130",
                f"the loss is {output.item()}: its gradients would all be meaningless",
                where=f"{node.gate.name if node.gate else 'a leaf'} in {show(node.scope)}",
                cause="a learning rate too large, log or division of 0, or NaN in the input",
                remedy="lower the learning rate, clip gradients, check the data; "
                "mg.detect_anomaly() names the first gate that gave it",
            )
        return np.ones(output.shape, output.dtype)
    given: Array = np.array(seed, dtype=output.dtype)
    if given.shape != output.shape:
        raise ShapeError(
            "MG102",
            f"the seed has shape {given.shape}, and belongs to {_sized(node)}",
            cause="the seed holds one number for each number of the output",
            remedy="pass an array of the output's shape",
        )
    return given


def _sized(node: Node) -> str:
    return title(node) + (f" of shape {node.output.shape}" if node.name else "")
