"""`dot`: golden files for small graphs, and the same text for the same program."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from tests.blocks import parameter

from .drawn_graphs import dense, product, read, rnn

HERE = Path(__file__).parent


def backward(loss):
    loss.backward()
    return loss


def dense_with_gradients():
    return backward(dense())


CASES: dict[str, Any] = {
    "product": (product, {}),
    "dense": (dense_with_gradients, {"values": True, "grads": True}),
    "rnn_rolled": (lambda: rnn(40, truncate=4), {}),
    "rnn_unrolled": (lambda: rnn(3, truncate=2), {"mode": "unrolled"}),
}


@pytest.mark.parametrize("name", CASES)
def test_dot_is_golden_text(name):
    """To renew a file after an intended change, look at the picture first."""
    output, options = CASES[name]
    golden = HERE / f"golden/{name}.dot"
    assert mg.Graph(output()).dot(**options) == golden.read_text()


def test_dot_does_not_depend_on_hash_seed():
    script = "from drawn_graphs import rnn, read; print(read(rnn(5, 2), mode='unrolled').dot)"
    texts = set()
    for seed in "12":
        text = subprocess.check_output(
            [sys.executable, "-c", script],
            cwd=HERE,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
        assert text.startswith(b"digraph")
        texts.add(text)
    assert len(texts) == 1


def test_arrows_of_larger_gradients_are_thicker_and_darker():
    x = parameter(1.0, "x")
    z = backward(x * 100.0 + x * 2.0 + x * 30.0)
    picture = read(z, grads=True)
    node = picture.find("x", "() f32", "‖grad‖ 132")
    arrows = [style for tail, _, style in picture.edges if tail == node]
    arrows.sort(key=lambda style: float(style["penwidth"]))
    # each arrow has its own share
    for style, norm in zip(arrows, (2, 30, 100), strict=True):
        assert style["tooltip"] == f"norm of the gradient sent back: {norm}"
    light, medium, dark = (style["color"] for style in arrows)
    assert light > medium > dark
    styles = {style.get("style") for _, _, style in picture.edges}
    assert "dotted" in styles  # a constant has no gradient
