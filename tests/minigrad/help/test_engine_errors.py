"""What the engine refuses says the code, the caller's own numbers, and what to do."""

import numpy as np
import pytest

import minigrad as mg


def parameter(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name, dtype=np.float64)


class TestErrors:
    def test_non_scalar_without_a_seed(self):
        with pytest.raises(mg.MinigradError, match=r"MG120.*\(2,\) needs an upstream gradient"):
            (parameter([1.0, 2.0]) * 2.0).backward()

    def test_inside_no_grad(self):
        z = parameter(1.0) * 2.0
        with mg.no_grad(), pytest.raises(mg.MinigradError, match="MG121"):
            z.backward()

    def test_nothing_recorded_says_why(self):
        x = parameter(1.0)
        with mg.no_grad():
            under = x * x
        for tensor, why in [
            (under, "inside no_grad"),
            ((x * x).detach(), "detached"),
            (mg.Tensor(1.0) * 2.0, "none of the tensors"),
            (mg.cut(x * x), "cut"),
        ]:
            with pytest.raises(mg.MinigradError, match="MG122") as caught:
                tensor.backward()
            assert why in caught.value.cause

    def test_seed_of_another_shape(self):
        with pytest.raises(mg.MinigradError, match=r"MG102.*\(3,\).*\(2,\)"):
            (parameter([1.0, 2.0]) * 2.0).backward(np.ones(3))

    @pytest.mark.filterwarnings("ignore:divide by zero")
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_loss_that_is_not_finite(self, value):
        x = parameter(value)
        with pytest.raises(mg.MinigradError, match=f"MG130.*the loss is {value}"):
            (x * 1.0).backward()
        assert x.grad is None

    def test_a_rule_that_fails_names_gate_scope_and_shapes(self):
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
            with mg.scope("lesson"), pytest.raises(mg.MinigradError) as caught:
                cls()(parameter([1.0, 2.0])).sum().backward()
            assert caught.value.code == "MG125"
            assert f"{cls.__name__} in lesson" in caught.value.where and "(2,)" in caught.value.where

    def test_shapes_that_do_not_fit_name_gate_shapes_and_scope(self):
        x, W = parameter(np.ones((2, 3)), "x"), parameter(np.ones((4, 5)), "W")
        with mg.scope("encoder"), mg.scope("t07"), pytest.raises(mg.MinigradError) as caught:
            x @ W
        text = str(caught.value)
        for part in ("MultiplyGate", "x (2, 3)", "W (4, 5)", "encoder/t07", "MG101"):
            assert part in text

    def test_grad_of_something_that_wants_none(self):
        with pytest.raises(mg.MinigradError, match="MG127"):
            mg.grad(parameter(1.0) * 2.0, [mg.Tensor(1.0)])

    def test_an_inner_step_cannot_be_changed(self):
        y = parameter(1.0) * 2.0
        for change in (lambda: setattr(y, "array", 1.0), lambda: setattr(y, "grad", 1.0), lambda: y.update(print)):
            with pytest.raises(mg.MinigradError, match="MG126.*Hadamard"):
                change()
