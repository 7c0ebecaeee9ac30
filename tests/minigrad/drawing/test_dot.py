"""The DOT text: golden files for small graphs, the same text for the same program, and what
Graphviz makes of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad as mg

from .drawn_graphs import Read, dense, product, rnn

GOLDEN = Path(__file__).parent / "golden"


def backward(loss):
    loss.backward()
    return loss


CASES = {
    "product": lambda: mg.Graph(product()).dot(),
    "dense": lambda: mg.Graph(backward(dense())).dot(values=True, grads=True),
    "rnn_rolled": lambda: mg.Graph(rnn(40, truncate=4)).dot(),
    "rnn_unrolled": lambda: mg.Graph(rnn(3, truncate=2)).dot(mode="unrolled"),
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name):
    """To renew one after a change that was meant, look at the picture first, then write the text
    over the file.
    """
    assert CASES[name]() == (GOLDEN / f"{name}.dot").read_text()


def test_the_hash_seed_leaves_no_trace():
    script = "from drawn_graphs import rnn, read; print(read(rnn(5, 2), mode='unrolled').dot)"
    command, where = [sys.executable, "-c", script], Path(__file__).parent
    environments = [os.environ | {"PYTHONHASHSEED": seed} for seed in "12"]
    one, other = (
        subprocess.check_output(command, env=env, cwd=where) for env in environments
    )
    assert one == other and one.startswith(b"digraph")


def test_arrows_are_thicker_and_darker_with_larger_gradients():
    x = mg.Tensor(1.0, requires_grad=True, name="x")
    z = backward(x * 100.0 + x * 2.0 + x * 30.0)
    picture = Read(mg.Graph(z).dot(grads=True))
    arrows = [style for tail, _, style in picture.edges if picture.text(tail)[0] == "x"]
    arrows.sort(key=lambda style: float(style["penwidth"]))
    # each arrow has its own share
    tooltips = [f"norm of the gradient sent back: {share}" for share in (2, 30, 100)]
    assert [style["tooltip"] for style in arrows] == tooltips
    darkness = [style["color"] for style in arrows]
    assert darkness == sorted(darkness, reverse=True) and len(set(darkness)) == 3
    assert "dotted" in {style.get("style") for _, _, style in picture.edges}
