"""The step curve and the Taylor remainder: a V and order 2 for a right gradient, flat and order 1
for a wrong one.
"""

import numpy as np
import pytest

import minigrad as mg

X = np.random.default_rng(3).normal(size=(3, 4))


def f(x):
    return mg.exp(mg.tanh(x))


def test_the_step_curve_is_a_v_and_says_where_a_wrong_one_stays(tmp_path, monkeypatch):
    curve = mg.gradcheck(f, X).step_curve()
    best = int(np.argmin(curve.errors))
    assert curve.steps[best] in (1e-5, 1e-6, 1e-7) and curve.errors[best] < 1e-8
    assert curve.errors[0] > 1e-4 and curve.errors[-1] > 1e-6
    assert curve.errors[1] / curve.errors[2] == pytest.approx(
        100, rel=0.1
    )  # truncation: order h²
    assert str(curve).count("\n") == 12
    curve.save(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"
    monkeypatch.setattr(mg.GATES["Tanh"], "backward", lambda self, dz, z, x: (dz,))
    assert min(mg.gradcheck(f, X).step_curve().errors) > 1e-2


def test_the_taylor_remainder_needs_no_tolerance(monkeypatch):
    assert mg.gradcheck(f, X).slope == pytest.approx(2, abs=0.05)
    assert (
        mg.gradcheck(lambda x: 3 * x, X).slope is None
    )  # straight: there is no remainder at all

    def a_little_off(self, dz, z, x):
        return (dz * (1 - z * z) * 1.01,)

    monkeypatch.setattr(mg.GATES["Tanh"], "backward", a_little_off)
    assert mg.gradcheck(f, X).slope == pytest.approx(1, abs=0.2)
