"""Tests of the engine, the layers and the optimizers, run again in WebAssembly: in Pyodide, under
Node.
"""

import itertools
import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.needs import NO_PYODIDE, NODE, needs_node

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
PACKAGES = ROOT / "build/pyodide/packages"

sys.path.insert(0, str(ROOT / "docs" / "site"))
import runtime  # noqa: E402

pytestmark = needs_node
FOLDERS = [
    "tests/minigrad",
    "tests/minigrad/gates",
    "tests/minigrad/gradient_checker",
    "tests/layers",
    "tests/optim",
]
RULES = "tests/minigrad/gradient_checker/test_rules.py"
LAZY = "tests/optim/test_lazy.py"
AS_DENSE = "test_sparse_updates_equal_dense_ones"
CATCHES_UP = "test_sparse_updates_of_adam_catch_up"
# What of these does not run there, and why: files, or beginnings of the tests' names.
LEFT_OUT = {
    "it starts processes": [
        "tests/minigrad/tools/test_commands.py",
        "tests/minigrad/test___main__.py",
        "tests/minigrad/help/test_shadowing.py",
        "tests/minigrad/test_pickling.py::test_pickled_tensor_of_another_process_gets_its_gradient",
        "tests/optim/training/test_parallel.py",
    ],
    "it starts threads": [
        "tests/minigrad/test_context.py::test_block_can_be_entered_by_two_threads_at_once",
        "tests/optim/test_lazy.py::test_sparse_updates_pending_while_eight_threads_read",
        "tests/optim/training/test_trainer.py::test_fit_in_eight_threads_bit_for_bit",
    ],
    "it needs safetensors, which is not built for WebAssembly": [
        "tests/layers/test_interop.py",
        "tests/layers/test_stream.py::test_carried_state_resumes_a_run_to_the_same_bytes",
        "tests/minigrad/test_checkpoint.py",
        "tests/minigrad/test_errors.py",
        "tests/minigrad/help/test_other_frameworks.py::test_remedies_of_docs_run",
        "tests/minigrad/tools/test_versions.py::test_show_versions",
        "tests/optim/diagnosis/test_first_steps.py::test_run_that_is_resumed_after_the_last_batch_of_an_epoch",
        "tests/optim/training/callbacks/test_saving.py",
        "tests/optim/training/test_interrupt.py::test_ctrl_c_and_resume",
        "tests/optim/training/test_interrupt.py::test_ctrl_c_in_validation_resumes_there",
        "tests/optim/training/test_interrupt.py::test_ctrl_c_within_a_callback_stores_no_snapshot",
        "tests/optim/training/test_snapshot.py",
    ],
    "it needs another package that pages do without, tqdm or matplotlib": [
        "tests/minigrad/gradient_checker/test_curve.py::test_step_curve_of_a_right_gradient_is_a_v",
        "tests/optim/training/callbacks/test_display.py",
        "tests/optim/training/test_range_finder.py::test_find_learning_rate_puts_dropout_and_shuffling_back",
    ],
    "the file system here has no locks, permissions, hard links and pipes": [
        "tests/minigrad/test_bad_paths.py",
        "tests/minigrad/support/test_files.py",
    ],
    "it is one of many alike, of which some are enough to see what is different here": [
        *(f"{RULES}::test_right_rules_are_not_blamed[{decade}]" for decade in range(4, 40)),
        *(f"{RULES}::test_wrong_rule_is_blamed[{seed}]" for seed in range(30, 75, 3)),
        *(
            f"tests/layers/test_mask.py::test_mask_hides_padding[{case}]"
            for case in (
                "GRU-options3",
                "RNN-options4",
                "LSTM-options5",
                "LSTM-options6",
            )
        ),
        *(
            f"{LAZY}::{CATCHES_UP}[{beta2}-{beta1}]"
            for beta1 in (0.0, 0.5, 0.9, 0.99)
            for beta2 in (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)
            if (beta1, beta2) not in ((0.0, 0.0), (0.9, 0.999), (0.99, 0.9))
        ),
        *(
            f"{LAZY}::{AS_DENSE}[{rule}-{seed}]"
            for rule in ("sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad")
            for seed in range(2, 6)
        ),
        *(
            f"tests/layers/test_stream.py::test_sample_draws_from_the_softmax[{one}]"
            for one in (1.0, 2.0)
        ),
    ],
    "it is long, and a shorter one like it is tried": [
        *(f"{LAZY}::{CATCHES_UP}_late[{case}]" for case in ("0.999-1500", "0.9-10")),
    ],
}


@pytest.fixture(scope="session")
def gathered(tmp_path_factory):
    """A folder with what a page runs."""
    folder = tmp_path_factory.mktemp("runtime")
    try:
        sizes = runtime.gather(folder)
    except runtime.Unavailable:
        pytest.skip(NO_PYODIDE)
    assert sum(sizes.values()) <= 10e6
    return folder


def files():
    """The test files, from the root of the repository."""
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("test_*.py"))]
    return [path.relative_to(ROOT) for path in found]


def node(script, *arguments):
    """Run a script of this folder under Node."""
    command = [NODE, str(HERE / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)


def test_what_can_run_there_passes(gathered):
    if not (PACKAGES / ".installed").exists():
        pytest.skip("no pytest for Pyodide (make setup)")
    left_out = list(itertools.chain(*LEFT_OUT.values()))
    options = "-q -p no:cacheprovider --capture=sys --hypothesis-profile=sampled --tb=short".split()
    options += [str(file) for file in files() if str(file) not in left_out]
    options += [option for name in left_out if "::" in name for option in ("--deselect", name)]
    run = node("run.mjs", gathered, PACKAGES, ROOT, *options)
    print(run.stdout[-10_000:], run.stderr[-2_000:])
    assert run.returncode == 0
    assert int(re.findall(r"(\d+) passed", run.stdout)[-1]) > 1000


def test_each_that_is_left_out_is_there():
    for name in itertools.chain(*LEFT_OUT.values()):
        path, _, test = name.partition("::")
        assert f"def {test.partition('[')[0]}" in (ROOT / path).read_text(), name


def test_a_page_computes_draws_explores_and_reads_reviews(gathered):
    run = node("page.mjs", gathered)
    assert run.returncode == 0, run.stderr[-2_000:]
    found = json.loads(run.stdout)
    # of (tanh(x @ W + b) - 1)², by hand
    slope = 2 * (math.tanh(-1.0) - 1) * (1 - math.tanh(-1.0) ** 2)
    assert found["gradient"] == pytest.approx([slope, 2 * slope], rel=1e-6)
    nodes = ET.fromstring(found["svg"]).findall(".//*[@class='node']")
    assert len(nodes) == 8  # x, W, b, target; their product, its sum with b, Tanh, the loss
    assert found["page"] > 10_000
    assert found["refused"] == ["MG404", "MG607", "MG509"]
    assert found["reviews"] == 25_000 and found["rows"] == [2, 40, 4]
    assert found["loaded"] == []
