"""`draw` and `Graph`: captions, and what a notebook shows."""

import minigrad as mg
from tests.blocks import parameter
from tests.needs import needs_dot

from .drawn_graphs import dense, product


def test_graph_iterates_oldest_first():
    graph = mg.Graph(dense())
    # two products, a sum, tanh, the square and the mean; x, W1, b1, W2
    assert len(graph) == 6 + 4
    serials = [node.serial for node in graph]
    assert serials == sorted(serials)
    assert repr(graph) == "<Graph of 6 gates and 4 leaves>"
    single = mg.tanh(parameter(1.0, "x"))
    assert repr(mg.Graph(single)) == "<Graph of 1 gate and 1 leaf>"


def test_draw_says_why_nothing_was_recorded():
    x = mg.Tensor([1.0, 2.0], name="x")
    W = parameter(1.0, "W")
    with mg.no_grad():  # where it is drawn makes no difference
        drawing = mg.draw(x * 2.0)
        detached = mg.draw((W * x).detach())
    assert drawing.caption.startswith("Nothing was recorded for ")
    reason = ": it was computed inside no_grad. To see a graph, compute it outside"
    assert reason in drawing.caption
    assert ": it was detached from its history. " in detached.caption
    assert "Nothing was recorded" in drawing.dot


def test_draw_leaf_alone_has_caption():
    caption = mg.draw(parameter(1.0, "W")).caption
    assert caption == "No gate computed tensor 'W', so there is no graph to draw."


@needs_dot
def test_notebooks_show_graph_and_drawing():
    graph = mg.Graph(product())
    for shown in (graph, graph.draw()):
        bundle = shown._repr_mimebundle_()
        assert set(bundle) == {"image/svg+xml", "text/plain"}
        assert ">MultiplyGate<" in bundle["image/svg+xml"]
