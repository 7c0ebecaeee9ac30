"""Train the models of recipe.py on whole reviews, and test them on the last forty words.

    python examples/reference/whole_reviews.py --data-dir FOLDER

The models, recipe and test are the same as in recipe.py, which tests on the last forty words of
25,000 reviews. The training reviews, however, are whole. They are cut into about 148,000 pieces of
forty words, and each piece has its review's label. Polarity is counted on all pieces. Training
takes 2 epochs. The better epoch is chosen on the last forty words of 2,500 held-out training
reviews.

The reviews are loaded with tensorflow-datasets (the extra minigrad-edu[data]).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import common  # import this before NumPy, because it sets the number of BLAS threads
import numpy as np
from polarity import Polarity
from recipe import train_each

from minigrad.data import IMDB, Batches, Reviews, load_imdb, pad
from minigrad.data.text import Ids

WORDS = 40  # tests use the last forty words of a review
TITLE = "Trained on every forty words of the whole reviews: test accuracy on the last forty"
# A reference without recurrence: naive-Bayes-weighted runs of 1 to 3 words, trained on the same
# pieces.
KNOWN = {"reference": {"bag of runs of words": 0.847}}


def pieces(reviews: Reviews[list[Ids]]) -> tuple[Any, Any, Any]:
    """Cut every review into rows of forty ids, starting at its end. Returns (ids, label of each
    row, index of each row's review).
    """
    rows = [
        ids[max(0, end - WORDS) : end] for ids in reviews.ids for end in range(len(ids), 0, -WORDS)
    ]
    counts = [-(-len(ids) // WORDS) for ids in reviews.ids]
    return (
        pad(rows, WORDS),
        np.repeat(reviews.labels, counts),
        np.repeat(np.arange(len(reviews)), counts),
    )


def run(seed: int, imdb: IMDB[list[Ids]], limit: int | None = None) -> common.Figures:
    """Return the test accuracies of all models for one seed. `imdb` contains whole reviews."""
    train, test = imdb.train[:limit], imdb.test[:limit]
    training, held_out = train.hold_back(len(train) // 10, seed)
    ids, labels, review = pieces(training)
    polarity, training_polarity = Polarity.count(ids, labels, seed, groups=review)

    def last_words(part: Reviews[list[Ids]]) -> Batches:
        last = pad(part.ids, WORDS)
        return Batches(last, polarity(last), part.labels, batch_size=500, shuffle=False)

    return train_each(
        seed,
        Batches(ids, training_polarity, labels, batch_size=128),
        last_words(held_out),
        last_words(test),
        epochs=2,
    )


def load(data_dir: str | None) -> IMDB[list[Ids]]:
    """Load the whole reviews as ids of the 10,000 most frequent words."""
    return load_imdb("tfds", data_dir=data_dir, length=None)


def main() -> None:
    """Parse the command line and print the table."""
    options = common.parser(__doc__, whole_reviews=True)
    arguments = options.parse_args()
    run_seed = partial(run, imdb=load(arguments.data_dir), limit=arguments.limit)
    print("\n" + common.compare(TITLE, KNOWN, run_seed, arguments.seeds))


if __name__ == "__main__":
    main()
