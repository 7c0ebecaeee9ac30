"""An error of the engine tells its code, the caller's own numbers, and what to do (docs/errors.md)."""

import numpy as np
import pytest

import minigrad as mg


def parameter(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name, dtype=np.float64)


PAIR, STEP = parameter([1.0, 2.0]), parameter(1.0) * 2.0
with mg.no_grad():
    UNRECORDED = parameter(1.0) * 2.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: (PAIR * 2.0).backward(), r"MG120.*\(2,\) needs an upstream gradient"),
        (lambda: mg.no_grad()(STEP.backward)(), "MG121"),
        (lambda: UNRECORDED.backward(), "(?s)MG122.*inside no_grad"),
        (lambda: STEP.detach().backward(), "(?s)MG122.*detached"),
        (lambda: (mg.Tensor(1.0) * 2.0).backward(), "(?s)MG122.*none of the tensors"),
        (lambda: mg.cut(STEP).backward(), "(?s)MG122.*cut"),
        (lambda: (PAIR * 2.0).backward(np.ones(3)), r"MG102.*\(3,\).*\(2,\)"),
        (lambda: (parameter(np.nan) * 1.0).backward(), "MG130.*the loss is nan"),
        (lambda: mg.grad(STEP, [mg.Tensor(1.0)]), "MG127"),
        (lambda: mg.grad(STEP, [np.ones(2)]), "MG127.*of type ndarray"),
        (lambda: setattr(STEP, "array", 1.0), "MG126.*Hadamard"),
        (lambda: setattr(STEP, "grad", 1.0), "MG126.*Hadamard"),
        (lambda: STEP.update(print), "MG126.*Hadamard"),
        (lambda: setattr(PAIR, "array", [1.0]), "MG104"),
        (lambda: setattr(PAIR, "grad", [1.0]), "MG105"),
        (lambda: STEP.backward(gradient=1.0), "(?s)MG129.*upstream="),
    ],
)
def test_the_message_names_what_is_wrong(call, message):
    with pytest.raises(mg.MinigradError, match=message):
        call()


def test_a_rule_that_fails_names_gate_scope_and_shapes():
    class Broken(mg.Gate):
        def forward(self, x):
            return x + 1

        def backward(self, dz, z, x):
            return (dz[:-1],)

    class Short(Broken):
        def backward(self, dz, z, x):
            return ()

    for cls in (Broken, Short):
        del mg.GATES[cls.__name__]
        with mg.scope("lesson"), pytest.raises(mg.MinigradError, match="MG125") as caught:
            cls()(PAIR).sum().backward()
        assert f"{cls.__name__} in lesson" in caught.value.where and "(2,)" in caught.value.where


def test_shapes_that_do_not_fit_name_gate_shapes_and_scope():
    x, W = parameter(np.ones((2, 3)), "x"), parameter(np.ones((4, 5)), "W")
    with mg.scope("encoder"), mg.scope("t07"), pytest.raises(mg.MinigradError, match="MG101") as caught:
        x @ W
    for part in ("MultiplyGate", "x (2, 3)", "W (4, 5)", "encoder/t07"):
        assert part in str(caught.value)
