"""A profile, by a clock that moves only when the test says so: every figure is then known
beforehand.
"""

import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import gradients
from minigrad.context import OBSERVERS, ON_GRADIENT

CLOCK = {"now": 0.0}


class Slow(mg.Gate):
    """Takes 3 s forward, 5 s backward, and 7 s more for a gradient that is held back."""

    def forward(self, x):
        CLOCK["now"] += 3
        return x + 1

    def backward(self, dz, z, x):
        CLOCK["now"] += 5

        def part():
            CLOCK["now"] += 7
            return dz

        return (part,)


mg.GATES.pop("Slow")  # other tests take every registered gate through


@pytest.fixture
def timed(monkeypatch):
    monkeypatch.setattr(mg.gate, "GATES", {})  # where a test's own gates go
    CLOCK["now"] = 100.0
    return mg.profile(lambda: CLOCK["now"])


def figures(p):
    rows = [row for row in p.rows if row.seconds]
    return {
        (row.scope, row.gate): (row.calls, row.forward, row.backward) for row in rows
    }


def leaf(name="x"):
    return mg.Tensor([1.0, 2.0], requires_grad=True, name=name)


def test_forward_and_backward_by_gate_and_scope_and_what_is_neither(timed, capsys):
    with timed as p:
        CLOCK["now"] += 11
        with mg.scope("a"):
            h = Slow()(leaf())
        with mg.scope("b"):
            z = mg.tanh(Slow()(Slow()(h)))
        CLOCK["now"] += 13
        z.sum().backward()
    assert figures(p) == {("a", "Slow"): (1, 3, 12), ("b", "Slow"): (2, 6, 24)}
    assert p.outside.seconds == 24 and p.sweeping.seconds == 0
    assert (
        sum(row.seconds for row in (*p.rows, p.outside, p.sweeping))
        == CLOCK["now"] - 100
    )
    assert p.rows[0].scope == "b" and capsys.readouterr().out == f"{p}\n"
    rows = [line.split() for line in str(p).splitlines()]
    assert ["b", "Slow", "2", "6,000.000", "24,000.000", "30,000.000", "43.5%"] in rows
    assert ["(outside", "of", "gates)", "24,000.000", "34.8%"] in rows
    assert ["total", "5", "9,000.000", "36,000.000", "69,000.000", "100.0%"] in rows


def test_what_is_added_up_at_the_leaf_is_charged_to_the_leaf(timed, monkeypatch):
    dense = gradients.GradientSum.dense

    def slow(self):
        CLOCK["now"] += 4
        return dense(self)

    monkeypatch.setattr(gradients.GradientSum, "dense", slow)
    W = leaf("W")
    with timed as p, mg.scope("s"):
        (W * 2.0 + W * 3.0).sum().backward()
    assert figures(p) == {("(leaves)", "W"): (0, 0, 4)}


def test_gates_that_a_rule_calls_are_forward_and_not_counted_twice(timed):
    class Square(mg.Gate):
        def forward(self, x):
            return x * x

        def backward(self, dz, z, x):
            CLOCK["now"] += 1
            return (2 * dz * Slow()(x),)

    x = leaf()
    with timed as p, mg.scope("s"):
        mg.grad(Square()(x).sum(), [x], create_graph=True)
    assert figures(p) == {("s", "Square"): (1, 0, 1), ("backward/s", "Slow"): (1, 3, 0)}


def test_nothing_is_left_when_it_closes_also_on_an_error(timed, capsys):
    with pytest.raises(mg.MinigradError, match="MG101"), timed:
        assert OBSERVERS == [timed]
        mg.Tensor([1.0, 2.0]) @ mg.Tensor([1.0, 2.0, 3.0])
    assert (
        OBSERVERS == [] and ON_GRADIENT.get() is None and capsys.readouterr().out == ""
    )
    with timed:
        pass


def test_other_hooks_go_on_within_it_and_around_it(timed):
    x = mg.Tensor([0.0], requires_grad=True)
    with timed, mg.detect_anomaly(), np.errstate(divide="ignore"):
        Slow()(mg.Tensor([1.0], requires_grad=True)).sum().backward()
        with pytest.raises(mg.MinigradError, match="MG711"):
            mg.sqrt(x).sum().backward()
    assert figures(timed) == {("(top level)", "Slow"): (1, 3, 12)}


def test_a_second_profile_is_refused_and_other_threads_are_not_timed(timed):
    caught = []

    def other():
        Slow()(leaf()).sum().backward()
        with pytest.raises(mg.MinigradError, match="MG740"), mg.profile():
            pass
        caught.append(True)

    with timed:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert caught and figures(timed) == {}
