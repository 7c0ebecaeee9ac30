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


def product():
    """x @ W summed: two gates, an input, a parameter."""
    x = mg.Tensor([[1.0, 2.0]], name="x")
    W = mg.Tensor([[0.5], [-1.0]], requires_grad=True, name="W")
    return (x @ W).sum()


def dense():
    """Two dense layers, every number written down."""
    x = mg.Tensor([[1.0, -2.0], [0.5, 3.0]], name="x")
    W1 = mg.Tensor([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]], requires_grad=True, name="hidden.W")
    b1 = mg.Tensor([0.1, 0.2, 0.3], requires_grad=True, name="hidden.b")
    W2 = mg.Tensor([[1.0], [-1.0], [0.5]], requires_grad=True, name="head.W")
    with mg.scope("hidden"):
        h = mg.tanh(x @ W1 + b1)
    with mg.scope("head"):
        y = h @ W2
    return (y * y).mean()


def rnn(steps=6, truncate=None, batch=2, inputs=3, hidden=4):
    """The simple recurrent network, gate by gate: six gates and three parameters a step."""
    rng = np.random.default_rng(5)
    x = mg.Tensor(rng.normal(size=(batch, steps, inputs)), requires_grad=True, name="x")
    W_xh = mg.Tensor(rng.normal(size=(inputs, hidden)) / 2, requires_grad=True, name="rnn.W_xh")
    W_hh = mg.Tensor(rng.normal(size=(hidden, hidden)) / 2, requires_grad=True, name="rnn.W_hh")
    b_h = mg.Tensor(np.zeros(hidden), requires_grad=True, name="rnn.b_h")
    with mg.scope("rnn"):
        h = mg.Tensor(np.zeros((batch, hidden)), name="h0")
        for t in range(steps):
            with mg.scope(f"t{t:02d}"):
                if truncate and t == steps - truncate:
                    h = mg.cut(h)
                h = mg.tanh(x[:, t] @ W_xh + h @ W_hh + b_h)
    return (h * h).mean()


def own_rnn(steps=3, cells=1):
    """What a learner writes: a plain loop with a scope for each step, with cells in it, each of two
    layers.
    """
    W = mg.Tensor(np.eye(4), requires_grad=True, name="W")
    x = mg.Tensor(np.ones((2, steps, 4)), name="x")
    states = [mg.Tensor(np.zeros((2, 4)), name=f"h0_{number}") for number in range(cells)]
    with mg.scope("own"):
        for t in range(steps):
            with mg.scope(f"t{t:02d}"):
                below = x[:, t]
                for number in range(cells):
                    with mg.scope(f"cell_{number}"):
                        with mg.scope("inp"):
                            below = below @ W + 1.0
                        with mg.scope("rec"):
                            state = states[number] @ W
                        below = states[number] = mg.tanh(below + state)
    return below.sum()


def sentiment(steps=40, cell=RNN, **options):
    """The loss of a text classifier: embedding, recurrent layer, head."""
    model = Sequential(
        Embedding(100, 8),
        cell(8, 4, **options),
        Dense(4 * (1 + options.get("bidirectional", 0)), 2),
    )
    ids = mg.Tensor(np.random.default_rng(1).integers(0, 100, (3, steps)), name="ids")
    return mg.softmax_cross_entropy(model(ids), mg.Tensor(np.array([0, 1, 1]), name="y"))


def read(output, **options):
    """The picture of `output`, read back from its DOT text."""
    return Read(mg.Graph(output).dot(**options))


class Read:
    """A drawing's DOT text, taken apart: attributes of nodes and titles by id, edges as (tail,
    head, attributes).
    """

    def __init__(self, dot):
        self.dot, self.nodes, self.titles, self.edges = dot, {}, {}, []
        for line in dot.splitlines():
            line = line.strip()
            if match := re.match(r"(n\d+) -> (n\d+) \[(.*)\];$", line):
                self.edges.append((match[1], match[2], attributes(match[3])))
            elif match := re.match(r"(n\d+) \[(.*)\];$", line):
                self.nodes[match[1]] = attributes(match[2])
            elif match := re.match(r"title(\d+) \[(.*)\];$", line):
                self.titles[match[1]] = attributes(match[2])

    def text(self, node):
        """The words on the face of a node, in lines."""
        return face(self.nodes[node]["label"])

    def find(self, *words):
        """The one node whose face has these lines among its own."""
        (found,) = [node for node in self.nodes if set(words) <= set(self.text(node))]
        return found

    def count(self, *words):
        return sum(set(words) <= set(self.text(node)) for node in self.nodes)

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
    numbers = [tuple(map(float, pair.split(","))) for pair in re.sub(r"^e,\S+ ", "", pos).split()]
    # Graphviz draws Bezier curves: a start, then three points for each piece
    assert len(numbers) % 3 == 1
    points = []
    for start in range(0, len(numbers) - 1, 3):
        a, b, c, d = (np.array(numbers[start + step]) for step in range(4))
        for t in np.linspace(0, 1, 12):
            points.append(
                (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
            )
    return points
