"""The picture of a comparison: which boxes are marked, which are joined."""

import numpy as np

import minigrad as mg
from minigrad.drawing.columns import MOST, two_columns
from tests.blocks import parameter


def graph(function, length=1):
    h = parameter(np.ones((2, 2)), "W")
    for _ in range(length):
        h = function(mg.exp(h))
    return h.sum()


def test_first_difference_is_marked():
    dot = two_columns(mg.compare(graph(mg.tanh), graph(mg.relu))).dot
    assert dot.count(">first difference<") == 2
    assert dot.count("style=dotted") == 3  # exp, the two functions, the sum
    assert dot.count("<b>differs</b>") == 2  # both sums


def test_gate_in_one_column():
    picture = two_columns(mg.compare(graph(mg.tanh), graph(lambda h: h)))
    assert picture.dot.count(">first difference<") == 1
    assert "Tanh, which only a has" in picture.caption


def test_large_graph_is_cut(tmp_path):
    result = mg.compare(graph(mg.tanh, 50), graph(mg.sigmoid, 50))
    dot = two_columns(result).dot
    assert dot.count("tooltip=") <= 3 * MOST
    assert result.save(tmp_path / "both.svg").read_text().startswith("<?xml")


def test_cut_is_a_dashed_arrow():
    dot = two_columns(mg.compare(graph(mg.tanh), graph(lambda h: h * mg.cut(h)))).dot
    assert 'style="dashed", penwidth="1.5"' in dot


def test_parameter_of_both_graphs_is_in_both_columns():
    w = parameter(np.ones(3), "shared")
    dot = two_columns(mg.compare(mg.tanh(w).sum(), mg.relu(w).sum())).dot
    assert dot.count("<b>shared</b>") == 2
    assert dot.count(" -> ") == 2 * 2 + 2  # two arrows in each column, two dotted lines
