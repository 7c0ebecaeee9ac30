"""Compare ways of computing a convolution with PyTorch: CPU time of forward and backward.

    python tests/benchmarks/convolution.py

Run it in an environment that has torch and minigrad. All ways get the same float32 numbers: 64
images of 28x28 with 16 channels, and 32 filters of 3x3. The steps of a way and of PyTorch alternate
in one process, with one thread. A line shows the median times, and the median ratio of neighbouring
steps. Section (k) of run.py compares minigrad's own way for other sizes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import torch
from torch.nn import functional as F

import minigrad as mg

BATCH = 64
rng = np.random.default_rng(0)


def compare(
    name: str, ours: Callable[[], Any], theirs: Callable[[], Any], count: int
) -> None:
    """Alternate the two, and print their times."""
    times = np.array([(cpu_time(ours), cpu_time(theirs)) for _ in range(count + 5)][5:])
    mine, other = np.median(times, axis=0) * 1e3
    ratio = np.median(times[:, 0] / times[:, 1])
    print(
        f"{name:48} {mine:7.3f} ms, PyTorch {other:7.3f} ms, ratio {ratio:.2f}",
        flush=True,
    )


def cpu_time(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


# Each way computes z, dx and dW from x, W and dz, with a stride of 1.


def columns(x: Any, W: Any, dz: Any, few: int = BATCH) -> tuple[Any, Any, Any]:
    """Copy the windows of a few images at a time to columns, image by image."""
    F, C, k, _ = W.shape
    z, dx, dW = np.empty_like(dz), np.zeros_like(x), np.zeros((F, C * k * k), x.dtype)
    seen, matrix = windows(x, k), W.reshape(F, -1)
    buffer = np.empty((C, k, k, few, *dz.shape[2:]), x.dtype)
    for start in range(0, len(x), few):
        part = slice(start, start + few)
        buffer[...] = seen[part].transpose(1, 4, 5, 0, 2, 3)
        z[part] = (
            (matrix @ buffer.reshape(C * k * k, -1))
            .reshape(F, *dz[part, 0].shape)
            .swapaxes(0, 1)
        )
    for start in range(0, len(x), few):
        part = slice(start, start + few)
        buffer[...] = seen[part].transpose(1, 4, 5, 0, 2, 3)
        d = dz[part].swapaxes(0, 1).reshape(F, -1)
        dW += d @ buffer.reshape(C * k * k, -1).T
        np.matmul(matrix.T, d, out=buffer.reshape(C * k * k, -1))
        for i, j in np.ndindex(k, k):
            place(dx[part], dz, i, j)[...] += buffer[:, i, j].swapaxes(0, 1)
    return z, dx, dW.reshape(W.shape)


def positions(x: Any, W: Any, dz: Any) -> tuple[Any, Any, Any]:
    """Add up one product for each position in the kernel."""
    N, F, p, q = dz.shape
    z, dx, dW = np.zeros((N, F, p * q), x.dtype), np.zeros_like(x), np.zeros_like(W)
    d = dz.reshape(N, F, -1)
    for i, j in np.ndindex(*W.shape[2:]):
        shifted = place(x, dz, i, j).reshape(N, x.shape[1], -1)
        z += W[:, :, i, j] @ shifted
        dW[:, :, i, j] = (d @ shifted.swapaxes(1, 2)).sum(axis=0)
        place(dx, dz, i, j)[...] += (W[:, :, i, j].T @ d).reshape(N, -1, p, q)
    return z.reshape(dz.shape), dx, dW


def channels_last(x: Any, W: Any, dz: Any, few: int = 8) -> tuple[Any, Any, Any]:
    """Copy the windows of a few images at a time to rows, with the channels next to each other."""
    F, C, k, _ = W.shape
    x, dz = (np.ascontiguousarray(one.transpose(0, 2, 3, 1)) for one in (x, dz))
    matrix = np.ascontiguousarray(W.transpose(2, 3, 1, 0)).reshape(-1, F)
    z, dx, dW = np.empty_like(dz), np.zeros_like(x), np.zeros_like(matrix)
    seen = windows(x.transpose(0, 3, 1, 2), k).transpose(0, 2, 3, 4, 5, 1)
    buffer = np.empty((few, *seen.shape[1:]), x.dtype)
    for start in range(0, len(x), few):
        part = slice(start, start + few)
        buffer[...] = seen[part]
        np.matmul(buffer.reshape(-1, k * k * C), matrix, out=z[part].reshape(-1, F))
    for start in range(0, len(x), few):
        part = slice(start, start + few)
        buffer[...] = seen[part]
        d = dz[part].reshape(-1, F)
        dW += buffer.reshape(-1, k * k * C).T @ d
        np.matmul(d, matrix.T, out=buffer.reshape(-1, k * k * C))
        for i, j in np.ndindex(k, k):
            dx[part, i : i + dz.shape[1], j : j + dz.shape[2]] += buffer[..., i, j, :]
    dW = dW.reshape(k, k, C, F).transpose(3, 2, 0, 1)
    return z.transpose(0, 3, 1, 2), dx.transpose(0, 3, 1, 2), dW


def windows(x: Any, k: int) -> Any:
    return np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))


def place(x: Any, dz: Any, i: int, j: int) -> Any:
    """The elements of x at one place of all windows."""
    return x[:, :, i : i + dz.shape[2], j : j + dz.shape[3]]


def minigrad(x: Any, W: Any, dz: Any) -> tuple[Any, Any, Any]:
    inputs = [mg.Tensor(one, requires_grad=True) for one in (x, W)]
    z = mg.conv(inputs[0], inputs[1])
    z.backward(dz)
    return z.array, inputs[0].grad, inputs[1].grad


def main() -> None:
    torch.set_num_threads(1)
    size, channels, filters, kernel = 28, 16, 32, 3
    x = rng.normal(size=(BATCH, channels, size, size)).astype(np.float32)
    W = rng.normal(size=(filters, channels, kernel, kernel)).astype(np.float32)
    dz = rng.normal(size=(BATCH, filters, size - kernel + 1, size - kernel + 1)).astype(
        np.float32
    )
    tensors = [torch.tensor(one, requires_grad=True) for one in (x, W)]
    upstream = torch.tensor(dz)

    def theirs() -> None:
        for one in tensors:
            one.grad = None
        F.conv2d(*tensors).backward(upstream)

    expected = minigrad(x, W, dz)
    calls: dict[str, Callable[..., Any]] = {
        "columns of all images": columns,
        "columns of 8 images": partial(columns, few=8),
        "a product for each kernel position": positions,
        "channels last, 8 images": channels_last,
        "minigrad: the images side by side": minigrad,
    }
    for name, call in calls.items():
        for one, other in zip(call(x, W, dz), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-2)
        compare(name, partial(call, x, W, dz), theirs, 40)


if __name__ == "__main__":
    main()
