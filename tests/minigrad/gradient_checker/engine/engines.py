"""Engines to check: a scalar one, lesson 7's, and copies of them with planted faults."""

import sys
from pathlib import Path
from types import ModuleType

from minigrad.course.lessons.lesson_07_engine import solution

SCALAR = """
class Value:
    def __init__(self, data, children=(), rule=lambda dz: ()):
        self.data = data
        self.grad = 0.0
        self.children = children
        self.rule = rule

    def __add__(self, other):
        other = wrap(other)
        return Value(self.data + other.data, (self, other), lambda dz: (dz, dz))

    def __mul__(self, other):
        other = wrap(other)
        rule = lambda dz: (dz * other.data, dz * self.data)
        return Value(self.data * other.data, (self, other), rule)

    def __pow__(self, n):
        rule = lambda dz: (dz * n * self.data ** (n - 1),)
        return Value(self.data ** n, (self,), rule)

    def relu(self):
        rule = lambda dz: (dz * (self.data > 0),)
        return Value(max(self.data, 0.0), (self,), rule)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -wrap(other)

    def __radd__(self, other):
        return self + other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * wrap(other) ** -1

    def backward(self):
        order = []
        seen = set()

        def visit(value):
            if value in seen:
                return
            seen.add(value)
            for child in value.children:
                visit(child)
            order.append(value)

        visit(self)
        arrived = {self: 1.0}
        for value in reversed(order):
            dz = arrived.get(value, 0.0)
            if not value.children:
                value.grad += dz
            for child, gradient in zip(value.children, value.rule(dz)):
                arrived[child] = arrived.get(child, 0.0) + gradient


def wrap(thing):
    return thing if isinstance(thing, Value) else Value(thing)
"""

ARRAY = Path(solution.__file__).read_text(encoding="utf-8")


def engine(source=SCALAR, right="", wrong=""):
    """Return the class of a source in which `wrong` replaces `right`."""
    assert right in source
    module = ModuleType("planted")
    sys.modules["planted"] = module
    exec(source.replace(right, wrong, 1) if right else source, vars(module))
    return module.Value
