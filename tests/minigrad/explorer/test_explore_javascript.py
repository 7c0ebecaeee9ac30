"""The page's modules: their own tests and linter under node, and every formula of theirs against NumPy's gates."""

import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.backward import sweep
from minigrad.explorer.arrays import summary, whole
from minigrad.explorer.replay import _KINDS, recipe
from minigrad.fast.kernels import dense
from minigrad.graph import Leaf, Node

HERE = Path(__file__).parent
PACKAGE = Path(mg.__file__).parent / "explorer"
NODE = shutil.which("node") or ""
needs_node = pytest.mark.skipif(not NODE, reason="node is not installed: the page's modules go untested")

BUILT_IN = {cls.__name__: cls for classes, _ in _KINDS for cls in classes}
"""The gates that the page has a formula for. Others (Einsum, the fused ones) are shown, but not recomputed."""


def run(*arguments: str, where: Path = HERE) -> str:
    done = subprocess.run(arguments, cwd=where, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@needs_node
def test_modules() -> None:
    assert "# fail 0" in run(NODE, "--test", "--test-reporter=tap", "page.test.mjs")


@needs_node
@pytest.mark.parametrize("folder", ["minigrad/explorer", "docs/site"])
def test_lint(folder: str) -> None:
    linter = PACKAGE / "node_modules/.bin/eslint"
    if not linter.exists():
        pytest.skip("eslint is not installed; `npm ci --prefix minigrad/explorer` installs it")
    run(str(linter), "--max-warnings", "0", ".", where=PACKAGE.parents[1] / folder)


def cases(gate_class: type[mg.Gate]) -> list[dict[str, Any]]:
    """Calls of a gate with NumPy's answers: output, and the gradients that the engine gives for a random cotangent."""
    rng = np.random.default_rng(3)
    found = []
    for gate, arrays in gate_class.samples():
        how = recipe(gate, arrays)
        assert how is not None, f"no formula for {gate!r}"
        leaves = [Leaf(a, a.dtype.kind == "f" and n not in gate.constant_inputs) for n, a in enumerate(arrays)]
        node = Node(gate, tuple(leaves), arrays, np.asarray(gate.forward(*arrays)), True)
        dz = rng.normal(size=node.output.shape)
        gradients = sweep(node, dz)
        parts = [None if leaf not in gradients else np.asarray(dense(gradients[leaf])) for leaf in leaves]
        found.append(
            {
                "recipe": how,
                "inputs": [whole(array) for array in arrays],
                "dz": whole(dz),
                "z": whole(node.output),
                "parts": [None if part is None else whole(part) for part in parts],
            }
        )
    return found


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """For each gate, the largest relative error of each call: one run of node for all of them."""
    written = {name: cases(gate_class) for name, gate_class in BUILT_IN.items()}
    path = tmp_path_factory.mktemp("gates") / "cases.json"
    path.write_text(json.dumps([case for calls in written.values() for case in calls]))
    found = iter(json.loads(run(NODE, "check_gates.mjs", str(path))))
    return {name: [next(found) for _ in calls] for name, calls in written.items()}


@needs_node
@pytest.mark.parametrize("name", BUILT_IN)
def test_formulas_agree_with_numpy(name: str, errors: dict[str, list[dict[str, Any]]]) -> None:
    assert errors[name], "a gate without samples would pass unseen"
    for error in errors[name]:
        assert error["forward"] < 1e-12
        assert max(error["backward"]) < 1e-12


SHAPES = [(65,), (100,), (1000,), (1001,), (9, 9), (13, 10), (70, 1), (1, 70), (3, 30), (30, 3), (5, 4, 7), (100, 101)]


@needs_node
def test_heat_maps_made_in_the_page_are_those_made_in_python(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    arrays = [rng.normal(size=shape) for shape in SHAPES]
    broken = rng.normal(size=(11, 12))
    broken[3, 7], broken[9, 2] = np.nan, np.inf
    arrays.append(broken)
    path = tmp_path / "arrays.json"
    path.write_text(json.dumps([whole(array) for array in arrays]))
    for array, found in zip(arrays, json.loads(run(NODE, "check_heat.mjs", str(path))), strict=True):
        wanted = summary(array)["heat"]
        assert found["rows"] == wanted["rows"]
        # Python sends three digits.
        np.testing.assert_allclose(
            np.array(found["values"], float), np.array(wanted["values"], float), rtol=5.1e-3, err_msg=str(array.shape)
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_blocks_are_as_equal_as_they_can_be(shape: tuple[int, ...]) -> None:
    # By hand: block b of n along an axis of size s starts at floor(b * s / n).
    array = np.arange(np.prod(shape), dtype=float).reshape(shape)
    table = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, shape[-1])
    sides = (1, 64) if array.ndim < 2 else [min(size, 8) for size in table.shape]
    cuts = [[n * size // count for n in range(count + 1)] for size, count in zip(table.shape, sides, strict=True)]
    means = [
        table[top:bottom, left:right].mean() for top, bottom in pairwise(cuts[0]) for left, right in pairwise(cuts[1])
    ]
    np.testing.assert_allclose(summary(array)["heat"]["values"], means, rtol=5.1e-3)


def test_the_gates_that_small_networks_are_made_of_have_a_formula() -> None:
    needed = "MultiplyGate AddGate Subtract Hadamard Divide Negate Power Tanh Sigmoid ReLU Exp Log Sqrt"
    needed += " Softmax LogSoftmax Sum Mean Max Reshape Transpose BroadcastTo Slice Lookup Concatenate Stack Where"
    needed += " SoftmaxCrossEntropy BinaryCrossEntropy MeanSquaredError MeanAbsoluteError"
    needed += " Sin Cos Abs Maximum Minimum Min Softplus"
    assert set(BUILT_IN) == set(needed.split())
    page = (HERE.parents[2] / "docs" / "explorer.md").read_text(encoding="utf-8")
    (without,) = re.findall(r"It has none for (.*?) and the fused gates", page, re.S)
    fused = {"GRUSequence", "LSTMSequence", "LookupProduct", "RNNSequence"}
    assert set(re.findall(r"\w+", without)) == {n for n in mg.gates.__all__ if n in mg.GATES} - set(BUILT_IN) - fused


def test_a_gate_without_a_formula_has_no_recipe() -> None:
    assert recipe(mg.Scatter((3,), 0), (np.ones(()),)) is None

    class Tanh(mg.Tanh):  # a learner's own, of the same name
        pass

    try:
        assert recipe(Tanh(), (np.ones(3),)) is None
    finally:
        mg.GATES["Tanh"] = mg.Tanh
