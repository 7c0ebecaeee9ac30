"""One contender's process: builds what it is told to build, then runs it for a while whenever it is
asked.

    python worker.py CORE PROBLEM.npz MODULE SETTING WORKLOAD CASE

Speaks in lines of JSON: once {"check": ..., "versions": ...} when it is ready, then {"seconds": s}
in and
{"wall": ..., "cpu": ..., "calls": ..., "memory": ...} out, until its input ends.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    core, problem_path, module, setting, workload, case = sys.argv[1:]
    if hasattr(os, "sched_setaffinity") and core != "any":
        # before any library counts the cores and starts its threads
        os.sched_setaffinity(0, {int(core)})
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no reply

    def reply(**values: Any) -> None:
        print(json.dumps(values), file=replies, flush=True)

    try:
        from problem import Problem
        from workloads import WORKLOADS

        problem = Problem.load(Path(problem_path))
        contender = import_module(f"contenders.{module}")
        before = peak_memory(afresh=True)
        build = next(one.build for one in WORKLOADS if one.name == workload)
        built = build(contender, setting, problem, case)
        reply(
            check=built.check,
            note=built.note,
            versions=contender.versions(),
            cpu=time.process_time(),
        )
        for line in sys.stdin:
            answer = measure(built.call, built.units, json.loads(line)["seconds"])
            reply(**answer, memory=peak_memory() - before)
    except Exception as error:
        traceback.print_exc()
        reply(error=f"{type(error).__name__}: {error}")
        sys.exit(1)


def measure(call: Callable[[], object], units: float, seconds: float) -> dict[str, float]:
    """Call again and again for at least so many seconds: seconds per unit of work, on the wall and
    of this process.
    """
    gc.collect()
    calls, wall, cpu = 0, time.perf_counter(), time.process_time()
    while True:
        call()
        calls += 1
        spent = time.perf_counter() - wall
        if spent >= seconds:
            break
    return {
        "wall": spent / calls / units,
        "cpu": (time.process_time() - cpu) / calls / units,
        "calls": calls,
    }


def peak_memory(afresh: bool = False) -> int:
    """The most bytes that this process has held since the last call `afresh`; 0 on other systems
    than Linux.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    if afresh:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    return int(re.findall(r"VmHWM:\s*(\d+)", status.read_text())[0]) * 1024


if __name__ == "__main__":
    main()
