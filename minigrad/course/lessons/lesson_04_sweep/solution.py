"""Lesson 4: compute the gradient of every leaf in one walk back through the graph."""

import numpy as np


class Node:
    """One number in a graph: a leaf, or the output of a gate. (This class is complete.)

    `inputs` contains the nodes that it was computed from; a leaf has none. `local` contains the
    local derivative for each input. `serial` is 1 for the first node, 2 for the second, and so on.
    Only leaves use `grad`.
    """

    made = 0

    def __init__(self, value, inputs=(), local=(), name=""):
        self.value, self.inputs, self.local, self.name = value, inputs, local, name
        self.grad = 0.0
        Node.made += 1
        self.serial = Node.made

    def __repr__(self):
        return f"<{self.name or 'node'} = {self.value:g}>"


def add(a, b, name=""):
    return Node(a.value + b.value, (a, b), (1.0, 1.0), name)


def multiply(a, b, name=""):
    return Node(a.value * b.value, (a, b), (b.value, a.value), name)


def tanh(x, name=""):
    z = float(np.tanh(x.value))
    return Node(z, (x,), (1 - z * z,), name)


def order(root):
    found, waiting = {root}, [root]
    while waiting:
        for node in waiting.pop().inputs:
            if node not in found:
                found.add(node)
                waiting.append(node)
    return sorted(found, key=lambda node: node.serial, reverse=True)


def backward(root):
    arrived = {root: 1.0}
    for node in order(root):
        dz = arrived[node]
        if not node.inputs:
            node.grad += dz
        for source, local in zip(node.inputs, node.local, strict=True):
            arrived[source] = arrived.get(source, 0.0) + dz * local


def paths(root, node):
    arrived = {root: 1}
    for one in order(root):
        for source in one.inputs:
            arrived[source] = arrived.get(source, 0) + arrived[one]
    return arrived.get(node, 0)


def forward_slope(root, leaf):
    slopes = {leaf: 1.0}
    for node in reversed(order(root)):
        if node.inputs:
            slopes[node] = sum(
                d * slopes.get(x, 0.0) for x, d in zip(node.inputs, node.local, strict=True)
            )
    return slopes.get(root, 0.0)
