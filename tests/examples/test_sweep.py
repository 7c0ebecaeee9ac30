"""The sweep in a short form: its table and picture, and that its figures are those of a run alone."""

import json
import re

import pytest

import sweep


def test_the_figures_of_a_sweep_are_those_of_a_run_alone(run, tmp_path):
    short = ("--limit", 64, "--epochs", 1, "--lr", "0.001", "0.003", "--truncate", "4")
    ended = run("sweep.py", *short, "--seeds", 0, 1, "--jobs", 2, "--out", tmp_path)
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    results = {line["job"]: line["result"] for line in map(json.loads, lines)}
    alone = sweep.train(lr=0.003, truncate=4, seed=1, limit=64, epochs=1)
    assert results["lr0.003-truncate4-seed1"] == alone
    means = [
        (results[f"{name}-seed0"]["accuracy"] + results[f"{name}-seed1"]["accuracy"])
        / 2
        for name in ("lr0.001-truncate4", "lr0.003-truncate4")
    ]
    (row,) = re.findall(r"^ +4  ([\d.]+) +([\d.]+) *$", ended.stdout, re.MULTILINE)
    assert list(map(float, row)) == pytest.approx(means, abs=5e-5)
    assert (tmp_path / "sweep.png").read_bytes().startswith(b"\x89PNG")
