"""Questions of lesson 4, and its page, which shows the learner's sweep next to the engine's."""

import re

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import Question

SEND_AND_ADD = (
    "start with 1 at the root; then, in order, each node adds dz · local to the sum of each input"
)
CONSUMERS_FIRST = "each node comes after all nodes that have it as an input; for example, sort by serial, newest first"


def parts_of(graph):
    """Return the nodes of a graph such as 'x = 2, y = x·x' as (name, formula, names of the inputs)."""
    for part in graph.split(", "):
        name, formula = part.split(" = ")
        yield name, formula, re.findall("[a-z]+", formula.replace("tanh", ""))


def built(file, graph, named=True):
    """Return the nodes of a graph by name, with the root first."""
    nodes = {}
    for name, formula, inputs in parts_of(graph):
        if not inputs:
            nodes[name] = file.Node(float(formula), name=name)
            continue
        gate = file.multiply if "·" in formula else file.add if "+" in formula else file.tanh
        nodes[name] = gate(*(nodes[one] for one in inputs), name)
    for node in nodes.values():
        node.name = node.name if named else ""
    return dict(reversed(nodes.items()))


def order_of(graph):
    def compare(names, right):
        shown = f"your list is {', '.join(map(str, names))}\n" if names else "your list is empty\n"
        if missing := [name for name in right if name not in names]:
            return f"{shown}{missing[0]} is missing"
        if twice := [name for name in right if names.count(name) > 1]:
            return f"{shown}{twice[0]} appears {names.count(twice[0])} times"
        if foreign := [name for name in names if name not in right]:
            return f"{shown}{foreign[0]} does not belong to the graph"
        users = {(source, name) for name, _, inputs in parts_of(graph) for source in inputs}
        for source, user in sorted(users, key=lambda pair: names.index(pair[0])):
            if names.index(source) < names.index(user):
                return f"{shown}{source} comes before {user}, but {source} is an input of {user}"
        return None

    return Question(
        "order", "[node.name for node in order(y)]", lambda file: {"y": built(file, graph)["y"]},
        f"the order for {graph}", formula=CONSUMERS_FIRST, compare=compare,
    )  # fmt: skip


class Local(float):
    """A local derivative that records the gradients by which it is multiplied."""

    def __mul__(self, dz):
        self.seen.append(float(dz))
        return float(self) * dz

    __rmul__ = __mul__


def sums(backward, root, calls=1):
    """Return the gradients in the order of the sweep: for a gate, the number by which the learner's
    backward multiplies its local derivatives; for a leaf, its grad.
    """
    nodes, waiting, found = {root: 0}, [root], {}
    while waiting:
        for node in waiting.pop().inputs:
            if node not in nodes:
                nodes[node] = 0
                waiting.append(node)
    for call in range(calls):
        for node in nodes:
            node.local = tuple(map(Local, node.local))
            for local in node.local:
                local.seen = []
        backward(root)
        after = f" in call {call + 1}" if calls > 1 else ""
        for node in sorted(nodes, key=lambda node: -node.serial):
            if not node.inputs:
                found[f"{node.name}.grad{after}"] = node.grad
            elif node.local[0].seen:
                found[f"d{root.name}/d{node.name}{after}"] = node.local[0].seen[0]
    return found


def backward_of(graph, leaves, calls=1, named=True):
    what = {
        1: "the leaves' grad after backward(y)",
        2: "the leaves' grad after a second backward(y)",
    }[calls]
    grads = ", ".join([*["backward(y)"] * calls, *(f"{leaf}.grad" for leaf in leaves)])

    def given(file):
        nodes = built(file, graph, named)
        return {name: nodes[name] for name in ("y", *leaves)}

    return Question(
        "backward", f"[{grads}][{calls}:]", given,
        f"{what}, for {graph}" + ("" if named else " (the nodes have no names)"), "nudging", formula=SEND_AND_ADD,
        way=f"check.sums(backward, y, {calls})" if named else "",
        names=None if named else lambda grads: zip((f"{leaf}.grad" for leaf in leaves), grads, strict=True),
    )  # fmt: skip


def two_losses(file):
    x, b = file.Node(2.0, name="x"), file.Node(5.0, name="b")
    return {
        "y": file.multiply(x, b, "y"),
        "z": file.add(file.multiply(x, x, "s"), b, "z"),
        "x": x,
        "b": b,
    }


def two_slopes(file):
    x = file.Node(2.0, name="x")
    return {"y": file.Node(4.0, (x, x), (3.0, -1.0), "y"), "x": x}


def long_chain(file):
    x = z = file.Node(0.00001, name="x")
    for _ in range(20_000):
        z = file.add(z, x)
    return {"z": z, "x": x}


def ladder(file):
    x = z = file.Node(0.0, name="x")
    for _ in range(50):
        z = file.add(z, z)
    return {"z": z, "x": x}


FORK, MIRRORED = "x = 2, u = x·x, v = u + x, y = u·v", "x = 2, u = x·x, v = x + u, y = v·u"
CHAIN = "a = 2, b = -3, c = 6.5, m = a·b, s = m + c, y = tanh(s)"
DETOUR = "x = 0.4, u = tanh(x), v = tanh(u), w = v + x, y = u·w"
THREE = "x = 0.5, b = -2, m = x·b, s = m + x, t = tanh(x), y = s·t"
THREE_MIRRORED = "x = 0.5, b = -2, t = tanh(x), m = b·x, s = x + m, y = t·s"
TWICE = "x = 1.5, s = x + x, t = tanh(x), y = t·s"
TWICE_MIRRORED = "x = 1.5, s = x + x, t = tanh(x), y = s·t"
LATE = "x = 2, u = x·x, b = -3, y = u·b"
EQUAL = "a = 2, b = 2, m = b·a, s = a + m, y = s·m"
PATHS = "send 1 from the root, and from each node the sum that has arrived, without the local derivatives"
ONWARD = "the slope of the leaf is 1; going forwards, a node's slope is the sum of local · slope over its inputs"


def stretch(call, given, what, formula):
    return Question(call.partition("(")[0], call, given, what, formula=formula, stretch=True)


def part(graph, *names):
    def given(file):
        nodes = built(file, graph)
        return {name: nodes[name] for name in names}

    return given


QUESTIONS = (
    *map(order_of, ("x = 1.5, y = x + x", CHAIN, FORK, MIRRORED, EQUAL, DETOUR, LATE, THREE, THREE_MIRRORED,
                    TWICE, TWICE_MIRRORED)),
    Question("order", "len(order(z))", lambda file: {"z": long_chain(file)["z"]},
             "the number of nodes in a chain of 20,000 gates, z = z + x", formula=CONSUMERS_FIRST),
    backward_of("a = 2, b = -3, y = a·b", "ab"),
    backward_of("x = 1.5, y = x + x", "x"),
    Question("backward", "[backward(x), x.grad][1]", lambda file: {"x": file.Node(3.0, name="x")},
             "x.grad after backward(x), for a leaf x", formula="d(root)/d(root) = 1"),
    Question("backward", "[backward(y), x.grad][1]", two_slopes,
             "x.grad after backward(y), for a gate y = 3·x - x with inputs (x, x) and local (3, -1)",
             "nudging", formula=SEND_AND_ADD),
    backward_of(LATE, "xb"),
    backward_of(FORK, "x"),
    backward_of(MIRRORED, "x"),
    backward_of(CHAIN, "abc"),
    backward_of(EQUAL, "ab", named=False),
    backward_of(THREE, "xb"),
    backward_of(THREE_MIRRORED, "xb"),
    backward_of(TWICE, "x"),
    backward_of(TWICE_MIRRORED, "x"),
    backward_of("b = 2, x = 0, p = tanh(b), y = p·x", "bx"),
    backward_of("a = 2, b = -3, m = a·b, y = m + a", "ab", calls=2),
    Question("backward", "[backward(y), backward(z), x.grad, b.grad][2:]", two_losses,
             "two roots, one after the other: x = 2, b = 5, y = x·b, s = x·x, z = s + b", "nudging",
             formula="leaf.grad += d(root)/d(leaf)",
             names=lambda grads: zip(("x.grad", "b.grad"), grads, strict=True)),
    Question("backward", "[backward(z), x.grad][1]", long_chain,
             "x.grad for a chain of 20,000 gates, z = z + x", formula=SEND_AND_ADD),
    Question("backward", "[backward(z), x.grad][1]", ladder,
             "x.grad for a chain of 50 gates, z = z + z: 51 nodes, but 2⁵⁰ paths", formula=SEND_AND_ADD),
    Question("backward", "backward(y)", part("x = 1.5, y = x + x", "y"), "what backward(y) returns"),
    stretch("paths(y, x)", part(FORK, "y", "x"), f"the number of paths from y to x, for {FORK}", PATHS),
    stretch("paths(y, b)", part(EQUAL, "y", "b"), f"the number of paths from y to b, for {EQUAL}", PATHS),
    stretch("paths(z, x)", ladder, "the number of paths in a chain of 50 gates, z = z + z", PATHS),
    stretch("forward_slope(y, x)", part(FORK, "y", "x"), f"d(y)/d(x), for {FORK}", ONWARD),
    stretch("forward_slope(y, b)", part(CHAIN, "y", "b"), f"d(y)/d(b), for {CHAIN}", ONWARD),
    stretch("forward_slope(y, x)", part(THREE_MIRRORED, "y", "x"), f"d(y)/d(x), for {THREE_MIRRORED}", ONWARD),
    stretch("forward_slope(a, b)", part(EQUAL, "a", "b"), "d(a)/d(b), where a was not computed from b", ONWARD),
)  # fmt: skip


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
