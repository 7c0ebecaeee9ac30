"""Lesson 20: build convolution and max pooling with their gradients, and train
a network that reads digits with them.

Write the eight functions in this order, about 30 lines in all. Run the check
after each one. Use NumPy only.

    minigrad course check 20
    python lesson_20_convolution.py    trains the networks, in a few seconds

An image is an array (..., H, W). The dots stand for any number of axes in front
of height and width, for example a batch of images. Use x[..., i, j] and shape[-2]
to treat all images at once, without a loop over them. Do not change the inputs.
"""

import numpy as np


def output_size(n, size, stride, padding):
    """Return how many windows of this size fit into n pixels, as an integer.

    First, `padding` zeros are added at both ends. The first window begins at
    the left end of the padded row. Each later one begins `stride` numbers
    further to the right. All windows must be inside the row.
    """
    raise NotImplementedError("not written yet")


def pad(x, padding):
    """Return x with `padding` zeros on all four sides. `padding` may be 0.

    x (..., H, W) -> (..., H + 2 * padding, W + 2 * padding)
    """
    raise NotImplementedError("not written yet")


def windows(x, size, stride):
    """Return all windows of x. `size` is the pair (h, w): height and width.

    x (..., H, W) -> (..., P, Q, h, w), where P and Q are the numbers of windows
    down and across. The upper left pixel of window [..., p, q, :, :] is in row
    p * stride and column q * stride of x.
    """
    raise NotImplementedError("not written yet")


def convolve(x, kernel, stride):
    """Return the sum of each window times the kernel, element by element.

    x (..., H, W), kernel (h, w) -> (..., P, Q)

    The kernel is not flipped.
    """
    raise NotImplementedError("not written yet")


def kernel_gradient(dz, x, size, stride):
    """Return dL/dkernel for z = convolve(x, kernel, stride).

    dz is dL/dz. dz (..., P, Q), x (..., H, W) -> (h, w). `size` is the pair (h, w).
    """
    raise NotImplementedError("not written yet")


def image_gradient(dz, kernel, shape, stride):
    """Return dL/dx for z = convolve(x, kernel, stride). `shape` is x.shape.

    dz (..., P, Q), kernel (h, w) -> (..., H, W)
    """
    raise NotImplementedError("not written yet")


def max_pool(x, size):
    """Return the largest pixel of each window of size x size pixels.

    The windows are next to each other and do not overlap. Rows and columns that
    are left over at the end are ignored.

    x (..., H, W) -> (..., H // size, W // size)
    """
    raise NotImplementedError("not written yet")


def max_pool_backward(dz, x, size):
    """Return dL/dx for z = max_pool(x, size).

    dz (..., H // size, W // size), x (..., H, W) -> (..., H, W)

    The largest pixel of each window gets the window's dz, all others get 0. If
    several pixels of a window are equally large, the first one gets the
    gradient. Pixels are in reading order: row by row, from left to right.

    For example, size 2, dz [[10, 100]] and x [[1, 3, 2, 5, 7], [4, 2, 5, 0, 9]]
    give dx [[0, 0, 0, 100, 0], [10, 0, 0, 0, 0]].
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    import sys

    from minigrad.course.lessons.lesson_20_convolution import trained

    trained.run(sys.modules[__name__])
