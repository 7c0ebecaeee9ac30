"""The example finds every gradient right, and a wrong one wrong: by name, in the table and below it."""

from __future__ import annotations

import runpy
import sys
from itertools import islice
from pathlib import Path

import pytest

import minigrad as mg

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_every_gradient_is_right(run, tmp_path):
    done = run("check_gradients.py", "--curve", tmp_path / "curve.png")
    head, table, rest = done.stdout.split("\n\n", 2)
    assert head.startswith("order: how the Taylor remainder")
    rows = table.split("\n")[1:]
    assert all(row.endswith("  right") for row in rows)
    count = len(rows)
    assert count > 40 and rest.startswith(f"{count} of {count} right")
    assert "1e-06" in rest and "####" in rest
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_broken_gate_is_named(run):
    done = run("check_gradients.py", "--break", "tanh")
    assert done.stdout.startswith("Tanh is broken on purpose: 1 - z² forgotten")
    wrong = [line for line in done.stdout.split("\n") if "WRONG: local derivative missing" in line]
    assert any(line.startswith("LSTM(6, 5) ") for line in wrong)
    assert any(line.startswith("IMDB model, RNN, 40 steps") for line in wrong)
    assert (
        "looks like: the local derivative is missing: the rule passes dz on unchanged; it should be 1 - z²"
        in done.stdout
    )
    assert "Tanh 'h' in sequential/rnn/t39, called at " in done.stdout
    assert "order 1.00 in h" in done.stdout
    softmax = next(line for line in done.stdout.split("\n") if line.startswith("Softmax "))
    assert softmax.endswith("  right")


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        ("tanh", "local derivative missing"), ("sigmoid", "sign"), ("softmax", "all zero"), ("multiply", "transposed"),
        ("mean", "batch size"), ("add", "all zero"), ("lookup", "= where += belongs"),
    ],
)  # fmt: skip
def test_every_broken_gate_is_named(broken, kind, monkeypatch, capsys):
    example = runpy.run_path(str(EXAMPLES / "check_gradients.py"))
    main = example["main"]
    assert broken in example["BREAKS"] and len(example["BREAKS"]) == 7
    gate = example["BREAKS"][broken][0]
    monkeypatch.setattr(mg.GATES[gate], "backward", mg.GATES[gate].backward)  # so that it is right again afterwards
    monkeypatch.setattr(sys, "argv", ["check_gradients.py", "--break", broken])
    # The gate alone, and one layer, because all of them take long.
    monkeypatch.setitem(main.__globals__, "gates", lambda: [one for one in example["gates"]() if one[0] == gate])
    monkeypatch.setitem(main.__globals__, "layers", lambda: islice(example["layers"](), 3, 4))
    monkeypatch.setitem(main.__globals__, "models", list)
    main()
    printed = capsys.readouterr().out
    assert printed.startswith(f"{gate} is broken on purpose")
    row = next(line for line in printed.split("\n") if line.startswith(f"{gate} ") and "WRONG" in line)
    assert row.endswith(f"WRONG: {kind}")


def test_an_unknown_gate_is_refused(run):
    done = run("check_gradients.py", "--break", "everything", code=2)
    assert "invalid choice: 'everything'" in done.stderr
