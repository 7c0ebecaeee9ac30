"""examples/compare_cells.py prints the gradients' norms of each cell, and draws them."""

import re

from tests.examples.conftest import is_png


def test_compare_cells(run, tmp_path):
    short = (
        "--limit",
        64,
        "--epochs",
        1,
        "--out",
        tmp_path,
    )
    text = run("compare_cells.py", *short).stdout
    norm = r" +(\d\.\d\de[+-]\d\d)"
    rows = re.findall(rf"(before|after) +(\w+ [hc]){4 * norm}", text)
    states = ["RNN h", "GRU h", "LSTM h", "LSTM c"]
    assert [row[1] for row in rows] == 2 * states
    # An untrained gate is half open. A GRU therefore passes on half of its gradient at each step,
    # and an RNN with orthogonal weights nearly all of it.
    oldest = {state: float(row[-1]) for state, row in zip(states, rows, strict=False)}
    assert oldest["GRU h"] < 1e-5
    assert 1e-2 < oldest["RNN h"] < 1
    assert is_png(tmp_path / "gradient_flow.png")
    assert is_png(tmp_path / "words.png")
