"""Layers for images (N, channels, height, width) and for sequences (N, channels, length).

In recurrent layers, a sequence has the shape (N, time, width). Exchange its last two axes before and
after a Conv1d: `x.swapaxes(1, 2)`.
"""

import math
from typing import Any

from minigrad import Tensor, conv, max_pool, windows
from minigrad.errors import ShapeError
from minigrad.gates.convolution import Size, along
from minigrad.help.other_frameworks import answering

from .arguments import parameter
from .init import Initialiser, glorot_uniform, zeros
from .layer import Layer, as_tensor


class Conv1d(Layer):
    """z = W ∗ x + b: each of the `filters` kernels in W is multiplied with all windows of x.

    Neighbouring windows are `stride` steps apart. `padding` zeros are added on both sides of x.
    W (filters, channels, size) is initialised by `init`, Glorot-uniform by default; b (filters,)
    starts at 0. With `bias=False`, the layer has no bias.

    Shapes: x (N, channels, length); z has shape (N, filters, (length + 2 padding - size) // stride
    + 1).

    >>> import numpy as np
    >>> Conv1d(3, 8, 5, padding=2)(np.zeros((2, 3, 20))).shape
    (2, 8, 20)

    Errors: OptionError for sizes below 1 (MG210); ShapeError if x has a different number of axes or
    channels (MG163), or is smaller than a kernel (MG162). Source: Goodfellow, Bengio and Courville,
    Deep Learning (2016), chapter 9.

    Since: 0.2.
    """

    axes: int = 1

    @answering
    def __init__(
        self,
        channels: int,
        filters: int,
        size: Size,
        stride: Size = 1,
        padding: Size = 0,
        *,
        bias: bool = True,
        init: Initialiser = glorot_uniform,
    ) -> None:
        self.W = parameter(init, (filters, channels, *along(size, self.axes)))
        self.b = parameter(zeros, (filters,)) if bias else None
        self.stride = stride
        self.padding = padding

    def forward(self, x: Any) -> Tensor:
        z = conv(as_tensor(x, self.W.dtype), self.W, self.stride, self.padding)
        return z if self.b is None else z + self.b.reshape(-1, *[1] * self.axes)

    def settings(self) -> str:
        filters, channels, *size = self.W.shape
        bias = ", bias=False" * (self.b is None)
        return f"{channels}, {filters}, {tuple(size)}, {self.stride}, {self.padding}{bias}"


class Conv2d(Conv1d):
    """z = W ∗ x + b, as in Conv1d, for images x (N, channels, height, width).

    `size`, `stride` and `padding` are each a number, or a pair for height and width. W has shape
    (filters, channels, *size). z has shape (N, filters, height, width), where the height and the
    width are computed like the length in Conv1d.

    >>> import numpy as np
    >>> Conv2d(1, 6, 5)(np.zeros((2, 1, 28, 28))).shape
    (2, 6, 24, 24)

    Errors: see Conv1d. Source: LeCun et al., Gradient-based learning applied to document recognition (1998).

    Since: 0.2.
    """

    axes = 2


class _Pool2d(Layer):
    @answering
    def __init__(self, size: Size, stride: Size | None = None) -> None:
        self.size = along(size, 2)
        self.stride = self.size if stride is None else stride

    def settings(self) -> str:
        return f"{self.size}, {self.stride}"


class MaxPool2d(_Pool2d):
    """z = the maximum of each window of x (N, channels, height, width).

    `size` and `stride` are each a number, or a pair for height and width. By default, the stride is
    the size. Of several equal maxima, the first one gets the gradient.

    >>> import numpy as np
    >>> MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4)).array
    array([[[[ 5.,  7.],
             [13., 15.]]]])

    Errors: ShapeError if x is smaller than a window, or a size or stride is not a positive integer
    (MG162). Source: Goodfellow, Bengio and Courville, Deep Learning (2016), section 9.3.

    Since: 0.2.
    """

    def forward(self, x: Any) -> Tensor:
        return max_pool(x, self.size, self.stride)


class AveragePool2d(_Pool2d):
    """z = the mean of each window of x (N, channels, height, width).

    AveragePool2d takes the same arguments as MaxPool2d.

    >>> import numpy as np
    >>> AveragePool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4)).array
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])

    Errors: see MaxPool2d. Source: LeCun et al., Gradient-based learning applied to document
    recognition (1998).

    Since: 0.2.
    """

    def forward(self, x: Any) -> Tensor:
        return windows(x, self.size, self.stride).mean(axis=(-2, -1))


class Flatten(Layer):
    """z = x (N, ...) with all axes but the first joined into one.

    >>> import numpy as np
    >>> Flatten()(np.zeros((2, 3, 4))).shape
    (2, 12)

    Errors: ShapeError for a single number (MG109). Source: the documentation of PyTorch's Flatten.

    Since: 0.2.
    """

    def forward(self, x: Any) -> Tensor:
        tensor = as_tensor(x)
        if not tensor.shape:
            raise ShapeError(
                "MG109",
                "Flatten takes x of shape (N, ...), not ()",
                cause="it keeps the first axis, and a single number has no axes",
                remedy="pass a batch; for a batch of one, pass x.reshape(1)",
            )
        return tensor.reshape(len(tensor), math.prod(tensor.shape[1:]))
