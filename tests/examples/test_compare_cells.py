"""The example runs in a short form and leaves pictures and a page that hold what they should."""

import re


def test_compare_cells(run, tmp_path):
    text = run(
        "compare_cells.py", "--limit", 64, "--epochs", 1, "--out", tmp_path
    ).stdout
    table = re.findall(r"(before|after) +(\w+ [hc])((?: +\d\.\d\de[+-]\d\d){4})", text)
    assert [(when, name) for when, name, _ in table] == [
        (when, name)
        for when in ("before", "after")
        for name in ("RNN h", "GRU h", "LSTM h", "LSTM c")
    ]
    # An untrained gate stands half open: a GRU hands on little more than half of its gradient, step
    # after step, and an RNN with orthogonal weights nearly all.
    far = {
        name: float(norms.split()[-1])
        for when, name, norms in table
        if when == "before"
    }
    assert far["GRU h"] < 1e-5 < 1e-2 < far["RNN h"] < 1
    for picture in ("gradient_flow.png", "words.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
