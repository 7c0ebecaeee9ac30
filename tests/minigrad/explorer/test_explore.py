"""`explore` writes a page and leaves the graph unchanged; docs/errors.md shows its errors."""

import pytest

import minigrad as mg
from minigrad.errors import GradientError
from tests.blocks import parameter

from .explored_graphs import explored, expression, node_of


def test_explore_refuses_leaf_updated_since():
    a = parameter(2.0, "a")
    z = a * a
    a.update(lambda array: array.fill(5.0))
    with pytest.raises(GradientError, match="MG123"):
        mg.explore(z)


def test_explore_refuses_graph_inside_no_grad():
    with mg.no_grad():
        z, _ = expression()
        with pytest.raises(GradientError, match="(?s)MG122.*inside no_grad"):
            mg.explore(z)


def test_explore_shows_leaf_frozen_after_backward():
    w = parameter(2.0, "w")
    w.backward()
    w.requires_grad = False
    assert node_of(explored(w), "w")["kind"] == "input"


def test_explore_writes_page(tmp_path):
    z, leaves = expression()
    path = tmp_path / "page.html"
    page = mg.explore(z, path)
    assert page.path == path
    assert len(repr(page)) < 200
    assert path.read_text("utf-8") == page.html
    assert mg.explore(z).html == page.html
    # and nothing has changed
    assert z.node.upstream is None
    for leaf in leaves:
        assert leaf.grad is None
