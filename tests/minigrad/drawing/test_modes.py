"""Which boxes a picture has in each mode: counted against what the program did, step by step."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing import modes
from minigrad.errors import OptionError

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
    assert picture.count("Tanh", "(1, 2) f64") == 2  # the one of t00, that of t01 to t19
    assert picture.count("x1 … x19 ×19") == 1
    assert any("t00 → t01" in edge[2].get("label", "") for edge in picture.edges)


def test_window_shows_its_steps_and_folds_the_others():
    picture = read(sentiment(), window=(20, 22))
    assert picture.count("W_hh", "rnn.cell.") == 3
    before, after = picture.find("t00 … t19"), picture.find("t23 … t39")
    assert picture.text(before)[1] == "20 steps, 120 gates"
    columns = [picture.place(node)[0] for node in (before, *picture.all("Tanh"), after)]
    assert len(columns) == 5 and columns == sorted(columns)


def test_depth_draws_layers_as_boxes():
    picture = read(sentiment(), depth=1)
    names = sorted(picture.text(node)[0] for node in picture.nodes)
    assert names == ["dense", "embedding", "ids", "rnn", "softmax CE", "y"]
    assert picture.lines("rnn")[1:3] == ["40 steps, 240 gates", f"{8 * 4 + 4 * 4 + 4} parameters"]
    edges = [(tail, head) for tail, head, _ in picture.edges]
    assert (picture.find("rnn"), picture.find("dense")) in edges


def test_auto_folds_scopes_where_there_are_too_many_gates_and_the_middle_where_there_are_no_scopes():
    x = h = mg.Tensor([0.5], requires_grad=True, name="x")
    for layer in range(30):
        with mg.scope(f"layer{layer}"):
            for _ in range(5):
                h = mg.tanh(h)
    drawing = mg.draw(h)
    picture = Read(drawing.dot)
    assert drawing.mode == "folded" and "depth=1" in drawing.caption
    assert len(picture.nodes) == 30  # the parameter x is within layer0, the only scope that uses it
    assert picture.lines("layer7")[1] == "5 gates"
    for _ in range(5_000):
        x = mg.tanh(x)
    drawing = mg.draw(x)
    assert drawing.mode == "folded" and "unrolled" not in drawing.caption  # which would be refused
    picture = Read(drawing.dot)
    assert picture.lines("the gates between")[1] == f"{5_000 - picture.count('Tanh'):,} gates"


def test_truncation_is_a_red_edge_and_what_it_starves_is_pale():
    picture = read(rnn(6, truncate=4), mode="unrolled")
    (cut,) = [edge for edge in picture.edges if edge[2].get("style") == "dashed"]
    assert cut[2]["color"] == "#D00000"
    assert "cut before rnn/t02" in cut[2]["label"]
    pale = {node for node in picture.nodes if picture.nodes[node]["fillcolor"] == "#FAFAFA"}
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
    assert "cut before rnn/t32" in read(rnn(40, truncate=8), window=(38, 39)).lines("t00 … t37")


@pytest.mark.parametrize(
    ("output", "options", "code", "words"),
    [
        (sentiment, {"window": (5, 2)}, "MG603", ["(5, 2)", "after"]),
        (product, {"window": (0, 1)}, "MG603", ["has none"]),
        (dense, {"mode": "unrolled"}, "MG609", ["10 boxes", "at most 5", "depth=1", "mode="]),
        (rnn, {"window": (0, 5)}, "MG609", ["30", "shorter window"]),
    ],
)
def test_more_than_can_be_drawn_and_windows_that_make_no_sense(
    monkeypatch, output, options, code, words
):
    monkeypatch.setattr(modes, "LARGEST", {"columns": 30, "graphviz": 5})
    with pytest.raises(OptionError, match=code) as caught:
        read(output(), **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)
