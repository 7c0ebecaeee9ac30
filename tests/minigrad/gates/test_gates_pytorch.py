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
from tests.minigrad.gates.make_reference import CONSTANTS, cases

with np.load(Path(__file__).parent / "torch_gates.npz") as file:
    STORED = {key: file[key] for key in file.files}


def several(case: str, kind: str) -> list[Any]:
    return [value for key, value in STORED.items() if key.startswith(f"{case}/{kind}/")]


def test_every_stored_case_is_compared() -> None:
    assert {key.partition("/")[0] for key in STORED} - {"torch"} == set(cases())


@pytest.mark.parametrize("case", cases())
def test_equals_pytorch(case: str) -> None:
    inputs = [mg.Tensor(one, requires_grad=True) for one in several(case, "input")]
    cotangent, expected = STORED[f"{case}/cotangent"], STORED[f"{case}/output"]
    used = {"mg": mg, **CONSTANTS, **dict(zip("xyz", inputs, strict=False))}
    output = eval(cases()[case][1], used)
    assert output.shape == expected.shape and output.dtype == np.float64
    np.testing.assert_allclose(output.array, expected, rtol=1e-13, atol=1e-14)
    output.backward(cotangent)
    tolerance = 1e-6 if case == "astype" else 1e-11
    firsts = mg.grad(output, inputs, create_graph=True, upstream=cotangent)
    total = sum(
        (g * w).sum() for g, w in zip(firsts, several(case, "weights"), strict=True)
    )
    total += sum(
        (0.0 * x).sum() for x in inputs
    )  # of a linear function it is a constant
    seconds = mg.grad(total, inputs)
    for x, first in zip(inputs, several(case, "first"), strict=True):
        assert x.grad is not None
        np.testing.assert_allclose(x.grad, first, rtol=tolerance, atol=tolerance)
    for found, second in zip(seconds, several(case, "second"), strict=True):
        np.testing.assert_allclose(found.array, second, rtol=tolerance, atol=tolerance)
