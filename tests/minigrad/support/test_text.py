"""What is printed of a name: no control character, no line of its own, nothing reordered; letters
stay as they are.
"""

from __future__ import annotations

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


@given(st.text())
@example("größe α·β שלום سلام 名前 नमस्ते ∂L/∂W 🙂 rnn.cell.W_hh")
@example(
    "".join(map(chr, (*range(32), *range(127, 160))))
    + "\u202a\u202e\u2066\ufeff\u2028\ud800"
)
def test_letters_stay_and_what_steers_a_terminal_becomes_an_escape(text):
    shown = printable(text)
    assert shown.isprintable() and printable(shown) == shown
    assert shown == "".join(
        char if char.isprintable() else repr(char)[1:-1] for char in text
    )


def test_columns_are_as_wide_as_what_a_terminal_shows(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    rows = [["größe", "1"], ["t00 … t04", "200"], [EVIL, "3"]]
    lines = table(["scope", "n"], rows, ["total", "201"]).split("\n")
    assert len(lines) == 7 and len({len(line) for line in lines}) == 1
    assert lines[2].startswith("gr\\xf6\\xdfe") and lines[3].startswith("t00 ... t04")


class Evil(Layer):
    """A layer whose every name is hostile: its own, its parameter's and its scope's."""

    def __init__(self):
        super().__init__()
        setattr(self, EVIL, mg.Tensor(np.ones((2, 2)), requires_grad=True))

    def forward(self, x):
        return x @ getattr(self, EVIL)


Evil.__name__ = EVIL
EvilGate = type(
    EVIL,
    (mg.Gate,),
    {"forward": lambda _, x: x * 1.0, "backward": lambda _, dz, z, x: (2 * dz,)},
)
del mg.GATES[EVIL]


def hostile():
    x = mg.Tensor([[1.0, 2.0]], requires_grad=True, name=EVIL, dtype=np.float64)
    with mg.scope(EVIL):
        z = EvilGate()(x)
    z.name = EVIL
    return z.sum()


def error(run):
    with (
        mg.scope(EVIL),
        np.errstate(all="ignore"),
        pytest.raises(MinigradError) as caught,
    ):
        run()
    return caught.value


def checked():
    x = mg.Tensor([1.0], name=EVIL, dtype=np.float64)
    return mg.gradcheck(lambda x: EvilGate()(x).sum(), x)


def drawn():
    with mg.scope(EVIL):
        return mg.draw(mg.cut(hostile()) * mg.Tensor(2.0, requires_grad=True))


def profiled():
    with mg.profile() as profile:
        hostile().backward()
    return profile


def not_finite():
    with mg.detect_anomaly():
        mg.log(mg.Tensor([0.0], requires_grad=True, name=EVIL))


TEXTS = {
    "an error": lambda: MinigradError("MG101", EVIL, lines=[EVIL], where=EVIL, cause=EVIL, remedy=EVIL),
    "gate": lambda: repr(EvilGate()),
    "layer": lambda: repr(Sequential(Evil())),
    "picture": lambda: repr(drawn()),
    "profile": profiled,
    "summary": lambda: summary(Sequential(Evil()), np.ones((1, 2))),
    "gradient report": checked,
    "wrong gradient": lambda: error(checked().raise_if_wrong),
    "not finite": lambda: error(not_finite),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_no_name_steers_a_terminal_or_begins_a_line(name, capsys):
    text = TEXTS[name]()
    lines = f"{text}\n{capsys.readouterr().out}".split("\n")
    assert "x\\x1b[2J\\r\\n" in "".join(lines), "the name is not there at all"
    for line in lines:
        assert line.isprintable() and not line.startswith("  remedy: forged")
