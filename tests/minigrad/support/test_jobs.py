"""`run_jobs`: a job that fails is lost alone, and results are kept for the next run."""

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
from minigrad.support.jobs import ROOT, run_jobs

posix = pytest.mark.skipif(os.name != "posix", reason="needs Linux or macOS")

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
def script(tmp_path):
    path = tmp_path / "jobs_script.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def run(script, tmp_path, monkeypatch):
    """Run jobs of the script in an empty folder, {name: its arguments}. Returns the results, and
    the x of each call.
    """
    monkeypatch.syspath_prepend(str(tmp_path))
    work = importlib.import_module("jobs_script").work
    calls = tmp_path / "calls"

    def run(jobs, **options):
        calls.write_text("")
        place = {"place": str(tmp_path)}
        todo = {name: place | arguments for name, arguments in jobs.items()}
        done = run_jobs(todo, work, 2, tmp_path / "out", **options)
        results = {name: job.result for name, job in done.items()}
        return results, sorted(calls.read_text().split())

    yield run
    del sys.modules["jobs_script"]


@pytest.fixture
def run_in_thread(tmp_path):
    """`run_in_thread(x)`: whether a job with the argument x runs."""
    calls = []

    def work(x):
        calls.append(x)
        return {"x": 1}

    def run_in_thread(x):
        calls.clear()
        run_jobs({"job": {"x": x}}, work, 1, tmp_path / "out", apart=False)
        return calls != []

    return run_in_thread


@posix
def test_failed_job_loses_only_itself(run, tmp_path, capfd):
    kinds = ("", "raise", "return", "kill", "leave", "return what loses digits")
    todo = {f"job{x}": {"does": does, "x": x} for x, does in enumerate(kinds)}
    values = {
        "large": 2**53 + 1,
        "yes": True,
        "x": float(np.float32(0.1)),
        "pair": [1, 2],
    }
    results, calls = run(todo)
    assert results == {"job0": {"x": 0}, "job2": values}
    assert results["job2"]["yes"] is True
    assert calls == [*"012345"]
    printed = capfd.readouterr().err
    assert "ValueError: no luck (see" in printed
    assert "SIGKILL (see" in printed
    assert "represent longdouble" in printed
    assert "4 of 6 jobs" in printed
    log = (tmp_path / "out" / "job1.log").read_text()
    assert "this is 1" in log
    assert "raw output" in log
    assert "Traceback" in log
    assert run(todo) == (results, [*"1345"])


def test_changed_code_runs_again(run, tmp_path, capfd):
    todo = {"job": {"x": 1}}
    assert run(todo)[1] == ["1"]
    (tmp_path / "beside.py").write_text("x = 1")
    assert run(todo, any_code=True)[1] == []
    assert "run again" not in capfd.readouterr().err
    assert run(todo)[1] == ["1"]
    message = "computed again because their input or the code changed: 1"
    assert message in capfd.readouterr().err


@pytest.mark.parametrize(
    "xs, again",
    [
        ([1, 1.0, True, 0.1, 2**53 + 1, 2**53, math.nan, (1, 2)], True),
        ([True, np.bool_(True)], False),
        ([0.1, np.float64(0.1)], False),
        ([0.10000000149011612, np.float32(0.1)], False),
        ([1, np.int64(1)], False),
        ([(1, 2), [1, 2]], False),
    ],
)
def test_changed_argument_runs_again(run_in_thread, xs, again):
    first, *others = xs
    assert run_in_thread(first)
    for x in others:
        assert run_in_thread(x) == again, x


def test_damaged_results_run_again(run, tmp_path, capfd):
    todo = {f"job{x}": {"x": x} for x in (1, 2, 3)}
    run(todo)
    path = tmp_path / "out" / "results.jsonl"
    first, second, third = path.read_bytes().splitlines(keepends=True)
    damaged = [
        first.replace(b'"job"', b'"jab"'),
        b"\n",
        b"[1]\n",
        b"7\n",
        b"[" * 99_999 + b"\n",
        first[:50] + b"\xff" + first[51:],
    ]
    cut = third[:-20]
    path.write_bytes(b"".join([*damaged, second, cut]))
    results, calls = run(todo)
    assert list(results) == ["job1", "job2", "job3"]
    assert len(calls) == 2
    printed = capfd.readouterr().err
    for number in range(1, 9):
        skipped = f"line {number} is damaged" in printed
        assert skipped == (number <= len(damaged))
    assert run(todo) == (results, [])


@pytest.mark.parametrize("x", [np.ones(2), {1, 2}, np.longdouble(1)])
def test_unsuitable_argument_is_refused_before_jobs_start(run, tmp_path, x):
    with pytest.raises(OptionError, match="MG922"):
        run({"good": {}, "bad": {"x": x}})
    assert (tmp_path / "calls").read_text() == ""


def test_jobs_run_in_threads(capfd):
    done = run_jobs({"a\x1b": {"a": 7}}, dict, apart=False)
    assert done["a\x1b"].result == {"a": 7}
    assert "done    a\\x1b" in capfd.readouterr().err


def is_gone(pid):
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


@posix
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_jobs_end_with_parent(script, tmp_path, how):
    parent = subprocess.Popen(
        [sys.executable, script, tmp_path],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    results = tmp_path / "out" / "results.jsonl"

    def paths(pattern):
        return list(tmp_path.glob(pattern))

    wait_until(lambda: len(paths("pid-*")) == 3 and results.read_text())
    pids = [int(path.read_text()) for path in paths("pid-*")]
    parent.send_signal(how)
    _, printed = parent.communicate(timeout=30)
    wait_until(lambda: all(map(is_gone, pids)))
    assert len(paths("cleaned-*")) == 3
    (line,) = results.read_text().splitlines()
    assert json.loads(line)["job"] == "quick"
    if how == signal.SIGINT:
        assert "KeyboardInterrupt" in printed
