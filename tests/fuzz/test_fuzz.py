"""A short run of every fuzzer, always the same cases; `make fuzz` has long ones. And the fuzzers'
own tools.
"""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg

from . import mutants, properties, run, test_updates

pytestmark = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning"
)  # numbers may be extreme
ROOT = Path(__file__).resolve().parents[2]
CASES = {
    "lives": 100,
    "handouts": 40,
    "resume": 12,
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
