"""`draw` and `Graph`: their options, their captions, and what a notebook shows."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.facts import Gradients
from minigrad.errors import DtypeError, OptionError
from minigrad.graph import Node

from .drawn_graphs import dense, needs_dot, product, read, rnn


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
        ({"depth": 0}, "MG613", ["depth=0"]),
        ({"depth": "rnn"}, "MG613", ["'rnn'"]),
        ({"color_by": "age"}, "MG612", ["'age'", "'grad'"]),
    ],
)
def test_options_that_make_no_sense(options, code, words):
    with pytest.raises(OptionError, match=code) as caught:
        mg.draw(product(), **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("dpi", [0, 5, 5000, 96.5, "high"])
def test_dpi_that_makes_no_sense(tmp_path, dpi):
    with pytest.raises(OptionError, match="MG610"):
        mg.draw(product(), tmp_path / "g.png", dpi=dpi)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [np.ones(3), 2.0, [], [np.ones(2)], None])
def test_what_is_not_a_tensor(wrong):
    with pytest.raises(DtypeError, match="MG601"):
        mg.draw(wrong)


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


@needs_dot
def test_notebooks_show_a_graph_and_a_drawing():
    graph = mg.Graph(product())
    for shown in (graph, graph.draw(legend=True)):
        bundle = shown._repr_mimebundle_()
        assert set(bundle) == {"image/svg+xml", "text/plain"}
        texts = [element.text for element in ET.fromstring(bundle["image/svg+xml"]).iter() if element.text]
        assert "\N{NO-BREAK SPACE}MultiplyGate" in texts  # a plain space at the beginning is not shown


@pytest.mark.parametrize("by", ["grad", "value", "bytes", "time"])
def test_colours_follow_the_numbers(by):
    loss = rnn(6)
    loss.backward()
    picture = read(loss, mode="unrolled", color_by=by)
    fills = [style["fillcolor"] for node, style in picture.nodes.items() if "Tanh" in picture.text(node)]
    gradients: Any = Gradients(mg.Graph(loss).nodes)
    measures: dict[str, Callable[[Node], Any]] = {
        "grad": lambda node: gradients.of(node).norm,
        "value": lambda node: np.linalg.norm(node.output),
        "bytes": lambda node: node.output.nbytes,
        "time": lambda node: node.scope,
    }
    values = [measures[by](node) for node in mg.Graph(loss) if node.gate and node.gate.name == "Tanh"]

    def light(fill):
        return sum(weight * int(fill[at : at + 2], 16) for weight, at in ((0.3, 1), (0.59, 3), (0.11, 5)))

    lights = [light(fills[number]) for number in sorted(range(6), key=values.__getitem__)]
    assert lights == sorted(lights, reverse=True)
    if by == "time":
        assert len(set(fills)) == 6


def test_a_measure_that_is_not_a_number_colours_nothing():
    class Odd:
        title = "<b>odd</b> \x1b " + "y" * 200

        def of(self, node):
            return {"Tanh": np.nan, "Sum": np.inf}.get(node.gate.name, 1.0) if node.gate else 2.0

    loss = mg.tanh(mg.Tensor([1.0], requires_grad=True, name="x") * 2.0).sum()
    picture = read(loss, color_by=Odd())
    assert picture.style("Tanh")["fillcolor"] == "#FFFFFF"
    assert "&lt;b&gt;odd&lt;/b&gt; &#92;&#92;x1b y" in mg.Graph(loss).dot(color_by=Odd())  # and its title is a text
    assert "y" * 80 not in mg.Graph(loss).dot(color_by=Odd())
