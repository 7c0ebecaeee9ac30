"""Which boxes a picture has in each mode: counted against what the program did, step by step."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from layers import LSTM, RNN, Dense, Embedding, Layer
from minigrad.errors import MinigradError

from .drawn_graphs import Read, dense, product, rnn


class Sentiment(Layer):
    def __init__(self, cell=RNN, **options):
        super().__init__()
        self.embedding = Embedding(100, 8)
        self.rnn = cell(8, 4, **options)
        self.head = Dense(4, 2)

    def forward(self, ids):
        return self.head(self.rnn(self.embedding(ids)))


def sentiment(steps=40, **options):
    ids = np.random.default_rng(1).integers(0, 100, (3, steps))
    return mg.softmax_cross_entropy(
        Sentiment(**options)(mg.Tensor(ids, name="ids")), mg.Tensor(np.array([0, 1, 1]), name="y")
    )


def read(tensor, **options):
    return Read(mg.Graph(tensor).dot(**options))


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
    columns = sorted(
        {float(picture.nodes[node]["pos"].split(",")[0]) for node in picture.nodes if "Tanh" in picture.text(node)}
    )
    assert len(columns) == 40
    assert np.allclose(np.diff(columns), columns[1] - columns[0], atol=0.02)  # columns of one width
    rows = {picture.nodes[node]["pos"].split(",")[1] for node in picture.nodes if "Tanh" in picture.text(node)}
    assert len(rows) == 1


def test_two_layers_are_two_rows_of_columns():
    picture = read(sentiment(5, cell=LSTM, layers=2), mode="unrolled")
    tanh = [picture.nodes[node]["pos"].split(",") for node in picture.nodes if picture.text(node)[-1] == "g"]
    assert len(tanh) == 10
    assert len({x for x, _ in tanh}) == 10 or len({y for _, y in tanh}) == 2
    assert len({y for _, y in tanh}) == 2
    assert picture.clusters == 2 * (5 + 1)


def test_rolled_has_one_body():
    drawing = mg.draw(sentiment(), mode="rolled")
    picture = Read(drawing.dot)
    assert len(picture.nodes) == 6 + 3 + 1 + 3 + 4 + 2
    assert len(picture.edges) == 10 + 1 + 2 + 4 + 2  # into the recurrent product come h0, at t00, and the loop
    (loop,) = [edge for edge in picture.edges if "t−1 → t" in edge[2].get("label", "")]
    assert (picture.text(loop[0])[0], picture.text(loop[1])[0]) == ("Tanh", "× MultiplyGate")
    assert "t00 … t39  ×40" in drawing.dot
    assert {edge[2]["label"] for edge in picture.edges if "label" in edge[2]} >= {
        edge[2]["label"] for edge in picture.edges if picture.text(edge[0])[0] == "h0"
    }
    (start,) = [edge for edge in picture.edges if picture.text(edge[0])[0] == "h0"]
    (end,) = [
        edge
        for edge in picture.edges
        if picture.text(edge[0])[0] == "Tanh" and "head" not in edge[2] and edge is not loop
    ]
    assert "t00" in start[2]["label"]
    assert "t39" in end[2]["label"]


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
    (before,) = [node for node in picture.nodes if picture.text(node)[0] == "t00 … t19"]
    (after,) = [node for node in picture.nodes if picture.text(node)[0] == "t23 … t39"]
    assert picture.text(before)[1] == "20 steps, 120 gates"
    assert picture.text(after)[1] == "17 steps, 102 gates"
    left, right = (float(picture.nodes[node]["pos"].split(",")[0]) for node in (before, after))
    tanhs = [float(picture.nodes[node]["pos"].split(",")[0]) for node in picture.nodes if "Tanh" in picture.text(node)]
    assert len(tanhs) == 3
    assert left < min(tanhs) < max(tanhs) < right


def test_window_at_the_end_folds_nothing_after():
    picture = read(sentiment(), window=(38, 39))
    assert sum(picture.text(node)[0].startswith("t") and "…" in picture.text(node)[0] for node in picture.nodes) == 1


def test_depth_draws_layers_as_boxes():
    picture = read(sentiment(), depth=1)
    assert sorted(picture.text(node)[0] for node in picture.nodes) == [
        "embedding", "head", "ids", "rnn", "softmax CE SoftmaxCrossEntropy", "y",
    ]  # fmt: skip
    assert picture.text(picture.find("rnn"))[1] == "40 steps, 240 gates"
    assert f"{8 * 4 + 4 * 4 + 4} parameters" in picture.text(picture.find("rnn"))
    names = {node: picture.text(node)[0] for node in picture.nodes}
    assert ("rnn", "head") in {(names[tail], names[head]) for tail, head, _ in picture.edges}


def test_collapse_draws_the_named_scopes_as_boxes():
    picture = read(dense(), collapse=["hidden"])
    assert picture.text(picture.find("hidden"))[1] == "3 gates"
    assert picture.count("head.W") == 1  # the other scope is still open
    assert picture.count("hidden.W") == 0


def test_collapse_takes_a_path_with_or_without_its_time_step():
    everywhere = read(sentiment(3, layers=2), mode="unrolled", collapse=["sentiment/rnn/cell_2"])
    assert everywhere.count("cell_2") == 1
    once = read(sentiment(3, layers=2), mode="unrolled", collapse=["sentiment/rnn/cell_2/t01"])
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


def test_a_chain_of_a_hundred_thousand_gates_folds():
    x = mg.Tensor([0.5], requires_grad=True, name="x")
    for _ in range(50_000):
        x = mg.tanh(x) * 1.01
    drawing = mg.draw(x)
    picture = Read(drawing.dot)
    assert drawing.mode == "folded"
    assert len(picture.nodes) < 60
    fold = picture.find("the gates between")
    shown = sum(picture.text(node)[0] in ("Tanh", "⊙ Hadamard") for node in picture.nodes)
    assert picture.text(fold)[1] == f"{100_000 - shown:,} gates"
    # What is left is one chain, from x to the output.
    inner = [node for node in picture.nodes if picture.text(node)[0] != "1.01"]
    assert sum(tail in inner for tail, _, _ in picture.edges) == len(inner) - 1


def test_truncation_is_a_red_edge_and_what_it_starves_is_pale():
    picture = read(rnn(6, truncate=4), mode="unrolled")
    (cut,) = [edge for edge in picture.edges if edge[2].get("style") == "dashed"]
    assert cut[2]["color"] == "#D00000"
    assert "cut before rnn/t02" in cut[2]["label"]
    pale = {node for node in picture.nodes if picture.nodes[node]["fillcolor"] == "#FAFAFA"}
    x_of = {node: float(picture.nodes[node]["pos"].split(",")[0]) for node in picture.nodes}
    # Two steps of six gates and four leaves, with the h0 of the first: all left of the cut, and nothing else.
    assert len(pale) == 2 * 10 + 1
    assert max(x_of[node] for node in pale) < x_of[cut[1]]
    assert cut[0] in pale
    assert cut[1] not in pale


def test_no_cut_no_pallor():
    picture = read(rnn(6), mode="unrolled")
    assert not any(edge[2].get("color") == "#D00000" for edge in picture.edges)
    assert not any(style["fillcolor"] == "#FAFAFA" for style in picture.nodes.values())


def test_rolled_shows_the_cut_beside_the_loop():
    picture = read(rnn(40, truncate=4))
    loops = [
        edge
        for edge in picture.edges
        if picture.text(edge[0])[0] == "Tanh" and "× MultiplyGate" in picture.text(edge[1])
    ]
    assert sorted(edge[2].get("style", "") for edge in loops) == ["", "dashed"]


def test_a_cut_inside_folded_steps_is_named_there():
    picture = read(rnn(40, truncate=8), window=(38, 39))
    (fold,) = [node for node in picture.nodes if picture.text(node)[0] == "t00 … t37"]
    assert "cut before rnn/t32" in picture.text(fold)


def test_a_single_tensor():
    picture = read(mg.Tensor([1.0, 2.0], name="alone"))
    assert [picture.text(node) for node in picture.nodes] == [["alone", "(2,) float32"]]


def test_a_tensor_that_was_cut_shows_what_it_was_cut_from():
    x = mg.Tensor([1.0], requires_grad=True, name="x")
    picture = read(mg.cut(mg.tanh(x)))
    (cut,) = [edge for edge in picture.edges if edge[2].get("style") == "dashed"]
    assert picture.text(cut[0])[0] == "Tanh"
    assert picture.nodes[cut[0]]["fillcolor"] == "#FAFAFA"


def test_several_outputs():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    h = mg.tanh(x)
    picture = read([h * h, h.sum()])
    assert picture.count("output") == 2
    assert picture.count("loss") == 0
    assert picture.count("Tanh") == 1


def test_a_second_derivative():
    x = mg.Tensor(3.0, requires_grad=True, name="x")
    (first,) = mg.grad(x * x * x, [x], create_graph=True)
    picture = read(first)
    assert picture.count("x") == 2  # one leaf, in each of the two scopes that use it
    gates = [node for node in mg.Graph(first) if node.gate]
    assert sum(
        "Hadamard" in picture.text(node)[0] or "AddGate" in picture.text(node)[0] for node in picture.nodes
    ) == len(gates)
    assert picture.clusters == 1  # the scope "backward"
    scopes = {node.scope for node in gates}
    assert scopes == {(), ("backward",)}


def test_a_leaf_used_twice_is_one_box_with_two_arrows_or_one():
    x = mg.Tensor([1.0], requires_grad=True, name="x")
    picture = read(mg.tanh(x) + mg.sigmoid(x))
    assert picture.count("x") == 1
    assert len(picture.edges) == 4
    squared = read(x * x)
    assert len(squared.edges) == 1


def test_graph_counts_and_iterates_oldest_first():
    graph = mg.Graph(dense())
    assert len(graph) == 6 + 4  # two products, a sum, tanh, the square and the mean; x, W1, b1, W2
    serials = [node.serial for node in graph]
    assert serials == sorted(serials)
    assert repr(graph) == "<Graph of 6 gates and 4 leaves>"


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"mode": "folded"}, "MG611", ["'folded'", "'rolled'"]),
        ({"window": (38, 40)}, "MG603", ["(38, 40)", "0 to 39"]),
        ({"window": (-1, 3)}, "MG603", ["(-1, 3)"]),
        ({"window": (5, 2)}, "MG603", ["(5, 2)", "after"]),
        ({"window": 5}, "MG603", ["window=5", "(36, 39)"]),
        ({"depth": 0}, "MG613", ["depth=0"]),
        ({"depth": "rnn"}, "MG613", ["'rnn'"]),
        ({"collapse": ["rnn"]}, "MG604", ["'rnn'", "sentiment/rnn"]),
        ({"color_by": "age"}, "MG612", ["'age'", "'grad'"]),
    ],
)
def test_options_that_make_no_sense(options, code, words):
    with pytest.raises(MinigradError) as caught:
        mg.Graph(sentiment()).dot(**options)
    assert caught.value.code == code
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_window_where_there_is_no_time():
    with pytest.raises(MinigradError, match="MG603") as caught:
        mg.draw(product(), window=(0, 1))
    assert "has none" in str(caught.value)


@pytest.mark.parametrize("wrong", [np.ones(3), 2.0, [], [np.ones(2)], None, "loss"])
def test_what_is_not_a_tensor(wrong):
    with pytest.raises(MinigradError, match="MG601"):
        mg.draw(wrong)


def chain(gates):
    x = mg.Tensor([0.5], requires_grad=True)
    for _ in range(gates):
        x = mg.tanh(x)
    return x


def too_large(tensor, **options):
    with pytest.raises(MinigradError, match="MG609") as caught:
        mg.Graph(tensor).draw(**options)
    return caught.value


def test_more_than_can_be_drawn():
    error = too_large(chain(2001), mode="unrolled")
    assert "2,002 boxes" in str(error)
    assert "leave out mode='unrolled'" in error.remedy
    assert "depth" not in error.remedy  # there are no scopes to draw as boxes


def test_the_remedy_for_a_large_picture_is_not_what_was_just_done():
    with mg.scope("model"):
        scoped = chain(2001)
    assert "depth=1" in too_large(scoped, mode="unrolled").remedy
    loss = rnn(3000)
    error = too_large(loss, window=(0, 2999))
    assert "shorter window" in error.remedy
    assert "mode" not in error.remedy
    assert "depth=1" in error.remedy


def test_auto_draws_whatever_it_is_given():
    leaves = [mg.Tensor(float(n), requires_grad=True, name=f"x{n}") for n in range(3000)]
    picture = read(mg.stack([*leaves, *[mg.Tensor([1.0], name="c").reshape(())] * 5]).sum())
    assert len(picture.nodes) == 4
    assert picture.text(picture.find("x0 … x2999 ×3000"))[1] == "() float32"
    few = read(mg.stack(leaves[:24]).sum())
    assert len(few.nodes) == 26


def test_a_caption_promises_only_what_can_be_drawn():
    with mg.scope("rnn"):
        x = mg.Tensor([0.5], requires_grad=True)
        for t in range(11_000):
            with mg.scope(f"t{t}"):
                x = mg.tanh(x)
    drawing = mg.Graph(x).draw()
    assert "unrolled" not in drawing.caption
    assert "window=(10998, 10999) draws these steps" in drawing.caption


@pytest.mark.parametrize("window", [(0.5, 2.5), (0, float("inf")), ("1", "2"), (1, 2, 3)])
def test_a_window_is_two_whole_numbers(window):
    with pytest.raises(MinigradError, match="MG603") as caught:
        mg.Graph(rnn(4)).draw(window=window)
    assert repr(window) in caught.value.what


@pytest.mark.parametrize("collapse", [5, [5], [("rnn", "t00")]])
def test_a_scope_that_is_no_text(collapse):
    with pytest.raises(MinigradError, match="MG604"):
        mg.Graph(rnn(4)).draw(collapse=collapse)


def test_a_long_list_of_scopes_says_how_much_it_leaves_out():
    x = mg.Tensor([0.5], requires_grad=True)
    for number in range(20):
        with mg.scope(f"layer{number}"):
            x = mg.tanh(x)
    with pytest.raises(MinigradError, match="MG604") as caught:
        mg.Graph(x).draw(collapse=["encoder"])
    assert caught.value.remedy.endswith(", and 8 more")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: x * 2.0, "none of the tensors that it was computed from requires a gradient"),
        (mg.no_grad()(lambda x: mg.Tensor(1.0, requires_grad=True) * x), "it was computed inside no_grad"),
        (lambda x: (mg.Tensor(1.0, requires_grad=True) * x).detach(), "it was detached from its history"),
    ],
)
def test_a_picture_of_nothing_recorded_says_why(make, words):
    output = make(mg.Tensor([1.0, 2.0], name="x"))
    with mg.no_grad():  # where it is drawn makes no difference
        drawing = mg.draw(output)
    assert drawing.caption.startswith("Nothing was recorded for ")
    assert f": {words}. To see a graph, compute it from at least one Tensor(..., requires_grad=True)" in drawing.caption
    assert "Nothing was recorded" in drawing.dot


def test_a_leaf_alone_is_said_to_have_nothing_behind_it():
    drawing = mg.draw(mg.Tensor(1.0, requires_grad=True, name="W"))
    assert drawing.caption == "No gate made tensor 'W', so there is nothing behind it."
