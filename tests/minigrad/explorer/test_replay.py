"""Every formula of the page against NumPy's gates, under node; and which gates have one."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.backward import sweep
from minigrad.explorer import replay
from minigrad.explorer.arrays import whole
from minigrad.explorer.replay import recipe
from minigrad.gradients import dense
from minigrad.graph import Leaf, Node, next_serial

from .conftest import NODE, needs_node, run_node

FORMULAS = (
    *replay.ELEMENTWISE,
    mg.gates.MultiplyGate,
    *replay.MOVING,
    *replay.REDUCING,
    *replay.NORMALISING,
    *replay.LOSSES,
    *replay.TRANSFORMER,
    *replay.OF_WINDOWS,
)
BUILT_IN = {cls.__name__: cls for cls in FORMULAS}
"""The gates that the page has a formula for. Others (Einsum, the fused ones) are shown, but not
recomputed."""


def cases(gate_class: type[mg.Gate]) -> list[dict[str, Any]]:
    """Calls of a gate with NumPy's answers: output, and the gradients that the engine gives for a
    random cotangent.
    """
    rng = np.random.default_rng(3)
    found = []
    for gate, arrays in gate_class.sample_inputs():
        leaves = tuple(
            Leaf(array, array.dtype.kind == "f" and number not in gate.constant_inputs)
            for number, array in enumerate(arrays)
        )
        output = gate.forward(*arrays)
        output, *saved = output if isinstance(output, tuple) else (output,)
        node = Node()
        node.gate, node.inputs, node.arrays = gate, leaves, (*arrays, *saved)
        node.output, node.scope, node.serial, node.name = (
            np.asarray(output),
            (),
            next_serial(),
            None,
        )
        dz = rng.normal(size=node.output.shape)
        swept = sweep(node, dz)
        parts = [
            whole(dense(swept[leaf])) if leaf in swept else None for leaf in leaves
        ]
        case = {
            "recipe": recipe(gate, arrays),
            "inputs": list(map(whole, arrays)),
            "dz": whole(dz),
        }
        found.append(case | {"z": whole(node.output), "parts": parts})
    return found


@needs_node
def test_formulas_agree_with_numpy(tmp_path):
    calls = [
        (name, case)
        for name, gate_class in BUILT_IN.items()
        for case in cases(gate_class)
    ]
    assert {name for name, _ in calls} == set(BUILT_IN), (
        "a gate without samples would pass unseen"
    )
    assert all(case["recipe"] is not None for _, case in calls)
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([case for _, case in calls]))
    errors = json.loads(run_node(NODE, "check_gates.mjs", str(path)))
    for (name, _), error in zip(calls, errors, strict=True):
        assert max(error["forward"], *error["backward"]) < 1e-12, name


def test_gates_without_a_formula_are_named_in_the_docs_and_have_no_recipe():
    page = (Path(__file__).parents[3] / "docs" / "explorer.md").read_text(
        encoding="utf-8"
    )
    (without,) = re.findall(r"does not support (.*?) or fused gates", page, re.S)
    fused = {"GRUSequence", "LSTMSequence", "LookupProduct", "RNNSequence"}
    public = {name for name in mg.gates.__all__ if name in mg.GATES}
    assert set(re.findall(r"\w+", without)) == public - set(BUILT_IN) - fused
    assert recipe(mg.Scatter((3,), 0), (np.ones(()),)) is None
