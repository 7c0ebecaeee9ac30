"""Jobs that fail, are killed or stopped: each is lost alone, and what is done is kept for the next
run.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from minigrad.errors import OptionError
from minigrad.support import jobs as module
from minigrad.support.jobs import run_jobs

SCRIPT = """
import os, signal, sys, time
import numpy as np
from pathlib import Path
from minigrad.support.jobs import run_jobs

def work(place, does="", x=0.0):
    with open(os.path.join(place, "calls"), "a") as calls:
        calls.write(f"{x}\\n")
    print("this is", x)
    os.write(1, b"raw output\\n")
    if does == "raise":
        raise ValueError("no luck")
    if does == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if does == "leave":
        os._exit(0)
    if does == "return":
        return {"large": np.int64(2**53 + 1), "yes": np.bool_(True), "x": np.float32(0.1), "pair": (1, 2)}
    if does == "return what loses digits":
        return np.longdouble(1) / 3
    if does == "wait":
        Path(place, f"pid-{x}").write_text(str(os.getpid()))
        try:
            time.sleep(60)
        finally:
            Path(place, f"cleaned-{x}").touch()
    return {"x": x / 3}

if __name__ == "__main__":
    place = sys.argv[1]
    jobs = {f"wait-{i}": {"place": place, "does": "wait", "x": i} for i in (1, 2, 3)}
    run_jobs({"quick": {"place": place, "x": 0.1}, **jobs}, work, 3, os.path.join(place, "out"))
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run jobs of a script in an empty folder, {name: its arguments}. Returns what is done, and the
    x of each call.
    """
    (tmp_path / "jobs_script.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(str(tmp_path))
    work = importlib.import_module("jobs_script").work

    def run(jobs, **options):
        calls = tmp_path / "calls"
        calls.write_text("")
        todo = {
            name: {"place": str(tmp_path), **arguments}
            for name, arguments in jobs.items()
        }
        done = run_jobs(todo, work, 2, tmp_path / "out", **options)
        results = {name: one.result for name, one in done.items()}
        return results, sorted(calls.read_text().splitlines())

    yield run
    del sys.modules["jobs_script"]


@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
def test_a_job_that_fails_or_is_killed_loses_only_itself(run, tmp_path, capfd):
    kinds = ("", "raise", "return", "kill", "leave", "return what loses digits")
    todo = {f"job{x}": {"does": does, "x": x} for x, does in enumerate(kinds)}
    results = {
        "job0": {"x": 0},
        "job2": {
            "large": 2**53 + 1,
            "yes": True,
            "x": float(np.float32(0.1)),
            "pair": [1, 2],
        },
    }
    done, calls = run(todo)
    assert (
        done == results
        and list(done) == ["job0", "job2"]
        and done["job2"]["yes"] is True
    )
    assert calls == [*"012345"]
    printed = capfd.readouterr().err
    for part in (
        "ValueError: no luck (see",
        "SIGKILL (see",
        "represent longdouble",
        "4 of 6 jobs",
    ):
        assert part in printed
    log = (tmp_path / "out" / "job1.log").read_text()
    assert "this is 1" in log and "raw output" in log and "Traceback" in log
    assert run(todo) == (results, [*"1345"])


def test_other_code_runs_again_and_is_noticed(run, tmp_path, capfd):
    assert run({"job": {"x": 1}})[1] == ["1"]
    (tmp_path / "beside.py").write_text("x = 1")
    assert run({"job": {"x": 1}}, any_code=True)[1] == []
    assert "run again" not in capfd.readouterr().err
    assert run({"job": {"x": 1}})[1] == ["1"]
    assert (
        "run again because their arguments or the code changed: 1"
        in capfd.readouterr().err
    )


def test_a_kept_result_counts_only_for_the_same_arguments(run):
    different = (1, 1.0, True, np.float32(0.1), 0.1, 2**53 + 1, 2**53, math.nan, (1, 2))
    same = (np.int64(1), np.bool_(True), 0.10000000149011612, np.float64(0.1), [1, 2])

    def runs(x):
        return run({"job": {"does": "return", "x": x}})[1] != []

    assert [runs(x) for x in different] == [True] * len(different)
    assert [runs(x) for x in same] == [False] * len(same)


def test_damaged_lines_cost_only_themselves(run, tmp_path, capfd):
    todo = {f"job{x}": {"x": x} for x in (1, 2, 3)}
    run(todo)
    results = tmp_path / "out" / "results.jsonl"
    first, second, third = results.read_bytes().splitlines(keepends=True)
    damaged = (first.replace(b'"job"', b'"jab"'), b"\n", b"[1]\n", b"7\n", b"[" * 99_999 + b"\n",
               first[:50] + b"\xff" + first[51:])  # fmt: skip
    results.write_bytes(
        b"".join(damaged) + second + third[:-20]
    )  # and one that was cut
    done, calls = run(todo)
    assert list(done) == ["job1", "job2", "job3"] and len(calls) == 2
    printed = capfd.readouterr().err
    skipped = [
        number for number in range(1, 9) if f"line {number} is damaged" in printed
    ]
    assert skipped == [1, 2, 3, 4, 5, 6]
    assert run(todo)[1] == []


@pytest.mark.parametrize("odd", [np.ones(2), {1, 2}, np.longdouble(1)])
def test_what_cannot_be_passed_on_is_refused_before_any_job_starts(run, tmp_path, odd):
    with pytest.raises(OptionError, match="MG922"):
        run({"good": {}, "bad": {"x": odd}})
    assert (tmp_path / "calls").read_text() == ""


def test_threads_call_a_function_that_starts_a_process_itself(capfd):
    done = run_jobs({"a\x1b": {"a": 7}}, dict, apart=False)
    assert done["a\x1b"].result == {"a": 7}
    assert "done    a\\x1b" in capfd.readouterr().err


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until(holds, seconds=30.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_children_end_with_their_parent_and_results_stay(tmp_path, how):
    script = tmp_path / "jobs_script.py"
    script.write_text(SCRIPT)
    parent = subprocess.Popen([sys.executable, script, tmp_path], stderr=subprocess.PIPE, text=True,
                              env=os.environ | {"PYTHONPATH": str(module.ROOT)})  # fmt: skip
    results = tmp_path / "out" / "results.jsonl"
    wait_until(lambda: len(list(tmp_path.glob("pid-*"))) == 3 and results.read_text())
    pids = [int(path.read_text()) for path in tmp_path.glob("pid-*")]
    parent.send_signal(how)
    printed = parent.communicate(timeout=30)[1]
    wait_until(lambda: all(map(gone, pids)))
    assert len(list(tmp_path.glob("cleaned-*"))) == 3
    assert [json.loads(line)["job"] for line in results.read_text().splitlines()] == [
        "quick"
    ]
    if how == signal.SIGINT:
        assert "KeyboardInterrupt" in printed
