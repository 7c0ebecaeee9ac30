"""Arguments that several layers take: sizes of weights, activations and sequences."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.errors import OptionError, ShapeError

from .init import Initialiser, Shape

Activation = Callable[..., Tensor]


def parameter(init: Initialiser, shape: Shape, make: Callable[..., Tensor] = Tensor) -> Tensor:
    """Make a trainable Tensor from init(shape).

    Errors: OptionError (MG210) for sizes below 1; ShapeError (MG213) if `init` returns an array of
    a different shape.
    """
    if not all(hasattr(size, "__index__") and size > 0 for size in shape):
        raise OptionError(
            "MG210",
            f"weights cannot have the shape {shape}",
            cause="each size must be an integer of 1 or more",
            remedy="create the layer with integer sizes of at least 1",
        )
    array = np.asarray(init(shape))
    if array.shape != shape:
        raise ShapeError(
            "MG213",
            f"an initialiser returned an array of shape {array.shape} for weights of shape {shape}",
            cause="the layer would stretch this array by broadcasting, or compute outputs of the "
            "wrong size",
            remedy="return an array of the shape that is passed to the initialiser",
        )
    return make(array, requires_grad=True)


def check_function(activation: Any) -> None:
    """Raise OptionError (MG211) unless the activation is callable."""
    if not callable(activation):
        raise OptionError(
            "MG211",
            f"the activation cannot be {activation!r}",
            cause="an activation must be a function that takes and returns a Tensor, not the name "
            "of a function",
            remedy="pass the function itself, for example activation=mg.relu",
        )


def function_name(function: Any) -> str:
    """Return an activation's name for `repr`. The activation may be a function, such as mg.softmax,
    or an instance of a gate, such as mg.tanh, which is an instance of Tanh.
    """
    return str(getattr(function, "__name__", type(function).__name__.lower()))


def check_sequence(layer: Any, x: Any, width: int | None = None, dtype: Any = None) -> Tensor:
    """Return x as a Tensor. Raise ShapeError (MG221) unless it has shape (batch, time, width), with
    one or more steps.
    """
    tensor = x if isinstance(x, Tensor) else Tensor(x, dtype=dtype)
    if tensor.ndim == 3 and tensor.shape[1] and tensor.shape[2] == (width or tensor.shape[2]):
        return tensor
    size = width or "width"
    raise ShapeError(
        "MG221",
        f"{type(layer).__name__} takes x of shape (batch, time, {size}), not {tensor.shape}",
        cause=f"the layer reads one or more time steps, each a vector of size {size}, for each "
        "sequence",
        remedy="pass ids of shape (batch, time) through an Embedding first; for a single step, "
        "pass x[:, None, :]; for a batch of one, pass x[None]",
    )
