"""Outputs and derivatives of gates equal PyTorch's, which make_reference.py stored in float64.

The points include ties, zeros and numbers too large for e^x. At a kink the frameworks agree only by
convention, so these tests check the conventions: equal operands share the gradient, |x| has
slope 0 at 0, and so on.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import minigrad as mg
from tests.minigrad.gates.make_reference import LABELS, MASK, WEIGHTS

with np.load(Path(__file__).parent / "torch_gates.npz") as file:
    STORED = {key: file[key] for key in file.files}

attention: Any = mg.scaled_dot_product_attention
layer_norm: Any = mg.layer_norm
nll_loss = mg.negative_log_likelihood
CASES: dict[str, Any] = {
    "abs": abs,
    "maximum": mg.maximum,
    "minimum": mg.minimum,
    "min_axis": mg.Min(1),
    "clip": mg.Clip(-0.9, 0.9),
    "softplus": mg.softplus,
    "leaky_relu": mg.LeakyReLU(0.1),
    "gelu": mg.gelu,
    "logsumexp": mg.LogSumExp(1),
    "std_of_equals": lambda x: x.std(axis=1),
    "mae": mg.mean_absolute_error,
    "nll_weights": lambda x: nll_loss(x, LABELS, weights=WEIGHTS),
    "nll_none": lambda x: nll_loss(
        x,
        LABELS,
        weights=WEIGHTS,
        reduction="none",
    ),
    "einsum_trace": mg.Einsum("ii"),
    "layer_norm_of_equals": layer_norm,
    "attention_scale": lambda *x: attention(*x, scale=3.0),
    "attention_mask": lambda *x: attention(*x, MASK),
    "conv2d_strides_paddings": lambda x, W: mg.conv(
        x,
        W,
        (3, 2),
        (1, 2),
    ),
    "max_pool_of_overlapping_ties": lambda x: mg.max_pool(
        x,
        (3, 2),
        (2, 1),
    ),
}


def stored(case: str, kind: str) -> list[Any]:
    return [STORED[key] for key in STORED if key.startswith(f"{case}/{kind}/")]


def test_every_stored_case_is_compared() -> None:
    assert {key.partition("/")[0] for key in STORED} - {"torch"} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_equals_pytorch(case: str) -> None:
    inputs: list[Any] = [
        mg.Tensor(
            one,
            requires_grad=True,
        )
        for one in stored(case, "input")
    ]
    cotangent = STORED[f"{case}/cotangent"]
    output = CASES[case](*inputs)
    expected = STORED[f"{case}/output"]
    assert_allclose(
        output.array,
        expected,
        rtol=1e-13,
        atol=1e-14,
        strict=True,
    )
    output.backward(cotangent)
    firsts = mg.grad(output, inputs, create_graph=True, upstream=cotangent)
    # a linear function's gradients are constants
    total: Any = sum((0.0 * x).sum() for x in inputs)
    for first, weights in zip(
        firsts,
        stored(case, "weights"),
        strict=True,
    ):
        total += (first * weights).sum()
    seconds = mg.grad(total, inputs)
    for x, first, second, truth, truth_2 in zip(
        inputs,
        firsts,
        seconds,
        stored(case, "first"),
        stored(case, "second"),
        strict=True,
    ):
        assert_allclose(x.grad, truth, rtol=1e-11, atol=1e-11)
        assert_allclose(first.array, truth, rtol=1e-11, atol=1e-11)
        assert_allclose(second.array, truth_2, rtol=1e-11, atol=1e-11)
