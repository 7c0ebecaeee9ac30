"""The page's formulas against NumPy's gates, under node."""

import json
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.explorer import replay
from minigrad.explorer.arrays import whole
from minigrad.explorer.replay import recipe
from tests.needs import NODE, needs_node

from .conftest import run_node

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
RECOMPUTED = {cls.__name__ for cls in FORMULAS}
"""The gates that the page has a formula for."""

FUSED = {"GRUSequence", "LSTMSequence", "LookupProduct", "RNNSequence"}


def case(gate, arrays):
    """A call of a gate with NumPy's output, and the engine's gradients for a random dz."""
    leaves = []
    for number, array in enumerate(arrays):
        wanted = array.dtype.kind == "f" and number not in gate.constant_inputs
        leaves.append(mg.Tensor(array, requires_grad=wanted))
    z = gate(*leaves)
    dz = np.random.default_rng(3).normal(size=z.shape)
    z.backward(dz)
    gradients = [leaf.grad for leaf in leaves]
    return {
        "recipe": recipe(gate, arrays),
        "inputs": list(map(whole, arrays)),
        "dz": whole(dz),
        "z": whole(z.array),
        "parts": [None if dx is None else whole(dx) for dx in gradients],
    }


@needs_node
def test_formulas_agree_with_numpy(tmp_path):
    names = []
    cases = []
    for gate_class in FORMULAS:
        samples = list(gate_class.sample_inputs())
        assert samples, "a gate without samples would pass unseen"
        for gate, arrays in samples:
            names.append(gate_class.__name__)
            cases.append(case(gate, arrays))
            assert cases[-1]["recipe"] is not None
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(cases))
    errors = json.loads(run_node(NODE, "check_gates.mjs", str(path)))
    for name, error in zip(names, errors, strict=True):
        assert max(error["forward"], *error["backward"]) < 1e-12, name


def test_docs_list_gates_without_formula():
    docs = Path(__file__).parents[3] / "docs"
    page = (docs / "explorer.md").read_text("utf-8")
    public = {name for name in mg.gates.__all__ if name in mg.GATES}
    for name in public - FUSED:
        assert (f"`{name}`" in page) == (name not in RECOMPUTED), name


def test_gate_without_formula_has_no_recipe():
    assert recipe(mg.Scatter((3,), 0), (np.ones(()),)) is None
