"""The boxes of a picture in each mode, counted against the program."""

from contextlib import ExitStack

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing import modes
from minigrad.drawing.colour import PALE
from minigrad.errors import OptionError
from tests.blocks import blocks, parameter

from .drawn_graphs import Read, dense, product, read, rnn, sentiment

CUT = "#D00000"


# ---- unrolled ----


def test_unrolled_draws_every_gate():
    picture = read(sentiment(), mode="unrolled")
    # A step: slice, two products, two sums, tanh, and W_xh, W_hh, b_h. Around it: h0, and ids and
    # table into the look-up, W and b into the product and sum of the head, y into the loss.
    assert len(picture.nodes) == 40 * (6 + 3) + 1 + 3 + 4 + 2
    # A step: slice from the look-up, three into each product with its parameter, ..., ten in all.
    assert len(picture.edges) == 40 * 10 + 2 + 4 + 2
    assert len(picture.titles) == 40 + 1
    assert picture.count("W_hh", "rnn.cell.") == 40


def test_unrolled_draws_truncation_and_starved_steps():
    picture = read(rnn(6, truncate=4), mode="unrolled")
    ((_, head, style),) = picture.cuts
    assert style["color"] == CUT
    assert "cut before rnn/t02" in style["label"]
    pale = []
    for node, style in picture.nodes.items():
        if style["fillcolor"] == PALE["fillcolor"]:
            pale.append(picture.place(node)[0])
    # Two steps of six gates and four leaves, with the h0 of the first: all left of the cut, and
    # nothing else.
    assert len(pale) == 2 * 10 + 1
    assert max(pale) < picture.place(head)[0]


def test_unrolled_without_truncation_has_no_cut():
    dot = read(rnn(6), mode="unrolled").dot
    assert CUT not in dot
    assert PALE["fillcolor"] not in dot


def test_window_folds_other_steps():
    picture = read(sentiment(), window=(20, 22))
    assert picture.count("W_hh", "rnn.cell.") == 3
    before = picture.find("t00 … t19")
    after = picture.find("t23 … t39")
    assert picture.text(before)[1] == "20 steps, 120 gates, 52 parameters"
    boxes = [before, *picture.all("Tanh"), after]
    columns = [picture.place(node)[0] for node in boxes]
    assert len(columns) == 5
    assert columns == sorted(columns)


def test_window_names_cut_in_folded_steps():
    picture = read(rnn(40, truncate=8), window=(38, 39))
    assert "cut before rnn/t32" in picture.lines("t00 … t37")


# ---- rolled ----


def test_auto_rolls_time_steps():
    drawing = mg.draw(sentiment())
    assert drawing.mode == "rolled"
    assert drawing.caption.startswith("rolled: time steps")
    full = 'mode="unrolled" draws all 244 gates; window=(38, 39)'
    assert full in drawing.caption
    assert "t00 … t39  ×40" in drawing.dot
    picture = Read(drawing.dot)
    assert len(picture.nodes) == 6 + 3 + 1 + 3 + 4 + 2
    # into the recurrent product come h0, at t00, and the loop
    assert len(picture.edges) == 10 + 1 + 2 + 4 + 2
    assert picture.arrows == [
        "Tanh -> ×: t39",
        "Tanh -> ×: t−1 → t",
        "h0 -> ×: t00",
    ]


def test_rolled_draws_unusual_step_apart():
    W = parameter(np.eye(2), "W")
    h = W
    for t in range(20):
        with mg.scope("rnn"), mg.scope(f"t{t:02d}"):
            x = mg.Tensor(np.ones((2, 2)), name=f"x{t}")
            h = mg.tanh(x @ h if t else h)
    picture = read(h, mode="rolled")
    assert "t01 … t19  ×19" in picture.dot
    assert picture.count("Tanh", "(2, 2) f64") == 2  # of t00, and of t01 to t19
    assert picture.count("x1 … x19 ×19") == 1
    assert "Tanh -> ×: t00 → t01" in picture.arrows


def test_rolled_draws_cut_beside_loop():
    picture = read(rnn(40, truncate=4))
    assert "Tanh -> ×: t−1 → t" in picture.arrows
    assert "Tanh -> ×: cut before rnn/t36" in picture.arrows


def test_rolled_draws_equal_blocks_once():
    picture = read(blocks(), mode="rolled")
    # A block has 30 gates: 9 with 2 parameters and a constant, then 5 with 4 parameters, twice, and
    # two sums. Around it: the look-up, the transpose, the product, the reshape and the loss, with
    # the table twice, and the classes.
    assert len(picture.nodes) == 30 + 14 + 5 + 3
    assert "block[0] … block[3]  ×4" in picture.dot
    # the two uses of a block's input in its norm, and its own in the first sum
    assert picture.arrows == [
        "+ -> +: n−1 → n",
        "+ -> Mean: n−1 → n",
        "+ -> ×: block[3]",
        "+ -> −: n−1 → n",
        "[ ] -> +: block[0]",
        "[ ] -> Mean: block[0]",
        "[ ] -> −: block[0]",
    ]


def same(x):
    return x


@pytest.mark.parametrize(
    "widths, between, title, gates",
    [
        (
            [3, 3, 3, 3],
            same,
            "dense … dense_3  ×3",
            1,
        ),
        (
            [5, 3, 3, 3],
            same,
            "dense_2 … dense_3  ×2",
            2,
        ),
        ([3, 4, 5, 6], same, "", 3),
        ([3, 3, 3, 3], mg.sin, "", 3),
    ],
)
def test_rolled_draws_only_equal_neighbours_once(widths, between, title, gates):
    x = mg.Tensor(np.ones((2, widths[0])), name="x")
    scopes = ["dense", "dense_2", "dense_3"]
    for scope, width in zip(scopes, widths[1:], strict=True):
        W = parameter(np.ones((x.shape[1], width)), "W")
        with mg.scope(scope):
            x = mg.tanh(x @ W)
        x = between(x)
    picture = read(x, mode="rolled")
    assert title in picture.dot
    assert picture.count("Tanh") == gates


def test_rolled_leaves_of_equal_blocks_share_name():
    x = mg.Tensor(np.ones((2, 3)), name="x")
    for n in range(4):
        with mg.scope(f"block[{n}]"):
            W = parameter(np.eye(3), f"block[{n}].up.W")
            x = mg.tanh(x @ W)
    picture = read(x, mode="rolled")
    assert picture.lines("up.W ×4")[1] == "(3, 3) f64"


def in_scopes(*scopes):
    x = parameter([1.0], "x")
    for scope in scopes:
        with ExitStack() as stack:
            for name in scope.split("/"):
                stack.enter_context(mg.scope(name))
            x = mg.tanh(x)
    return x


def test_rolled_draws_scope_entered_again_apart():
    output = in_scopes("b[0]", "b[1]", "b[0]", "b[1]")
    picture = read(output, mode="rolled")
    assert picture.count("Tanh") == 4
    assert picture.arrows == []


# ---- folded ----


def test_depth_draws_layers_as_boxes():
    picture = read(sentiment(), depth=1)
    names = ["dense", "embedding", "ids", "rnn", "softmax CE", "y"]
    assert sorted(picture.faces) == names
    size = 8 * 4 + 4 * 4 + 4
    assert picture.lines("rnn")[1] == f"40 steps, 240 gates, {size} parameters"
    ends = [picture.find("rnn"), picture.find("dense")]
    assert ends in [edge[:2] for edge in map(list, picture.edges)]


def test_depth_counts_equal_blocks():
    picture = read(blocks(), depth=1)
    counts = "4 scopes, 120 gates, 384 parameters"
    assert picture.lines("block[0] … block[3]  ×4")[1] == counts


def test_auto_folds_blocks_on_one_page():
    drawing = mg.draw(blocks())
    picture = Read(drawing.dot)
    assert drawing.mode == "folded"
    # the look-up, a block of 6, and 4 gates after it, with the table twice, and the classes
    assert len(picture.nodes) == 1 + 6 + 4 + 3
    # one block of the four
    assert picture.lines("norm_2")[1] == "9 gates, 8 parameters"
    labels = [arrow.split(": ")[1] for arrow in picture.arrows]
    assert sorted(labels) == ["block[0]", "block[0]", "block[3]", "n−1 → n", "n−1 → n"]


def test_auto_draws_single_block_unrolled():
    drawing = mg.draw(blocks(count=1), depth=1)
    assert drawing.mode == "unrolled"


@pytest.mark.parametrize(
    "opened, roots",
    [("block[1]", 0), (["block[1]", "norm"], 1)],
)
def test_opened_draws_scopes_in_block(opened, roots):
    picture = read(blocks(), depth=1, mode="unrolled", opened=opened)
    for name in ("block[0]", "block[2]", "block[3]", "first", "norm_2", "second"):
        assert picture.count(name) == 1
    assert picture.count("block[1]") == 0
    assert picture.count("+", "AddGate") == 2 + 2 * roots
    assert picture.count("√") == roots


def test_opened_draws_scopes_around_it():
    output = in_scopes("model/stack/a", "model/stack/b", "model/head")
    picture = read(output, opened="a")
    assert picture.faces == ["x", "Tanh", "b", "head"]


def test_auto_folds_scopes():
    h = parameter([0.5], "x")
    for layer in range(30):
        # so that no two neighbours are equal
        function = mg.sin if layer % 2 else mg.tanh
        with mg.scope(f"layer{layer}"):
            for _ in range(5):
                h = function(h)
    drawing = mg.draw(h)
    picture = Read(drawing.dot)
    assert drawing.mode == "folded"
    assert "depth=1" in drawing.caption
    assert len(picture.nodes) == 30  # x is within layer0, the only scope that uses it
    assert picture.lines("layer7")[1] == "5 gates"


def test_auto_folds_middle_without_scopes():
    x = parameter([0.5], "x")
    for _ in range(5_000):
        x = mg.tanh(x)
    drawing = mg.draw(x)
    picture = Read(drawing.dot)
    assert drawing.mode == "folded"
    assert "unrolled" not in drawing.caption  # which would be refused
    rest = 5_000 - picture.count("Tanh")
    assert picture.lines("the gates between")[1] == f"{rest:,} gates"


# ---- errors ----


@pytest.mark.parametrize(
    "output, options, message",
    [
        (sentiment, {"window": (5, 2)}, r"MG603.*\(5, 2\).*after"),
        (product, {"window": (0, 1)}, "MG603.*has none"),
        (
            dense,
            {"mode": "unrolled"},
            "MG609.*10 boxes.*at most 5.*depth=1.*mode=",
        ),
        (rnn, {"window": (0, 5)}, "MG609.*30.*shorter window"),
        (dense, {"opened": "block"}, "MG614.*'block'.*'head', 'hidden'"),
    ],
)
def test_draw_refuses_large_picture_and_wrong_window(monkeypatch, output, options, message):
    monkeypatch.setattr(modes, "LARGEST", {"columns": 30, "graphviz": 5})
    with pytest.raises(OptionError, match=f"(?s){message}"):
        read(output(), **options)
