"""Jobs that fail, are killed or stopped: each is lost alone, and what is done is kept for the next run."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

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
    if does == "raise":
        raise ValueError("no luck\\nat all")
    if does == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if does == "pause":
        time.sleep(2)
    if does == "leave":
        os._exit(0)
    if does == "environment":
        return dict(os.environ)
    if does == "return":
        return {"large": np.int64(2**53 + 1), "yes": np.bool_(True), "x": np.float32(0.1), "pair": (1, 2)}
    if does == "return what loses digits":
        return np.longdouble(1) / 3 if x else np.ones(1)
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
def work(tmp_path, monkeypatch):
    """The function `work` of a script in an empty folder."""
    (tmp_path / "jobs_script.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("jobs_script").work
    del sys.modules["jobs_script"]


def calls(folder: Path) -> list[float]:
    """The x of each call since the last time this was asked."""
    path = folder / "calls"
    found = sorted(map(float, path.read_text().split())) if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def test_results_come_back_to_the_last_bit_and_in_order(work, tmp_path):
    numbers = (0.1, 2.0, 1e-320, 1e300)
    done = run_jobs({f"job{x}": {"place": str(tmp_path), "x": x} for x in numbers}, work, 2)
    assert list(done) == [f"job{x}" for x in numbers]
    assert [one.result for one in done.values()] == [{"x": x / 3} for x in numbers]


@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
def test_a_job_that_fails_or_is_killed_loses_only_itself(work, tmp_path, capfd):
    kinds = ("", "raise", "", "kill", "leave", "")
    todo = {f"job{x}": {"place": str(tmp_path), "does": does, "x": x} for x, does in enumerate(kinds)}
    assert list(run_jobs(todo, work, 2, tmp_path / "out")) == ["job0", "job2", "job5"]
    said = capfd.readouterr().err
    assert "ValueError: no luck (see" in said and "SIGKILL (see" in said and "3 of 6 jobs failed" in said
    log = (tmp_path / "out" / "job1.log").read_text()
    assert "this is 1" in log and "Traceback" in log
    assert calls(tmp_path) == [0, 1, 2, 3, 4, 5]
    assert list(run_jobs(todo, work, 2, tmp_path / "out")) == ["job0", "job2", "job5"]
    assert calls(tmp_path) == [1, 3, 4]


def test_other_arguments_and_other_code_run_again_and_are_noticed(work, tmp_path, capfd):
    out = tmp_path / "out"

    def run(x, **options):
        run_jobs({"job": {"place": str(tmp_path), "x": x}}, work, 1, out, **options)
        return calls(tmp_path), capfd.readouterr().err

    assert run(1)[0] == [1] and run(1)[0] == []
    ran, said = run(2)
    assert ran == [2] and "1 of the results came of other arguments" in said
    assert run(1)[0] == run(2)[0] == []  # both are there
    (tmp_path / "beside.py").write_text("x = 1")
    assert run(1, any_code=True)[0] == []
    ran, said = run(1)
    assert ran == [1] and "another version of the code; these run again" in said
    assert len((out / "results.jsonl").read_text().splitlines()) == 3


def test_a_script_without_a_main_guard_starts_no_avalanche(tmp_path):
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from minigrad.support.jobs import run_jobs\ndef f(): return 1\nprint(len(run_jobs({'a': {}}, f)))"
    )
    environment = os.environ | {"PYTHONPATH": str(module.ROOT)}
    ended = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, timeout=60)
    assert "OptionError: [MG920] a job began jobs of its own" in ended.stderr and ended.stdout == "0\n"


def test_a_line_that_was_cut_costs_only_itself(work, tmp_path):
    todo = {f"job{x}": {"place": str(tmp_path), "x": x} for x in (1, 2)}
    run_jobs(todo, work, 1, tmp_path / "out")
    results = tmp_path / "out" / "results.jsonl"
    results.write_bytes(results.read_bytes()[:-20])
    assert calls(tmp_path) == [1, 2]
    assert list(run_jobs(todo, work, 1, tmp_path / "out")) == ["job1", "job2"] and calls(tmp_path) == [2]
    assert [json.loads(line)["job"] for line in results.read_text().splitlines()] == ["job1", "job2"]


def test_damaged_lines_cost_only_themselves(work, tmp_path, capfd):
    todo = {f"job{x}": {"place": str(tmp_path), "x": x} for x in (1, 2)}
    run_jobs(todo, work, 1, tmp_path / "out")
    results = tmp_path / "out" / "results.jsonl"
    first, second = results.read_bytes().splitlines(keepends=True)
    damaged = (
        first.replace(b'"job"', b'"jab"'),
        b"\n",
        b"[1]\n",
        b"7\n",
        b"[" * 99_999 + b"\n",
        first[:50] + b"\xff" + first[51:],
    )
    results.write_bytes(b"".join(damaged) + second)
    assert calls(tmp_path) == [1, 2]
    assert list(run_jobs(todo, work, 1, tmp_path / "out")) == ["job1", "job2"] and calls(tmp_path) == [1]
    said = capfd.readouterr().err
    assert [f"line {number} is damaged" in said for number in range(1, 8)] == [True] * 6 + [False]


def test_a_full_disk_loses_no_result(work, tmp_path, capfd, monkeypatch):
    class Full(io.BytesIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    real = open
    opened = lambda path, mode, **_: Full() if "a" in mode else real(path, mode)  # noqa: E731
    monkeypatch.setattr(module, "open", opened, raising=False)
    done = run_jobs({"job": {"place": str(tmp_path), "x": 3}}, work, 1, tmp_path / "out")
    assert done["job"].result == {"x": 1.0}
    assert "the result of job cannot be kept: No space left on device" in capfd.readouterr().err


def test_numpy_s_numbers_come_back_exactly_or_not_at_all(work, tmp_path, capfd):
    place = str(tmp_path)
    todo: dict[str, dict[str, object]] = {"a": {"place": place, "does": "return"},
            **{f"b{x}": {"place": place, "does": "return what loses digits", "x": x} for x in (0, 1)}}  # fmt: skip
    for _ in range(2):  # computed, and kept
        done = run_jobs(todo, work, 1, tmp_path / "out")
        assert list(done) == ["a"]
        result = done["a"].result
        assert result == {"large": 2**53 + 1, "yes": True, "x": float(np.float32(0.1)), "pair": [1, 2]}
        assert type(result["large"]) is int and result["yes"] is True
    assert "TypeError: JSON cannot hold a ndarray exactly" in capfd.readouterr().err


def test_a_kept_result_counts_only_for_the_same_arguments(work, tmp_path):
    def runs(x):
        (tmp_path / "calls").unlink(missing_ok=True)
        run_jobs({"job": {"place": str(tmp_path), "does": "return", "x": x}}, work, 1, tmp_path / "out")
        return (tmp_path / "calls").exists()

    different = (1, 1.0, True, np.float32(0.1), 0.1, 2**53 + 1, 2**53, 0.0, -0.0, math.nan, "1", (1, 2))
    assert [runs(x) for x in different] == [True] * len(different)
    same = (np.int64(1), np.float64(1), np.bool_(True), 0.10000000149011612, np.float64(0.1), np.int64(2**53 + 1),
            float("nan"), [1, 2], np.float32("nan"))  # fmt: skip
    assert [runs(x) for x in same] == [False] * len(same)


def test_arguments_that_cannot_travel_are_refused_before_any_job_starts(work, tmp_path):
    for odd in (np.ones(2), 1j, {1, 2}, np.longdouble(1), work, np.datetime64("2026-01-01")):
        with pytest.raises(OptionError, match="MG922"):
            run_jobs({"good": {"place": str(tmp_path)}, "bad": {"place": str(tmp_path), "x": odd}}, work)
    assert not calls(tmp_path)


def test_one_thread_for_each_job_and_nothing_that_slows_malloc(work, tmp_path, monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "0")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")
    monkeypatch.setenv("MINIGRAD_TEST", "kept")
    done = run_jobs({"job": {"place": str(tmp_path), "does": "environment"}}, work)
    found = done["job"].result
    assert "MALLOC_TRIM_THRESHOLD_" not in found
    assert found["OPENBLAS_NUM_THREADS"] == found["OMP_NUM_THREADS"] == "1" and found["MINIGRAD_TEST"] == "kept"


def gone(pid: int) -> bool:
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
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_children_end_with_their_parent_and_results_stay(tmp_path, how):
    script = tmp_path / "jobs_script.py"
    script.write_text(SCRIPT)
    parent = subprocess.Popen([sys.executable, script, tmp_path], stderr=subprocess.PIPE, text=True,
                              env=os.environ | {"PYTHONPATH": str(module.ROOT)})  # fmt: skip
    results = tmp_path / "out" / "results.jsonl"
    wait_until(
        lambda: len(list(tmp_path.glob("pid-*"))) == 3 and results.read_text()
    )  # one that runs after the quick one
    pids = [int(path.read_text()) for path in tmp_path.glob("pid-*")]
    parent.send_signal(how)
    said = parent.communicate(timeout=30)[1]
    wait_until(lambda: all(map(gone, pids)))
    assert len(list(tmp_path.glob("cleaned-*"))) == 3
    assert [json.loads(line)["job"] for line in results.read_text().splitlines()] == ["quick"]
    if how == signal.SIGINT:
        assert "stopped after 1 of 4 jobs; what is done is kept" in said and "KeyboardInterrupt" in said


@pytest.mark.skipif(os.name != "posix", reason="there are no pseudo-terminals")
def test_a_terminal_shows_what_runs(work, tmp_path, monkeypatch):
    import fcntl
    import pty
    import struct
    import termios

    main, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    parts = []

    def read():  # as a terminal does: what nobody reads would stop the writer
        with contextlib.suppress(OSError):  # at the end
            while part := os.read(main, 4096):
                parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    with open(end, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        run_jobs(
            {"job\x1b[2J": {"place": str(tmp_path), "does": "pause", "x": 3}},
            work,
            shown=lambda result: f"x is {result['x']}",
        )
    reader.join()
    os.close(main)
    shown = b"".join(parts).decode()
    assert "running job" in shown and "x is 1.0" in shown and "\x1b[2J" not in shown
