"""Writes torch_gates.npz: PyTorch's outputs and derivatives, at points with ties and zeros.

    python tests/minigrad/gates/make_reference.py       # torch 2.15 made the stored file

Run it in an environment that has torch (and nothing of minigrad). For each case, in float64: the
inputs, the output, a random cotangent, the gradients of sum(output * cotangent) as first/0,
first/1, ..., random weights, and the gradients of sum(weights * first) as second/0, ...
test_gates_pytorch.py computes the same here and compares. Functions without kinks that NumPy has
are in tests/minigrad/test_numpy_api.py instead.
"""

from pathlib import Path
from typing import Any

import numpy as np

LABELS = [2, 0, 1, 1]
WEIGHTS = [0.5, 1.0, 2.0]
# the second query may use no key
MASK = [[True, False, True], [False, False, False], [True, True, True]]

POINTS = [-2.0, -1.0, -0.3, 0.0, 0.5, 1.0, 1.5]
LEFT = [[1.0, 2.0, -1.0], [0.0, 3.0, 2.0]]
TIES = [[1.0, 0.5, -1.0], [0.0, 4.0, -2.0]]
ROWS = [[2.0, 1.0, 1.0, 4.0], [3.0, 3.0, 3.0, 3.0], [-1.0, 0.0, 5.0, -1.0]]
HUGE = [[1000.0, 1000.0, 0.0], [-1000.0, -1000.0, -1001.0]]


def cases(torch: Any) -> dict[str, tuple[Any, list[Any]]]:
    """{name: (PyTorch's function, its inputs)}."""
    F = torch.nn.functional
    attention = F.scaled_dot_product_attention
    labels, mask = torch.tensor(LABELS), torch.tensor(MASK)
    weights = torch.tensor(WEIGHTS).double()
    rng = np.random.default_rng(41)
    logs = -rng.exponential(size=(4, 3))
    q, k, v = rng.normal(size=(3, 2, 2, 3, 4))
    gain, bias = rng.normal(size=(2, 4))
    image = rng.normal(size=(2, 3, 7, 6))
    kernel = rng.normal(size=(4, 3, 3, 2))
    ties = rng.integers(3, size=(2, 2, 6, 7)).astype(float)
    return {
        "abs": (torch.abs, [POINTS]),
        "maximum": (torch.maximum, [LEFT, TIES]),
        "minimum": (torch.minimum, [LEFT, TIES]),
        "min_axis": (lambda x: torch.amin(x, 1), [ROWS]),
        "clip": (
            lambda x: torch.clamp(x, -0.9, 0.9),
            [POINTS],
        ),
        "softplus": (
            F.softplus,
            [[-1000.0, -1.0, 0.0, 2.0, 1000.0]],
        ),
        "leaky_relu": (lambda x: F.leaky_relu(x, 0.1), [POINTS]),
        "gelu": (
            lambda x: F.gelu(x, approximate="tanh"),
            [
                [
                    -9.0,
                    *POINTS,
                    4.0,
                    9.0,
                ]
            ],
        ),
        "logsumexp": (lambda x: torch.logsumexp(x, 1), [HUGE]),
        "std_of_equals": (
            lambda x: torch.std(x, 1, correction=0),
            [ROWS],
        ),
        "mae": (F.l1_loss, [LEFT, TIES]),
        "nll_weights": (
            lambda x: F.nll_loss(x, labels, weights),
            [logs],
        ),
        "nll_none": (
            lambda x: F.nll_loss(x, labels, weights, reduction="none"),
            [logs],
        ),
        "einsum_trace": (torch.trace, [image[0, 0, :6]]),
        "layer_norm_of_equals": (
            lambda x, *affine: F.layer_norm(x, (4,), *affine),
            [
                [
                    ROWS[1],
                    [5.0, 5.0, 5.0, 5.5],
                ],
                gain,
                bias,
            ],
        ),
        "attention_scale": (
            lambda *x: attention(*x, scale=3.0),
            [q, k, v],
        ),
        "attention_mask": (
            lambda *x: attention(*x, mask),
            [q, k, v],
        ),
        "conv2d_strides_paddings": (
            lambda x, W: F.conv2d(
                x,
                W,
                stride=(3, 2),
                padding=(1, 2),
            ),
            [image, kernel],
        ),
        "max_pool_of_overlapping_ties": (
            lambda x: F.max_pool2d(
                x,
                (3, 2),
                (2, 1),
            ),
            [ties],
        ),
    }


def main() -> None:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    rng = np.random.default_rng(42)
    stored: dict[str, Any] = {}
    for name, (function, arrays) in cases(torch).items():
        inputs = [torch.tensor(np.array(one, float), requires_grad=True) for one in arrays]
        # the only kernel that has a second derivative
        with sdpa_kernel(SDPBackend.MATH):
            output = function(*inputs)
        cotangent = torch.tensor(rng.normal(size=tuple(output.shape)))
        loss = (output * cotangent).sum()
        first = torch.autograd.grad(loss, inputs, create_graph=True)
        weights = [torch.tensor(rng.normal(size=tuple(one.shape))) for one in inputs]
        # a linear function's gradients are constants
        total = sum((0 * one).sum() for one in inputs)
        total += sum(
            (g * w).sum()
            for g, w in zip(
                first,
                weights,
                strict=True,
            )
        )
        second = torch.autograd.grad(total, inputs)
        stored |= {f"{name}/output": output, f"{name}/cotangent": cotangent}
        parts = {"input": inputs, "first": first, "weights": weights, "second": second}
        for kind, tensors in parts.items():
            stored |= {f"{name}/{kind}/{k}": one for k, one in enumerate(tensors)}
    numbers: dict[str, Any] = {key: one.numpy(force=True) for key, one in stored.items()}
    numbers["torch"] = np.array(torch.__version__)
    np.savez_compressed(Path(__file__).parent / "torch_gates.npz", **numbers)


if __name__ == "__main__":
    main()
