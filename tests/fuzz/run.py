"""Runs the fuzzers: says at the end what was tried, what failed, and for each failure the smallest
case, as a test.

    python -m tests.fuzz.run --minutes 30                    # make fuzz MINUTES=30
    python -m tests.fuzz.run --minutes 1 --only programs damage --seed 7

Every processor gets a process, and every fuzzer and every property of Hypothesis (`properties.py`)
its share of the time. A case is decided by the seed and two numbers, and a failure names all three.
Ctrl-C ends the run early, with the same report.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from . import properties
from .damage import Damage
from .fuzzer import Fuzzer
from .handouts import Handouts
from .kills import Kills
from .lives import Lives
from .resume import Resume
from .thresholds import using

KINDS: list[type[Fuzzer]] = [
    Lives,
    Handouts,
    Resume,
    Damage,
    Kills,
]
FUZZERS = {kind.name: kind for kind in KINDS}
# of one fuzzer, which then stops: more of them are mostly the same
MOST_FAILURES = 3
TURN = 0.5  # seconds


class Report(NamedTuple):
    """A turn of a fuzzer: the number of its cases, what failed, and the sides of thresholds."""

    name: str
    tried: int
    seconds: float
    failure: str
    sides: Counter[tuple[str, str]]


def take_turn(name: str, seed: int, turn: int, shrink: float) -> Report:
    """Cases of one fuzzer or property for a moment, or until one fails."""
    began = time.monotonic()
    if name not in FUZZERS:
        tried, failure = properties.take_turn(name, 10**6 * seed + turn)
        return Report(name, tried, time.monotonic() - began, failure, Counter())
    fuzzer, tried, failure = FUZZERS[name](), 0, ""
    while not failure and time.monotonic() < began + TURN:
        failure = one_case(fuzzer, seed, turn, tried, shrink)
        tried += 1
    return Report(name, tried, time.monotonic() - began, failure, Counter())


def share(name: str) -> float:
    return FUZZERS[name].share if name in FUZZERS else 1.0


def one_case(
    fuzzer: Fuzzer, seed: int, turn: int, number: int, shrink: float = 60
) -> str:
    """What is wrong with one case, and the smallest like it, ready to be printed; "" if nothing
    is.
    """
    rng = np.random.default_rng([seed, turn, number])
    with np.errstate(all="ignore"):
        case = fuzzer.case(rng)
    with using({}):
        fault = fuzzer.tried(case)
        if not fault:
            return ""
        case = fuzzer.shrunk(case, shrink)
        smallest, test = fuzzer.tried(case), fuzzer.as_test(case)
    return (
        f"{fuzzer.name}, seed {seed}, turn {turn}, case {number}\n  {fault}\n"
        f"  The smallest like it:\n  {smallest}\n\nfrom tests.fuzz import thresholds\n{test}"
    )


def run(
    only: list[str], minutes: float, seed: int, processes: int, first: bool
) -> list[Report]:
    """Run these fuzzers for so long, or with `first` until one fails."""
    reports: list[Report] = []
    running: set[Future[Report]] = set()
    spent = dict.fromkeys(only, 0.0)
    turns: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    end = time.monotonic() + 60 * minutes
    pool = ProcessPoolExecutor(
        processes,
        get_context("spawn"),
        signal.signal,  # Ctrl-C is the main process's affair
        (signal.SIGINT, signal.SIG_IGN),
    )
    form = "{l_bar}{bar}| {n:.0f}/{total:.0f} s{postfix}"
    bar = tqdm(total=60 * minutes, bar_format=form, disable=None)
    with pool, bar:
        while True:
            left = [name for name in only if failed[name] < MOST_FAILURES]
            while len(running) < processes and left and time.monotonic() < end:
                name = min(left, key=lambda one: spent[one] / share(one))
                shrink = 10 if first else 60
                running.add(pool.submit(take_turn, name, seed, turns[name], shrink))
                turns[name] += 1
                spent[name] += TURN
            if not running:
                return reports
            try:
                done, running = wait(running, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                if not end:
                    raise
                bar.write("Ctrl-C: ending with the cases at hand ...", file=sys.stdout)
                end = 0.0
                continue
            for report in (future.result() for future in done):
                reports.append(report)
                spent[report.name] += report.seconds - TURN
                if report.failure:
                    failed[report.name] += 1
                    bar.write(f"\nFAILED: {report.failure}\n", file=sys.stdout)
                    end = 0.0 if first else end
                cases = sum(report.tried for report in reports)
                bar.set_postfix_str(
                    f"{cases:,} cases, {failed.total()} failed", refresh=False
                )
                bar.update(report.seconds / processes)


def summary(reports: list[Report], only: list[str]) -> str:
    """A line for each fuzzer and property: cases, failures, rate."""
    width = 2 + max(map(len, only))
    lines = [f"{'':{width}}{'cases':>9}{'failed':>8}{'per s':>9}"]
    for name in only:
        own = [report for report in reports if report.name == name]
        tried = sum(report.tried for report in own)
        failed = sum(bool(report.failure) for report in own)
        rate = tried / (sum(report.seconds for report in own) or 1)
        lines.append(f"{name:{width}}{tried:9,}{failed:8}{rate:9.1f}")
    return "\n".join(lines)


def main() -> None:
    names = [*FUZZERS, *properties.properties()]
    parser = argparse.ArgumentParser(
        description="Random cases against answers from elsewhere."
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--processes",
        type=int,
        default=os.cpu_count(),
        help="one for each processor by default",
    )
    parser.add_argument(
        "--first", action="store_true", help="stop at the first failure"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        default=names,
        metavar="NAME",
        help=", ".join(names),
    )
    options = parser.parse_args()
    only = []
    for name in options.only:
        if name in FUZZERS and (why := FUZZERS[name]().missing()):
            print(f"without {name}: {why}")
        else:
            only.append(name)
    print(
        f"{', '.join(only)}: {options.minutes:g} minutes, seed {options.seed}",
        flush=True,
    )
    reports = run(only, options.minutes, options.seed, options.processes, options.first)
    failed = sum(bool(report.failure) for report in reports)
    print(f"\n{summary(reports, only)}\n")
    print(f"{failed} failures")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
