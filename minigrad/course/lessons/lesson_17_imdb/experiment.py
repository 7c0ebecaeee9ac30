"""The experiments of lesson 17, with the learner's functions.

`python lesson_17_imdb.py` runs them all.
"""

import sys

import numpy as np

import minigrad as mg

from . import reader, shading

REVIEW = 93
"""A test review that the full network classifies correctly and the truncated network does not."""
WORD = 789
"""The id of the planted word, "comments"."""
STORED = {1: (0.791, 0.778, 0.765), 2: (0.796, 0.785, 0.740)}
"""{seed: the accuracies that `three_seeds` found with the solution's functions}."""


def run(file):
    """Run all three parts, in a few minutes. `file` is the module with the learner's functions.

    In a browser, where Python takes about eight times as long, only one seed is run.
    """
    slow = sys.platform == "emscripten"
    print("1. A network that is too good\n")
    find_the_leak(file)
    print("\n2. The real network, and the truncated one\n")
    three_seeds(file, (0,) if slow else (0, 1, 2))
    if slow:
        for seed, row in STORED.items():
            print(f"{seed:>4}  {row[0]:.3f}  {row[1]:19.3f}  {row[2]:24.3f}  (measured before)")
    print("\n3. A forgotten word\n")
    shaded(file, "lesson_17_words.svg")
    print("lesson_17_words.svg shows the part of each word in this review.")


def find_the_leak(file):
    """Train on reviews with a planted leak, and call `leak` to find it. Return the test accuracies
    with and without the leak.
    """
    data = reader.reviews()
    ids = {split: reader.planted(getattr(data, split), WORD) for split in ("train", "test")}
    train = type(data.train)(ids["train"], data.train.labels)
    mg.seed(0)
    model = reader.Reader(reader.VOCABULARY, 8, 16)
    reader.best_epoch(file.train, model, train, seed=0, epochs=2)
    found = [
        reader.accuracy(model, test, data.test.labels) for test in (ids["test"], data.test.ids)
    ]
    print(f"\ntest accuracy {found[0]:.3f}")
    word = int(file.leak(ids["train"], train.labels))
    print(f'leak() suspects the word "{data.vocabulary[word]}"')
    print(f"the same network on the original test reviews: {found[1]:.3f}", flush=True)
    return found


def three_seeds(file, seeds=(0, 1, 2)):
    """Train a network with a vocabulary of 10,000 words, with the full and the truncated gradient.
    Return {name: a list with an accuracy for each seed}.
    """
    data, found = reader.reviews(10_000), {"full": [], "shuffled": [], "truncated": []}
    mixed = file.shuffled(data.test.ids, np.random.default_rng(0))
    for seed in seeds:
        for which, reach in reader.REACHES.items():
            mg.seed(seed)
            model = reader.Reader(10_000, 128, 32, truncate=reach)
            about = f"seed {seed}, {which}, "
            reader.best_epoch(file.train, model, data.train, seed, epochs=3, about=about)
            found[which].append(reader.accuracy(model, data.test.ids, data.test.labels))
            if which == "full":
                found["shuffled"].append(reader.accuracy(model, mixed, data.test.labels))
    print("\nseed   full   its words shuffled   truncated after 4 steps")
    means = [np.mean(accuracies) for accuracies in found.values()]
    for name, *row in [*zip(seeds, *found.values(), strict=True), ("mean", *means)]:
        print(f"{name:>4}  {row[0]:.3f}  {row[1]:19.3f}  {row[2]:24.3f}")
    return found


def shaded(file, path):
    """Draw the words of REVIEW, shaded by their parts in both trained networks, and print the
    forgotten word.
    """
    data = reader.reviews()
    ids, rows = data.test.ids[REVIEW], []
    words = [data.vocabulary[id] if id > 2 else "···" for id in ids]
    models = {which: reader.load(which) for which in reader.REACHES}
    at = int(file.forgotten(*models.values(), ids))
    for which, model in models.items():
        parts, logit = np.asarray(file.word_parts(model, ids)), model(ids[None]).item()
        rows.append(
            (
                f"{which}: logit {logit:+.2f}, {'a good' if logit > 0 else 'a bad'} review",
                words,
                parts,
            )
        )
        print(
            f'{which:>9}: logit {logit:+.2f}; the word at step {at}, "{words[at]}", has the part '
            f"{parts[at]:+.2f}"
        )
    shading.shade(rows, path)
