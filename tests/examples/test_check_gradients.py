"""examples/check_gradients.py finds correct gradients, and names a gate with a wrong one."""

import sys
from itertools import islice

import pytest

import check_gradients
import minigrad as mg
from tests.examples.conftest import is_png


def test_check_gradients_of_all(run, tmp_path):
    text = run("check_gradients.py", "--curve", tmp_path / "curve.png").stdout
    _, table, rest = text.split("\n\n", 2)
    rows = table.split("\n")[1:]
    assert len(rows) > 40
    assert all(row.endswith("  right") for row in rows)
    assert rest.startswith(f"{len(rows)} of {len(rows)} right")
    assert is_png(tmp_path / "curve.png")


@pytest.mark.parametrize("broken", check_gradients.BREAKS)
def test_break_names_the_gate(broken, monkeypatch, capsys):
    gate = check_gradients.BREAKS[broken][0]
    backward = mg.GATES[gate].backward
    # checks one gate and one layer, because all of them take long
    rows = {
        "gates": [row for row in check_gradients.gates() if row[0] == gate],
        "layers": list(islice(check_gradients.layers(), 3, 4)),
        "models": [],
    }
    for name, some in rows.items():
        monkeypatch.setattr(check_gradients, name, lambda some=some: some)
    monkeypatch.setattr(mg.GATES[gate], "backward", backward)  # restored afterwards
    monkeypatch.setattr(sys, "argv", ["check_gradients.py", "--break", broken])
    check_gradients.main()
    printed = capsys.readouterr().out
    assert printed.startswith(f"{gate} is broken on purpose")
    assert "WRONG: " in printed
