"""The DOT text: golden files for small graphs, the same text for the same program, and what Graphviz makes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad as mg

from .drawn_graphs import Read, by_graphviz, dense, needs_dot, product, rnn

GOLDEN = Path(__file__).parent / "golden"


def backward(loss):
    loss.backward()
    return loss


CASES = {
    "product": lambda: mg.Graph(product()).dot(legend=True),
    "dense": lambda: mg.Graph(backward(dense())).dot(values=True, grads=True),
    "rnn_rolled": lambda: mg.Graph(rnn(40, truncate=4)).dot(),
    "rnn_unrolled": lambda: mg.Graph(rnn(3, truncate=2)).dot(mode="unrolled", color_by="time"),
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name):
    """To renew one after a change that was meant, look at the picture first, then write the text over the file."""
    assert CASES[name]() == (GOLDEN / f"{name}.dot").read_text()


def test_what_was_recorded_before_leaves_no_trace():
    before = mg.Graph(rnn(4)).dot(mode="unrolled")
    dense()
    assert mg.Graph(rnn(4)).dot(mode="unrolled") == before


def test_the_hash_seed_leaves_no_trace():
    script = "from drawn_graphs import rnn; import minigrad as mg; print(mg.Graph(rnn(5, 2)).dot(mode='unrolled'))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", script], env=os.environ | {"PYTHONHASHSEED": seed}, cwd=Path(__file__).parent,
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(texts) == 1


@needs_dot
@pytest.mark.parametrize("name", CASES)
def test_graphviz_reads_what_was_meant(name):
    dot = CASES[name]()
    read, understood = Read(dot), by_graphviz(dot)
    objects = understood["objects"]
    ids = {one["_gvid"]: one["name"] for one in objects}
    assert {name for name in ids.values() if name.startswith("n")} == set(read.nodes)
    edges = [(ids[one["tail"]], ids[one["head"]]) for one in understood["edges"]]
    assert sorted(edge for edge in edges if edge[0].startswith("n")) == sorted(edge[:2] for edge in read.edges)
    assert sum(one["name"].startswith("cluster") for one in objects) == read.clusters
