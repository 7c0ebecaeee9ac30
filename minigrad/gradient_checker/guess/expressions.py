"""Expressions that occur as local derivatives, each with its value.

The names of the arrays are part of the expressions: `of_input("a", a)["sin(a)"]` is sin(a).
"""

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np

from ...graph import Array

Values = dict[str, Array]


def of_any(name: str, x: Array) -> Values:
    """Return expressions of an input or of the output."""
    return {
        f"1 - {name}²": 1 - x**2,
        f"{name}·(1 - {name})": x * (1 - x),
        name: x,
        f"1 / {name}": 1 / x,
        f"1 - {name}": 1 - x,
        f"{name}²": x**2,
        f"1 + {name}²": 1 + x**2,
        f"1 / {name}²": 1 / x**2,
        f"{name}·(1 + {name})": x * (1 + x),
        f"(1 - {name}²)²": (1 - x**2) ** 2,
        f"{name}³": x**3,
        f"1 / (1 + {name}²)": 1 / (1 + x**2),
    }


def of_input(name: str, x: Array) -> Values:
    """Return further expressions of an input."""
    sigmoid = 1 / (1 + np.exp(-x))
    return {
        f"{name} > 0": x > 0,
        f"{name} < 0": x < 0,
        f"ln({name})": np.log(x),
        f"√({name})": np.sqrt(x),
        f"1 / √({name})": 1 / np.sqrt(x),
        f"exp({name})": np.exp(x),
        f"exp(-{name})": np.exp(-x),
        f"sin({name})": np.sin(x),
        f"cos({name})": np.cos(x),
        f"1 / cos({name})²": 1 / np.cos(x) ** 2,
        f"sign({name})": np.sign(x),
        f"abs({name})": np.abs(x),
        f"tanh({name})": np.tanh(x),
        f"1 - tanh({name})²": 1 - np.tanh(x) ** 2,
        f"σ({name})": sigmoid,
        f"1 - σ({name})": 1 - sigmoid,
        f"σ({name})·(1 - σ({name}))": sigmoid * (1 - sigmoid),
    }


def of_two(m: str, a: Array, n: str, b: Array, z: Array) -> Values:
    """Return expressions of two inputs, named m and n, and of the output."""
    return {
        f"{n}·z / {m}": b * z / a,
        f"z·ln({m})": z * np.log(a),
        f"{m} / {n}": a / b,
        f"{m} / {n}²": a / b**2,
        f"{m} - {n}": a - b,
        f"({m} - {n})²": (a - b) ** 2,
        f"{m} + {n}": a + b,
        f"abs({m} - {n})": np.abs(a - b),
        f"sign({m} - {n})": np.sign(a - b),
        f"{m} > {n}": a > b,
        f"σ({m}) - {n}": 1 / (1 + np.exp(-a)) - b,
    }


def expressions(arrays: Sequence[Array], z: Array) -> Values:
    """Return expressions of one input x or of several inputs a, b, ..., and of the output z.

    Simple expressions come first.
    """
    names = "x" if len(arrays) == 1 else "abcdef"
    inputs = list(zip(names, arrays, strict=False))
    values = {"1": np.ones_like(z)} | of_any("z", z)
    for name, x in inputs:
        values |= of_any(name, x)
        values |= of_input(name, x)
    for name, x in inputs:
        values[f"z / {name}"] = z / x
        values[f"{name}·z"] = x * z
    for (m, a), (n, b) in permutations(inputs[:2], 2):
        values |= of_two(m, a, n, b, z)
    for (m, a), (n, b) in combinations(inputs, 2):
        values[f"{m}·{n}"] = a * b
    return values
