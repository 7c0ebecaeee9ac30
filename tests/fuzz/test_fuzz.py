"""A short run of every fuzzer, always the same cases; `make fuzz` has long ones. And the fuzzers'
own tools.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg

from . import mutants, programs, properties, run, test_updates, thresholds

pytestmark = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning"
)  # numbers may be extreme
ROOT = Path(__file__).resolve().parents[2]
CASES = {
    "programs": 250,
    "second order": 100,
    "values": 500,
    "recurrent": 60,
    "layers": 200,
    "optimizers": 40,
    "lives": 100,
    "handouts": 40,
    "resume": 12,
    "pytorch": 50,
    "damage": 300,
}


@pytest.mark.parametrize("name", CASES)
def test_a_short_run(name):
    fuzzer = run.FUZZERS[name]()
    if why := fuzzer.missing():
        pytest.skip(why)
    for number in range(CASES[name]):
        assert run.one_case(fuzzer, 1, 0, number) == ""


@pytest.mark.skipif(
    run.FUZZERS["kills"]().missing() != "", reason="this system has no fork"
)
def test_kills_and_the_command():
    # In another process, because this one may have threads, and a fork takes only one of them
    # along.
    for fuzzer in ("kills", "numbers_take_the_parameter_s_dtype"):
        command = [
            sys.executable,
            "-m",
            "tests.fuzz.run",
            "--processes",
            "1",
            "--minutes",
            "0.02",
        ]
        command += ["--only", fuzzer]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "\n0 failures" in done.stdout and re.search(
            rf"{fuzzer} +[1-9]", done.stdout
        )
        assert "minigrad.support.arrays.BLOCK" in done.stdout


def test_a_failure_is_shrunk_to_a_test_that_fails_for_the_same_reason(monkeypatch):
    """tanh gets a wrong rule: of a long program, the line with tanh is left, as a test that can be
    pasted and run.
    """
    right = mg.Tanh.backward
    fuzzer = programs.FirstOrder()
    monkeypatch.setattr(
        mg.Tanh, "backward", lambda self, *given: (1.5 * right(self, *given)[0],)
    )
    cases = (fuzzer.case(np.random.default_rng([9, number])) for number in range(500))
    long = next(case for case in cases if len(case.lines) > 5 and fuzzer.tried(case))
    small = fuzzer.shrunk(long, seconds=30)
    assert [line[1].split("(")[0] for line in small.lines] == ["mg.tanh"]
    space: dict[str, Any] = {}
    exec(fuzzer.as_test(small), space)
    test = next(
        function for name, function in space.items() if name.startswith("test_")
    )
    with pytest.raises(AssertionError):
        test()
    monkeypatch.setattr(mg.Tanh, "backward", right)
    test()


def test_small_thresholds_are_set_where_they_are_read_and_both_sides_are_counted():
    name = "minigrad.support.arrays.BLOCK"
    logits, labels = np.ones((4, 3)), np.zeros(4, int)
    thresholds.COUNTS.clear()
    with thresholds.using({}):
        assert np.isnan(np.empty(3)).all()
        mg.softmax_cross_entropy(logits, labels)
    assert set(thresholds.COUNTS) == {(name, "below")}
    assert f"no case was above {name}" in thresholds.untried(thresholds.COUNTS)
    with thresholds.using({name: 5}):
        mg.softmax_cross_entropy(logits, labels)
    assert thresholds.COUNTS[name, "above"]


def test_every_constant_that_is_a_number_is_a_threshold_or_something_else():
    """A new one in capitals goes to the one list or to the other."""
    found = set()
    for folder in ("minigrad", "minigrad/gates", "layers", "optim"):
        for path in (ROOT / folder).glob("*.py"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for line in ast.parse(path.read_text("utf-8")).body:
                name = re.match("(_?[A-Z][A-Z_]+)(:| =)", ast.unparse(line))
                constants = [
                    one for one in ast.walk(line) if isinstance(one, ast.Constant)
                ]
                types = {type(constant.value) for constant in constants}
                if name and types and types <= {int, float}:
                    found.add(f"{module}.{name[1]}")
    assert found <= {*thresholds.THRESHOLDS, *thresholds.OTHERS}


def test_a_property_s_failure_can_be_pasted(monkeypatch):
    name = "numbers_take_the_parameter_s_dtype"
    function = test_updates.test_numbers_take_the_parameter_s_dtype
    monkeypatch.setattr(properties, "properties", lambda: {name: function})
    assert properties.take_turn(name, 3)[1] == ""
    monkeypatch.setattr(mg.Subtract, "backward", lambda self, dz, z, a, b: (dz, dz))
    tried, failure = properties.take_turn(name, 3)
    assert tried > 1 and "tests.fuzz.test_updates import *" in failure
    assert f"test_{name}.hypothesis.inner_test(" in failure


@pytest.mark.parametrize("name", run.FUZZERS)
def test_a_seed_makes_the_same_cases_which_become_smaller_and_are_written_down(name):
    fuzzer = run.FUZZERS[name]()
    cases, again = (
        [fuzzer.case(np.random.default_rng(number)) for number in range(4)]
        for _ in range(2)
    )
    assert repr(cases) == repr(again)
    assert any(list(fuzzer.smaller(case)) for case in cases)
    for case in cases:
        compile(fuzzer.as_test(case), name, "exec")


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant[-1])
def test_every_planted_fault_has_its_place_in_the_source(mutant, tmp_path):
    path = tmp_path / mutant[0]
    path.parent.mkdir(parents=True)
    path.write_text((ROOT / mutant[0]).read_text("utf-8"), "utf-8")
    mutants.plant(mutant, tmp_path)
    compile(path.read_text("utf-8"), path, "exec")
