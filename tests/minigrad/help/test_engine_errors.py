"""Errors of the engine: the code, the shapes, and what to do (docs/errors.md has the others)."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg

torch: Any = mg  # without types


@pytest.fixture
def pair():
    return mg.Tensor([1.0, 2.0], requires_grad=True)


def inside_no_grad(x):
    with mg.no_grad():
        return x.sum()


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda x: inside_no_grad(x).backward(),
            "MG122.*inside no_grad",
        ),
        (
            lambda x: x.sum().detach().backward(),
            "MG122.*detached",
        ),
        (lambda x: mg.cut(x.sum()).backward(), "MG122.*cut"),
        (
            lambda x: (mg.Tensor(1.0) * 2.0).backward(),
            "MG122.*none of the tensors",
        ),
        (lambda x: (x.sum() * np.inf).backward(), "MG130.*Hadamard"),
        (
            lambda x: torch.grad(x.sum(), [x.array]),
            "MG127.*array",
        ),
        (lambda x: setattr(x * x, "grad", 1.0), "MG126.*Hadamard"),
        (lambda x: (x * x).update(print), "MG126.*Hadamard"),
        (
            lambda x: (x * x).backward(np.ones(3)),
            r"MG102.*\(3,\).*\(2,\)",
        ),
        (lambda x: (x * x).backward(), r"MG120.*\(2,\)"),
    ],
)
def test_error_names_gate_or_shapes(call, message, pair):
    with pytest.raises(mg.MinigradError, match=f"(?s){message}"):
        call(pair)


class Broken(mg.Gate):
    """A rule that fails."""

    def forward(self, x):
        return x + 1

    def backward(self, dz, z, x):
        return (dz[:-1],)


class Short(Broken):
    def backward(self, dz, z, x):
        return ()


class Generous(Broken):
    def backward(self, dz, z, x):
        return dz, dz


for gate in (Broken, Short, Generous):  # other tests take every registered gate through
    del mg.GATES[gate.__name__]


@pytest.mark.parametrize("gate", [Broken, Short, Generous])
def test_failing_rule_is_named_with_scope_and_shapes(gate, pair):
    with mg.scope("lesson"):
        z = gate()(pair)
    with pytest.raises(mg.MinigradError, match="MG125") as caught:
        z.sum().backward()
    assert f"{gate.__name__} in lesson" in caught.value.where
    assert "(2,)" in caught.value.where
