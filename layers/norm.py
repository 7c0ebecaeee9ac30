"""Normalize to mean 0 and variance 1: each example over its last axis (LayerNorm), or each channel
over a batch (BatchNorm).
"""

import math
from typing import Any

import numpy as np

from minigrad import Tensor, layer_norm
from minigrad.context import SUM_OVER_RANKS
from minigrad.errors import OptionError, ShapeError
from minigrad.gates.basic import floats
from minigrad.help.other_frameworks import answering

from .arguments import parameter
from .dropout import warn_of_training
from .init import ones, zeros
from .layer import Layer, as_tensor


def check_number(layer: Layer, name: str, value: Any, most: float) -> Any:
    """Return `value`. Raise OptionError (MG254) unless it is a number from 0 to `most`."""
    if isinstance(value, (int, float, np.number)) and 0 <= value <= most:
        return value
    cause = f"{name} must be a number of at least 0"
    if most < math.inf:
        cause += f" and at most {most:g}"
    if name == "momentum":
        cause += "; PyTorch's momentum=None, the mean over all batches, is not supported"
    raise OptionError(
        "MG254",
        f"{type(layer).__name__} does not accept {name}={value!r}",
        cause=cause,
        remedy=f"leave out {name}, which then has its usual value",
    )


class LayerNorm(Layer):
    """z = gain ⊙ (x - μ) / √(σ² + epsilon) + bias, with mean μ and variance σ² over the last axis
    of x (..., width).

    gain (width,) starts at 1 and bias (width,) at 0. With `bias=False`, the layer has no bias. σ² is
    the mean of (x - μ)²: the sum is divided by width, not by width - 1.

    >>> LayerNorm(2)(Tensor([[1.0, 3.0]])).array.round(3)
    array([[-1.,  1.]], dtype=float32)

    Errors: OptionError for a width below 1 (MG210); ShapeError if the last axis of x has a
    different size (MG236); OptionError for a negative epsilon (MG254).
    Source: Ba, Kiros and Hinton, Layer normalization (2016).

    Since: 0.1.
    """

    @answering
    def __init__(self, width: int, *, epsilon: float = 1e-5, bias: bool = True) -> None:
        self.gain = parameter(ones, (width,))
        self.bias = parameter(zeros, (width,)) if bias else None
        # avoids division by 0 if all elements are equal
        self.epsilon = check_number(self, "epsilon", epsilon, math.inf)

    def forward(self, x: Any) -> Tensor:
        tensor = as_tensor(x)
        if tensor.shape[-1:] != self.gain.shape:
            raise ShapeError(
                "MG236",
                f"LayerNorm takes x of shape (..., {self.gain.size}), not {tensor.shape}",
                cause="the last axis of x must have as many elements as the layer's gain and bias: "
                f"{self.gain.size}",
                remedy="create the layer with the size of x's last axis as its width",
            )
        return layer_norm(tensor, self.gain, self.bias, self.epsilon)

    def settings(self) -> str:
        return str(self.gain.size)


class BatchNorm(LayerNorm):
    """z = gain ⊙ (x - μ) / √(σ² + epsilon) + bias, with mean μ and variance σ² of each channel.

    In training, μ and σ² are computed from the batch, over all axes except the channels. Each batch
    also moves the buffers `mean` and `variance` towards μ and σ²: mean = (1 - momentum) mean +
    momentum μ. In evaluation mode, these buffers replace μ and σ². As in PyTorch, `variance` is
    computed with n - 1 instead of n, where n is the number of values in each channel. If several
    processes train the model, the batch is the whole batch, not a process's share of it.

    Shapes: x (N, width) or (N, width, ...); gain, bias, mean and variance (width,).

    >>> norm = BatchNorm(1)
    >>> norm([[1.0], [3.0]]).array.round(3).tolist(), norm.mean
    ([[-1.0], [1.0]], array([0.2], dtype=float32))

    Errors: OptionError for a width below 1 (MG210) and for a momentum outside 0 to 1 (MG254);
    ShapeError for a different number of channels or, in training, for a batch with only one number
    for each channel (MG225); a ModeWarning (MG214) for training mode inside `no_grad`. Source:
    Ioffe and Szegedy, Batch normalization (2015).

    Since: 0.2.
    """

    bias: Any
    mean: Any
    variance: Any

    @answering
    def __init__(self, width: int, *, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__(width, epsilon=epsilon)
        self.momentum = check_number(self, "momentum", momentum, 1.0)
        self.buffer("mean", zeros((width,)))
        self.buffer("variance", ones((width,)))

    def forward(self, x: Any) -> Tensor:
        x = floats(as_tensor(x))
        width = self.gain.size
        count = x.size // width
        over_ranks = SUM_OVER_RANKS.get() if self.training else None
        if over_ranks is not None:
            count = int(over_ranks(np.array(count)).item())
        if x.shape[1:2] != (width,) or (self.training and count < 2):
            raise ShapeError(
                "MG225",
                f"BatchNorm takes x of shape (N, {width}, ...), not {x.shape}",
                cause=f"the layer has {width} channels; in training, each channel needs two or more "
                "numbers, because the variance of one number is 0",
                remedy="create the layer with the size of x's second axis as its width; train on "
                "larger batches",
            )
        shape = (width, *[1] * (x.ndim - 2))
        if self.training:
            warn_of_training("BatchNorm computes the mean and variance of each batch")
            axes = (0, *range(2, x.ndim))

            def mean_of(values: Any) -> Any:
                if over_ranks is None:
                    return values.mean(axis=axes, keepdims=True)
                return over_ranks(values.sum(axis=axes, keepdims=True)) / count

            mean = mean_of(x)
            centred = x - mean
            variance = mean_of(centred * centred)
            unbiased = variance.array * (count / (count - 1))
            for buffer, batch in ((self.mean, mean.array), (self.variance, unbiased)):
                buffer += self.momentum * (batch.reshape(width) - buffer)
        else:
            centred = x - self.mean.reshape(shape)
            variance = self.variance.reshape(shape)
        scale = self.gain.reshape(shape) / np.sqrt(variance + self.epsilon)
        return centred * scale + self.bias.reshape(shape)
