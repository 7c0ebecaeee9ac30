"""Runs all reference experiments and prints the tables of docs/results.md: published and measured
figures.

    python examples/reference/run_all.py --jobs 2 --data-dir FOLDER    everything, 3 seeds each, two at a time
    python examples/reference/run_all.py --only 1a bag                 a part of it
    python examples/reference/run_all.py --limit 200 --seeds 0         a quick try; its figures mean nothing

Each experiment runs once for each seed, as a process of its own; with --jobs N, N of them at once.
What one of them prints goes to its log, its figures to results.jsonl, both in runs/reference. A run
may be stopped by Ctrl-C, or fail in part: the same command then does the rest. The exit code is 1
if figures are missing.

1c and "whole" read whole reviews through tensorflow-datasets (minigrad's extra "data"), from
--data-dir or that package's own folder, and download them (84 MB) if they are missing. The others
need nothing but minigrad.
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


def timed(title: str, run: Callable[[], Any]) -> Tables:
    """What `run` measured, and how long that took."""
    start = time.perf_counter()
    figures = run()
    return {title: {"figures": figures, "seconds": time.perf_counter() - start}}


def encoder(seed: int, limit: int | None, data_dir: str | None) -> Tables:
    """Both forms of 1c."""
    imdb = stacked_encoder.load(data_dir)
    tables: Tables = {}
    for in_classes, title in stacked_encoder.TITLE.items():
        tables |= timed(title, lambda sort=in_classes: stacked_encoder.run(seed, imdb, sort, limit))  # type: ignore[misc]
    return tables


def whole(seed: int, limit: int | None, data_dir: str | None) -> Tables:
    """The recipe on whole reviews."""
    imdb = whole_reviews.load(data_dir)
    return timed(whole_reviews.TITLE, lambda: whole_reviews.run(seed, imdb, limit))


def outputs(seed: int, limit: int | None, data_dir: str | None) -> Tables:
    """1b, which is a table already, and the same for every seed."""
    return timed(intermediate_outputs.TITLE, lambda: intermediate_outputs.report(limit))


def simple(module: Any) -> Callable[..., Tables]:
    """The experiment of a module that has TITLE and run."""
    return lambda seed, limit, data_dir: timed(module.TITLE, lambda: module.run(seed, limit))


EXPERIMENTS: dict[str, Callable[..., Tables]] = {
    "1a": simple(keras_models),
    "1b": outputs,
    "1c": encoder,
    "1d": simple(scratch_rnn),
    "bag": simple(bag_of_words),
    "recipe": simple(recipe),
    "whole": whole,
}
# so that the last ones end together
LONGEST_FIRST = "whole", "1a", "1c", "recipe", "1d", "bag", "1b"
KNOWN = {
    module.TITLE: module.KNOWN
    for module in (keras_models, scratch_rnn, bag_of_words, recipe, whole_reviews)
}
KNOWN[stacked_encoder.TITLE[True]] = stacked_encoder.KNOWN


def run(experiment: str, seed: int, limit: int | None, data_dir: str | None) -> Tables:
    """One job: an experiment with one seed."""
    return EXPERIMENTS[experiment](seed, limit, data_dir)


def shown(tables: Tables) -> str:
    """The last figure of each table, for the row of a job."""
    figures = [one["figures"] for one in tables.values() if isinstance(one["figures"], dict)]
    return "; ".join("{} {:.4f}".format(*list(one.items())[-1]) for one in figures)


def report(experiment: str, done: Mapping[str, Done], seeds: list[int]) -> str:
    """The tables of an experiment, of the seeds that have figures."""
    names = {seed: name(experiment, seed) for seed in seeds}
    found = {seed: done[job].result for seed, job in names.items() if job in done}
    if not found:
        return f"### {experiment}\n\nno figures\n"
    tables = []
    for title in next(iter(found.values())):
        figures = {seed: one[title]["figures"] for seed, one in found.items()}
        seconds = sum(one[title]["seconds"] for one in found.values()) / len(found)
        text = next(iter(figures.values()))
        if not isinstance(text, str):
            text = common.report(title, KNOWN.get(title, {}), figures, seconds)
        tables.append(text)
    return "\n".join(tables)


def name(experiment: str, seed: int) -> str:
    """What a job is called."""
    return f"{experiment}-seed{seed}"


def main() -> int:
    """Run the jobs, and print all tables at the end. Returns the exit code."""
    options = common.parser(__doc__, whole=True)
    options.add_argument(
        "--only", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS), help="which (all)"
    )
    add_options(options, "runs/reference")
    given = options.parse_args()
    seeds = {
        experiment: given.seeds[:1] if experiment == "1b" else given.seeds
        for experiment in given.only
    }
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
    print(
        "\n" + "\n".join(report(experiment, done, seeds[experiment]) for experiment in given.only)
    )
    return 0 if len(done) == len(jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
