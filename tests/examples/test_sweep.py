"""The sweep in a short form: its table and picture, a second run that does only what is missing,
and wrong options.
"""

import json
import re

import pytest

import sweep

SMALL = ("--limit", 64, "--epochs", 1, "--lr", "0.001", "0.003", "--truncate", "4")


def test_a_sweep_grows_and_its_figures_are_those_of_a_run_alone(run, tmp_path):
    first = run("sweep.py", *SMALL, "--seeds", 0, "--jobs", 2, "--out", tmp_path)
    assert first.stderr.count("done ") == 2
    more = run("sweep.py", *SMALL, "--seeds", 0, 1, "--jobs", 2, "--out", tmp_path)
    assert more.stderr.count("kept ") == 2 and more.stderr.count("done ") == 2
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    results = {line["job"]: line["result"] for line in map(json.loads, lines)}
    assert results["lr0.003-truncate4-seed1"] == sweep.train(
        lr=0.003, truncate=4, seed=1, limit=64, epochs=1
    )
    means = [
        (results[f"{name}-seed0"]["accuracy"] + results[f"{name}-seed1"]["accuracy"]) / 2
        for name in ("lr0.001-truncate4", "lr0.003-truncate4")
    ]
    (row,) = re.findall(r"^ +4  ([\d.]+) +([\d.]+) *$", more.stdout, re.MULTILINE)
    assert list(map(float, row)) == pytest.approx(means, abs=5e-5)
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")
