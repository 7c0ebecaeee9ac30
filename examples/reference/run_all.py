"""Run all reference experiments and print the tables in docs/results.md, which compare published
and measured figures.

    python examples/reference/run_all.py --jobs 2 --data-dir FOLDER    all of them, 3 seeds each, two at a time
    python examples/reference/run_all.py --only 1a bag                 some of them
    python examples/reference/run_all.py --limit 200 --seeds 0         a quick try with meaningless results

Each experiment runs once for each seed, in a separate process. --jobs N runs N processes at a time.
Results are saved in runs/reference/results.jsonl, and printed text is saved in logs in the same
folder. If you stop the script with Ctrl-C or if some runs fail, repeat the command to perform the
missing runs. The exit code is 1 if figures are missing.

1c and "whole" load whole reviews with tensorflow-datasets (minigrad's extra "data") from --data-dir
or that package's default folder. If necessary, they download the reviews (84 MB). The other
experiments need only minigrad.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import bag_of_words
import common  # import this before NumPy, because it sets the number of BLAS threads
import intermediate_outputs
import keras_models
import recipe
import scratch_rnn
import stacked_encoder
import text_cnn
import transformer
import whole_reviews

from minigrad.support.jobs import Done, add_options, run_jobs

Tables = dict[str, Any]
"""The results of one seed as {title: {"figures": ..., "seconds": ...}}."""


def timed(title: str, run: Callable[[], Any]) -> Tables:
    """Call `run` and return its figures with the elapsed time."""
    start = time.perf_counter()
    figures = run()
    return {title: {"figures": figures, "seconds": time.perf_counter() - start}}


def encoder(seed: int, limit: int | None, data_dir: str | None) -> Tables:
    """Run both variants of 1c."""
    imdb = stacked_encoder.load(data_dir)
    tables: Tables = {}
    for in_classes, title in stacked_encoder.TITLE.items():
        tables |= timed(title, lambda sort=in_classes: stacked_encoder.run(seed, imdb, sort, limit))  # type: ignore[misc]
    return tables


def whole_review_tables(seed: int, limit: int | None, data_dir: str | None) -> Tables:
    """Run the recipe on whole reviews."""
    imdb = whole_reviews.load(data_dir)
    return timed(whole_reviews.TITLE, lambda: whole_reviews.run(seed, imdb, limit))


def outputs(seed: int, limit: int | None, data_dir: str | None) -> Tables:
    """Run 1b. The resulting table is the same for every seed."""
    return timed(intermediate_outputs.TITLE, lambda: intermediate_outputs.report(limit))


def experiment_of(module: Any) -> Callable[..., Tables]:
    """Return the experiment for a module with a TITLE and a function `run(seed, limit)`."""
    return lambda seed, limit, data_dir: timed(module.TITLE, lambda: module.run(seed, limit))


EXPERIMENTS: dict[str, Callable[..., Tables]] = {
    "1a": experiment_of(keras_models),
    "1b": outputs,
    "1c": encoder,
    "1d": experiment_of(scratch_rnn),
    "transformer": experiment_of(transformer),
    "bag": experiment_of(bag_of_words),
    "cnn": experiment_of(text_cnn),
    "recipe": experiment_of(recipe),
    "whole": whole_review_tables,
}
# Experiments start in this order. The last runs then end at about the same time.
LONGEST_FIRST = "whole", "1a", "1c", "recipe", "transformer", "cnn", "1d", "bag", "1b"
KNOWN = {
    module.TITLE: module.KNOWN
    for module in (
        keras_models,
        scratch_rnn,
        transformer,
        bag_of_words,
        text_cnn,
        recipe,
        whole_reviews,
    )
}
KNOWN[stacked_encoder.TITLE[True]] = stacked_encoder.KNOWN


def run(experiment: str, seed: int, limit: int | None, data_dir: str | None) -> Tables:
    """Run one job: an experiment with one seed."""
    return EXPERIMENTS[experiment](seed, limit, data_dir)


def format_result(tables: Tables) -> str:
    """Return the text that `run_jobs` prints for a finished job: the last figure of each table."""
    figures = [one["figures"] for one in tables.values() if isinstance(one["figures"], dict)]
    return "; ".join("{} {:.4f}".format(*list(one.items())[-1]) for one in figures)


def report(experiment: str, done: Mapping[str, Done], seeds: list[int]) -> str:
    """Return an experiment's tables, computed from all seeds that have figures."""
    names = {seed: job_name(experiment, seed) for seed in seeds}
    results = {seed: done[job].result for seed, job in names.items() if job in done}
    if not results:
        return f"### {experiment}\n\nno figures\n"
    tables = []
    for title in next(iter(results.values())):
        figures = {seed: result[title]["figures"] for seed, result in results.items()}
        seconds = sum(result[title]["seconds"] for result in results.values()) / len(results)
        text = next(iter(figures.values()))
        if not isinstance(text, str):
            text = common.report(title, KNOWN.get(title, {}), figures, seconds)
        tables.append(text)
    return "\n".join(tables)


def job_name(experiment: str, seed: int) -> str:
    """Return the name of a job and its log."""
    return f"{experiment}-seed{seed}"


def main() -> int:
    """Run the jobs, then print all tables. Returns the exit code."""
    options = common.parser(__doc__, whole_reviews=True)
    options.add_argument(
        "--only",
        nargs="+",
        choices=EXPERIMENTS,
        default=list(EXPERIMENTS),
        help="experiments to run (all)",
    )
    add_options(options, "runs/reference")
    arguments = options.parse_args()
    seeds = {
        experiment: arguments.seeds[:1] if experiment == "1b" else arguments.seeds
        for experiment in arguments.only
    }
    jobs = {
        job_name(experiment, seed): {
            "experiment": experiment, "seed": seed, "limit": arguments.limit,
            "data_dir": arguments.data_dir if experiment in ("1c", "whole") else None,
        }
        for experiment in sorted(arguments.only, key=LONGEST_FIRST.index)
        for seed in seeds[experiment]
    }  # fmt: skip
    try:
        done = run_jobs(
            jobs,
            run,
            arguments.jobs,
            arguments.out,
            any_code=arguments.any_code,
            shown=format_result,
        )
    except KeyboardInterrupt:
        return 130
    print(
        "\n"
        + "\n".join(report(experiment, done, seeds[experiment]) for experiment in arguments.only)
    )
    return 0 if len(done) == len(jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
