"""Lesson 4: compute the gradient of every leaf in one walk back through the
graph.

Write `order` and `backward` at the end of this file. Then run

    minigrad course check 4
"""

import numpy as np


class Node:
    """One number in a graph: a leaf, or the output of a gate. (This class is
    complete.)

    `inputs` contains the nodes that it was computed from; a leaf has none.
    `local` contains the local derivative for each input. `serial` is 1 for the
    first node, 2 for the second, and so on. Only leaves use `grad`.
    """

    made = 0

    def __init__(self, value, inputs=(), local=(), name=""):
        self.value, self.inputs, self.local = value, inputs, local
        self.name = name
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
    """Return the root and all nodes it was computed from, in an order that a
    backward pass can use.

    Returns a list of Nodes. Each node appears once, after all nodes that have
    it as an input. So the root comes first. The graph may be 20,000 nodes deep.
    """
    raise NotImplementedError("not written yet")


def backward(root):
    """Add d(root)/d(leaf) to the `grad` of every leaf that root was computed
    from. Returns nothing. If root itself is a leaf, its grad grows by 1.

    A second call adds the gradients again, which doubles every `grad`. The
    graph may be 20,000 nodes deep, and it may contain other gates, such as
    3·x - x with inputs (x, x) and local (3, -1).
    """
    raise NotImplementedError("not written yet")


if __name__ == "__main__":
    x, b = Node(2.0, name="x"), Node(3.0, name="b")
    y = add(multiply(x, b, "m"), x, "y")
    print([node.name for node in order(y)])
    backward(y)
    print("dy/dx =", x.grad, "  dy/db =", b.grad)
