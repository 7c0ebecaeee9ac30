"""Measure minigrad beside hand-written NumPy and the large frameworks, each in its own process, in
turn.

    python tests/benchmarks/run.py [--only a,b] [--contenders numpy,minigrad] [--out
    docs/benchmarks.md]

Prints a table for each workload as it is done. A run of everything writes docs/benchmarks.md and
its plots at the end; a run of a part writes only where --out says. `make bench` installs the
contenders and runs everything. The exit status is 1 if contenders did not compute the same.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import page
import report
from problem import Sizes, from_reviews
from roster import CONTENDERS, Contender
from targets import measured
from tqdm import tqdm
from turns import Result, first_step, installed, start_in_turn, take_turns, time_import
from workloads import WORKLOADS, Workload

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
SMOKE = Sizes(steps=5, batch=3, width=4, hidden=3, vocabulary=60, compared=5, aged=8, reviews=75)
"""Small enough for a test; what it measures means nothing."""
ENTRIES = {"gates": "D", "import": "I"}
"""The letters, in roster.py, of cases that not everybody enters."""
ROUNDS = {"a": 15, "b": 9, "c": 5, "d": 3, "e": 7, "f": 15, "g": 15, "h": 7}


def main() -> int:
    options = command_line()
    workloads = [
        workload for workload in WORKLOADS if not options.only or workload.letter in options.only
    ]
    contenders, absent = present(options.contenders)
    loads = [load()]
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        problem = from_reviews(SMOKE if options.smoke else Sizes())
        path = Path(folder) / "problem.npz"
        problem.save(path)
        for workload in workloads:
            results = measure(workload, contenders, path, options.smoke)
            parts.append(report.summarise(workload, problem.sizes, results))
            print(report.as_text(parts[-1]), flush=True)
    loads.append(load())
    aims = list(measured(parts))
    if aims:
        print("", *report.aligned(page.aims_table(aims)), sep="\n")
    for name, reason in absent.items():
        print(f"{name} did not take part: {reason}")
    everything = not (options.only or options.contenders or options.smoke)
    if out := options.out or (PAGE if everything else None):
        command = " ".join(["python tests/benchmarks/run.py", *sys.argv[1:]])
        page.write(out, parts, aims, absent, command, loads)
        print(f"written: {out}")
    wrong = [f"{row.contender} {row.case}" for part in parts for row in part.rows if not row.agrees]
    if wrong:
        print(f"These did not compute what the others did: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


def measure(
    workload: Workload, contenders: list[Contender], path: Path, smoke: bool
) -> list[Result]:
    """All turns of one workload, below a progress bar."""
    rounds, seconds = (1, 0.0) if smoke else (ROUNDS[workload.letter], 0.5)
    cases = workload.cases[::9] if smoke and workload.letter not in "beh" else workload.cases
    results: list[Result] = []
    with tqdm(leave=False, disable=None) as bar:

        def tick(what: str) -> None:
            bar.set_description(f"({workload.letter}) {what}")
            bar.update()

        for case in cases:
            letter = ENTRIES.get(case.partition("=")[0], workload.letter)
            here = [contender for contender in contenders if letter in contender.workloads]
            if case == "import":
                results += start_in_turn(here, case, rounds, time_import, tick)
            elif case == "first step":
                start = lambda one: first_step(path, one, workload.name, "first step")  # noqa: E731
                results += start_in_turn(here, case, rounds, start, tick)
            else:
                threads = 2 if case.endswith("two threads") else 1
                results += take_turns(
                    path, here, workload.name, case, rounds, seconds, threads, tick
                )
    return results


def present(names: Iterable[str]) -> tuple[list[Contender], dict[str, str]]:
    """The contenders that can be imported here; of the others, by name, why not."""
    chosen = [contender for contender in CONTENDERS if not names or contender.name in names]
    modules = {(contender.module, contender.backend): contender for contender in chosen}
    reasons = {module: installed(contender) for module, contender in modules.items()}
    absent = {c.name: reasons[c.module, c.backend] for c in chosen if reasons[c.module, c.backend]}
    return [contender for contender in chosen if contender.name not in absent], absent


def load() -> str:
    """The load average of the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def command_line() -> argparse.Namespace:
    def choices(known: Iterable[str], what: str) -> Callable[[str], list[str]]:
        def parse(text: str) -> list[str]:
            if unknown := sorted(set(text.split(",")) - set(known)):
                raise argparse.ArgumentTypeError(
                    f"no {what} {', '.join(unknown)}; there are {', '.join(known)}"
                )
            return text.split(",")

        return parse

    titles = "; ".join(f"{workload.letter} {workload.title}" for workload in WORKLOADS)
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], epilog=f"Workloads: {titles}"
    )
    letters = choices([workload.letter for workload in WORKLOADS], "workload")
    names = choices([contender.name for contender in CONTENDERS], "contender")
    parser.add_argument(
        "--only", type=letters, default=[], help="letters of workloads, separated by commas"
    )
    parser.add_argument(
        "--contenders", type=names, default=[], help="names of contenders, separated by commas"
    )
    parser.add_argument(
        "--smoke", action="store_true", help="tiny sizes: shows that it runs, measures nothing"
    )
    parser.add_argument("--out", type=Path, help="the page to write")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nstopped; no report was written")
