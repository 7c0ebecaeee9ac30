"""The step curve and the Taylor remainder, for right and wrong gradients."""

import numpy as np
import pytest

import minigrad as mg

X = np.random.default_rng(3).normal(size=(3, 4))


def f(x):
    return mg.exp(mg.tanh(x))


def test_step_curve_of_a_right_gradient_is_a_v(tmp_path):
    curve = mg.gradcheck(f, X).step_curve()
    best = int(np.argmin(curve.errors))
    assert curve.steps[best] in (1e-5, 1e-6, 1e-7)
    assert curve.errors[best] < 1e-8
    assert curve.errors[0] > 1e-4
    assert curve.errors[-1] > 1e-6
    # truncation: order h²
    assert curve.errors[1] / curve.errors[2] == pytest.approx(
        100,
        rel=0.1,
    )
    assert str(curve).count("\n") == 12
    curve.save(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"


def test_step_curve_of_a_wrong_gradient_is_flat(monkeypatch):
    monkeypatch.setattr(
        mg.Tanh,
        "backward",
        lambda self, dz, z, x: (dz,),
    )
    assert min(mg.gradcheck(f, X).step_curve().errors) > 1e-2


def test_taylor_slope_of_a_right_gradient_is_2():
    assert mg.gradcheck(
        f,
        X,
    ).slope == pytest.approx(2, abs=0.05)
    assert mg.gradcheck(lambda x: 3 * x, X).slope is None  # there is no remainder


def test_taylor_slope_of_a_wrong_gradient_is_1(monkeypatch):
    def a_little_off(self, dz, z, x):
        return (dz * (1 - z * z) * 1.01,)

    monkeypatch.setattr(mg.Tanh, "backward", a_little_off)
    assert mg.gradcheck(
        f,
        X,
    ).slope == pytest.approx(1, abs=0.2)
