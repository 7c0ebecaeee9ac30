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

from . import mutants, programs, run, thresholds

ROOT = Path(__file__).resolve().parents[2]
CASES = {"programs": 250, "second order": 100, "values": 500, "recurrent": 60, "layers": 200, "optimizers": 40,
         "lives": 100, "handouts": 40, "resume": 12, "pytorch": 50, "damage": 300, "names": 2, "pages": 1}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_short_run(name):
    fuzzer = run.FUZZERS[name]()
    if why := fuzzer.missing():
        pytest.skip(why)
    try:
        for number in range(CASES[name]):
            assert run.one_case(fuzzer, 1, 0, number) == ""
    finally:
        fuzzer.close()


def command(*arguments):
    call = [sys.executable, "-m", "tests.fuzz.run", "--processes", "1", *arguments]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(run.FUZZERS["kills"]().missing() != "", reason="this system has no fork")
def test_kills_and_the_command():
    # In a process of its own, because this one may have threads, and a fork takes only one of them
    # along.
    done = command("--only", "kills", "--minutes", "0.02")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "0 failures" in done.stdout
        and "kills" in done.stdout
        and "minigrad.fast.kernels.BLOCK" in done.stdout
    )


def test_a_failure_is_shrunk_to_a_test_that_fails_for_the_same_reason(monkeypatch):
    """tanh gets a wrong rule: of a long program, the line with tanh is left, as a test that can be
    pasted and run.
    """
    right = mg.Tanh.backward
    fuzzer = programs.FirstOrder()
    monkeypatch.setattr(mg.Tanh, "backward", lambda self, *given: (1.5 * right(self, *given)[0],))
    cases = (fuzzer.case(np.random.default_rng([9, number])) for number in range(500))
    long = next(case for case in cases if len(case.lines) > 5 and fuzzer.tried(case))
    small = fuzzer.shrunk(long, seconds=30)
    assert [line[1].split("(")[0] for line in small.lines] == ["mg.tanh"]
    space: dict[str, Any] = {}
    exec(fuzzer.as_test(small), space)
    with pytest.raises(AssertionError, match="gradient: along one direction"):
        space["test_a_case"]()
    monkeypatch.setattr(mg.Tanh, "backward", right)
    space["test_a_case"]()


def test_small_thresholds_are_set_where_they_are_read_and_both_sides_are_counted():
    logits, labels = np.ones((4, 3)), np.zeros(4, int)
    thresholds.COUNTS.clear()
    with thresholds.using({"minigrad.fast.kernels.BLOCK": 5}):
        assert np.isnan(np.empty(3)).all()
        mg.softmax_cross_entropy(logits, labels)
    assert (
        thresholds.COUNTS["minigrad.fast.kernels.BLOCK", "above"]
        and not np.isnan(np.zeros(3)).any()
    )
    assert "no case was below minigrad.fast.kernels.BLOCK" in thresholds.untried(
        thresholds.COUNTS - thresholds.COUNTS
    )
    thresholds.COUNTS.clear()
    with thresholds.using({}):
        mg.softmax_cross_entropy(logits, labels)
    assert thresholds.COUNTS == {("minigrad.fast.kernels.BLOCK", "below"): 1}


def test_every_constant_that_is_a_number_is_a_threshold_or_something_else():
    """A new one in capitals goes to the one list or to the other."""
    known = {*thresholds.THRESHOLDS, *thresholds.OTHERS}
    found = set()
    for path in [
        p
        for name in ("minigrad", "minigrad/gates", "layers", "optim")
        for p in ROOT.glob(f"{name}/*.py")
    ]:
        for line in ast.parse(path.read_text("utf-8")).body:
            target = (
                line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
            )
            if isinstance(target, ast.Name) and re.fullmatch("_?[A-Z][A-Z_]+", target.id):
                values = [node.value for node in ast.walk(line) if isinstance(node, ast.Constant)]
                if values and all(type(value) in (int, float) for value in values):
                    found.add(".".join((*path.relative_to(ROOT).with_suffix("").parts, target.id)))
    assert found <= known, found - known


def test_every_generator_makes_smaller_cases_and_writes_each_down():
    for name, kind in run.FUZZERS.items():
        fuzzer = kind()
        try:
            cases = [fuzzer.case(np.random.default_rng(number)) for number in range(4)]
            assert name == "kills" or any(list(fuzzer.smaller(case)) for case in cases), name
            for case in cases:
                compile(fuzzer.as_test(case), name, "exec")
        finally:
            fuzzer.close()


def test_the_same_seed_makes_the_same_case():
    for kind in run.FUZZERS.values():
        fuzzer = kind()
        try:
            one, two = (fuzzer.case(np.random.default_rng([4, 2])) for _ in range(2))
            assert one == two
        finally:
            fuzzer.close()


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.what)
def test_every_planted_fault_has_its_place_in_the_source(mutant, tmp_path):
    path = tmp_path / mutant.file
    path.parent.mkdir(parents=True)
    path.write_text((ROOT / mutant.file).read_text("utf-8"), "utf-8")
    mutant.apply(tmp_path)
    compile(path.read_text("utf-8"), mutant.file, "exec")
