"""Lesson 4: one walk back through a graph that gives the gradient of every leaf.

Write `order` and `backward`, at the end of this file. Then run

    minigrad course check 4
"""

import numpy as np


class Node:
    """One number of a graph: a leaf, or the output of a gate. (Nothing to write here.)

    `inputs` are the nodes that it was computed from; a leaf has none. `local` has the local
    derivative for each input. Nodes are numbered as they are made: `serial` is 1, 2, 3, ... Only
    leaves use `grad`.
    """

    made = 0

    def __init__(self, value, inputs=(), local=(), name=""):
        self.value, self.inputs, self.local, self.name = value, inputs, local, name
        self.grad = 0.0
        Node.made += 1
        self.serial = Node.made


def add(a, b, name=""):
    return Node(a.value + b.value, (a, b), (1.0, 1.0), name)


def multiply(a, b, name=""):
    return Node(a.value * b.value, (a, b), (b.value, a.value), name)


def tanh(x, name=""):
    z = float(np.tanh(x.value))
    return Node(z, (x,), (1 - z * z,), name)


def order(root):
    """Return root and all nodes that it was computed from, in an order for a backward pass.

    Returns a list of Nodes. Each node appears once, after all nodes that have it as an input. So
    root comes first.
    """
    raise NotImplementedError("not written yet")


def backward(root):
    """Add d(root)/d(leaf) to `grad` of every leaf that root was computed from. Returns nothing.

    A second call adds the gradients again, so every `grad` is then twice as large. A graph may be
    20,000 nodes deep.
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    x, b = Node(2.0, name="x"), Node(3.0, name="b")
    y = add(multiply(x, b, "m"), x, "y")
    print([node.name for node in order(y)])
    backward(y)
    print("dy/dx =", x.grad, "  dy/db =", b.grad)
