"""Measure minigrad beside hand-written NumPy and the large frameworks, each in its own process, in turn.

    python tests/benchmarks/run.py [--only a,b] [--quick] [--contenders numpy,minigrad] [--out docs/benchmarks.md]

Prints a table for each workload as it is done. A run of everything writes docs/benchmarks.md and its plots at the end;
a run of a part writes only where --out says. `make bench` installs the contenders and runs everything. The exit status
is 1 where contenders did not compute the same.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import page
import report
from problem import Sizes, from_reviews
from roster import CONTENDERS
from targets import targets
from tqdm import tqdm
from turns import Contender, Result, installed, take_turns, take_turns_importing, take_turns_starting
from workloads import WORKLOADS

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
SMOKE = Sizes(steps=5, batch=3, width=4, hidden=3, vocabulary=60, compared=5, aged=8, reviews=75)
"""Small enough for a test; what it measures means nothing."""
ROUNDS = {"a": 15, "b": 9, "c": 5, "d": 3, "e": 7, "f": 15, "g": 15, "h": 7}


def main() -> int:
    options = command_line()
    workloads = [workload for workload in WORKLOADS if not options.only or workload.LETTER in options.only]
    contenders, absent = present(options.contenders)
    loads = [load()]
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        problem = from_reviews(SMOKE if options.smoke else Sizes(aged=100) if options.quick else Sizes())
        problem.save(path := Path(folder) / "problem.npz")
        for workload in workloads:
            parts.append(report.summarise(workload, problem.sizes, measure(workload, contenders, path, options)))
            print(report.as_text(parts[-1]), flush=True)
    loads.append(load())
    aims = targets(parts)
    print("\n".join(["", *report.aligned(page.aims_table(aims))] if aims else []))
    for name, reason in absent.items():
        print(f"{name} did not take part: {reason}")
    everything = not (options.only or options.contenders or options.quick or options.smoke)
    if out := options.out or (PAGE if everything else None):
        page.write(out, parts, aims, absent, " ".join(["python tests/benchmarks/run.py", *sys.argv[1:]]), loads)
        print(f"written: {out}")
    wrong = [f"{row.contender} {row.case}" for part in parts for row in part.rows if not row.agrees]
    if wrong:
        print(f"These did not compute what the others did: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


def measure(workload: Any, contenders: Iterable[Contender], path: Path, options: argparse.Namespace) -> list[Result]:
    """All turns of one workload, under a progress bar."""
    rounds, seconds = (1, 0.0) if options.smoke else (3, 0.2) if options.quick else (ROUNDS[workload.LETTER], 0.5)
    cases = workload.CASES[::9] if options.smoke and workload.LETTER not in "beh" else workload.CASES
    threads: dict[str, int] = getattr(workload, "THREADS", {})
    takes_part = getattr(workload, "takes_part", lambda contender, case: True)
    entered = {
        case: [c for c in contenders if workload.LETTER in c.workloads and takes_part(c.name, case)] for case in cases
    }
    if "import" in entered:
        entered["import"] = [contender for contender in entered["import"] if contender.package]
    turns = sum(map(len, entered.values())) * (rounds + 1)
    with tqdm(total=turns, leave=False, disable=None) as bar:

        def tick(what: str) -> None:
            bar.set_description(f"({workload.LETTER}) {what}")
            bar.update()

        return [
            result
            for case, who in entered.items()
            for result in how(case, threads.get(case, 1))(
                path, who, workload.NAME, case, rounds=rounds, seconds=seconds, tick=tick
            )
        ]


def how(case: str, threads: int) -> Callable[..., list[Result]]:
    """Most cases are run again and again by one process; what a start takes needs a new one each time."""
    again_and_again = partial(take_turns, threads=threads)
    return {"import": take_turns_importing, "first step": take_turns_starting}.get(case, again_and_again)


def present(names: Iterable[str]) -> tuple[list[Contender], dict[str, str]]:
    """The contenders that can be imported here; of the others, by name, why not."""
    chosen = [contender for contender in CONTENDERS if not names or contender.name in names]
    modules = {(c.module, c.backend): c for c in chosen}
    tried = {module: installed(contender) for module, contender in modules.items()}
    reasons = {c.name: tried[c.module, c.backend] for c in chosen}
    return (
        [contender for contender in chosen if not reasons[contender.name]],
        {name: reason for name, reason in reasons.items() if reason},
    )


def load() -> str:
    """The load average of the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def command_line() -> argparse.Namespace:
    def choices(known: Iterable[str], what: str) -> Callable[[str], list[str]]:
        def parse(text: str) -> list[str]:
            if unknown := sorted(set(text.split(",")) - set(known)):
                raise argparse.ArgumentTypeError(f"no {what} {', '.join(unknown)}; there are {', '.join(known)}")
            return text.split(",")

        return parse

    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0],
        epilog="Workloads: " + "; ".join(f"{w.LETTER} {w.TITLE}" for w in WORKLOADS),
    )
    letters = choices([workload.LETTER for workload in WORKLOADS], "workload")
    names = choices([contender.name for contender in CONTENDERS], "contender")
    parser.add_argument("--only", type=letters, default=[], help="letters of workloads, separated by commas")
    parser.add_argument("--contenders", type=names, default=[], help="names of contenders, separated by commas")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, for a first impression")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs, measures nothing")
    parser.add_argument("--out", type=Path, help="the page to write")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nstopped; no report was written")
