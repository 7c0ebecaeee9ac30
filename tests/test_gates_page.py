"""The site's page of gates has every gate, and names what really records each."""

import contextlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import ancestors
from tests.needs import package

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs/site"))

package("sphinx")
import gates  # noqa: E402

PAGE = gates.page((ROOT / "docs" / "gates.md").read_text(encoding="utf-8"))
ROWS = dict(re.findall(r"^\| \[(\w+)\]\(#\w+\) \| .*? \| (.*) \|$", PAGE, re.M))


def test_every_public_gate_is_there_once():
    public = sorted(name for name in mg.gates.__all__ if name in mg.GATES)
    assert sorted(ROWS) == public
    assert sorted(re.findall(r"^### (\w+)$", PAGE, re.M)) == public


CALLS = (
    "(x)", "(x, x)", "([x, x])", "(x, 0)", "(x, 1)", "(x, 2)", "(0, 1)", "(x, 0, 1)", "(0, 3)", "(x, 0, 3)", "(4)",
    "(x, (4,))", "('float32')", "('ij,jk', x, x)", "(x, (3, 2, 2))", "(np.array([True, False]), x, 0.0)",
    "(x, x, x)", "(x, [1, 0])", "(-x, [0, 1])", "(x, np.array([[0], [1]]), 1)", "(x, np.ones((2, 2)))",
    "(x[None], x[None])",
)  # fmt: skip
"""With one of these arguments each function can be called."""


def expressions(way):
    """What is written to record a gate: "np.clip" as "np.clip(x, 0, 3)", "a @ b" as "x @ x"."""
    function = way.removesuffix("(...)")
    if function != way or re.fullmatch(r"(mg|np)\.\w+", way):
        return [function + call for call in CALLS]
    return [re.sub(r"\b[ab]\b", "x", way).replace("key", "0")]


def recorded(code):
    """The names of the gates that an expression of x records."""
    x = mg.Tensor(
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        requires_grad=True,
    )
    result = eval(
        code,
        {
            "mg": mg,
            "np": np,
            "x": x,
            "indices": [[0], [1]],
        },
    )
    results = result if isinstance(result, list) else [result]
    nodes = ancestors([one.node for one in results])
    return [node.gate.name for node in reversed(nodes) if node.gate]


WAYS = [(gate, way) for gate in ROWS for way in re.findall(r"`(.+?)`", ROWS[gate])]


@pytest.mark.parametrize(
    # without mg.SomeGate, for which there is no function
    ("gate", "way"),
    [(gate, way) for gate, way in WAYS if way != f"mg.{gate}"],
)
def test_expression_records_the_gate(gate, way):
    last = set()
    for expression in expressions(way):
        with contextlib.suppress(Exception):  # other arguments are needed
            last.add(recorded(expression)[-1])
    assert gate in last


COMPOSED = re.findall(r"^\| `(.+?)` \| ([\w, ]+) \|$", PAGE, re.M)


@pytest.mark.parametrize(("way", "gates"), COMPOSED)
def test_composed_function_records_gates(way, gates):
    assert ", ".join(recorded(way)) == gates
