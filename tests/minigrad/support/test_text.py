"""What is printed of a name: no control character, no line of its own, nothing reordered; letters stay as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import minigrad as mg
from layers import RNN, Dense, Layer, Sequential
from minigrad.checkpoint import check_match
from minigrad.errors import MinigradError
from minigrad.support.text import printable, table
from optim import SGD, EpochReport, History, Trainer, summary

EVIL = "x\x1b[2J\r\n  remedy: forged\u202egnp\u2028\u2066\x9b"


def assert_tame(text: object, lines: int | None = None) -> None:
    """No line of a text has anything but characters that can be seen, and none was begun by a name."""
    assert "forged" in str(text), "the name is not there at all"
    assert "\\x1b[2J\\r\\n" in str(text)
    parts = str(text).split("\n")
    assert [line for line in parts if not line.isprintable() or line.startswith("  remedy: forged")] == []
    assert lines in (None, len(parts))


@given(st.text())
@example("größe α·β שלום سلام 名前 नमस्ते ∂L/∂W 🙂 rnn.cell.W_hh")
@example("".join(map(chr, (*range(32), *range(127, 160)))) + "\u202a\u202e\u2066\ufeff\u2028\ud800")
def test_letters_stay_and_what_steers_a_terminal_becomes_an_escape(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() and printable(shown) == shown
    assert shown == "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


PRINTING = """
import numpy as np, minigrad as mg
from layers import RNN, Dense, Embedding, Sequential
from optim import SGD, EpochReport, Trainer, summary

class Wrong(mg.Gate):
    def forward(self, x): return np.tanh(x)
    def backward(self, dz, z, x): return (dz * (1 - z),)

def größe(logits, labels): return 1.0

model = Sequential(Embedding(10, 4), RNN(4, 3), Dense(3, 2))
ids, labels = np.zeros((2, 5), int), np.zeros(2, int)
print(summary(model, ids))
print(mg.gradcheck(lambda x: Wrong()(x).sum(), mg.Tensor(np.array([0.1, 0.2]), requires_grad=True)))
Trainer(model, loss=mg.softmax_cross_entropy, optimizer=SGD(model.named_parameters()), metrics={"größe": größe},
        callbacks=[EpochReport()]).fit([(ids, labels)], epochs=1)
"""


@pytest.mark.parametrize(
    ("encoding", "dots", "size"),
    [("ascii", "...", "gr\\xf6\\xdfe"), ("latin-1", "...", "größe"), ("utf-8", "…", "größe")],
)
def test_tables_and_reports_are_printed_on_every_terminal(encoding: str, dots: str, size: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    run = subprocess.run([sys.executable, "-c", PRINTING], env=environment, capture_output=True)
    assert run.returncode == 0, run.stderr.decode()
    text = run.stdout.decode(encoding)
    assert f"rnn/t00 {dots} t04" in text and size in text
    assert len({len(line) for line in text.split("\n")[:5]}) == 1  # the columns are still in line


def test_columns_are_as_wide_as_what_is_printed() -> None:
    lines = table(["scope", "n"], [[EVIL, "1"], ["b", "200"]], ["total", "201"]).split("\n")
    assert len(lines) == 6 and len({len(line) for line in lines}) == 1
    assert lines[3] == "b".ljust(len(lines[0]) - 5) + "  200"


@pytest.mark.parametrize("part", ["what", "cause", "remedy", "where", "lines"])
def test_no_part_of_an_error_can_forge_another(part: str) -> None:
    given: dict[str, Any] = {"what": "it is wrong", part: [EVIL] if part == "lines" else EVIL}
    assert_tame(MinigradError("MG101", **given), lines=1 + (part != "what"))


class Evil(Layer):
    """A layer whose every name is hostile: its own, its parameter's and its scope's."""

    def __init__(self) -> None:
        super().__init__()
        setattr(self, EVIL, mg.Tensor(np.ones((2, 2)), requires_grad=True))

    def forward(self, x: Any) -> Any:
        return x @ getattr(self, EVIL)


Evil.__name__ = EVIL
EvilGate = type(EVIL, (mg.Gate,), {"forward": lambda _, x: x * 1.0, "backward": lambda _, dz, z, x: (2 * dz,)})
del mg.GATES[EVIL]


def hostile() -> mg.Tensor:
    x = mg.Tensor([[1.0, 2.0]], requires_grad=True, name=EVIL, dtype=np.float64)
    with mg.scope(EVIL):
        z = EvilGate()(x)
    z.name = EVIL
    total: mg.Tensor = z.sum()
    return total


def test_every_repr() -> None:
    z = hostile()
    made = z.node.inputs[0]
    layer = Evil()
    for thing in (made, made.inputs[0], made.gate, layer, Sequential(layer), History([{EVIL: 1.0}])):
        assert_tame(repr(thing))
    assert len(repr(layer).split("\n")) == 3
    with mg.scope(EVIL):
        assert_tame(repr(mg.draw(mg.cut(z) * mg.Tensor(2.0, requires_grad=True))))


def test_every_table(capsys: pytest.CaptureFixture[str]) -> None:
    with mg.profile():
        hostile().backward()
    assert_tame(capsys.readouterr().out)
    assert_tame(summary(Sequential(Evil()), np.ones((1, 2))))
    trainer = Trainer(Dense(2, 2), mg.softmax_cross_entropy, SGD({"W": mg.Tensor(1.0, requires_grad=True)}, lr=0.1))
    trainer.history.rows.append({"epoch": 1, EVIL: 0.5})
    EpochReport().on_epoch_end(trainer)
    out = capsys.readouterr().out
    assert_tame(out)
    assert len({len(line) for line in out.splitlines()}) == 1


def test_every_gradient_report() -> None:
    report = mg.gradcheck(lambda x: EvilGate()(x).sum(), mg.Tensor([1.0], name=EVIL, dtype=np.float64))
    assert not report
    assert_tame(report)
    assert_tame(report.slip)
    with pytest.raises(MinigradError, match="MG701") as caught:
        report.raise_if_wrong()
    assert_tame(caught.value)
    model = Sequential(RNN(2, 2), Dense(2, 2))
    setattr(model, EVIL, mg.Tensor(np.ones(1), requires_grad=True))
    assert_tame(mg.truncation_report(model, (np.ones((1, 3, 2)), [0]), ks=[1]))


def test_every_error_that_names_a_place_or_an_array() -> None:
    with mg.scope(EVIL), pytest.raises(MinigradError) as caught:
        mg.Tensor(np.ones(2), name=EVIL) + mg.Tensor(np.ones(3))
    assert_tame(caught.value)
    with mg.scope(EVIL), mg.detect_anomaly(), np.errstate(all="ignore"), pytest.raises(MinigradError) as caught:
        mg.log(mg.Tensor([0.0], requires_grad=True, name=EVIL))
    assert_tame(caught.value)
    with pytest.raises(MinigradError) as caught:
        mg.require_gradients(hostile(), {EVIL: mg.Tensor(1.0, requires_grad=True)})
    assert_tame(caught.value)
    with pytest.raises(MinigradError) as caught:
        check_match({EVIL: np.ones(2), f"{EVIL}2": np.ones(2)}, {f"{EVIL}2": np.ones(3)}, "the model")
    assert_tame(caught.value, lines=1 + 2 + 2)
