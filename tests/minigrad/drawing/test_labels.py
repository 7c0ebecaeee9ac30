"""Texts of boxes and arrows: every number is the tensor's own, and names may hold anything."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.drawing.labels import shortened
from minigrad.drawing.render import render

from .drawn_graphs import dense, needs_dot, read, rnn


def numbers(line):
    found = re.findall(
        r"-?[\d.]*\d(?:e[+-]\d+)?", line.replace("−", "-").replace(",", "")
    )
    return list(map(float, found))


def test_small_arrays_are_shown_whole_and_large_ones_as_range_mean_and_norm():
    picture = read(dense(), values=True)
    assert picture.lines("hidden.", "W")[3:] == ["[0.1  −0.2  0.3]", "[0.4  0.5  −0.6]"]
    (loss,) = [line for line in picture.lines("loss") if line.startswith("=")]
    assert numbers(loss)[0] == pytest.approx(dense().item(), rel=1e-3)
    values = np.random.default_rng(2).normal(3, 10, (40, 30))
    picture = read(
        mg.tanh(mg.Tensor(values, requires_grad=True, name="x")), values=True
    )
    shown = numbers(" ".join(picture.lines("x")[2:4]))
    wanted = [values.min(), values.max(), values.mean(), np.linalg.norm(values)]
    assert shown == pytest.approx(wanted, rel=1e-3)


def test_gradients_are_shown_once_they_are_there():
    loss = dense()
    picture = read(loss, grads=True)
    for words in (["hidden.", "W"], ["Tanh"], ["loss"]):
        assert picture.lines(*words)[-1] == "no gradient yet: call backward()"
    assert "‖" not in picture.dot
    loss.backward()
    picture = read(loss, grads=True)
    W: Any = next(node for node in mg.Graph(loss) if node.name == "hidden.W")
    assert numbers(picture.lines("hidden.", "W")[-1])[-1] == pytest.approx(
        np.linalg.norm(W.grad), rel=1e-3
    )
    assert "‖dz‖ 1" in picture.lines("loss")
    assert not any("grad" in line for line in picture.lines("x"))  # it wants none
    other = mg.tanh(mg.Tensor(1.0, requires_grad=True, name="other"))
    assert "no gradient" in read([loss, other], grads=True).lines("other")


@pytest.mark.parametrize(
    ("array", "lines", "tooltip"),
    [
        (
            np.full((4, 6), np.nan),
            ["24 not finite"] * 2,
            "no finite number, 24 not finite",
        ),
        (np.zeros((0, 6)), ["‖grad‖ 0"], "empty"),
        (
            np.array([1.0, np.inf, np.nan]),
            ["[1  inf  nan]", "‖grad‖ 1", "2 not finite"],
            "from 1 to 1",
        ),
    ],
)
def test_no_number_is_made_up_for_an_array_without_any(array, lines, tooltip):
    z = mg.Tensor(array, requires_grad=True, name="x") * np.ones(array.shape)
    z.backward(array)
    picture = read(z, values=True, grads=True)
    assert picture.lines("x")[2:] == lines
    assert f"value: {tooltip}" in picture.style("x")["tooltip"]


def test_rolled_gates_give_the_range_over_the_steps():
    loss = rnn(40)
    states = [node for node in mg.Graph(loss) if node.gate and node.gate.name == "Tanh"]
    norms = [np.linalg.norm(node.output) for node in states]
    lines = read(loss, mode="rolled", values=True).lines("Tanh")
    (line,) = [line for line in lines if line.startswith("norm")]
    assert numbers(line) == pytest.approx([min(norms), max(norms)], rel=1e-3)


HOSTILE = [
    "a.",
    "<script>alert(1)</script></text></svg>",
    '"]; evil -> evil; x [label="',
    "\\N \\G \\L \\E \\T",
    "&lt;b&gt; &amp; &#60; ]]> --> <!--",
    "שלום \u202egnirts\u202c \u2028\ufeff\u200b",
    "\x00\x1b[31m\x7f \ud800 {a|b} <port>",
    "trailing \\",
    " ",
    "n" * 1_000_000,
]
ALLOWED = set(
    "svg g title polygon path text ellipse polyline a linearGradient stop defs".split()
)


def check_svg(svg, name):
    elements = list(ET.fromstring(svg).iter())
    for element in elements:
        assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in ALLOWED
        assert not any(re.search("^on|href$", key, re.I) for key in element.attrib)
    # Graphviz joins nothing and drops nothing: the name stands there, letter for letter, as it is
    # meant to be shown.
    texts = [
        (element.text or "").replace("\u00a0", " ").strip() for element in elements
    ]
    assert shortened(name).strip() in texts
    titles = [
        element.get("{http://www.w3.org/1999/xlink}title", "") for element in elements
    ]
    wanted = shortened(name, 380).strip().replace("\\", "∖")
    assert any(wanted in title.replace("\u00a0", " ") for title in titles)
    assert sum(element.get("class") == "node" for element in elements) == 4


@given(st.text(max_size=300))
def test_names_fit_and_hide_nothing(text):
    shown = shortened(text)
    assert shown.isprintable()
    assert (
        len(shown) <= 28 * 10
    )  # each of 28 characters may become an escape such as \U0001f600
    if text.isprintable() and len(text) <= 28:
        assert shown == text


@needs_dot
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(name):
    W = mg.Tensor([[1.0]], requires_grad=True, name=name)
    x = mg.Tensor([[1.0]], name=name)
    with mg.scope(name), mg.scope("t00" + name):
        z = x @ W
    z.name = name
    check_svg(render(mg.Graph(z.sum()).dot(values=True), "svg"), name)
    with mg.scope(name):
        for t in range(3):
            with mg.scope(f"t{t:02d}"):
                z = mg.tanh(mg.cut(z) * W)
    dot = mg.Graph(z).dot(values=True, window=(2, 2))
    assert "cut before" in dot and all(len(line) < 20_000 for line in dot.splitlines())
    ET.fromstring(render(dot, "svg"))
