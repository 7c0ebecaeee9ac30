"""`profile`, with a clock that moves only when a test says so, so every figure is known in advance."""

import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import gradients
from minigrad.context import OBSERVERS, ON_GRADIENT


class Clock:
    now = 100.0

    def wait(self, seconds):
        self.now += seconds

    def read(self):
        return self.now


CLOCK = Clock()


class Slow(mg.Gate):
    """Takes 3 s forward, 5 s backward, and 7 s more for a gradient that is held back."""

    def forward(self, x):
        CLOCK.wait(3)
        return x + 1

    def backward(self, dz, z, x):
        CLOCK.wait(5)

        def part():
            CLOCK.wait(7)
            return dz

        return (part,)


mg.GATES.pop("Slow")  # other tests take every registered gate through


@pytest.fixture
def profile():
    CLOCK.now = 100.0
    return mg.profile(CLOCK.read)


@pytest.fixture
def x():
    return mg.Tensor([1.0, 2.0], requires_grad=True, name="x")


def figures(profile):
    return {
        f"{row.scope} {row.gate}": (row.calls, row.forward, row.backward)
        for row in profile.rows
        if row.seconds
    }


def test_profile_charges_gates_and_scopes(profile, x, capsys):
    with profile:
        CLOCK.wait(11)
        with mg.scope("a"):
            h = Slow()(x)
        with mg.scope("b"):
            z = mg.tanh(Slow()(Slow()(h)))
        CLOCK.wait(13)
        z.sum().backward()
    assert figures(profile) == {"a Slow": (1, 3, 12), "b Slow": (2, 6, 24)}
    assert profile.outside.seconds == 24
    assert profile.sweeping.seconds == 0
    slowest, *others = profile.rows
    assert slowest.scope == "b"
    assert slowest.seconds + sum(row.seconds for row in others) == 3 + 12 + 6 + 24
    text = str(profile)
    assert capsys.readouterr().out == f"{text}\n"
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "b Slow 2 6,000.000 24,000.000 30,000.000 43.5%" in rows
    assert "(outside of gates) 24,000.000 34.8%" in rows
    assert "total 5 9,000.000 36,000.000 69,000.000 100.0%" in rows


def test_profile_charges_leaf_for_its_sum(profile, x, monkeypatch):
    dense = gradients.GradientSum.dense

    def slow(self):
        CLOCK.wait(4)
        return dense(self)

    monkeypatch.setattr(gradients.GradientSum, "dense", slow)
    with profile, mg.scope("s"):
        (x * 2.0 + x * 3.0).sum().backward()
    assert figures(profile) == {"(leaves) x": (0, 0, 4)}


def test_profile_counts_gates_of_backward_rule_once(profile, x, monkeypatch):
    monkeypatch.setattr(mg.gate, "GATES", {})  # where this test's gate goes

    class Square(mg.Gate):
        def forward(self, x):
            return x * x

        def backward(self, dz, z, x):
            CLOCK.wait(1)
            return (2 * dz * Slow()(x),)

    with profile, mg.scope("s"):
        mg.grad(Square()(x).sum(), [x], create_graph=True)
    rule = {"s Square": (1, 0, 1), "backward/s Slow": (1, 3, 0)}
    assert figures(profile) == rule


def test_profile_closes_after_error(profile, x, capsys):
    with pytest.raises(mg.MinigradError, match="MG101"), profile:
        assert OBSERVERS == [profile]
        x @ np.ones(3)
    assert OBSERVERS == []
    assert ON_GRADIENT.get() is None
    assert capsys.readouterr().out == ""
    with profile:
        pass


def test_profile_and_detect_anomaly_nest(profile, x):
    with profile, mg.detect_anomaly(), np.errstate(divide="ignore"):
        Slow()(x).sum().backward()
        with pytest.raises(mg.MinigradError, match="MG711"):
            mg.sqrt(x - x.array).sum().backward()
    assert figures(profile) == {"(top level) Slow": (1, 3, 12)}


def test_profile_ignores_other_threads(profile, x):
    refused = []

    def other():
        Slow()(x).sum().backward()
        with pytest.raises(mg.MinigradError, match="MG740"), mg.profile():
            pass
        refused.append(True)

    with profile:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert refused
    assert figures(profile) == {}
