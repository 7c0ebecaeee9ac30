"""`explore`: what it leaves on disk and in the graph; docs/errors.md shows what it refuses."""

import pytest

import minigrad as mg
from minigrad.errors import GradientError

from .explored_graphs import explored, expression


def test_a_leaf_updated_since_is_an_error_not_a_wrong_page():
    a = mg.Tensor(2.0, requires_grad=True, name="a")
    z = a * a
    a.update(lambda array: array.fill(5.0))
    with pytest.raises(GradientError, match="MG123"):
        mg.explore(z)


def test_a_graph_made_inside_no_grad_says_so_wherever_it_is_explored():
    with mg.no_grad():
        z, _ = expression()
        with pytest.raises(GradientError, match="(?s)MG122.*inside no_grad"):
            mg.explore(z)


def test_a_leaf_that_is_frozen_after_backward_has_a_page_of_its_own():
    w = mg.Tensor(2.0, requires_grad=True, name="w")
    w.backward()
    w.requires_grad = False
    (node,) = explored(w)["nodes"]
    assert node["name"] == "w" and node["kind"] == "input"


def test_a_page_says_where_it_is(tmp_path):
    z, leaves = expression()
    path = tmp_path / "page.html"
    page = mg.explore(z, path)
    assert page.path == path and len(repr(page)) < 200
    assert path.read_text("utf-8") == page.html == mg.explore(expression()[0]).html
    # and nothing has changed
    assert [leaf.grad for leaf in leaves] == [None] * 3 and z.node.upstream is None
