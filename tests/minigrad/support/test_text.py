"""`printable` and `table`: names cannot steer a terminal or begin a line."""

import io

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import minigrad as mg
from layers import Layer, Sequential
from minigrad.errors import MinigradError
from minigrad.support.text import printable, table
from optim import summary

EVIL = "x\x1b[2J\r\n  remedy: forged\u202egnp\u2028\u2066\x9b"
CONTROL = "".join(map(chr, [*range(32), *range(127, 160)]))


@given(st.text())
@example("größe α·β שלום سلام 名前 नमस्ते ∂L/∂W 🙂 rnn.cell.W_hh")
@example(CONTROL + "\u202a\u202e\u2066\ufeff\u2028\ud800")
def test_printable_escapes_only_what_does_not_print(text):
    shown = printable(text)
    assert shown.isprintable()
    assert printable(shown) == shown
    expected = [c if c.isprintable() else repr(c)[1:-1] for c in text]
    assert shown == "".join(expected)


def test_table_has_equal_lines_in_ascii_terminal(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr("sys.stdout", terminal)
    rows = [["größe", "1"], ["t00 … t04", "200"], [EVIL, "3"]]
    lines = table(["scope", "n"], rows, ["total", "201"]).split("\n")
    assert len(lines) == 7
    assert len(set(map(len, lines))) == 1
    assert lines[2].startswith("gr\\xf6\\xdfe")
    assert lines[3].startswith("t00 ... t04")


class Evil(Layer):
    """A layer whose every name is hostile: its own, its parameter's and its scope's."""

    def __init__(self):
        W = mg.Tensor(np.ones((2, 2)), requires_grad=True)
        setattr(self, EVIL, W)

    def forward(self, x):
        return x @ getattr(self, EVIL)


class EvilGate(mg.Gate):
    """A gate with a wrong rule."""

    def forward(self, x):
        return x * 1.0

    def backward(self, dz, z, x):
        return (2 * dz,)


del mg.GATES["EvilGate"]
Evil.__name__ = EVIL
EvilGate.__name__ = EVIL


def parameter(value):
    return mg.Tensor(value, requires_grad=True, name=EVIL, dtype=np.float64)


def hostile(x):
    with mg.scope(EVIL):
        z = EvilGate()(x)
    z.name = EVIL
    return z.sum()


def report():
    return mg.gradcheck(hostile, parameter([1.0]))


def picture():
    with mg.scope(EVIL):
        z = mg.cut(hostile(parameter([1.0])))
        return repr(mg.draw(z * parameter(2.0)))


def profile():
    with mg.profile() as profile:
        hostile(parameter([1.0])).backward()
    return profile


def error():
    return MinigradError(
        "MG101",
        EVIL,
        lines=[EVIL],
        where=EVIL,
        cause=EVIL,
        remedy=EVIL,
    )


def wrong_gradient():
    with pytest.raises(MinigradError) as caught:
        report().raise_if_wrong()
    return caught.value


@np.errstate(divide="ignore")
def anomaly():
    x = parameter(0.0)
    anomalies = mg.detect_anomaly()
    with mg.scope(EVIL), anomalies, pytest.raises(MinigradError) as caught:
        mg.log(x)
    return caught.value


@pytest.mark.parametrize(
    "make",
    [
        error,
        lambda: repr(EvilGate()),
        lambda: repr(Sequential(Evil())),
        lambda: summary(Sequential(Evil()), np.ones((1, 2))),
        picture,
        profile,
        report,
        wrong_gradient,
        anomaly,
    ],
)
def test_hostile_name_begins_no_line(make, capsys):
    text = f"{make()}\n{capsys.readouterr().out}"
    assert r"x\x1b[2J\r\n" in text
    for line in text.split("\n"):
        assert line.isprintable()
        assert not line.startswith("  remedy: forged")
