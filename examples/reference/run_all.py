"""Runs all reference experiments and prints the tables of docs/results.md: published and measured figures.

    python examples/reference/run_all.py --jobs 2 --data-dir FOLDER    everything, 3 seeds each, two at a time
    python examples/reference/run_all.py --only 1a bag                 a part of it
    python examples/reference/run_all.py --limit 200 --seeds 0         a quick try; its figures mean nothing

Each experiment runs once for each seed, as a process of its own; with --jobs N, N of them at once. What one of them
prints goes to its log, its figures to results.jsonl, both in runs/reference. A run may be stopped by Ctrl-C, or fail in
part: the same command then does the rest. The exit code is 1 if figures are missing.

1c and "whole" read whole reviews through tensorflow-datasets (minigrad's extra "data"), from --data-dir or that
package's own folder, and download them (84 MB) if they are missing. The others need nothing but minigrad.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import bag_of_words
import common  # before NumPy: it says how many threads BLAS may have
import intermediate_outputs
import keras_models
import recipe
import scratch_rnn
import stacked_encoder
import whole_reviews

from minigrad.support.jobs import Done, add_options, run_jobs

Tables = dict[str, Any]
"""By title: what one seed measured, {"figures", "seconds"}."""
EXPERIMENTS: dict[str, dict[str, Callable[[int, int | None, str | None], Any]]] = {
    "1a": {keras_models.TITLE: lambda seed, limit, _: keras_models.run(seed, limit)},
    "1b": {intermediate_outputs.TITLE: lambda seed, limit, _: intermediate_outputs.report(limit)},
    "1c": {
        stacked_encoder.TITLE[True]: lambda seed, limit, folder: encoder(seed, True, limit, folder),
        stacked_encoder.TITLE[False]: lambda seed, limit, folder: encoder(seed, False, limit, folder),
    },
    "1d": {scratch_rnn.TITLE: lambda seed, limit, _: scratch_rnn.run(seed, limit)},
    "bag": {bag_of_words.TITLE: lambda seed, limit, _: bag_of_words.run(seed, limit)},
    "recipe": {recipe.TITLE: lambda seed, limit, _: recipe.run(seed, limit)},
    "whole": {
        whole_reviews.TITLE: lambda seed, limit, folder: whole_reviews.run(seed, whole_reviews.load(folder), limit)
    },
}
"""The tables of each experiment, by title: what measures one from (seed, limit, data_dir)."""
LONGEST_FIRST = "whole", "1a", "1c", "recipe", "1d", "bag", "1b"  # so that the last ones end together
KNOWN = {module.TITLE: module.KNOWN for module in (keras_models, scratch_rnn, bag_of_words, recipe, whole_reviews)}
KNOWN[stacked_encoder.TITLE[True]] = stacked_encoder.KNOWN


def encoder(seed: int, in_classes: bool, limit: int | None, data_dir: str | None) -> Any:
    """One form of 1c."""
    return stacked_encoder.run(seed, stacked_encoder.load(data_dir), in_classes, limit)


def run(experiment: str, seed: int, limit: int | None, data_dir: str | None) -> Tables:
    """One job: an experiment with one seed."""
    tables = {}
    for title, measure in EXPERIMENTS[experiment].items():
        start = time.perf_counter()
        figures = measure(seed, limit, data_dir)
        tables[title] = {"figures": figures, "seconds": time.perf_counter() - start}
    return tables


def shown(tables: Tables) -> str:
    """The last figure of each table, for the row of a job."""
    figures = [one["figures"] for one in tables.values() if isinstance(one["figures"], dict)]
    return "; ".join("{} {:.4f}".format(*list(one.items())[-1]) for one in figures)


def report(experiment: str, done: Mapping[str, Done], seeds: list[int]) -> str:
    """The tables of an experiment, of the seeds that have figures."""
    found = {seed: done[name(experiment, seed)].result for seed in seeds if name(experiment, seed) in done}
    if not found:
        return f"### {experiment}\n\nno figures\n"
    tables = []
    for title in next(iter(found.values())):
        figures = {seed: one[title]["figures"] for seed, one in found.items()}
        seconds = sum(one[title]["seconds"] for one in found.values()) / len(found)
        text = next(iter(figures.values()))
        tables.append(text if isinstance(text, str) else common.report(title, KNOWN.get(title, {}), figures, seconds))
    return "\n".join(tables)


def name(experiment: str, seed: int) -> str:
    """What a job is called."""
    return f"{experiment}-seed{seed}"


def main() -> int:
    """Run the jobs, and print all tables at the end. Returns the exit code."""
    options = common.parser(__doc__)
    options.add_argument("--only", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS), help="which (all)")
    options.add_argument("--data-dir", metavar="FOLDER", help="tensorflow-datasets' folder, for 1c and whole")
    add_options(options, "runs/reference")
    given = options.parse_args()
    seeds = {experiment: given.seeds[:1] if experiment == "1b" else given.seeds for experiment in given.only}
    jobs = {
        name(experiment, seed): {
            "experiment": experiment, "seed": seed, "limit": given.limit,
            "data_dir": given.data_dir if experiment in ("1c", "whole") else None,
        }
        for experiment in sorted(given.only, key=LONGEST_FIRST.index)
        for seed in seeds[experiment]
    }  # fmt: skip
    try:
        done = run_jobs(jobs, run, given.jobs, given.out, any_code=given.any_code, shown=shown)
    except KeyboardInterrupt:
        return 130
    print("\n" + "\n".join(report(experiment, done, seeds[experiment]) for experiment in given.only))
    return 0 if len(done) == len(jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
