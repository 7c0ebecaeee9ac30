"""Questions of lesson 4, and its page, which shows the learner's sweep next to the engine's."""

import numpy as np

import minigrad as mg
from minigrad.course.lesson import Question

SEND_AND_ADD = (
    "start with 1 at the root; then, in order, each node adds dz · local to the sum of each input"
)


def single(file):
    x = file.Node(0.5, name="x")
    return file.tanh(x, "y")


def product(file):
    a, b = file.Node(2.0, name="a"), file.Node(-3.0, name="b")
    return file.multiply(a, b, "y")


def sum_of_one(file):
    x = file.Node(1.5, name="x")
    return file.add(x, x, "y")


def chain(file):
    a, b, c = file.Node(2.0, name="a"), file.Node(-3.0, name="b"), file.Node(6.5, name="c")
    return file.tanh(file.add(file.multiply(a, b, "m"), c, "s"), "y")


def diamond(file):
    x, b = file.Node(0.5, name="x"), file.Node(-1.5, name="b")
    return file.add(file.tanh(x, "left"), file.multiply(x, b, "right"), "y")


def detour(file):
    """Return a graph with a short and a long path from u to y."""
    x = file.Node(0.4, name="x")
    u = file.tanh(x, "u")
    v = file.tanh(u, "v")
    return file.multiply(u, file.add(v, x, "w"), "y")


def three_uses(file):
    x, b = file.Node(0.5, name="x"), file.Node(-2.0, name="b")
    return file.multiply(file.add(file.multiply(x, b, "m"), x, "s"), file.tanh(x, "t"), "y")


def square(file):
    x = file.Node(3.0, name="x")
    return file.multiply(x, x, "y")


TEXTS = {
    single: "y = tanh(x) at x = 0.5",
    product: "y = a·b at a = 2, b = -3",
    sum_of_one: "y = x + x at x = 1.5",
    square: "y = x·x at x = 3",
    chain: "m = a·b, s = m + c, y = tanh(s) at a = 2, b = -3, c = 6.5",
    diamond: "left = tanh(x), right = x·b, y = left + right at x = 0.5, b = -1.5",
    detour: "u = tanh(x), v = tanh(u), w = v + x, y = u·w at x = 0.4",
    three_uses: "m = x·b, s = m + x, t = tanh(x), y = s·t at x = 0.5, b = -2",
}


def reachable(root):
    """Return root and all nodes that it was computed from, by name."""
    found, waiting = {}, [root]
    while waiting:
        node = waiting.pop()
        found[node.name] = node
        waiting.extend(node.inputs)
    return found


def order_of(graph):
    def ask(file):
        return [node.name for node in file.order(graph(file))]

    def compare(names, right):
        if not isinstance(names, list):
            return f"return a list of nodes; you returned {names!r}"
        if missing := [name for name in right if name not in names]:
            return f"your list is {names}; {missing[0]} is missing"
        if twice := [name for name in right if names.count(name) > 1]:
            return f"your list is {names}; {twice[0]} appears {names.count(twice[0])} times"
        for user, node in reachable(graph(Nodes)).items():
            for source in node.inputs:
                if names.index(source.name) < names.index(user):
                    return f"your order is {names}; {source.name} sends before its consumer {user} has sent"
        return None

    return Question(
        f"order(y) for {TEXTS[graph].partition(' at ')[0]}",
        "order",
        ask,
        formula="each node comes after all nodes that have it as an input; for example, sort by serial, newest first",
        compare=compare,
    )


class Nodes:
    """Make nodes without values. `compare` needs only their names and inputs."""

    class Node:
        def __init__(self, value=0.0, inputs=(), name=""):
            self.inputs, self.name = inputs, name

    @staticmethod
    def add(a, b, name):
        return Nodes.Node(0.0, (a, b), name)

    @staticmethod
    def tanh(x, name):
        return Nodes.Node(0.0, (x,), name)

    multiply = add


def gradients(root):
    """Return the gradients at the leaves."""
    nodes = reachable(root)
    return {name: nodes[name].grad for name in sorted(nodes) if not nodes[name].inputs}


def backward_of(graph, calls=1):
    def ask(file):
        root = graph(file)
        for _ in range(calls):
            file.backward(root)
        return gradients(root)

    times = {1: "", 2: ", called twice"}[calls]
    return Question(f"the leaves' grad after backward(y){times}, for {TEXTS[graph]}", "backward", ask,
                    formula=SEND_AND_ADD)  # fmt: skip


def leaf_alone(file):
    x = file.Node(3.0, name="x")
    file.backward(x)
    return x.grad


def two_losses(file):
    x, b = file.Node(2.0, name="x"), file.Node(5.0, name="b")
    first, second = file.multiply(x, b, "first"), file.add(file.tanh(x, "t"), b, "second")
    file.backward(first)
    file.backward(second)
    return {"x": x.grad, "b": b.grad}


def long_chain(file):
    x = z = file.Node(0.001, name="x")
    for _ in range(20_000):
        z = file.add(z, x)
    file.backward(z)
    return x.grad


def ladder(file):
    x = z = file.Node(1.0, name="x")
    for _ in range(50):
        z = file.add(z, z)
    file.backward(z)
    return x.grad


QUESTIONS = (
    *map(order_of, (single, sum_of_one, chain, diamond, detour, three_uses)),
    Question(
        "x.grad after backward(x), for a leaf x",
        "backward",
        leaf_alone,
        formula="d(root)/d(root) = 1",
    ),
    *map(backward_of, (single, product, sum_of_one, square, chain, diamond, detour, three_uses)),
    backward_of(product, calls=2),
    backward_of(chain, calls=2),
    Question(
        "grad of x = 2 and b = 5 after backward(x·b) and then backward(tanh(x) + b)",
        "backward",
        two_losses,
        formula="leaf.grad += d(root)/d(leaf)",
    ),
    Question(
        "x.grad for a chain of 20,000 gates, z = z + x",
        "backward",
        long_chain,
        formula=SEND_AND_ADD,
    ),
    Question(
        "x.grad for a chain of 50 gates, z = z + z: 51 nodes, but 2⁵⁰ paths",
        "backward",
        ladder,
        formula=SEND_AND_ADD,
    ),
)


def page(file, path, failed):
    """Draw (x·b + x) · tanh(x) twice: once by the engine, once as a gate that uses the learner's
    sweep.
    """

    class YourSweep(mg.Gate):
        """z = (x·b + x) · tanh(x), built from your nodes. Your backward computes its gradients."""

        symbol = "your sweep"

        def run(self, x, b):
            x, b = file.Node(float(x), name="x"), file.Node(float(b), name="b")
            return x, b, file.multiply(file.add(file.multiply(x, b), x), file.tanh(x))

        def forward(self, x, b):
            return np.array(self.run(x, b)[2].value)

        def backward(self, dz, z, x, b):
            x, b, root = self.run(x, b)
            file.backward(root)
            return dz * x.grad, dz * b.grad

    def both(x, b, your_x, your_b):
        engine = (x * b + x) * mg.tanh(x)
        return engine if failed == "order" else YourSweep()(your_x, your_b) + engine

    leaves = [
        mg.Tensor(np.array(value), requires_grad=True, name=name)
        for name, value in (("x", 0.5), ("b", -2.0), ("x, yours", 0.5), ("b, yours", -2.0))
    ]
    report = mg.gradcheck(both, *leaves) if failed == "backward" else None
    mg.explore(both(*leaves), path, report=report)
