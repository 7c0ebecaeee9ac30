"""Writes torch_gates.npz: what PyTorch makes of the gates' functions, at points that include ties
and zeros.

    python tests/minigrad/gates/make_reference.py       # torch 2.15 made the stored file

Run it in an environment that has torch (and nothing of minigrad). For each case, in float64: the
inputs, the output, a random cotangent, the gradients of sum(output * cotangent) as first/0,
first/1, ..., random weights, and the gradients of sum(weights * first) as second/0, ...
test_gates_pytorch.py computes the same here and compares.
"""

from pathlib import Path
from typing import Any

import numpy as np

CONSTANTS = {
    "labels": [2, 0, 1, 1],
    "picked": [[0, 0, 2], [1, 1, 1]],
    "weights": [0.5, 1.0, 2.0],
    # the second query may use no key
    "mask": [[True, False, True], [False, False, False], [True, True, True]],
    "padding": [[[[True, True, False]]], [[[True, False, False]]]],
}


POINTS = [-2.0, -1.0, -0.3, 0.0, 0.5, 1.0, 1.5]
LEFT = [[1.0, 2.0, -1.0], [0.0, 3.0, 2.0]]
TIES = [[1.0, 0.5, -1.0], [0.0, 4.0, -2.0]]
ROWS = [[2.0, 1.0, 1.0, 4.0], [3.0, 3.0, 3.0, 3.0], [-1.0, 0.0, 5.0, -1.0]]
HUGE = [[1000.0, 1000.0, 0.0], [-1000.0, -1000.0, -1001.0]]


def cases() -> dict[str, tuple[str, str, list[Any]]]:
    """{name: (PyTorch's expression of its inputs x, y and z, minigrad's, the inputs)}."""
    rng = np.random.default_rng(41)
    matrix, square = rng.normal(size=(2, 3)), rng.normal(size=(3, 3))
    cube, logs = rng.normal(size=(2, 3, 4)), -rng.exponential(size=(4, 3))
    q, k, v = rng.normal(size=(3, 2, 2, 3, 4))
    gain, bias = rng.normal(size=(2, 4))
    image, lines = rng.normal(size=(2, 3, 7, 6)), rng.normal(size=(3, 2, 8))
    kernel, filters = rng.normal(size=(4, 3, 3, 2)), rng.normal(size=(2, 2, 3))
    ties = rng.integers(3, size=(2, 2, 6, 7)).astype(float)
    attention = "F.scaled_dot_product_attention"
    ours = "mg.scaled_dot_product_attention"
    return {
        "abs": ("torch.abs(x)", "abs(x)", [POINTS]),
        "sin": ("torch.sin(x)", "mg.sin(x)", [POINTS]),
        "cos": ("torch.cos(x)", "mg.cos(x)", [POINTS]),
        "maximum": ("torch.maximum(x, y)", "mg.maximum(x, y)", [LEFT, TIES]),
        "maximum_broadcast": (
            "torch.maximum(x, y)",
            "mg.maximum(x, y)",
            [LEFT, [1.0, 3.0, -1.0]],
        ),
        "minimum": ("torch.minimum(x, y)", "mg.minimum(x, y)", [LEFT, TIES]),
        "min": ("torch.min(x)", "x.min()", [ROWS]),
        "min_axis": ("torch.amin(x, 1)", "x.min(axis=1)", [ROWS]),
        "clip": ("torch.clamp(x, -0.9, 0.9)", "x.clip(-0.9, 0.9)", [POINTS]),
        "clip_below": ("torch.clamp(x, min=0.4)", "mg.clip(x, 0.4)", [POINTS]),
        "softplus": (
            "F.softplus(x)",
            "mg.softplus(x)",
            [[-1000.0, -1.0, 0.0, 2.0, 1000.0]],
        ),
        "leaky_relu": ("F.leaky_relu(x, 0.1)", "mg.leaky_relu(x, 0.1)", [POINTS]),
        "logsumexp": ("torch.logsumexp(x, 1)", "mg.logsumexp(x, axis=1)", [HUGE]),
        "logsumexp_all": (
            "torch.logsumexp(x, (0, 1), keepdim=True)",
            "x.logsumexp(axis=(0, 1), keepdims=True)",
            [LEFT],
        ),
        "var": ("torch.var(x, 1, correction=0)", "x.var(axis=1)", [ROWS]),
        "var_unbiased": (
            "torch.var(x, (0, 1), correction=1, keepdim=True)",
            "x.var(axis=(0, 1), ddof=1, keepdims=True)",
            [ROWS],
        ),
        "std": (
            "torch.std(x, 1, correction=1)",
            "x.std(axis=1, ddof=1)",
            [[ROWS[0], ROWS[2]]],
        ),
        "std_of_equals": ("torch.std(x, 1, correction=0)", "x.std(axis=1)", [ROWS]),
        "cumsum": ("torch.cumsum(x, 1)", "mg.cumsum(x, 1)", [cube]),
        "pad": (
            "F.pad(x, (2, 0, 0, 1), value=-1.5)",
            "mg.pad(x, ((0, 1), (2, 0)), constant_values=-1.5)",
            [matrix],
        ),
        "split": (
            "torch.cat([part ** 2 for part in torch.tensor_split(x, [1, 3], 2)][::-1], 2)",
            "mg.concatenate([part * part for part in mg.split(x, [1, 3], axis=2)][::-1], axis=2)",
            [cube],
        ),
        "squeeze": (
            "torch.squeeze(x[:1], 0) ** 2",
            "mg.squeeze(x[:1], 0) ** 2",
            [matrix],
        ),
        "take_along_axis": (
            "torch.take_along_dim(x, picked, 1) ** 2",
            "mg.take_along_axis(x, picked, 1) ** 2",
            [matrix],
        ),
        "astype": (
            "x.to(torch.float32).to(torch.float64) ** 2",
            "x.astype('float32').astype('float64') ** 2",
            [[0.5, -0.25, 3.0]],
        ),
        "mae": ("F.l1_loss(x, y)", "mg.mean_absolute_error(x, y)", [LEFT, TIES]),
        "mae_sum": (
            "F.l1_loss(x, y, reduction='sum')",
            "mg.mean_absolute_error(x, y, reduction='sum')",
            [LEFT, TIES],
        ),
        "nll": (
            "F.nll_loss(x, labels)",
            "mg.negative_log_likelihood(x, labels)",
            [logs],
        ),
        "nll_weights": (
            "F.nll_loss(x, labels, weights)",
            "mg.negative_log_likelihood(x, labels, weights=weights)",
            [logs],
        ),
        "nll_none": (
            "F.nll_loss(x, labels, weights, reduction='none')",
            "mg.negative_log_likelihood(x, labels, weights=weights, reduction='none')",
            [logs],
        ),
        "nll_of_log_softmax": (
            "F.nll_loss(F.log_softmax(x, 1), labels)",
            "mg.negative_log_likelihood(mg.log_softmax(x), labels)",
            [3 * logs],
        ),
        "einsum_product": (
            "torch.einsum('ij,jk->ik', x, y)",
            "mg.einsum('ij,jk->ik', x, y)",
            [matrix, square],
        ),
        "einsum_implicit": (
            "torch.einsum('ij,jk', x, y)",
            "mg.einsum('ij,jk', x, y)",
            [matrix, square],
        ),
        "einsum_dot": (
            "torch.einsum('i,i', x, y)",
            "mg.einsum('i,i', x, y)",
            [matrix[0], square[0]],
        ),
        "einsum_bilinear": (
            "torch.einsum('bi,ij,bj->b', x, y, z)",
            "mg.einsum('bi,ij,bj->b', x, y, z)",
            [matrix, square, matrix],
        ),
        "einsum_diagonal": (
            "torch.einsum('ii->i', x)",
            "mg.einsum('ii->i', x)",
            [square],
        ),
        "einsum_trace": ("torch.einsum('ii->', x)", "mg.einsum('ii', x)", [square]),
        "einsum_sum": ("torch.einsum('bij->i', x)", "mg.einsum('bij->i', x)", [cube]),
        "einsum_attention": (
            "torch.einsum('bid,bjd->bij', x, y)",
            "mg.einsum('bid,bjd->bij', x, y)",
            [cube, cube[:, :2]],
        ),
        "einsum_ellipsis": (
            "torch.einsum('...ij,...j->...i', x, y)",
            "mg.einsum('...ij,...j->...i', x, y)",
            [cube, cube[0, :1]],
        ),
        "gelu": (
            "F.gelu(x, approximate='tanh')",
            "mg.gelu(x)",
            [[-9.0, *POINTS, 4.0, 9.0]],
        ),
        "layer_norm": (
            "F.layer_norm(x, (4,), y, z, 1e-3)",
            "mg.layer_norm(x, y, z, 1e-3)",
            [cube, gain, bias],
        ),
        "layer_norm_no_bias": (
            "F.layer_norm(x, (4,), y)",
            "mg.layer_norm(x, y)",
            [q, gain],
        ),
        "layer_norm_of_equals": (
            "F.layer_norm(x, (4,), y, z)",
            "mg.layer_norm(x, y, z)",
            [[ROWS[1], [5.0, 5.0, 5.0, 5.5]], gain, bias],
        ),
        "attention": (f"{attention}(x, y, z)", f"{ours}(x, y, z)", [q, k, v]),
        "attention_causal": (
            f"{attention}(x, y, z, is_causal=True)",
            f"{ours}(x, y, z, causal=True)",
            [q, k, v],
        ),
        "attention_scale": (
            f"{attention}(x, y, z, scale=3.0)",
            f"{ours}(x, y, z, scale=3.0)",
            [q, k, v],
        ),
        "attention_mask": (
            f"{attention}(x, y, z, mask)",
            f"{ours}(x, y, z, mask)",
            [q, k, v],
        ),
        "attention_padding": (
            f"{attention}(x, y, z, padding)",
            f"{ours}(x, y, z, padding)",
            [q, k, v],
        ),
        "attention_of_other_lengths": (
            f"{attention}(x, y, z)",
            f"{ours}(x, y, z)",
            [q[:, :, :2], k, v[..., :1]],
        ),
        "attention_of_shared_keys": (
            f"{attention}(x, y, z, padding)",
            f"{ours}(x, y, z, padding)",
            [q, k[:1, :1], v[:, :1]],
        ),
        "conv1d": ("F.conv1d(x, y)", "mg.conv(x, y)", [lines, filters]),
        "conv1d_stride_padding": (
            "F.conv1d(x, y, stride=3, padding=2)",
            "mg.conv(x, y, 3, 2)",
            [lines, filters],
        ),
        "conv2d": ("F.conv2d(x, y)", "mg.conv(x, y)", [image, kernel]),
        "conv2d_of_one_channel": (
            "F.conv2d(x, y)",
            "mg.conv(x, y)",
            [image[:, :1], kernel[:, :1]],
        ),
        "conv2d_stride": (
            "F.conv2d(x, y, stride=2)",
            "mg.conv(x, y, 2)",
            [image, kernel],
        ),
        "conv2d_padding": (
            "F.conv2d(x, y, padding=1)",
            "mg.conv(x, y, padding=1)",
            [image, kernel],
        ),
        "conv2d_strides_paddings": (
            "F.conv2d(x, y, stride=(3, 2), padding=(1, 2))",
            "mg.conv(x, y, (3, 2), (1, 2))",
            [image, kernel],
        ),
        "conv2d_of_the_whole_image": (
            "F.conv2d(x, y)",
            "mg.conv(x, y)",
            [image[:, :, :3, :2], kernel],
        ),
        "unfold": (
            "x.unfold(2, 3, 2).unfold(3, 2, 3)",
            "mg.windows(x, (3, 2), (2, 3))",
            [image],
        ),
        "max_pool": ("F.max_pool2d(x, 2)", "mg.max_pool(x, (2, 2))", [image]),
        "max_pool_of_ties": ("F.max_pool2d(x, 2)", "mg.max_pool(x, (2, 2))", [ties]),
        "max_pool_of_overlapping_ties": (
            "F.max_pool2d(x, (3, 2), (2, 1))",
            "mg.max_pool(x, (3, 2), (2, 1))",
            [ties],
        ),
        "max_pool1d": ("F.max_pool1d(x, 3, 2)", "mg.max_pool(x, 3, 2)", [ties[0]]),
    }


def main() -> None:
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    rng = np.random.default_rng(42)
    stored: dict[str, Any] = {}
    used: dict[str, Any] = {"torch": torch, "F": torch.nn.functional}
    used |= {name: torch.tensor(np.array(value)) for name, value in CONSTANTS.items()}
    for name, (call, _, given) in cases().items():
        inputs = [
            torch.tensor(np.array(one, float), requires_grad=True) for one in given
        ]
        # the only kernel that has a second derivative
        with sdpa_kernel(SDPBackend.MATH):
            output = eval(call, used | dict(zip("xyz", inputs, strict=False)))
        cotangent = torch.tensor(rng.normal(size=tuple(output.shape)))
        first = torch.autograd.grad(
            (output * cotangent).sum(), inputs, create_graph=True
        )
        weights = [torch.tensor(rng.normal(size=tuple(one.shape))) for one in inputs]
        total = sum((g * w).sum() for g, w in zip(first, weights, strict=True))
        total += sum(
            (0 * one).sum() for one in inputs
        )  # of a linear function it is a constant
        second = torch.autograd.grad(total, inputs)
        stored |= {f"{name}/output": output, f"{name}/cotangent": cotangent}
        parts = {"input": inputs, "first": first, "weights": weights, "second": second}
        for kind, tensors in parts.items():
            stored |= {f"{name}/{kind}/{k}": tensor for k, tensor in enumerate(tensors)}
    arrays = {key: one.numpy(force=True) for key, one in stored.items()}
    arrays["torch"] = np.array(torch.__version__)
    np.savez_compressed(Path(__file__).parent / "torch_gates.npz", **arrays)


if __name__ == "__main__":
    main()
