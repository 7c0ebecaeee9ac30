"""Names may hold anything: no name breaks the DOT text or the SVG, or gets anything into them but text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.drawing.labels import shortened
from minigrad.drawing.render import render

from .drawn_graphs import Read, needs_dot

HOSTILE = [
    "<script>alert(1)</script>",
    '"]; evil -> evil; x [label="',
    "\\N \\G \\L \\E \\T",
    "&lt;b&gt; &amp; &#60;",
    "<b>bold</b>",
    "two\nlines\r\n\tand a tab",
    "quote \" and ' and `",
    "a" * 200,
    "שלום \u202egnirts\u202c",
    "日本語の名前",
    "]]> --> <!--",
    "\x00\x1b[31m\x7f",
    "\ud800 alone",
    "naïve ∂L/∂W ⊙ 𝔻",
    "{a|b} <port>",
    "trailing \\",
    " ",
    "%s {0} $x",
    "</text></svg>",
    "javascript:alert(1)",
    "\u2028\ufeff\u200b",
]
ALLOWED = {"svg", "g", "title", "polygon", "path", "text", "ellipse", "polyline", "a", "linearGradient", "stop", "defs"}


def drawn(name):
    """One parameter and one scope of that name, a gate's output and an input too."""
    W = mg.Tensor([[1.0]], requires_grad=True, name=name)
    x = mg.Tensor([[1.0]], name=name)
    with mg.scope(name), mg.scope("t00" + name):
        z = x @ W
    z.name = name
    return z.sum()


def check_svg(svg, name):
    root = ET.fromstring(svg)
    tags = [element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in root.iter()]
    assert set(tags) <= ALLOWED
    for element in root.iter():
        assert not any(attribute.lower().startswith("on") for attribute in element.attrib)
        assert not any(attribute.endswith("href") for attribute in element.attrib)
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    # Graphviz joins nothing and drops nothing: the name stands there, letter for letter, as it is meant to be shown.
    shown = shortened(name).strip()
    assert any(shown == (text or "").replace("\u00a0", " ").strip() for text in texts), (shown, texts)
    titles = [element.attrib.get("{http://www.w3.org/1999/xlink}title", "") for element in root.iter()]
    assert any(shortened(name, 380).strip().replace("\\", "∖") in title.replace("\u00a0", " ") for title in titles)
    kinds = Counter(element.attrib.get("class") for element in root.iter())
    assert kinds["node"] == 4 + kinds["cluster"]  # each frame's title is a node


@needs_dot
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(name):
    check_svg(render(mg.Graph(drawn(name)).dot(values=True), "svg"), name)


@needs_dot
@settings(max_examples=30)
@given(st.text(st.characters(), min_size=1, max_size=60))
def test_any_name(name):
    check_svg(render(mg.Graph(drawn(name)).dot(), "svg"), name)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_the_dot_text_stays_whole(name):
    read = Read(mg.Graph(drawn(name)).dot())
    assert len(read.nodes) == 4
    assert len(read.edges) == 3
    assert shortened(name).strip() in {line for node in read.nodes for line in read.text(node)}


@given(st.text(max_size=300))
def test_printable_fits_and_shows_nothing_unseen(text):
    shown = shortened(text)
    assert shown.isprintable()
    assert len(shown) <= 28 * 10  # each of 28 characters may become an escape such as \U0001f600
    if text.isprintable() and len(text) <= 28:
        assert shown == text


@needs_dot
@pytest.mark.parametrize("name", [*HOSTILE, "n" * 1_000_000], ids=range(len(HOSTILE) + 1))
def test_hostile_names_in_the_caption_and_in_folded_steps(name):
    w = mg.Tensor([1.0], requires_grad=True, name=name)
    h = w
    with mg.scope(name):
        for t in range(3):
            with mg.scope(f"t{t:02d}"):
                h = mg.tanh(mg.cut(h) * w)
    graph = mg.Graph(h)
    for options in ({"mode": "unrolled"}, {"window": (2, 2)}, {"depth": 1}):
        assert "cut before" in graph.dot(**options)
        ET.fromstring(render(graph.dot(values=True, legend=True, **options), "svg"))
    assert all(len(line) < 20_000 for line in graph.dot().splitlines())


def test_long_names_keep_both_ends():
    shown = shortened("encoder." + "x" * 200 + ".W_hh")
    assert shown.startswith("encoder.")
    assert shown.endswith(".W_hh")
    assert len(shown) == 28


def test_names_of_hyperparameters_are_names_too():
    class Odd(mg.Gate):
        symbol = '<i>"\\N'

        def __init__(self, note):
            self.note = note

        def forward(self, x):
            return x + 1

        def backward(self, dz, z, x):
            return (dz,)

    try:
        z = Odd('"]; </script>\n')(mg.Tensor([1.0], requires_grad=True))
        read = Read(mg.Graph(z).dot())
        assert len(read.nodes) == 2
        assert read.text(read.find('<i>"\\N Odd'))[0] == '<i>"\\N Odd'
    finally:
        del mg.GATES["Odd"]
