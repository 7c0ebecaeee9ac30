"""The boxes of a picture: kinds of leaves, several outputs, cuts."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.boxes import leaf_kind
from minigrad.drawing.colour import PALE
from tests.blocks import parameter

from .drawn_graphs import read


def test_cut_tensor_shows_gate_before_cut():
    x = parameter([1.0], "x")
    picture = read(mg.cut(mg.tanh(x)))
    ((tail, _, _),) = picture.cuts
    assert picture.text(tail)[0] == "Tanh"
    assert picture.nodes[tail]["fillcolor"] == PALE["fillcolor"]


def test_several_outputs_share_boxes():
    x = parameter([1.0, 2.0], "x")
    h = mg.tanh(x)
    square = h * h
    picture = read([square, h.sum() + x])
    assert picture.count("output") == 2
    assert picture.count("loss") == 0
    assert picture.count("Tanh") == 1
    assert picture.count("x") == 1
    assert len(picture.edges) == 5  # h * h has one arrow


@pytest.fixture
def leaves():
    numbers = map(float, range(3000))
    return [parameter(n, f"x{n:g}") for n in numbers]


def test_many_leaves_of_gate_share_box(leaves):
    c = mg.Tensor([1.0], name="c").reshape(())
    z = mg.stack([*leaves, c, c, c, c, c])
    picture = read(z.sum())
    assert len(picture.nodes) == 4
    assert picture.lines("x0 … x2999 ×3000")[1] == "() f32"


def test_24_leaves_of_gate_have_boxes(leaves):
    picture = read(mg.stack(leaves[:24]).sum())
    assert len(picture.nodes) == 26


def test_leaf_alone_is_drawn(leaves):
    picture = read(leaves[0])
    (node,) = picture.nodes
    assert picture.text(node) == ["x0", "() f32"]


def inside_no_grad(x):
    with mg.no_grad():
        computed = x * 3.0
    computed.name = "computed"
    return computed


@pytest.mark.parametrize(
    "make, kind",
    [
        (lambda x: x, "parameter"),
        (
            lambda x: mg.Tensor(x.array),
            "input",
        ),  # an array needs no name to be an input
        (lambda x: mg.Tensor(2.0, name="rate"), "input"),
        (lambda x: mg.Tensor(2.0), "constant"),
        (inside_no_grad, "constant"),
        (lambda x: x.detach(), "constant"),
        (lambda x: mg.Tensor(x.array) * 2.0, "constant"),
    ],
)
def test_leaf_kind(make, kind):
    x = parameter(np.ones(2), "x")
    assert leaf_kind(make(x).node) == kind
