"""Graphs to explore, and the data in a page."""

import json
import re

import numpy as np

import minigrad as mg
from tests.blocks import parameter


def data_of(page):
    """The data in a page."""
    pattern = r'<script type="application/json" id="data">(.*?)</script>'
    (text,) = re.findall(pattern, page.html, re.DOTALL)
    return json.loads(text)


def explored(output, **options):
    """The data in the page of `output`."""
    return data_of(mg.explore(output, **options))


def array_at(data, number):
    """An array of the page that is stored in full."""
    entry = data["arrays"][number]
    values = list(map(float, entry["values"]))
    array = np.array(values, entry["dtype"])
    return array.reshape(entry["shape"])


def node_of(data, name):
    """The node with this gate or name."""
    for node in data["nodes"]:
        if node.get("gate") == name:
            return node
        if node.get("name") == name:
            return node
    raise KeyError(name)


def array_of(data, name, kind):
    """A node's array of this kind, such as its "grad"."""
    node = node_of(data, name)
    return array_at(data, node[kind])


def expression():
    """tanh(a b + c), and its leaves."""
    a = parameter(2.0, "a")
    b = parameter(-3.0, "b")
    c = parameter(6.5, "c")
    z = mg.tanh(a * b + c)
    return z, [a, b, c]


IMAGES = np.arange(36.0).reshape(2, 1, 3, 6)
FILTERS = [
    [1.0, -2.0, 3.0, 0.5],
    [0.0, 1.0, 2.0, -1.0],
]
KERNEL = np.reshape(FILTERS, (2, 1, 2, 2))


def convolved(requires_grad=True):
    """The sum of squares of IMAGES * KERNEL: two images of 3 x 6, two filters of 2 x 2."""
    x = parameter(IMAGES, "x")
    x.requires_grad = requires_grad
    W = parameter(KERNEL, "W")
    z = mg.conv(x, W)
    return (z * z).sum()


def convolution(image, number):
    """IMAGES[image] * KERNEL[number] by its definition."""
    z = np.zeros((2, 5))
    for p, q in np.ndindex(2, 5):
        rows = IMAGES[image, 0, p : p + 2]
        window = rows[:, q : q + 2]
        product = window * KERNEL[number, 0]
        z[p, q] = product.sum()
    return z


def hand_written(steps=40):
    """A recurrent network of plain gates: five gates in each step, then a product and a sum."""
    rng = np.random.default_rng(0)
    x = mg.Tensor(rng.normal(size=(2, steps, 3)), name="x")
    W = parameter(rng.normal(size=(3, 4)), "W")
    U = parameter(rng.normal(size=(4, 4)) / 4, "U")
    b = parameter(np.zeros(4), "b")
    h = mg.Tensor(np.zeros((2, 4)))
    for t in range(steps):
        h = mg.tanh(x[:, t] @ W + h @ U + b)
    return (h @ parameter(np.ones((4, 1)), "V")).sum()


def attention(fused, causal=True):
    """Attention of two examples with three heads, over five positions. Returns its sum, and the
    weights.
    """
    rng = np.random.default_rng(0)
    q, k, v = (rng.normal(size=(2, 3, 5, 4)) for _ in range(3))
    scores = q @ k.swapaxes(-1, -2) / 2
    if causal:
        scores = np.where(np.tri(5, dtype=bool), scores, -np.inf)
    powers = np.exp(scores)
    weights = powers / powers.sum(axis=-1, keepdims=True)
    values = parameter(v, "v")
    if fused:
        z = mg.scaled_dot_product_attention(
            parameter(q, "q"), parameter(k, "k"), values, causal=causal
        )
    else:
        z = mg.softmax(parameter(scores, "scores"), axis=-1) @ values
    return z.sum(), weights
