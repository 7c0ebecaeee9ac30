"""Runs the fuzzers: says at the end what was tried, what failed, and for each failure the smallest
case, as a test.

    python -m tests.fuzz.run --minutes 30                    # make fuzz MINUTES=30
    python -m tests.fuzz.run --minutes 1 --only programs damage --seed 7

Every processor gets a process, and every fuzzer its share of the time. A case is decided by the
seed, the number of the process and the number of the case, and a failure names all three. Ctrl-C
ends the run early, with the same report.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
import traceback
from collections import Counter
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np
from tqdm import tqdm

from . import (
    damage,
    handouts,
    kills,
    lives,
    names,
    optimizers,
    parts,
    programs,
    pytorch,
    recurrent,
    resume,
    thresholds,
    values,
)
from .fuzzer import Fuzzer

FUZZERS: dict[str, type[Fuzzer]] = {
    kind.name: kind
    for kind in (
        programs.FirstOrder, programs.SecondOrder, values.Values, recurrent.Recurrent, parts.Parts,
        optimizers.Optimizers, lives.Lives, handouts.Handouts, resume.Resume, pytorch.PyTorch, damage.Damage,
        kills.Kills, names.Pictures, names.Pages,
    )
}  # fmt: skip
# of one fuzzer in one process, which then stops: more of them are mostly the same
MOST_FAILURES = 3
Report = dict[str, Any]


def work(
    reports: Connection, only: list[str], seed: int, process: int, seconds: float, shrink: float
) -> None:
    """One process: cases of the fuzzer that is furthest behind its share, until the time is over or
    a message comes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's affair
    end = time.monotonic() + seconds
    fuzzers = {name: FUZZERS[name]() for name in only}
    spent, count, failures = (
        dict.fromkeys(only, 0.0),
        dict.fromkeys(only, 0),
        dict.fromkeys(only, 0),
    )
    try:
        while fuzzers and time.monotonic() < end and not reports.poll():
            name = min(fuzzers, key=lambda one: spent[one] / fuzzers[one].share)
            fuzzer = fuzzers[name]
            began, tried, failure = time.monotonic(), 0, ""
            while not failure and time.monotonic() < began + 0.2:
                number, count[name], tried = count[name], count[name] + 1, tried + 1
                failure = one_case(fuzzer, seed, process, number, shrink)
            took = time.monotonic() - began
            spent[name] += took
            sides = Counter(thresholds.COUNTS)
            thresholds.COUNTS.clear()
            reports.send(
                {"name": name, "tried": tried, "seconds": took, "failure": failure, "sides": sides}
            )
            failures[name] += bool(failure)
            if failures[name] == MOST_FAILURES:
                fuzzers.pop(name).close()
    finally:
        for fuzzer in fuzzers.values():
            fuzzer.close()
    with contextlib.suppress(BrokenPipeError):  # the main process may be gone
        reports.send(None)


def one_case(fuzzer: Fuzzer, seed: int, process: int, number: int, shrink: float = 60) -> str:
    """What is wrong with one case, and the smallest like it, ready to be printed; "" if nothing
    is.
    """
    where = f"{fuzzer.name}, seed {seed}, process {process}, case {number}"
    rng = np.random.default_rng([seed, process, number])
    try:
        case = fuzzer.case(rng)
        small = thresholds.draw(rng) if fuzzer.thresholds else {}
        with thresholds.using(small):
            if not (fault := fuzzer.tried(case)):
                return ""
        for name in list(small):  # without those that the fault does not need
            fewer = {other: value for other, value in small.items() if other != name}
            with thresholds.using(fewer):
                small = fewer if fuzzer.tried(case).split(":")[0] == fault.split(":")[0] else small
        with thresholds.using(small):
            case = fuzzer.shrunk(case, shrink)
            smallest, test = fuzzer.tried(case), fuzzer.as_test(case)
        if small or fuzzer.thresholds and not fuzzer.tried(case):
            test = test.replace("def test_", f"@thresholds.using({small})\ndef test_", 1)
            test = f"from tests.fuzz import thresholds\n{'' if test.startswith('from') else 2 * chr(10)}{test}"
        return f"{where}\n  {fault}\n  The smallest like it:\n  {smallest}\n\n{test}"
    except Exception:
        return f"{where}\n{traceback.format_exc()}"


def run(
    only: list[str], minutes: float, seed: int = 0, processes: int = 0, first: bool = False
) -> list[Report]:
    """Run these fuzzers for so long, or with `first` until one fails; all that the processes
    reported.
    """
    context = get_context("spawn")
    found: list[Report] = []
    workers: dict[Connection, Any] = {}
    for process in range(processes or os.cpu_count() or 1):
        ours, theirs = context.Pipe()
        workers[ours] = context.Process(
            target=work, args=(theirs, only, seed, process, 60 * minutes, 10 if first else 60)
        )
        workers[ours].start()
        theirs.close()
    began, failed = time.monotonic(), 0
    tqdm.monitor_interval = 0
    bar = tqdm(
        total=round(60 * minutes),
        unit="s",
        bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} s{postfix}",
        disable=None,
    )
    open_ends = set(workers)
    interrupted = False
    while open_ends:
        try:
            for end in wait(list(open_ends), timeout=1):
                assert isinstance(end, Connection)
                try:
                    report = end.recv()
                except (EOFError, OSError):
                    report = {
                        "name": "a process",
                        "tried": 0,
                        "seconds": 0.0,
                        "failure": "a process of the run died",
                    }
                    open_ends.discard(end)
                if report is None:
                    open_ends.discard(end)
                    continue
                found.append(report)
                if report["failure"]:
                    failed += 1
                    bar.write(f"\nFAILED: {report['failure']}\n", file=sys.stdout)
                    if first:
                        stop(open_ends)
            bar.set_postfix_str(
                f"{sum(r['tried'] for r in found):,} cases, {failed} failed", refresh=False
            )
            bar.update(min(round(time.monotonic() - began), round(60 * minutes)) - bar.n)
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            bar.write("Ctrl-C: ending with the cases at hand ...", file=sys.stdout)
            stop(open_ends)
    bar.close()
    for worker in workers.values():
        worker.join()
    return found


def stop(ends: set[Connection]) -> None:
    for end in ends:
        with contextlib.suppress(OSError):  # it may have ended by itself
            end.send("stop")


def summary(reports: list[Report], only: list[str]) -> str:
    """A line for each fuzzer: cases, failures, rate."""
    lines = [f"{'':14}{'cases':>9}{'failed':>8}{'per s':>9}"]
    for name in [*only, *sorted({r["name"] for r in reports} - set(only))]:
        mine = [r for r in reports if r["name"] == name]
        tried, seconds = sum(r["tried"] for r in mine), sum(r["seconds"] for r in mine)
        lines.append(
            f"{name:14}{tried:9,}{sum(bool(r['failure']) for r in mine):8}{tried / max(seconds, 1e-9):9.1f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Random cases against answers from elsewhere.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--processes", type=int, default=0, help="one for each processor, if not given"
    )
    parser.add_argument("--first", action="store_true", help="stop at the first failure")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=FUZZERS,
        default=list(FUZZERS),
        metavar="NAME",
        help=", ".join(FUZZERS),
    )
    options = parser.parse_args()
    only = [
        name
        for name in options.only
        if not (why := FUZZERS[name]().missing()) or print(f"without {name}: {why}")
    ]
    print(f"{', '.join(only)}: {options.minutes:g} minutes, seed {options.seed}", flush=True)
    began = time.monotonic()
    reports = run(only, options.minutes, options.seed, options.processes, options.first)
    minutes = (time.monotonic() - began) / 60
    failed = sum(bool(report["failure"]) for report in reports)
    sides: Counter[tuple[str, str]] = sum(
        (report.get("sides", Counter()) for report in reports), Counter()
    )
    print(f"\n{summary(reports, only)}\n\n{thresholds.table(sides)}\n")
    missed = (
        thresholds.untried(sides)
        if minutes > 2 and options.only == list(FUZZERS) and not failed
        else []
    )
    print("".join(f"FAILED: {side}\n" for side in missed), end="")
    print(f"{failed + len(missed)} failures in {minutes:.1f} minutes")
    sys.exit(bool(failed or missed))


if __name__ == "__main__":
    main()
