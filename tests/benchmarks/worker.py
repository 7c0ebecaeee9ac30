"""Run one contender in its own process.

    python worker.py CORE PROBLEM MODULE SETTING LETTER CASE

The process prints lines of JSON. When the contender is built, it prints {"check": ..., "note": ...}.
Each line of its input is a number of seconds. For each line, it runs the contender for this time
and prints {"wall": ..., "cpu": ..., "memory": ...}.
"""

import gc
import json
import os
import pickle
import re
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path


def main():
    core, problem, module, setting, letter, case = sys.argv[1:]
    if hasattr(os, "sched_setaffinity") and core != "any":
        # before any library counts the cores and starts its threads
        os.sched_setaffinity(0, {int(core)})
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # keeps the output of libraries out of the replies

    def reply(**values):
        print(json.dumps(values), file=replies, flush=True)

    from workloads import WORKLOADS

    contender = import_module(f"contenders.{module}")
    build = next(one.build for one in WORKLOADS if one.letter == letter)
    given = pickle.loads(Path(problem).read_bytes())
    before = peak_memory(afresh=True)
    call, check, units, note, warm = build(contender, setting, given, case)
    reply(check=check, note=note, cpu=time.process_time())
    for line in sys.stdin:
        wall, cpu = measure(call, float(line))
        reply(wall=wall / units, cpu=cpu / units, memory=peak_memory() - (warm or before))


def measure(call, seconds):
    """Call the function repeatedly for at least `seconds`. Return the wall time and the CPU time of a
    call, in seconds.
    """
    gc.collect()
    calls, wall, cpu = 0, time.perf_counter(), time.process_time()
    while calls == 0 or time.perf_counter() - wall < seconds:
        call()
        calls += 1
    return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls


def peak_memory(afresh=False):
    """Return the process's peak memory in bytes since the last call with `afresh`, or 0 on systems
    other than Linux.
    """
    if sys.platform != "linux":
        return 0
    if afresh:
        with suppress(OSError):  # the file may not be writable
            Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+)", status)[0]) * 1024


if __name__ == "__main__":
    main()
