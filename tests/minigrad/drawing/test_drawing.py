"""`draw` and `Graph`: their options, their captions, and what a notebook shows."""

from __future__ import annotations

import minigrad as mg

from .drawn_graphs import dense, needs_dot, product


def test_graph_counts_and_iterates_oldest_first():
    graph = mg.Graph(dense())
    assert (
        len(graph) == 6 + 4
    )  # two products, a sum, tanh, the square and the mean; x, W1, b1, W2
    serials = [node.serial for node in graph]
    assert serials == sorted(serials)
    assert repr(graph) == "<Graph of 6 gates and 4 leaves>"


def test_a_picture_of_nothing_recorded_says_why():
    x = mg.Tensor([1.0, 2.0], name="x")
    with mg.no_grad():  # where it is drawn makes no difference
        drawing = mg.draw(x * 2.0)
        other = mg.draw((mg.Tensor(1.0, requires_grad=True) * x).detach())
    assert drawing.caption.startswith("Nothing was recorded for ")
    assert (
        ": it was computed inside no_grad. To see a graph, compute it outside"
        in drawing.caption
    )
    assert ": it was detached from its history. " in other.caption
    assert "Nothing was recorded" in drawing.dot


def test_a_leaf_alone_is_said_to_have_nothing_behind_it():
    drawing = mg.draw(mg.Tensor(1.0, requires_grad=True, name="W"))
    assert (
        drawing.caption == "No gate computed tensor 'W', so there is no graph to draw."
    )


@needs_dot
def test_notebooks_show_a_graph_and_a_drawing():
    graph = mg.Graph(product())
    for shown in (graph, graph.draw()):
        bundle = shown._repr_mimebundle_()
        assert set(bundle) == {"image/svg+xml", "text/plain"}
        assert ">MultiplyGate<" in bundle["image/svg+xml"]
