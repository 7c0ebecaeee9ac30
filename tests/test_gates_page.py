"""The site's page of gates has every gate, and names what really records each."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import ancestors

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs/site"))

gates = pytest.importorskip("gates", reason="the extra minigrad[site] is not installed")
PAGE = gates.page((ROOT / "docs" / "gates.md").read_text(encoding="utf-8"))
ROWS = dict(re.findall(r"^\| \[(\w+)\]\(#\w+\) \| .*? \| (.*) \|$", PAGE, re.M))


def test_every_public_gate_is_there_once():
    public = sorted(name for name in mg.gates.__all__ if name in mg.GATES)
    assert sorted(ROWS) == public and sorted(re.findall(r"^### (\w+)$", PAGE, re.M)) == public


ARGUMENTS = {
    "reshape": "(x, (4,))", "clip": "(x, 0, 3)", "pad": "(x, 1)", "expand_dims": "(x, 0)", "split": "(x, 2)",
    "take_along_axis": "(x, np.array([[0], [1]]), 1)", "cumsum": "(x, 0)", "einsum": "('ij,jk', x, x)",
    "swapaxes": "(x, 0, 1)", "broadcast_to": "(x, (3, 2, 2))", "concatenate": "([x, x])", "stack": "([x, x])",
    "where": "(np.array([True, False]), x, 0.0)", "lookup": "(x, [1, 0])",
    "negative_log_likelihood": "(-x, [0, 1])", "softmax_cross_entropy": "(x, [0, 1])",
    **dict.fromkeys(["mean_absolute_error", "binary_cross_entropy", "mean_squared_error"], "(x, np.ones((2, 2)))"),
    **dict.fromkeys("add subtract multiply divide power matmul maximum minimum".split(), "(x, x)"),
}  # fmt: skip
METHODS = {"reshape": "(4)", "swapaxes": "(0, 1)", "clip": "(0, 3)", "astype": "('float32')"}


def expression(way: str) -> str:
    """What is written to record a gate, with arguments that it takes: "np.clip" as "np.clip(x, 0,
    3)".
    """
    owner, _, name = way.partition(".")
    if owner in ("mg", "np"):
        return way + ARGUMENTS.get(name, "(x)")
    if name.endswith("(...)"):
        return way.replace("(...)", METHODS[name.removesuffix("(...)")])
    return re.sub(r"\b[ab]\b", "x", way).replace("key", "0")


def recorded(code: str) -> list[str]:
    """The names of the gates that an expression of x records."""
    x = mg.Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]), requires_grad=True)
    result = eval(code, {"mg": mg, "np": np, "x": x, "indices": [[0], [1]]})
    nodes = ancestors([one.node for one in (result if isinstance(result, list) else [result])])
    return [node.gate.name for node in reversed(nodes) if node.gate]


@pytest.mark.parametrize(
    ("gate", "way"),
    [(gate, way) for gate, ways in ROWS.items() for way in re.findall(r"`(.+?)`", ways)],
)
def test_what_is_said_to_record_a_gate_does(gate, way):
    if way != f"mg.{gate}":  # the class itself: there is no function for it
        assert recorded(expression(way))[-1] == gate


@pytest.mark.parametrize(("way", "gates"), re.findall(r"^\| `(.+?)` \| ([\w, ]+) \|$", PAGE, re.M))
def test_what_is_said_to_be_composed_records_those_gates(way, gates):
    assert ", ".join(recorded(way)) == gates
