"""The example runs in a short form and leaves pictures and a page that hold what they should."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_compare_cells(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    command = [
        sys.executable,
        "examples/compare_cells.py",
        "--limit",
        "64",
        "--epochs",
        "1",
        "--out",
        str(tmp_path),
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    table = re.findall(r"(before|after) +(\w+ [hc])((?: +\d\.\d\de[+-]\d\d){4})", run.stdout)
    assert [(when, name) for when, name, _ in table] == [
        (when, name)
        for when in ("before", "after")
        for name in ("RNN h", "GRU h", "LSTM h", "LSTM c")
    ]
    # An untrained gate stands half open: a GRU hands on little more than half of its gradient, step
    # after step, and an RNN with orthogonal weights nearly all.
    far = {name: float(norms.split()[-1]) for when, name, norms in table if when == "before"}
    assert far["GRU h"] < 1e-5 < 1e-2 < far["RNN h"] < 1
    for picture in ("gradient_flow.png", "words.png"):
        content = (tmp_path / picture).read_bytes()
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", content[16:24])
        assert width > 700 and height > 250
