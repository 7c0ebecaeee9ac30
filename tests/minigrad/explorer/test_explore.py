"""`explore`: what it refuses, and what it leaves on disk."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import MinigradError

from .explored_graphs import explored, expression


def refused(code: str, *arguments: Any, **options: Any) -> MinigradError:
    with pytest.raises(MinigradError, match=code) as caught:
        mg.explore(*arguments, **options)
    assert caught.value.remedy
    return caught.value


def test_bad_input() -> None:
    z, (a, _, _) = expression()
    assert "ndarray" in refused("MG801", z.array).what
    assert "'a'" in refused("MG802", a).what
    refused("MG122", mg.Tensor(1.0) * 2.0)
    with mg.no_grad():
        assert refused("MG122", mg.Tensor(1.0) * a).cause == "it was computed inside no_grad"
    assert "holds 3" in refused("MG806", a * np.ones(3)).cause
    with mg.scope("t00"):
        step = mg.tanh(a)
    assert "2 words were given for 1 time steps" in refused("MG804", step, words=["a", "b"]).what
    assert explored(step, words=[7])["words"] == ["7"]


def test_a_leaf_updated_since_is_an_error_not_a_wrong_page() -> None:
    a = mg.Tensor(2.0, requires_grad=True, name="a")
    z = a * a
    a.update(lambda array: array.fill(5.0))
    refused("MG123", z)


def test_a_path_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    z, _ = expression()
    (tmp_path / "folder.html").mkdir()
    for name, code in (
        ("page.png", "MG805"),
        ("", "MG805"),
        ("no/page.html", "MG803"),
        ("folder.html", "MG803"),
    ):
        assert name in refused(code, z, tmp_path / name).what
    assert [path.name for path in tmp_path.iterdir()] == ["folder.html"]


def test_a_page_says_where_it_is(tmp_path: Path) -> None:
    z, leaves = expression()
    page = mg.explore(z, tmp_path / "page.html")
    assert repr(page) == f"<Page of {len(page.html.encode()):,} bytes at {tmp_path / 'page.html'}>"
    assert (
        (tmp_path / "page.html").read_text("utf-8") == page.html == mg.explore(expression()[0]).html
    )
    # and nothing has changed
    assert [leaf.grad for leaf in leaves] == [None] * 3 and z.node.upstream is None
