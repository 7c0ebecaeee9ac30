"""Compare convolution, pooling and a whole LeNet with PyTorch: CPU time of forward and backward.

    python tests/benchmarks/convolution.py         # the operations, and training steps
    python tests/benchmarks/convolution.py ways    # other ways of computing the largest convolution

Run it in an environment that has torch and minigrad. Both get the same float32 numbers, with 64
images in a batch. Their steps alternate in one process, with one thread. A line shows the median
times, and the median ratio of neighbouring steps. Upstream gradients have the order in memory that
each framework gives the output, as gradients from an elementwise operation would.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import torch
from torch.nn import functional as F

import minigrad as mg
from layers import BatchNorm, Conv2d, Dense, Flatten, MaxPool2d, Sequential, to_layout
from optim import SGD

BATCH = 64
CONVOLUTIONS = [  # height and width, channels, filters, size of the kernel
    (8, 1, 8, 3), (28, 1, 6, 5), (12, 6, 16, 5), (28, 16, 32, 3),
]  # fmt: skip
POOLS = [(6, 24), (16, 8)]  # channels, height and width
rng = np.random.default_rng(0)


def compare(name: str, ours: Callable[[], Any], theirs: Callable[[], Any], count: int) -> None:
    """Alternate the two, and print their times."""
    times = np.array([(cpu_time(ours), cpu_time(theirs)) for _ in range(count + 5)][5:])
    mine, other = np.median(times, axis=0) * 1e3
    ratio = np.median(times[:, 0] / times[:, 1])
    print(f"{name:48} {mine:7.3f} ms, PyTorch {other:7.3f} ms, ratio {ratio:.2f}", flush=True)


def cpu_time(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def operation(name: str, ours: Any, theirs: Any, arrays: list[Any], wanted: list[bool]) -> None:
    """Compare forward and backward of a function of some inputs."""
    inputs = [mg.Tensor(a, requires_grad=w) for a, w in zip(arrays, wanted, strict=True)]
    tensors = [torch.tensor(a, requires_grad=w) for a, w in zip(arrays, wanted, strict=True)]
    output = ours(*inputs).array
    dz = rng.normal(size=output.shape).astype(np.float32)
    upstream, torch_upstream = np.empty_like(output), torch.tensor(dz)
    upstream[...] = dz

    def our_step() -> None:
        for one in inputs:
            one.grad = None
        ours(*inputs).backward(upstream)

    def their_step() -> None:
        for one in tensors:
            one.grad = None
        theirs(*tensors).backward(torch_upstream)

    our_step()
    their_step()
    for mine, other in zip(inputs, tensors, strict=True):
        if mine.grad is not None:
            np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=1e-3, atol=1e-2)
    compare(name, our_step, their_step, 100)


def lenet(batch_norm: bool) -> tuple[Any, Any]:
    """LeNet for images of 28x28 in both frameworks, with equal weights."""
    nn = torch.nn
    module = nn.Sequential()
    model = Sequential(
        Conv2d(1, 6, 5), *[BatchNorm(6)] * batch_norm, mg.relu, MaxPool2d(2),
        Conv2d(6, 16, 5), *[BatchNorm(16)] * batch_norm, mg.relu, MaxPool2d(2),
        Flatten(), Dense(256, 120, mg.relu), Dense(120, 84, mg.relu), Dense(84, 10),
    )  # fmt: skip
    parts = {
        "conv2d": nn.Conv2d(1, 6, 5), "batchnorm": nn.BatchNorm2d(6), "relu": nn.ReLU(), "maxpool2d": nn.MaxPool2d(2),
        "conv2d_2": nn.Conv2d(6, 16, 5), "batchnorm_2": nn.BatchNorm2d(16), "relu_2": nn.ReLU(),
        "maxpool2d_2": nn.MaxPool2d(2), "flatten": nn.Flatten(), "dense": nn.Linear(256, 120), "relu_3": nn.ReLU(),
        "dense_2": nn.Linear(120, 84), "relu_4": nn.ReLU(), "dense_3": nn.Linear(84, 10),
    }  # fmt: skip
    for name, part in parts.items():
        if batch_norm or "norm" not in name:
            module.add_module(name, part)
    weights = {name: torch.tensor(array) for name, array in to_layout(model, "pytorch").items()}
    module.load_state_dict(weights)
    return model, module


def network(name: str, batch_norm: bool) -> None:
    """Compare a training step, with the loss and the update."""
    model, module = lenet(batch_norm)
    optimizer, torch_optimizer = (
        SGD(model.named_parameters(), lr=0.01),
        torch.optim.SGD(module.parameters(), lr=0.01),
    )
    x = rng.random((BATCH, 1, 28, 28), np.float32)
    labels = rng.integers(10, size=BATCH)
    images, classes = torch.tensor(x), torch.tensor(labels)
    losses: list[tuple[float, float]] = [(0.0, 0.0)]

    def our_step() -> None:
        with mg.fused():
            loss = mg.softmax_cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append((loss.item(), 0.0))

    def their_step() -> None:
        loss = F.cross_entropy(module(images), classes)
        torch_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch_optimizer.step()
        losses[-1] = losses[-1][0], loss.item()

    compare(name, our_step, their_step, 100)
    mine, other = losses[-1]
    assert abs(mine - other) < 1e-3, (mine, other)


# ---- other ways: each computes z, dx and dW from x, W and dz, with a stride of 1 ----


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
            (matrix @ buffer.reshape(C * k * k, -1)).reshape(F, *dz[part, 0].shape).swapaxes(0, 1)
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


def ways() -> None:
    size, channels, filters, kernel = CONVOLUTIONS[-1]
    x = rng.normal(size=(BATCH, channels, size, size)).astype(np.float32)
    W = rng.normal(size=(filters, channels, kernel, kernel)).astype(np.float32)
    dz = rng.normal(size=(BATCH, filters, size - kernel + 1, size - kernel + 1)).astype(np.float32)
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


def main() -> None:
    torch.set_num_threads(1)
    if sys.argv[1:] == ["ways"]:
        return ways()
    for size, channels, filters, kernel in CONVOLUTIONS:
        arrays = [
            rng.normal(size=shape).astype(np.float32)
            for shape in ((BATCH, channels, size, size), (filters, channels, kernel, kernel))
        ]
        name = f"{size}x{size}, {channels} to {filters}, {kernel}x{kernel}"
        operation(name, mg.conv, F.conv2d, arrays, [True, True])
        operation(f"{name}, without dx", mg.conv, F.conv2d, arrays, [False, True])
    for channels, size in POOLS:
        x = np.maximum(rng.normal(size=(BATCH, channels, size, size)), 0).astype(np.float32)
        # after a convolution, the images lie side by side in memory
        side_by_side = np.ascontiguousarray(x.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2)
        for order, array in (("", x), (", after a convolution", side_by_side)):
            operation(
                f"max pooling 2x2 of {channels}x{size}x{size}{order}",
                lambda x: mg.max_pool(x, (2, 2)), lambda x: F.max_pool2d(x, 2), [array], [True],
            )  # fmt: skip
    network("a step of LeNet", False)
    network("a step of LeNet with BatchNorm", True)
    return None


if __name__ == "__main__":
    main()
