"""Measure minigrad beside hand-written NumPy and the large frameworks, each in its own process, in turn.

    python tests/benchmarks/run.py [--only a,b] [--quick] [--contenders numpy,minigrad] [--out docs/benchmarks.md]

Prints a table for each workload as it is done. A run of everything writes docs/benchmarks.md and its plot at the end;
a run of a part writes only where --out says. `make bench` installs the contenders and runs everything.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import report
from problem import Problem, Sizes, from_reviews
from roster import CONTENDERS
from tqdm import tqdm
from turns import Contender, installed, take_turns
from workloads import WORKLOADS

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
SMOKE = Sizes(steps=5, batch=3, width=4, hidden=3, vocabulary=60, compared=5, aged=8, reviews=25)
"""Small enough for a test; what it measures means nothing."""


def main() -> int:
    options = command_line()
    workloads = [workload for workload in WORKLOADS if not options.only or workload.LETTER in options.only]
    contenders, absent = present(options.contenders)
    sizes = SMOKE if options.smoke else Sizes(aged=100) if options.quick else Sizes()
    rounds, seconds = (2, 0.0) if options.smoke else (5, 0.2) if options.quick else (15, 0.5)
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.npz"
        from_reviews(sizes).save(path)
        for workload in workloads:
            taking_part = [contender for contender in contenders if workload.LETTER in contender.workloads]
            cases = workload.CASES if not options.smoke else workload.CASES[:3]
            with tqdm(total=len(cases) * len(taking_part) * (rounds + 1), leave=False, disable=None) as bar:

                def tick(what: str, bar: tqdm = bar, letter: str = workload.LETTER) -> None:
                    bar.set_description(f"({letter}) {what}")
                    bar.update()

                results = [
                    result
                    for case in cases
                    for result in take_turns(
                        path, taking_part, workload.NAME, case, rounds=rounds, seconds=seconds, tick=tick
                    )
                ]
            part = report.summarise(workload, Problem.load(path).sizes, results)
            print(report.as_text(part))
            measured.append(part)
    for contender, reason in absent.items():
        print(f"{contender} did not take part: {reason}")
    out = options.out or (PAGE if not (options.only or options.contenders or options.quick or options.smoke) else None)
    if out is not None:
        report.write(out, measured, absent, sys.argv[1:])
        print(f"written: {out}")
    wrong = [f"{row.contender} {row.case}" for part in measured for row in part.rows if not row.agrees]
    if wrong:
        print(f"These did not compute what the others did: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


def present(names: Iterable[str]) -> tuple[list[Contender], dict[str, str]]:
    """The contenders that can be imported here; of the others, by name, why not."""
    chosen = [contender for contender in CONTENDERS if not names or contender.name in names]
    reasons = {contender.name: installed(contender) for contender in chosen}
    return (
        [contender for contender in chosen if not reasons[contender.name]],
        {name: reason for name, reason in reasons.items() if reason},
    )


def command_line() -> argparse.Namespace:
    def choices(known: Iterable[str], what: str):
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
