"""Which boxes a picture has in each mode: counted against what the program did, step by step."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing import modes
from minigrad.errors import OptionError
from tests.blocks import blocks

from .drawn_graphs import Read, dense, face, product, read, rnn, sentiment


def test_unrolled_has_every_gate_and_a_copy_of_each_parameter_at_each_step():
    # A step: slice, two products, two sums, tanh, and W_xh, W_hh, b_h. Around it: h0, and ids and
    # table into the look-up, W and b into the product and sum of the head, y into the loss.
    picture = read(sentiment(), mode="unrolled")
    assert len(picture.nodes) == 40 * (6 + 3) + 1 + 3 + 4 + 2
    # A step: slice from the look-up, three into each product with its parameter, ..., ten in all.
    assert len(picture.edges) == 40 * 10 + 2 + 4 + 2
    assert len(picture.titles) == 40 + 1
    assert picture.count("W_hh", "rnn.cell.") == 40


def test_auto_rolls_a_long_unroll_into_one_body_and_says_so():
    drawing = mg.draw(sentiment())
    assert drawing.mode == "rolled" and drawing.caption.startswith("rolled: time steps")
    assert 'mode="unrolled" draws all 244 gates; window=(38, 39)' in drawing.caption
    assert "rolled: time steps" in drawing.dot
    assert "t00 … t39  ×40" in drawing.dot
    picture = Read(drawing.dot)
    assert len(picture.nodes) == 6 + 3 + 1 + 3 + 4 + 2
    # into the recurrent product come h0, at t00, and the loop
    assert len(picture.edges) == 10 + 1 + 2 + 4 + 2
    labels = [face(style["label"]) for _, _, style in picture.edges if "label" in style]
    assert labels == [["t00"], ["t−1 → t"], ["t39"]]


def test_steps_that_are_built_otherwise_get_a_body_of_their_own():
    W = mg.Tensor(np.eye(2), requires_grad=True, name="W")
    h = mg.Tensor([[0.0, 0.0]])
    with mg.scope("rnn"):
        for t in range(20):
            with mg.scope(f"t{t:02d}"):
                x = mg.Tensor(np.ones((1, 2)), name=f"x{t}")
                h = mg.tanh(x @ W + (h @ W if t else 0.0))
    picture = read(h, mode="rolled")
    assert "t01 … t19  ×19" in picture.dot
    assert (
        picture.count("Tanh", "(1, 2) f64") == 2
    )  # the one of t00, that of t01 to t19
    assert picture.count("x1 … x19 ×19") == 1
    assert any("t00 → t01" in edge[2].get("label", "") for edge in picture.edges)


@pytest.mark.parametrize(
    ("name", "title", "first", "last"),
    [
        ("block[{}]", "block[0] … block[3]  ×4", "block[0]", "block[3]"),
        ("layer_{}", "layer_0 … layer_3  ×4", "layer_0", "layer_3"),
    ],
)
def test_equal_blocks_are_drawn_once_with_the_first_one_s_input_and_a_loop(
    name, title, first, last
):
    picture = read(blocks(name=name), mode="rolled")
    # A block has 30 gates: 9 with 2 parameters and a constant, then 5 with 4 parameters, twice, and
    # two sums. Around it: the look-up, the transpose, the product, the reshape and the loss, with
    # the table twice, and the classes.
    assert len(picture.nodes) == 30 + 14 + 5 + 3
    assert title in picture.dot
    arrows = [
        (picture.text(tail)[0], picture.text(head)[0], face(style["label"])[0])
        for tail, head, style in picture.edges
        if "label" in style
    ]
    # the two uses of a block's input in its norm, and its own in the first sum
    uses = ["Mean", "−", "+"]
    assert sorted(arrows) == sorted(
        [("[ ]", head, first) for head in uses]
        + [("+", head, "n−1 → n") for head in uses]
        + [("+", "×", last)]
    )


def test_blocks_are_drawn_once_only_if_they_are_equal_and_one_after_the_other():
    def chain(widths, between=None):
        x = mg.Tensor(np.ones((2, widths[0])), name="x")
        for number, width in enumerate(widths[1:]):
            with mg.scope("dense" if number == 0 else f"dense_{number + 1}"):
                W = mg.Tensor(
                    np.ones((x.shape[1], width)), requires_grad=True, name="W"
                )
                x = mg.tanh(x @ W + 1.0)
            x = between(x) if between else x
        return read(x, mode="rolled")

    assert chain([3, 3, 3, 3]).dot.count("dense … dense_3  ×3") > 0
    assert "×2" in chain([5, 3, 3, 3]).dot and chain([5, 3, 3, 3]).count("Tanh") == 2
    for picture in (chain([3, 4, 5, 6]), chain([3, 3, 3, 3], mg.sin)):
        assert picture.count("Tanh") == 3 and "×3" not in picture.dot


def test_a_scope_that_is_entered_again_is_no_other_block():
    x = mg.Tensor([1.0], requires_grad=True, name="x")
    for number in (0, 1, 0, 1):
        with mg.scope(f"block[{number}]"):
            x = mg.tanh(x)
    picture = read(x, mode="rolled")
    assert picture.count("Tanh") == 4 and "→ n" not in picture.dot


def test_auto_draws_a_network_of_blocks_on_one_page():
    drawing = mg.draw(blocks())
    picture = Read(drawing.dot)
    # the look-up, a block of 6, and 4 gates after it, with the table twice, and the classes
    assert drawing.mode == "folded" and len(picture.nodes) == 1 + 6 + 4 + 3
    assert (
        picture.lines("norm_2")[1] == "9 gates, 8 parameters"
    )  # one block of the four
    labels = [
        face(style["label"])[0] for _, _, style in picture.edges if "label" in style
    ]
    assert sorted(labels) == ["block[0]", "block[0]", "block[3]", "n−1 → n", "n−1 → n"]
    assert mg.draw(blocks(count=1), depth=1).mode == "unrolled"


def test_a_folded_block_opens():
    picture = read(blocks(), depth=1)
    held = "4 scopes, 120 gates, 384 parameters"
    assert picture.lines("block[0] … block[3]  ×4")[1] == held
    picture = read(blocks(), depth=1, mode="unrolled", opened="block[1]")
    inside = {"norm", "first", "norm_2", "second", "+"}
    faces = [picture.text(node)[0] for node in picture.nodes]
    assert {"block[0]", "block[2]", "block[3]"} | inside <= set(faces)
    assert "block[1]" not in faces and faces.count("+") == 2
    picture = read(blocks(), mode="unrolled", opened=["block[1]", "norm"])
    assert picture.count("√") == 1 and picture.count("first") == 1


def test_an_opened_box_opens_the_boxes_around_it():
    x = mg.Tensor([1.0], requires_grad=True, name="x")
    for scope in ("model/stack/a", "model/stack/b", "model/head"):
        with contextlib.ExitStack() as scopes:
            for name in scope.split("/"):
                scopes.enter_context(mg.scope(name))
            x = mg.tanh(x)
    picture = read(x, opened="a")
    assert [picture.text(node)[0] for node in picture.nodes] == [
        "x",
        "Tanh",
        "b",
        "head",
    ]


def test_the_leaves_of_equal_blocks_have_the_name_that_they_share():
    x = mg.Tensor(np.ones((2, 3)), name="x")
    for n in range(4):
        with mg.scope(f"block[{n}]"):
            W = mg.Tensor(np.eye(3), requires_grad=True, name=f"block[{n}].up.W")
            x = mg.tanh(x @ W)
    assert read(x, mode="rolled").lines("up.W ×4")[1] == "(3, 3) f64"


def test_window_shows_its_steps_and_folds_the_others():
    picture = read(sentiment(), window=(20, 22))
    assert picture.count("W_hh", "rnn.cell.") == 3
    before, after = picture.find("t00 … t19"), picture.find("t23 … t39")
    assert picture.text(before)[1] == "20 steps, 120 gates, 52 parameters"
    columns = [picture.place(node)[0] for node in (before, *picture.all("Tanh"), after)]
    assert len(columns) == 5 and columns == sorted(columns)


def test_depth_draws_layers_as_boxes():
    picture = read(sentiment(), depth=1)
    names = sorted(picture.text(node)[0] for node in picture.nodes)
    assert names == ["dense", "embedding", "ids", "rnn", "softmax CE", "y"]
    assert (
        picture.lines("rnn")[1]
        == f"40 steps, 240 gates, {8 * 4 + 4 * 4 + 4} parameters"
    )
    edges = [(tail, head) for tail, head, _ in picture.edges]
    assert (picture.find("rnn"), picture.find("dense")) in edges


def test_auto_folds_scopes_where_there_are_too_many_gates_and_the_middle_where_there_are_no_scopes():
    x = h = mg.Tensor([0.5], requires_grad=True, name="x")
    for layer in range(30):
        with mg.scope(f"layer{layer}"):
            for _ in range(5):
                h = (
                    mg.sin(h) if layer % 2 else mg.tanh(h)
                )  # so that no two neighbours are equal
    drawing = mg.draw(h)
    picture = Read(drawing.dot)
    assert drawing.mode == "folded" and "depth=1" in drawing.caption
    assert (
        len(picture.nodes) == 30
    )  # the parameter x is within layer0, the only scope that uses it
    assert picture.lines("layer7")[1] == "5 gates"
    for _ in range(5_000):
        x = mg.tanh(x)
    drawing = mg.draw(x)
    assert (
        drawing.mode == "folded" and "unrolled" not in drawing.caption
    )  # which would be refused
    picture = Read(drawing.dot)
    assert (
        picture.lines("the gates between")[1]
        == f"{5_000 - picture.count('Tanh'):,} gates"
    )


def test_truncation_is_a_red_edge_and_what_it_starves_is_pale():
    picture = read(rnn(6, truncate=4), mode="unrolled")
    (cut,) = [edge for edge in picture.edges if edge[2].get("style") == "dashed"]
    assert cut[2]["color"] == "#D00000"
    assert "cut before rnn/t02" in cut[2]["label"]
    pale = {
        node for node in picture.nodes if picture.nodes[node]["fillcolor"] == "#FAFAFA"
    }
    # Two steps of six gates and four leaves, with the h0 of the first: all left of the cut, and
    # nothing else.
    assert len(pale) == 2 * 10 + 1
    assert max(picture.place(node)[0] for node in pale) < picture.place(cut[1])[0]
    uncut = read(rnn(6), mode="unrolled").dot
    assert "#D00000" not in uncut and "#FAFAFA" not in uncut


def test_a_cut_is_shown_beside_the_loop_and_named_in_folded_steps():
    picture = read(rnn(40, truncate=4))
    loops = {
        style.get("style")
        for tail, head, style in picture.edges
        if (picture.text(tail)[0], picture.text(head)[0]) == ("Tanh", "×")
    }
    assert loops == {None, "dashed"}
    assert "cut before rnn/t32" in read(rnn(40, truncate=8), window=(38, 39)).lines(
        "t00 … t37"
    )


@pytest.mark.parametrize(
    ("output", "options", "code", "words"),
    [
        (sentiment, {"window": (5, 2)}, "MG603", ["(5, 2)", "after"]),
        (product, {"window": (0, 1)}, "MG603", ["has none"]),
        (
            dense,
            {"mode": "unrolled"},
            "MG609",
            ["10 boxes", "at most 5", "depth=1", "mode="],
        ),
        (rnn, {"window": (0, 5)}, "MG609", ["30", "shorter window"]),
        (dense, {"opened": "block"}, "MG614", ["'block'", "'head', 'hidden'"]),
    ],
)
def test_more_than_can_be_drawn_and_windows_that_make_no_sense(
    monkeypatch, output, options, code, words
):
    monkeypatch.setattr(modes, "LARGEST", {"columns": 30, "graphviz": 5})
    with pytest.raises(OptionError, match=code) as caught:
        read(output(), **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)
