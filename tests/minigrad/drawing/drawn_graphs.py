"""Graphs to draw, and a reader of a drawing's DOT text."""

import html
import re
from itertools import pairwise

import numpy as np

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential
from tests.blocks import parameter


def zeros(name):
    return mg.Tensor(np.zeros((2, 4)), name=name)


def product():
    """x @ W summed: two gates, an input, a parameter."""
    x = mg.Tensor([[1.0, 2.0]], name="x")
    W = parameter([[0.5], [-1.0]], "W")
    return (x @ W).sum()


def dense():
    """Two dense layers, every number written down."""
    x = mg.Tensor([[1.0, -2.0], [0.5, 3.0]], name="x")
    W1 = parameter(
        [
            [0.1, -0.2, 0.3],
            [0.4, 0.5, -0.6],
        ],
        "hidden.W",
    )
    b1 = parameter([0.1, 0.2, 0.3], "hidden.b")
    W2 = parameter(
        [
            [1.0],
            [-1.0],
            [0.5],
        ],
        "head.W",
    )
    with mg.scope("hidden"):
        h = mg.tanh(x @ W1 + b1)
    with mg.scope("head"):
        y = h @ W2
    return (y * y).mean()


def rnn(steps=6, truncate=None):
    """The simple recurrent network, gate by gate: six gates and three parameters a step."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(2, steps, 3))
    x = parameter(values, "x")
    W = rng.normal(size=(7, 4)) / 2
    W_xh = parameter(W[:3], "rnn.W_xh")
    W_hh = parameter(W[3:], "rnn.W_hh")
    b_h = parameter(np.zeros(4), "rnn.b_h")
    with mg.scope("rnn"):
        h = zeros("h0")
        for t in range(steps):
            with mg.scope(f"t{t:02d}"):
                if truncate and t == steps - truncate:
                    h = mg.cut(h)
                now = x[:, t] @ W_xh
                h = mg.tanh(now + h @ W_hh + b_h)
    return (h * h).mean()


def own_rnn(steps=3):
    """A learner's plain loop with a scope for each step, and a scope in it."""
    W = parameter(np.eye(4), "W")
    h = zeros("h0")
    for t in range(steps):
        with mg.scope("own"), mg.scope(f"t{t:02d}"):
            with mg.scope("rec"):
                h = h @ W
            h = mg.tanh(h + 1.0)
    return h.sum()


def sentiment(steps=40, cell=RNN, **options):
    """The loss of a text classifier: embedding, recurrent layer, head."""
    width = 8 if options.get("bidirectional") else 4
    model = Sequential(
        Embedding(100, 8),
        cell(8, 4, **options),
        Dense(width, 2),
    )
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 100, (3, steps))
    ids = mg.Tensor(numbers, name="ids")
    y = mg.Tensor(np.arange(3) % 2, name="y")
    return mg.softmax_cross_entropy(model(ids), y)


def read(output, **options):
    """The picture of `output`, read back from its DOT text."""
    return Read(mg.Graph(output).dot(**options))


class Read:
    """A drawing's DOT text: attributes of nodes and titles by id, edges as (tail, head,
    attributes).
    """

    def __init__(self, dot):
        self.dot = dot
        self.nodes = {}
        self.titles = {}
        self.edges = []
        statement = r"^ *(\w+)(?: -> (n\d+))? \[(.*)\];$"
        for name, head, text in re.findall(statement, dot, re.MULTILINE):
            style = attributes(text)
            if head:
                self.edges.append((name, head, style))
            elif re.match(r"n\d", name):
                self.nodes[name] = style
            elif name.startswith("title"):
                self.titles[name] = style

    def text(self, node):
        """The words on the face of a node, in lines."""
        return face(self.nodes[node]["label"])

    def all(self, *words):
        """The nodes whose faces have these lines among their own."""
        nodes = []
        for node in self.nodes:
            if set(words).issubset(self.text(node)):
                nodes.append(node)
        return nodes

    def find(self, *words):
        (node,) = self.all(*words)
        return node

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

    @property
    def cuts(self):
        for tail, head, style in self.edges:
            if style.get("style") == "dashed":
                yield tail, head, style

    @property
    def faces(self):
        """The first line of each node."""
        return [self.text(node)[0] for node in self.nodes]

    @property
    def arrows(self):
        """Labelled arrows as "tail -> head: label"."""
        arrows = []
        for tail, head, style in self.edges:
            if "label" in style:
                ends = f"{self.text(tail)[0]} -> {self.text(head)[0]}"
                arrows.append(f"{ends}: {face(style['label'])[0]}")
        return sorted(arrows)


def place(style):
    x, y = style["pos"].split(",")
    return float(x), float(y)


def attributes(text):
    """{name: value} of a DOT attribute list: quoted strings without their quotes, and markup."""
    pairs = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(<.+?>>))', text)
    return {name: quoted or markup for name, quoted, markup in pairs}


def face(label):
    text = label[1:-1].replace("\\\\", "\\")
    lines = []
    for line in re.split(r"<br[^>]*/>", text):
        line = re.sub("<[^>]*>", "", line)
        lines.append(html.unescape(line).strip())
    return lines


def curve(pos):
    """Points along a wire, close together, and its tip."""
    tip, *pairs = pos.removeprefix("e,").split()
    numbers = [pair.split(",") for pair in pairs]
    points = np.array(numbers, float)
    # Graphviz draws Bezier curves: a start, then three points for each piece. A piece is straight
    # if its control points are its ends.
    ends = points[::3]
    pieces = []
    for number, (start, end) in enumerate(pairwise(ends)):
        controls = points[3 * number + 1 :][:2]
        np.testing.assert_array_equal(controls, [start, end])
        pieces.append(np.linspace(start, end, 12))
    x, y = tip.split(",")
    wire = np.concatenate(pieces)
    return wire, (float(x), float(y))
