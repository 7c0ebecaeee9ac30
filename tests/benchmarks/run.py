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
import pickle
import sys
import tempfile
from pathlib import Path

import page
from problem import Sizes, from_reviews
from results import DIFFERS, markdown, table, targets
from roster import CONTENDERS
from tqdm import tqdm
from turns import take_turns
from workloads import WORKLOADS

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
SMOKE = Sizes(steps=5, batch=3, width=4, hidden=3, vocabulary=60, compared=5, aged=8, reviews=75)
"""Small enough for a test; what it measures means nothing."""


def main():
    options = command_line()
    sizes = SMOKE if options.smoke else Sizes()
    everyone = [
        one for one in CONTENDERS if not options.contenders or one.name in options.contenders
    ]
    parts = []
    reached = [["ratio of times", "at most", "measured", "met"]]
    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder) / "problem.pickle"
        problem.write_bytes(pickle.dumps(from_reviews(sizes)))
        for workload in WORKLOADS:
            if options.only and workload.letter not in options.only:
                continue
            results = measure(workload, everyone, problem, options.smoke)
            parts.append((workload, results))
            print(
                f"\n({workload.letter}) {workload.title}\n", markdown(table(*parts[-1])), sep="\n"
            )
            reached += targets(workload, results)
    if len(reached) > 1:
        print("", markdown(reached), sep="\n")
    out = options.out
    if not (out or options.only or options.contenders or options.smoke):
        out = PAGE
    if out:
        command = " ".join(["python tests/benchmarks/run.py", *sys.argv[1:]])
        page.write(out, parts, sizes, reached, command)
        print(f"written: {out}")
    return int(any(DIFFERS in markdown(table(*part)) for part in parts))


def measure(workload, everyone, problem, smoke):
    """All turns of one workload, below a progress bar."""
    rounds, seconds = (1, 0.0) if smoke else (workload.rounds, 0.5)
    cases = list(workload.cases)
    if smoke and workload.letter == "d":
        cases = cases[::9]
    results = []
    for case in tqdm(cases, workload.title, leave=False, disable=None):
        letter = {"gates": "D", "import": "I"}.get(case.partition("=")[0], workload.letter)
        here = [contender for contender in everyone if letter in contender.workloads]
        results += take_turns(problem, here, workload.name, case, rounds, seconds)
    return results


def command_line():
    titles = "; ".join(f"{workload.letter} {workload.title}" for workload in WORKLOADS)
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], epilog=f"Workloads: {titles}"
    )
    known = {
        "only": [one.letter for one in WORKLOADS],
        "contenders": [one.name for one in CONTENDERS],
    }
    for option, names in known.items():
        parser.add_argument(f"--{option}", default="", help=f"some of {','.join(names)}")
    parser.add_argument(
        "--smoke", action="store_true", help="tiny sizes: shows that it runs, measures nothing"
    )
    parser.add_argument("--out", type=Path, help="the page to write")
    options = parser.parse_args()
    for option, names in known.items():
        chosen = [name for name in getattr(options, option).split(",") if name]
        setattr(options, option, chosen)
        if not set(chosen) <= set(names):
            parser.error(f"--{option} {','.join(chosen)}: there are {', '.join(names)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
