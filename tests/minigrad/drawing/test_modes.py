"""Which boxes a picture has in each mode: counted against what the program did, step by step."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OptionError

from .drawn_graphs import Read, chain, dense, face, product, read, rnn, sentiment


def test_small_graphs_are_drawn_in_full():
    drawing = mg.draw(product())
    picture = Read(drawing.dot)
    assert (drawing.mode, drawing.caption) == ("unrolled", "")
    assert sorted(picture.text(node)[0] for node in picture.nodes) == ["W", "x", "× MultiplyGate", "Σ Sum"]
    assert len(picture.edges) == 3


def test_unrolled_has_every_gate_and_a_copy_of_each_parameter_at_each_step():
    # A step: slice, two products, two sums, tanh, and W_xh, W_hh, b_h. Around it: h0, and ids and table into the
    # look-up, W and b into the product and sum of the head, y into the loss.
    picture = read(sentiment(), mode="unrolled")
    assert len(picture.nodes) == 40 * (6 + 3) + 1 + 3 + 4 + 2
    # A step: slice from the look-up, three into each product with its parameter, ..., ten in all.
    assert len(picture.edges) == 40 * 10 + 2 + 4 + 2
    assert picture.clusters == 40 + 1
    assert picture.count("W_hh", "rnn.cell.") == 40


def test_rolled_has_one_body():
    picture = read(sentiment(), mode="rolled")
    assert "t00 … t39  ×40" in picture.dot
    assert len(picture.nodes) == 6 + 3 + 1 + 3 + 4 + 2
    assert len(picture.edges) == 10 + 1 + 2 + 4 + 2  # into the recurrent product come h0, at t00, and the loop
    labels = [(picture.text(tail)[0], face(style["label"])) for tail, _, style in picture.edges if "label" in style]
    assert labels == [("h0", ["t00"]), ("Tanh", ["t−1 → t"]), ("Tanh", ["t39"])]


def test_steps_that_are_built_otherwise_get_a_body_of_their_own():
    W = mg.Tensor(np.eye(2), requires_grad=True, name="W")
    h = mg.Tensor([[0.0, 0.0]])
    with mg.scope("rnn"):
        for t in range(20):
            with mg.scope(f"t{t:02d}"):
                x = mg.Tensor(np.ones((1, 2)), name=f"x{t}")
                h = mg.tanh(x @ W + (h @ W if t else 0.0))
    drawing = mg.draw(h, mode="rolled")
    assert "t01 … t19  ×19" in drawing.dot
    picture = Read(drawing.dot)
    assert picture.count("Tanh", "(1, 2) float64") == 2  # the one of t00, that of t01 to t19
    assert picture.count("x1 … x19 ×19") == 1
    assert any("t00 → t01" in edge[2].get("label", "") for edge in picture.edges)


def test_window_shows_its_steps_and_folds_the_others():
    picture = read(sentiment(), window=(20, 22))
    assert picture.count("W_hh", "rnn.cell.") == 3
    before, after = picture.find("t00 … t19"), picture.find("t23 … t39")
    assert picture.text(before)[1] == "20 steps, 120 gates"
    assert picture.text(after)[1] == "17 steps, 102 gates"
    tanhs = [picture.place(node)[0] for node in picture.nodes if "Tanh" in picture.text(node)]
    assert len(tanhs) == 3
    assert picture.place(before)[0] < min(tanhs) < max(tanhs) < picture.place(after)[0]
    at_the_end = read(sentiment(), window=(38, 39))
    firsts = [at_the_end.text(node)[0] for node in at_the_end.nodes]
    assert [first for first in firsts if "…" in first] == ["t00 … t37"]


def test_depth_draws_layers_as_boxes():
    picture = read(sentiment(), depth=1)
    names = {node: picture.text(node)[0] for node in picture.nodes}
    assert sorted(names.values()) == ["dense", "embedding", "ids", "rnn", "softmax CE SoftmaxCrossEntropy", "y"]
    assert picture.lines("rnn")[1] == "40 steps, 240 gates"
    assert f"{8 * 4 + 4 * 4 + 4} parameters" in picture.lines("rnn")
    assert ("rnn", "dense") in {(names[tail], names[head]) for tail, head, _ in picture.edges}


def test_collapse_draws_the_named_scopes_as_boxes():
    picture = read(dense(), collapse=["hidden"])
    assert picture.lines("hidden")[1] == "3 gates"
    assert picture.count("head.W") == 1  # the other scope is still open
    assert picture.count("hidden.W") == 0
    layers = "sequential/rnn/cell_2"  # a path with or without its time step
    assert read(sentiment(3, layers=2), mode="unrolled", collapse=[layers]).count("cell_2") == 1
    once = read(sentiment(3, layers=2), mode="unrolled", collapse=[f"{layers}/t01"])
    assert once.count("t01") == 1
    assert once.count("W_hh", "rnn.cell_2.") == 2


def test_auto_rolls_a_long_unroll_and_says_so():
    drawing = mg.draw(sentiment())
    assert drawing.mode == "rolled"
    assert drawing.caption.startswith("rolled:")
    assert 'mode="unrolled" draws all 244 gates' in drawing.caption
    assert "window=(38, 39)" in drawing.caption
    assert "rolled: time steps" in drawing.dot


def test_auto_folds_scopes_where_there_are_too_many():
    x = mg.Tensor([1.0], requires_grad=True, name="x")
    for layer in range(30):
        with mg.scope(f"layer{layer}"):
            for _ in range(5):
                x = mg.tanh(x)
    drawing = mg.draw(x)
    picture = Read(drawing.dot)
    assert drawing.mode == "folded"
    assert "depth=1" in drawing.caption
    assert len(picture.nodes) == 30  # the parameter x is within layer0, the only scope that uses it
    assert picture.text(picture.find("layer7"))[1] == "5 gates"


def test_a_chain_of_thousands_of_gates_folds():
    x = mg.Tensor([0.5], requires_grad=True, name="x")
    for _ in range(5_000):
        x = mg.tanh(x) * 1.01
    drawing = mg.draw(x)
    picture = Read(drawing.dot)
    assert drawing.mode == "folded"
    assert len(picture.nodes) < 60
    shown = sum(picture.text(node)[0] in ("Tanh", "⊙ Hadamard") for node in picture.nodes)
    assert picture.lines("the gates between")[1] == f"{10_000 - shown:,} gates"


def test_truncation_is_a_red_edge_and_what_it_starves_is_pale():
    picture = read(rnn(6, truncate=4), mode="unrolled")
    (cut,) = [edge for edge in picture.edges if edge[2].get("style") == "dashed"]
    assert cut[2]["color"] == "#D00000"
    assert "cut before rnn/t02" in cut[2]["label"]
    pale = {node for node in picture.nodes if picture.nodes[node]["fillcolor"] == "#FAFAFA"}
    # Two steps of six gates and four leaves, with the h0 of the first: all left of the cut, and nothing else.
    assert len(pale) == 2 * 10 + 1
    assert max(picture.place(node)[0] for node in pale) < picture.place(cut[1])[0]
    assert cut[0] in pale and cut[1] not in pale
    uncut = read(rnn(6), mode="unrolled").dot
    assert "#D00000" not in uncut and "#FAFAFA" not in uncut


def test_a_cut_is_shown_beside_the_loop_and_named_in_folded_steps():
    picture = read(rnn(40, truncate=4))
    loops = [(picture.text(tail)[0], picture.text(head)[0], style.get("style")) for tail, head, style in picture.edges]
    assert {("Tanh", "× MultiplyGate", None), ("Tanh", "× MultiplyGate", "dashed")} <= set(loops)
    assert "cut before rnn/t32" in read(rnn(40, truncate=8), window=(38, 39)).lines("t00 … t37")


@pytest.mark.parametrize(
    ("output", "options", "code", "words"),
    [
        (sentiment, {"window": (38, 40)}, "MG603", ["(38, 40)", "0 to 39"]),
        (sentiment, {"window": (-1, 3)}, "MG603", ["(-1, 3)"]),
        (sentiment, {"window": (5, 2)}, "MG603", ["(5, 2)", "after"]),
        (sentiment, {"window": 5}, "MG603", ["window=5", "(36, 39)"]),
        (sentiment, {"window": (0.5, 2.5)}, "MG603", ["(0.5, 2.5)"]),
        (sentiment, {"window": (1, 2, 3)}, "MG603", ["(1, 2, 3)"]),
        (product, {"window": (0, 1)}, "MG603", ["has none"]),
        (sentiment, {"collapse": ["rnn"]}, "MG604", ["'rnn'", "sequential/rnn"]),
        (sentiment, {"collapse": 5}, "MG604", ["'5'"]),
        (product, {"collapse": ["rnn"]}, "MG604", ["has no scopes"]),
        (lambda: chain(2001), {"mode": "unrolled"}, "MG609", ["2,002 boxes", "depth=1", "mode="]),
        (lambda: rnn(3000), {"window": (0, 2999)}, "MG609", ["20,000", "shorter window"]),
    ],
)
def test_more_than_can_be_drawn_and_options_that_make_no_sense(output, options, code, words):
    with pytest.raises(OptionError, match=code) as caught:
        read(output(), **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_caption_promises_only_what_can_be_drawn():
    with mg.scope("rnn"):
        x = mg.Tensor([0.5], requires_grad=True)
        for t in range(11_000):
            with mg.scope(f"t{t}"):
                x = mg.tanh(x)
    caption = mg.draw(x).caption
    assert "unrolled" not in caption
    assert "window=(10998, 10999) draws these steps" in caption
