"""The example finds every gradient right, and a wrong one wrong: by name, in the table and below
it.
"""

import sys
from itertools import islice

import pytest

import check_gradients
import minigrad as mg


def test_every_gradient_is_right(run, tmp_path):
    text = run("check_gradients.py", "--curve", tmp_path / "curve.png").stdout
    _, table, rest = text.split("\n\n", 2)
    rows = table.split("\n")[1:]
    assert len(rows) > 40 and all(row.endswith("  right") for row in rows)
    assert rest.startswith(f"{len(rows)} of {len(rows)} right")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("broken", check_gradients.BREAKS)
def test_every_broken_gate_is_named(broken, monkeypatch, capsys):
    gate = check_gradients.BREAKS[broken][0]
    one_gate = [row for row in check_gradients.gates() if row[0] == gate]
    one_layer = list(islice(check_gradients.layers(), 3, 4))
    # so that it is right again afterwards
    monkeypatch.setattr(mg.GATES[gate], "backward", mg.GATES[gate].backward)
    monkeypatch.setattr(sys, "argv", ["check_gradients.py", "--break", broken])
    # all of them take long
    for name, rows in (("gates", one_gate), ("layers", one_layer), ("models", [])):
        monkeypatch.setattr(check_gradients, name, lambda rows=rows: rows)
    check_gradients.main()
    printed = capsys.readouterr().out
    assert printed.startswith(f"{gate} is broken on purpose")
    assert "WRONG: " in printed
