"""Lesson 7's page: the learner's graph of a network."""

import numpy as np

import minigrad as mg

SYMBOLS = {"__add__": "+", "__mul__": "*", "__matmul__": "@", "tanh": "tanh", "sum": "sum"}


def page(file, path, failed):
    """Draw XOR's loss from the learner's Values. If `backward` is wrong, draw a small expression twice:
    once by the engine, and once as a gate that uses the learner's sweep. If `order` is wrong, draw it
    by the engine only, in the right order.
    """
    if failed in ("Value.order", "Value.backward"):
        f, tensors = both_sweeps(file, failed)
    else:
        f, tensors = network(file)
    report = mg.gradcheck(f, *tensors)
    mg.explore(f(*tensors), path, report=None if report else report)


def network(file):
    """XOR's loss as a function of the weights, recorded by the learner's class."""
    names = ("W1", "b1", "W2", "b2")
    start = [value.array for value in file.xor_start()]
    tensors = [
        mg.Tensor(array, requires_grad=True, name=n) for n, array in zip(names, start, strict=True)
    ]

    def loss(*tensors):
        values = [file.Value(tensor.array) for tensor in tensors]
        return to_minigrad(file, file.xor_loss(values), dict(zip(values, tensors, strict=True)))

    return loss, tensors


def to_minigrad(file, root, known):
    """Return a minigrad graph with the same structure as the learner's. Its rules are the learner's.

    `known` maps leaves to Tensors.
    """
    found, waiting = {root}, [root]
    while waiting:
        new = set(waiting.pop().inputs) - found
        found |= new
        waiting.extend(new)
    for value in sorted(found, key=lambda value: value.serial):
        if value.inputs:
            known[value] = operation(file, value)(*(known[source] for source in value.inputs))
        elif value not in known:
            known[value] = mg.Tensor(value.array, name=value.name)
    return known[root]


def operation(file, value):
    """Return the operation that computed a Value as a gate. It calls the method whose name is in the
    rule's name, such as Value.__mul__.<locals>.rule.
    """
    method = value.rule.__qualname__.removeprefix("Value.").partition(".")[0]

    class YourRule(mg.Gate):
        """One of your operations, with the rule that you wrote."""

        symbol = SYMBOLS.get(method, "your rule")

        def run(self, arrays):
            if method in SYMBOLS:
                return getattr(file.Value, method)(*map(file.Value, arrays))
            return value

        def forward(self, *arrays):
            return self.run(arrays).array

        def backward(self, dz, z, *arrays):
            return tuple(self.run(arrays).rule(dz))

    return YourRule()


def both_sweeps(file, failed):
    class YourSweep(mg.Gate):
        """z = (x·b + x) · tanh(x), built from your Values. Your backward computes its gradients."""

        symbol = "your sweep"

        def run(self, x, b):
            x, b = file.Value(x), file.Value(b)
            return x, b, (x * b + x) * x.tanh()

        def forward(self, x, b):
            return self.run(x, b)[2].array

        def backward(self, dz, z, x, b):
            x, b, y = self.run(x, b)
            (y * dz).sum().backward()
            return x.grad, b.grad

    def f(x, b, your_x, your_b):
        engine = (x * b + x) * mg.tanh(x)
        return (engine if failed == "Value.order" else engine + YourSweep()(your_x, your_b)).sum()

    x, b = np.array([0.5, -1.0]), np.array([-2.0, 0.3])
    named = (("x", x), ("b", b), ("x, yours", x), ("b, yours", b))
    return f, [mg.Tensor(array.copy(), requires_grad=True, name=name) for name, array in named]
