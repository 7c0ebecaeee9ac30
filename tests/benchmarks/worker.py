"""One contender's process: builds what it is told to build, then runs it for a while whenever it is
asked.

    python worker.py CORE PROBLEM MODULE SETTING WORKLOAD CASE

Speaks in lines of JSON: once {"check": ..., "note": ...} when it is ready, then {"wall": ...,
"cpu": ..., "memory": ...} for each line of its input, which is a number of seconds.
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
    core, problem, module, setting, workload, case = sys.argv[1:]
    if hasattr(os, "sched_setaffinity") and core != "any":
        # before any library counts the cores and starts its threads
        os.sched_setaffinity(0, {int(core)})
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no reply

    def reply(**values):
        print(json.dumps(values), file=replies, flush=True)

    from workloads import WORKLOADS

    contender = import_module(f"contenders.{module}")
    build = next(one.build for one in WORKLOADS if one.name == workload)
    with open(problem, "rb") as file:
        given = pickle.load(file)
    before = peak_memory(afresh=True)
    call, check, units, note = build(contender, setting, given, case)
    reply(check=check, note=note, cpu=time.process_time())
    for line in sys.stdin:
        wall, cpu = measure(call, float(line))
        reply(wall=wall / units, cpu=cpu / units, memory=peak_memory() - before)


def measure(call, seconds):
    """Call again and again for at least so many seconds. Returns the seconds of a call, on the wall
    and of this process.
    """
    gc.collect()
    calls, wall, cpu = 0, time.perf_counter(), time.process_time()
    while calls == 0 or time.perf_counter() - wall < seconds:
        call()
        calls += 1
    return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls


def peak_memory(afresh=False):
    """The most bytes that this process has held since the last call `afresh`; 0 on other systems
    than Linux.
    """
    if sys.platform != "linux":
        return 0
    if afresh:
        with suppress(OSError):  # where it may not be written
            Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+)", status)[0]) * 1024


if __name__ == "__main__":
    main()
