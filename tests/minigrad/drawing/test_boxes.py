"""What a picture consists of: which leaf stands where, and what an arrow means."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad.drawing.boxes import leaf_kind

from .drawn_graphs import read


def test_a_tensor_that_was_cut_shows_what_it_was_cut_from():
    x = mg.Tensor([1.0], requires_grad=True, name="x")
    picture = read(mg.cut(mg.tanh(x)))
    (cut,) = [edge for edge in picture.edges if edge[2].get("style") == "dashed"]
    assert picture.text(cut[0])[0] == "Tanh"
    assert picture.nodes[cut[0]]["fillcolor"] == "#FAFAFA"


def test_several_outputs_and_a_leaf_used_twice():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    h = mg.tanh(x)
    picture = read([h * h, h.sum() + x])
    assert [picture.count(words) for words in ("output", "loss", "Tanh", "x")] == [
        2,
        0,
        1,
        1,
    ]
    assert len(picture.edges) == 5  # h * h has one arrow


def test_auto_draws_whatever_it_is_given():
    leaves = [
        mg.Tensor(float(n), requires_grad=True, name=f"x{n}") for n in range(3000)
    ]
    picture = read(
        mg.stack([*leaves, *[mg.Tensor([1.0], name="c").reshape(())] * 5]).sum()
    )
    assert len(picture.nodes) == 4
    assert picture.lines("x0 … x2999 ×3000")[1] == "() f32"
    assert len(read(mg.stack(leaves[:24]).sum()).nodes) == 26
    alone = read(leaves[0])
    assert [alone.text(node) for node in alone.nodes] == [["x0", "() f32"]]


def test_leaves_are_parameters_inputs_or_constants():
    a = mg.Tensor([1.0, 2.0], requires_grad=True)
    with mg.no_grad():
        computed = a * 3.0
    computed.name = "computed"
    leaves = {
        "parameter": [a],
        # an array needs no name to be an input
        "input": [mg.Tensor(np.ones(2)), mg.Tensor(2.0, name="rate")],
        "constant": [mg.Tensor(2.0), computed, a.detach(), mg.Tensor([1.0, 2.0]) * 2.0],
    }
    for kind, tensors in leaves.items():
        assert [leaf_kind(tensor.node) for tensor in tensors] == [kind] * len(tensors)
