"""Normalize each example to mean 0 and variance 1 over the last axis (LayerNorm)."""

from typing import Any

from minigrad import Tensor, layer_norm
from minigrad.errors import ShapeError

from .init import ones, zeros
from .layer import Layer, as_tensor, parameter


class LayerNorm(Layer):
    """z = gain ⊙ (x - μ) / √(σ² + epsilon) + bias, with mean μ and variance σ² over the last axis
    of x (..., width).

    gain (width,) starts at 1 and bias (width,) at 0. With `bias=False`, the layer has no bias. σ² is
    the mean of (x - μ)²: the sum is divided by width, not by width - 1.

    >>> LayerNorm(2)(Tensor([[1.0, 3.0]])).array.round(3)
    array([[-1.,  1.]], dtype=float32)

    Errors: OptionError for a width below 1 (MG210); ShapeError if the last axis of x has a
    different size (MG236). Source: Ba, Kiros and Hinton, Layer normalization (2016).
    """

    def __init__(self, width: int, *, epsilon: float = 1e-5, bias: bool = True) -> None:
        self.gain = parameter(ones, (width,))
        self.bias = parameter(zeros, (width,)) if bias else None
        self.epsilon = epsilon  # avoids division by 0 if all elements are equal

    def forward(self, x: Any) -> Tensor:
        tensor = as_tensor(x)
        if tensor.shape[-1:] != self.gain.shape:
            raise ShapeError(
                "MG236",
                f"LayerNorm takes x of shape (..., {self.gain.size}), not {tensor.shape}",
                cause=f"the layer's gain and bias have {self.gain.size} elements, one for each "
                "element along the last axis of x",
                remedy="create the layer with the size of x's last axis as its width",
            )
        return layer_norm(tensor, self.gain, self.bias, self.epsilon)

    def settings(self) -> str:
        return str(self.gain.size)
