"""Graphs to draw, and what a drawing says, read back from its DOT text."""

from __future__ import annotations

import html
import re
import shutil

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential

needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None, reason="Graphviz's program dot is not installed"
)


def parameter(array, name):
    return mg.Tensor(array, requires_grad=True, name=name)


def product():
    """x @ W summed: two gates, an input, a parameter."""
    return (mg.Tensor([[1.0, 2.0]], name="x") @ parameter([[0.5], [-1.0]], "W")).sum()


def dense():
    """Two dense layers, every number written down."""
    x = mg.Tensor([[1.0, -2.0], [0.5, 3.0]], name="x")
    W1 = parameter([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]], "hidden.W")
    b1 = parameter([0.1, 0.2, 0.3], "hidden.b")
    W2 = parameter([[1.0], [-1.0], [0.5]], "head.W")
    with mg.scope("hidden"):
        h = mg.tanh(x @ W1 + b1)
    with mg.scope("head"):
        y = h @ W2
    return (y * y).mean()


def rnn(steps=6, truncate=None):
    """The simple recurrent network, gate by gate: six gates and three parameters a step."""
    rng = np.random.default_rng(5)
    x = parameter(rng.normal(size=(2, steps, 3)), "x")
    W_xh = parameter(rng.normal(size=(3, 4)) / 2, "rnn.W_xh")
    W_hh = parameter(rng.normal(size=(4, 4)) / 2, "rnn.W_hh")
    b_h = parameter(np.zeros(4), "rnn.b_h")
    with mg.scope("rnn"):
        h = mg.Tensor(np.zeros((2, 4)), name="h0")
        for t in range(steps):
            with mg.scope(f"t{t:02d}"):
                if truncate and t == steps - truncate:
                    h = mg.cut(h)
                h = mg.tanh(x[:, t] @ W_xh + h @ W_hh + b_h)
    return (h * h).mean()


def own_rnn(steps=3):
    """What a learner writes: a plain loop with a scope for each step, in which are two layers."""
    W = parameter(np.eye(4), "W")
    x = mg.Tensor(np.ones((2, steps, 4)), name="x")
    h = mg.Tensor(np.zeros((2, 4)), name="h0")
    for t in range(steps):
        with mg.scope("own"), mg.scope(f"t{t:02d}"):
            with mg.scope("inp"):
                seen = x[:, t] @ W + 1.0
            with mg.scope("rec"):
                kept = h @ W
            h = mg.tanh(seen + kept)
    return h.sum()


def sentiment(steps=40, cell=RNN, **options):
    """The loss of a text classifier: embedding, recurrent layer, head."""
    width = 8 if options.get("bidirectional") else 4
    model = Sequential(Embedding(100, 8), cell(8, 4, **options), Dense(width, 2))
    ids = mg.Tensor(np.random.default_rng(1).integers(0, 100, (3, steps)), name="ids")
    return mg.softmax_cross_entropy(
        model(ids), mg.Tensor(np.array([0, 1, 1]), name="y")
    )


def read(output, **options):
    """The picture of `output`, read back from its DOT text."""
    return Read(mg.Graph(output).dot(**options))


class Read:
    """A drawing's DOT text, taken apart: attributes of nodes and titles by id, edges as (tail,
    head, attributes).
    """

    def __init__(self, dot):
        self.dot, self.nodes, self.titles, self.edges = dot, {}, {}, []
        for name, head, text in re.findall(
            r"^ *(\w+)(?: -> (n\d+))? \[(.*)\];$", dot, re.M
        ):
            if head:
                self.edges.append((name, head, attributes(text)))
            elif re.match(r"n\d", name):
                self.nodes[name] = attributes(text)
            elif name.startswith("title"):
                self.titles[name] = attributes(text)

    def text(self, node):
        """The words on the face of a node, in lines."""
        return face(self.nodes[node]["label"])

    def all(self, *words):
        """The nodes whose faces have these lines among their own."""
        return [node for node in self.nodes if set(words) <= set(self.text(node))]

    def find(self, *words):
        (found,) = self.all(*words)
        return found

    def count(self, *words):
        return len(self.all(*words))

    def style(self, *words):
        return self.nodes[self.find(*words)]

    def lines(self, *words):
        """The lines of the one node that has these among its own."""
        return self.text(self.find(*words))

    def place(self, node):
        """(x, y) of a node in a picture with columns."""
        return place(self.nodes[node])


def place(style):
    return tuple(map(float, style["pos"].split(",")))


def attributes(text):
    """{name: value} of a DOT attribute list: quoted strings without their quotes, and markup."""
    pairs = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(<.+?>>))', text)
    return {name: quoted or markup for name, quoted, markup in pairs}


def face(label):
    lines = re.split(r"<br[^>]*/>", label[1:-1])
    texts = (html.unescape(re.sub(r"<[^>]*>", "", line)) for line in lines)
    return [text.replace("\\\\", "\\").strip() for text in texts]


def curve(pos):
    """Points along a wire, close together."""
    pairs = re.sub(r"^e,\S+ ", "", pos).split()
    numbers = np.array([pair.split(",") for pair in pairs], float)
    # Graphviz draws Bezier curves: a start, then three points for each piece
    a, b, c, d = numbers[:-1:3], numbers[1::3], numbers[2::3], numbers[3::3]
    t = np.linspace(0, 1, 12)[:, None, None]
    points = (
        (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
    )
    return points.swapaxes(0, 1).reshape(-1, 2)
