"""Compare the speed of minigrad with hand-written NumPy and other frameworks.

    python tests/benchmarks/run.py [--only a,b] [--contenders numpy,minigrad] [--out
    docs/benchmarks.md]

Each contender runs in its own process, and the processes take turns. The script prints a table when
a workload is complete. After each workload, a full run replaces its results in docs/benchmarks for
this processor. At the end, it writes docs/benchmarks.md. A partial run does the same only with
`--out docs/benchmarks.md`. `make bench` installs the contenders and runs all workloads. The exit
status is 1 if the contenders' results differ.
"""

from __future__ import annotations

import argparse
import pickle
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import page
from problem import Sizes, from_reviews
from results import DIFFERS, markdown, table, target_table, targets
from roster import CONTENDERS
from tqdm import tqdm
from turns import take_turns
from workloads import WORKLOADS

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
SMOKE = Sizes(steps=5, batch=3, width=4, hidden=3, vocabulary=60, compared=5, aged=8, reviews=75)
"""Sizes that are small enough for a test. The measured times are meaningless."""


def main():
    options = command_line()
    sizes = SMOKE if options.smoke else Sizes()
    parts = []
    reached = []
    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder) / "problem.pickle"
        reviews = from_reviews(sizes)
        problem.write_bytes(pickle.dumps(reviews))
        np.savez(problem.with_suffix(".npz"), **reviews.split())
        for workload in WORKLOADS:
            if workload.letter in options.only:
                results = measure(workload, options, problem)
                parts.append((workload, results))
                print(f"\n({workload.letter}) {workload.title}\n")
                print(markdown(table(workload, results)))
                reached += targets(workload, results)
                if options.out:  # after each workload, so that Ctrl-C loses only one
                    page.save(options.out, parts, reached)
    if reached:
        print("", markdown(target_table(reached)), sep="\n")
    if options.out:
        page.write(options.out, sizes)
        print(f"written: {options.out}")
    return int(any(DIFFERS in markdown(table(*part)) for part in parts))


def measure(workload, options, problem):
    """Run all turns of one workload and show a progress bar."""
    rounds, seconds = workload.rounds, 0.5
    cases = list(workload.cases)
    if options.smoke:
        rounds, seconds = 1, 0.0
        cases = cases[:: 9 if workload.letter == "d" else 1]
    results = []
    for case in tqdm(cases, workload.title, leave=False, disable=None):
        special = {"gates": "D", "import": "I", "LeNet step": "K", "MLP": "M"}
        letter = special.get(re.split("[=,]", case)[0], workload.letter)
        here = [
            contender
            for contender in CONTENDERS
            if letter in contender.workloads and contender.name in options.contenders
        ]
        results += take_turns(problem, here, workload.letter, case, rounds, seconds)
    return results


def choice(names):
    """Return an argparse type for a comma-separated choice of names."""

    def read(text):
        chosen = text.split(",")
        if not {*chosen} <= {*names}:
            message = f"{text}: choose from {', '.join(names)}"
            raise argparse.ArgumentTypeError(message)
        return chosen

    return read


def command_line():
    titles = "; ".join(f"{workload.letter} {workload.title}" for workload in WORKLOADS)
    description = (__doc__ or "").split("\n\n")[0]
    parser = argparse.ArgumentParser(
        description=description,
        epilog=f"Workloads: {titles}",
    )
    known = {
        "--only": [one.letter for one in WORKLOADS],
        "--contenders": [one.name for one in CONTENDERS],
    }
    for option, names in known.items():
        parser.add_argument(
            option,
            type=choice(names),
            default=names,
            help=f"a comma-separated choice from {','.join(names)}",
        )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="test the benchmarks with tiny sizes",
    )
    parser.add_argument("--out", type=Path, help="write the page to this file")
    # a full run writes the page
    full = len(sys.argv) == 1
    parser.set_defaults(out=PAGE if full else None)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
