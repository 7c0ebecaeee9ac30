"""examples/sweep.py: its table, its picture, and figures that equal those of a run alone."""

import json
import re

import pytest

import sweep
from tests.examples.conftest import is_png


def test_sweep_equals_a_run_alone(run, tmp_path):
    short = ("--limit", 64, "--epochs", 1, "--lr", "0.001", "0.003", "--truncate", "4")
    ended = run(
        "sweep.py",
        *short,
        "--seeds",
        0,
        1,
        "--jobs",
        2,
        "--out",
        tmp_path,
    )
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    results = {line["job"]: line["result"] for line in map(json.loads, lines)}
    alone = sweep.train(
        lr=0.003,
        truncate=4,
        seed=1,
        limit=64,
        epochs=1,
    )
    assert results["lr0.003-truncate4-seed1"] == alone
    (row,) = re.findall(r"^ +4  ([\d.]+) +([\d.]+) *$", ended.stdout, re.MULTILINE)
    for lr, found in zip(("0.001", "0.003"), row, strict=True):
        one, two = (results[f"lr{lr}-truncate4-seed{seed}"] for seed in (0, 1))
        mean = (one["accuracy"] + two["accuracy"]) / 2
        assert float(found) == pytest.approx(mean, abs=5e-5)
    assert is_png(tmp_path / "sweep.png")
