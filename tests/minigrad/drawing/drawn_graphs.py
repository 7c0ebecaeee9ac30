"""Graphs to draw, and what a drawing says, read back from its DOT text or, where Graphviz is there, by Graphviz."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

import minigrad as mg

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")


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


class Read:
    """A drawing's DOT text, taken apart: attributes of nodes by id, edges as (tail, head, attributes), clusters."""

    def __init__(self, dot):
        self.nodes, self.edges, self.clusters = {}, [], 0
        for line in dot.splitlines():
            line = line.strip()
            if match := re.match(r"(n\d+) -> (n\d+) \[(.*)\];$", line):
                self.edges.append((match[1], match[2], attributes(match[3])))
            elif match := re.match(r"(n\d+) \[(.*)\];$", line):
                self.nodes[match[1]] = attributes(match[2])
            self.clusters += line.startswith("subgraph cluster_")

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


def attributes(text):
    """{name: value} of a DOT attribute list, by its grammar: quoted strings, and HTML strings in balanced brackets."""
    found, place = {}, 0
    while place < len(text):
        match = re.match(r",? ?(\w+)=", text[place:])
        assert match is not None
        name, place = match[1], place + match.end()
        if text[place] == '"':
            match = re.match(r'"((?:[^"\\]|\\.)*)"', text[place:])
            assert match is not None
            found[name], place = match[1], place + match.end()
        else:
            depth, end = 0, place
            while True:
                depth += (text[end] == "<") - (text[end] == ">")
                end += 1
                if depth == 0:
                    break
            found[name], place = text[place:end], end
    return found


def face(label):
    lines = re.split(r"<br[^>]*/>", label[1:-1])
    texts = (html.unescape(re.sub(r"<[^>]*>", "", line)) for line in lines)
    return [text.replace("\\\\", "\\").strip() for text in texts]


def by_graphviz(dot):
    """What Graphviz itself understands: its JSON, with places."""
    run = subprocess.run(["dot", "-Tjson0"], input=dot.encode(), capture_output=True, check=True)
    return json.loads(run.stdout)
