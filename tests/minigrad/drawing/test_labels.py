"""The text of boxes and arrows: numbers of tensors, and names with any characters."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.drawing.labels import shortened
from minigrad.drawing.render import render
from tests.blocks import parameter
from tests.needs import needs_dot

from .drawn_graphs import product, read, rnn


def numbers(line):
    text = line.replace("−", "-").replace(",", "")
    found = re.findall(r"-?[\d.]*\d(?:e[+-]\d+)?", text)
    return list(map(float, found))


def test_values_of_large_array_are_range_mean_and_norm():
    values = np.random.default_rng(2).normal(3, 10, (40, 30))
    picture = read(mg.tanh(parameter(values, "x")), values=True)
    lines = picture.lines("x")[2:4]
    norm = np.linalg.norm(values)
    figures = [values.min(), values.max(), values.mean(), norm]
    assert numbers(" ".join(lines)) == pytest.approx(figures, rel=1e-3)


def test_grads_before_backward():
    picture = read(product(), grads=True)
    for name in ("W", "MultiplyGate", "loss"):
        *_, line = picture.lines(name)
        assert line == "no gradient yet: call backward()"
    assert "‖" not in picture.dot


def test_grads_of_output_without_backward():
    x = parameter(1.0, "x")
    loss = x * x
    loss.backward()
    picture = read([loss, mg.tanh(x)], grads=True)
    assert "‖dz‖ 1" in picture.lines("Hadamard")
    assert "‖grad‖ 2" in picture.lines("x")
    assert "no gradient" in picture.lines("Tanh")


@pytest.mark.parametrize(
    "array, lines, tooltip",
    [
        (
            np.full((4, 6), np.nan),
            ["24 not finite", "24 not finite"],
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
def test_array_without_finite_numbers_has_no_range(array, lines, tooltip):
    z = parameter(array, "x") * np.ones(array.shape)
    z.backward(array)
    picture = read(z, values=True, grads=True)
    assert picture.lines("x")[2:] == lines
    assert f"value: {tooltip}" in picture.style("x")["tooltip"]


def test_rolled_gates_show_range_over_steps():
    loss = rnn(40)
    norms = []
    for node in mg.Graph(loss):
        if node.gate and node.gate.name == "Tanh":
            norms.append(np.linalg.norm(node.output))
    lines = read(loss, mode="rolled", values=True).lines("Tanh")
    (line,) = [line for line in lines if line.startswith("norm")]
    assert numbers(line) == pytest.approx([min(norms), max(norms)], rel=1e-3)


# ---- names ----

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
ALLOWED = "svg g title polygon path text ellipse polyline a linearGradient stop defs"


@given(st.text(max_size=300))
def test_shortened_is_printable(text):
    shown = shortened(text)
    assert shown.isprintable()
    # each of 28 characters may become an escape such as \U0001f600
    assert len(shown) <= 28 * 10
    if text.isprintable() and len(text) <= 28:
        assert shown == text


def shown_text(text):
    return (text or "").replace("\u00a0", " ").strip()


@needs_dot
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(name):
    W = parameter([[1.0]], name)
    x = mg.Tensor([[1.0]], name=name)
    with mg.scope(name), mg.scope("t00" + name):
        z = x @ W
    z.name = name
    svg = render(mg.Graph(z.sum()).dot(values=True), "svg")
    texts = set()
    tooltips = ""
    for element in ET.fromstring(svg).iter():
        tag = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
        assert tag in ALLOWED.split()
        for key in element.attrib:
            assert not re.search("^on|href$", key, re.IGNORECASE)
        texts.add(shown_text(element.text))
        tooltip = element.get("{http://www.w3.org/1999/xlink}title")
        tooltips += shown_text(tooltip)
    # Graphviz joins nothing and drops nothing: the name is there, letter for letter
    assert shortened(name).strip() in texts
    assert shortened(name, 380).strip().replace("\\", "∖") in tooltips
    assert svg.count(b'class="node"') == 4


@needs_dot
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_scope_of_steps(name):
    z = W = parameter([[1.0]], name)
    for t in range(3):
        with mg.scope(name), mg.scope(f"t{t:02d}"):
            z = mg.tanh(mg.cut(z) * W)
    dot = mg.Graph(z).dot(values=True, window=(2, 2))
    assert "cut before" in dot
    assert max(map(len, dot.splitlines())) < 20_000
    ET.fromstring(render(dot, "svg"))
