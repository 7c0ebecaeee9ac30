"""Outputs, gradients and second derivatives equal those of PyTorch, which make_reference.py stored.
All in float64.

The points include ties, zeros and numbers too large for e^x. At a kink the frameworks agree only by
convention, and so these tests hold the conventions: equal operands share the gradient, |x| has
slope 0 at 0, and so on.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg

LABELS, WEIGHTS = np.array([2, 0, 1, 1]), [0.5, 1.0, 2.0]
PICKED = np.array([[0, 0, 2], [1, 1, 1]])

with np.load(Path(__file__).parent / "torch_gates.npz") as file:
    STORED = {key: file[key] for key in file.files}

CASES = {
    "abs": "abs(x)",
    "sin": "mg.sin(x)",
    "cos": "mg.cos(x)",
    "maximum": "mg.maximum(x, y)",
    "maximum_broadcast": "mg.maximum(x, y)",
    "minimum": "mg.minimum(x, y)",
    "min": "x.min()",
    "min_axis": "x.min(axis=1)",
    "clip": "x.clip(-0.9, 0.9)",
    "clip_below": "mg.clip(x, 0.4)",
    "softplus": "mg.softplus(x)",
    "leaky_relu": "mg.leaky_relu(x, 0.1)",
    "logsumexp": "mg.logsumexp(x, axis=1)",
    "logsumexp_all": "x.logsumexp(axis=(0, 1), keepdims=True)",
    "var": "x.var(axis=1)",
    "var_unbiased": "x.var(axis=(0, 1), ddof=1, keepdims=True)",
    "std": "x.std(axis=1, ddof=1)",
    "std_of_equals": "x.std(axis=1)",
    "cumsum": "mg.cumsum(x, 1)",
    "pad": "mg.pad(x, ((0, 1), (2, 0)), constant_values=-1.5)",
    "split": "mg.concatenate([part * part for part in mg.split(x, [1, 3], axis=2)][::-1], axis=2)",
    "squeeze": "mg.squeeze(x[:1], 0) ** 2",
    "take_along_axis": "mg.take_along_axis(x, PICKED, 1) ** 2",
    "astype": "x.astype('float32').astype('float64') ** 2",
    "mae": "mg.mean_absolute_error(x, y)",
    "mae_sum": "mg.mean_absolute_error(x, y, reduction='sum')",
    "nll": "mg.negative_log_likelihood(x, LABELS)",
    "nll_weights": "mg.negative_log_likelihood(x, LABELS, weights=WEIGHTS)",
    "nll_none": "mg.negative_log_likelihood(x, LABELS, weights=WEIGHTS, reduction='none')",
    "nll_of_log_softmax": "mg.negative_log_likelihood(mg.log_softmax(x), LABELS)",
    "einsum_product": "mg.einsum('ij,jk->ik', x, y)",
    "einsum_implicit": "mg.einsum('ij,jk', x, y)",
    "einsum_dot": "mg.einsum('i,i', x, y)",
    "einsum_bilinear": "mg.einsum('bi,ij,bj->b', x, y, z)",
    "einsum_diagonal": "mg.einsum('ii->i', x)",
    "einsum_trace": "mg.einsum('ii', x)",
    "einsum_sum": "mg.einsum('bij->i', x)",
    "einsum_attention": "mg.einsum('bid,bjd->bij', x, y)",
    "einsum_ellipsis": "mg.einsum('...ij,...j->...i', x, y)",
}


def several(case: str, kind: str) -> list[Any]:
    return [value for key, value in STORED.items() if key.startswith(f"{case}/{kind}/")]


def test_every_stored_case_is_compared() -> None:
    assert {key.partition("/")[0] for key in STORED} - {"torch"} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_equals_pytorch(case: str) -> None:
    inputs = [mg.Tensor(one, requires_grad=True) for one in several(case, "input")]
    used = {"mg": mg, "LABELS": LABELS, "WEIGHTS": WEIGHTS, "PICKED": PICKED}
    output = eval(CASES[case], used | dict(zip("xyz", inputs, strict=False)))
    assert output.shape == STORED[f"{case}/output"].shape and output.dtype == np.float64
    np.testing.assert_allclose(output.array, STORED[f"{case}/output"], rtol=1e-13, atol=1e-14)
    output.backward(STORED[f"{case}/cotangent"])
    tolerance: dict[str, Any] = (
        {"rtol": 1e-6, "atol": 1e-6} if case == "astype" else {"rtol": 1e-11, "atol": 1e-12}
    )
    for x, first in zip(inputs, several(case, "first"), strict=True):
        assert x.grad is not None
        np.testing.assert_allclose(x.grad, first, **tolerance)
    firsts = mg.grad(output, inputs, create_graph=True, upstream=STORED[f"{case}/cotangent"])
    total = sum((g * w).sum() for g, w in zip(firsts, several(case, "weights"), strict=True))
    assert isinstance(total, mg.Tensor)
    seconds = (
        mg.grad(total, inputs)
        if total.requires_grad
        else [mg.Tensor(np.zeros(x.shape)) for x in inputs]
    )
    for found, second in zip(seconds, several(case, "second"), strict=True):
        np.testing.assert_allclose(found.array, second, **tolerance)
