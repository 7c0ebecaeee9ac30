"""docs/gates.md is what docs/make_gates.py makes of the gates as they are, and names what really records each."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import ancestors

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| \[(\w+)\]\(#\w+\) \| .*? \| (.*) \|$", PAGE, re.M))


def test_the_page_is_the_one_that_the_docstrings_make():
    spec = importlib.util.spec_from_file_location("make_gates", ROOT / "docs" / "make_gates.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page() == PAGE, "run: python docs/make_gates.py"


def test_every_public_gate_is_there_once():
    public = {name for name in mg.gates.__all__ if name in mg.GATES}
    assert set(ROWS) == public and len(re.findall(r"^### ", PAGE, re.M)) == len(public)


ARGUMENTS = {
    "a + b": "x + x", "a - b": "x - x", "a * b": "x * x", "a / b": "x / x", "a ** b": "x ** 2.0", "-x": "-x",
    "a @ b": "x @ x", "x[key]": "x[0]", "x.reshape(...)": "x.reshape(4)", "np.reshape": "np.reshape(x, (4,))",
    "x.swapaxes(...)": "x.swapaxes(0, 1)", "x.clip(...)": "x.clip(0, 3)", "x.astype(...)": "x.astype('float32')",
    "abs(x)": "abs(x)", "np.clip": "np.clip(x, 0, 3)", "mg.clip": "mg.clip(x, 0, 3)", "np.pad": "np.pad(x, 1)",
    "mg.pad": "mg.pad(x, 1)",
    "np.expand_dims": "np.expand_dims(x, 0)", "mg.expand_dims": "mg.expand_dims(x, 0)",
    "np.split": "np.split(x, 2)[0]", "mg.split": "mg.split(x, 2)[0]",
    "np.take_along_axis": "np.take_along_axis(x, np.array([[0], [1]]), 1)",
    "mg.take_along_axis": "mg.take_along_axis(x, [[0], [1]])", "mg.cumsum": "mg.cumsum(x, 0)",
    "np.einsum": "np.einsum('ij,jk', x, x)", "mg.einsum": "mg.einsum('ij,jk', x, x)",
    "mg.negative_log_likelihood": "mg.negative_log_likelihood(-x, [0, 1])",
    "mg.mean_absolute_error": "mg.mean_absolute_error(x, np.ones((2, 2)))",
    "np.broadcast_to": "np.broadcast_to(x, (3, 2, 2))", "np.swapaxes": "np.swapaxes(x, 0, 1)",
    "mg.concatenate": "mg.concatenate([x, x])", "np.concatenate": "np.concatenate([x, x])",
    "mg.stack": "mg.stack([x, x])", "np.stack": "np.stack([x, x])", "mg.where": "mg.where([True, False], x, 0.0)",
    "np.where": "np.where(np.array([True, False]), x, 0.0)", "mg.lookup": "mg.lookup(x, [1, 0])",
    "mg.softmax_cross_entropy": "mg.softmax_cross_entropy(x, [0, 1])",
    "mg.binary_cross_entropy": "mg.binary_cross_entropy(x, np.ones((2, 2)))",
    "mg.mean_squared_error": "mg.mean_squared_error(x, np.ones((2, 2)))",
}  # fmt: skip
TWO = ("np.add", "np.subtract", "np.multiply", "np.divide", "np.power", "np.matmul", "np.maximum", "np.minimum",
       "mg.maximum", "mg.minimum")  # fmt: skip


@pytest.mark.parametrize(
    ("gate", "way"), [(gate, way) for gate, ways in ROWS.items() for way in re.findall(r"`(.+?)`", ways)]
)
def test_what_is_said_to_record_a_gate_does(gate, way):
    x = mg.Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]), requires_grad=True)
    if way == f"mg.{gate}":
        assert isinstance(getattr(mg, gate), type)  # the class itself: there is no function for it
        return
    expression = ARGUMENTS.get(way) or (way if way.startswith("x.") else f"{way}(x, x)" if way in TWO else f"{way}(x)")
    result = eval(expression, {"mg": mg, "np": np, "x": x})
    assert result.node.gate.name == gate


COMPOSED = re.findall(r"^\| `(.+?)` \| ([\w, ]+) \|$", PAGE, re.M)


@pytest.mark.parametrize(("way", "recorded"), COMPOSED)
def test_what_is_said_to_be_composed_records_those_gates(way, recorded):
    x = mg.Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]), requires_grad=True)
    result = eval(way, {"mg": mg, "np": np, "x": x, "indices": [[0], [1]]})
    nodes = ancestors([one.node for one in (result if isinstance(result, list) else [result])])
    assert ", ".join(node.gate.name for node in reversed(nodes) if node.gate) == recorded
    assert len(COMPOSED) == 7
