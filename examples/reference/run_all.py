"""Runs all reference experiments and prints the tables of docs/results.md: published and measured figures.

    python examples/reference/run_all.py --data-dir FOLDER      everything, 3 seeds each
    python examples/reference/run_all.py --only 1a bag          a part of it
    python examples/reference/run_all.py --limit 200 --seeds 0  a quick try; its figures mean nothing

1c and "whole" read whole reviews through tensorflow-datasets (pip install minigrad[data]), from --data-dir or that
package's own folder, and download them (84 MB) if they are missing. The others need nothing but minigrad. What cannot
run here is skipped with a note.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import bag_of_words
import common  # before NumPy: it says how many threads BLAS may have
import intermediate_outputs
import keras_models
import recipe
import scratch_rnn
import stacked_encoder
import whole_reviews

from minigrad.errors import MinigradError


def encoder(given: Any) -> str:
    """Both forms of 1c."""
    imdb = stacked_encoder.load(given.data_dir)
    tables = []
    for in_classes in (True, False):
        once = partial(stacked_encoder.run, imdb=imdb, in_classes=in_classes, limit=given.limit)
        known = stacked_encoder.KNOWN if in_classes else {}
        tables.append(common.compare(stacked_encoder.TITLE[in_classes], known, once, given.seeds))
    return "\n".join(tables)


def whole(given: Any) -> str:
    """The recipe on whole reviews."""
    once = partial(whole_reviews.run, imdb=whole_reviews.load(given.data_dir), limit=given.limit)
    return common.compare(whole_reviews.TITLE, whole_reviews.KNOWN, once, given.seeds)


def simple(module: Any) -> Callable[[Any], str]:
    """The experiment of a module that has TITLE, KNOWN and run."""
    return lambda given: common.compare(module.TITLE, module.KNOWN, partial(module.run, limit=given.limit), given.seeds)


EXPERIMENTS: dict[str, Callable[[Any], str]] = {
    "1a": simple(keras_models),
    "1b": lambda given: intermediate_outputs.report(given.limit),
    "1c": encoder,
    "1d": simple(scratch_rnn),
    "bag": simple(bag_of_words),
    "recipe": simple(recipe),
    "whole": whole,
}


def main() -> None:
    """Run them one after the other, and print all tables at the end."""
    options = common.parser(__doc__)
    options.add_argument("--only", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS), help="which (all)")
    options.add_argument("--data-dir", metavar="FOLDER", help="tensorflow-datasets' folder, for 1c and whole")
    given = options.parse_args()
    tables = []
    for name in given.only:
        print(f"{name} ...", flush=True)
        try:
            tables.append(EXPERIMENTS[name](given))
        except (MinigradError, OSError) as error:
            tables.append(f"{name} was skipped: {error}\n")
            print(tables[-1], flush=True)
    print("\n" + "\n".join(tables))


if __name__ == "__main__":
    main()
