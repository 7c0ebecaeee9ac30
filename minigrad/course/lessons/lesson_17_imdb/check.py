"""Lesson 17's questions and page. The page shows the end of a review in the full network, with a
dial on each word's vector.
"""

import contextlib

import numpy as np

import minigrad as mg
from minigrad.context import step_name
from minigrad.course.checking.lesson import Question, over_time
from minigrad.course.lessons.lesson_17_imdb import reader
from minigrad.course.lessons.lesson_17_imdb.trained import (
    array,
    by_time,
    example,
    many_forgotten,
    many_leaks,
    one_word_each,
    small,
    trained,
    twelve,
    with_parts,
)

WORDS = 8
TEXT = (  # the last 40 words of test review 93, without the words that are not in the vocabulary
    "about the killer ? i ? that it was a very great movie but because the story is bad the actors are bad the "
    "film ? a lot of ? and because its not scary the movie is best ?"
).split()
REVIEW = np.array([
    46, 3, 440, 2, 12, 2, 14, 10, 16, 5, 57, 87, 20, 21, 88, 3, 65, 8, 78, 3, 158, 28, 78, 3, 22, 2, 5, 177, 6, 2,
    4, 88, 94, 26, 618, 3, 20, 8, 119, 2], np.intp)  # fmt: skip


CALL = "train(model, sgd, batches, epochs)"


def train_question(what, given, call=CALL, way=f"model.losses(batches, {CALL})", **more):
    return Question("train", call, given, what, formula=STEP, way=way, **more)


def turned(model, ids):
    """Return the parts of the words, measured by turning each word's dial a little up and down."""
    vectors = model.embedding(ids[None]).array

    def logit(dials):
        return model.head(model.rnn(mg.Tensor(vectors * dials[:, None]))).array.item()

    return np.array([(logit(1 + by) - logit(1 - by)) / 2e-5 for by in 1e-5 * np.eye(len(ids))])


def parts_question(make, ids, what="", words=None):
    words = words or [f"word {one}" for one in ids]
    return Question(
        "word_parts", "word_parts(model, ids)", lambda file: {"model": make(), "ids": array(ids)}, what,
        "turning its dial", formula=PART,
        names=lambda parts: [(f"part {t} ({word})", part)
                             for t, (word, part) in enumerate(zip(words, parts, strict=True))],
        expect=lambda: turned(make(), array(ids)),
    )  # fmt: skip


def forgotten_question(make_full, make_truncated, ids, what=""):
    """Ask for the forgotten word. A wrong answer is shown with the sizes of both parts."""

    def told(at):
        if type(at) is not int or not 0 <= at < len(ids):
            return f"{at}, which is not a position from 0 to {len(ids) - 1}"
        from . import solution  # not in the learner's process

        full, truncated = (
            abs(solution.word_parts(make(), array(ids))[at]) for make in (make_full, make_truncated)
        )
        if ids[at] == 0:
            return f"position {at}, which contains padding, not a word"
        return f"position {at} (word {ids[at]}): its size is {full:.3g} in full, {truncated:.3g} in truncated"

    def compare(yours, right):
        return (
            None if yours == right else f"yours         {told(yours)}\nit should be  {told(right)}"
        )

    return Question(
        "forgotten", "forgotten(full, truncated, ids)",
        lambda file: {"full": make_full(), "truncated": make_truncated(), "ids": array(ids)}, what,
        formula=LOST, compare=compare,
    )  # fmt: skip


def hand_forgotten(full, truncated, ids):
    return forgotten_question(lambda: with_parts(*full), lambda: with_parts(*truncated), ids)


def leak_question(ids, labels):
    """Ask for the leak. A wrong answer is shown with the number of reviews that its word gets right."""
    ids, labels = array(ids), array(labels)

    def told(word):
        if word == 0:
            return "0, which is padding, not a word"
        if type(word) is not int or word not in ids:
            return f"{word}, which is not a word in these reviews"
        same = int(((ids == word).any(axis=1) == (labels == 1)).sum())
        best, how = max((same, "good"), (len(ids) - same, "bad"))
        return f'word {word}: predicting "{how}" where it occurs is right for {best} of {len(ids)} reviews'

    def compare(yours, right):
        return (
            None if yours == right else f"yours         {told(yours)}\nit should be  {told(right)}"
        )

    return Question(
        "leak", "leak(ids, labels)", lambda file: {"ids": ids.copy(), "labels": labels.copy()},
        formula=BEST, compare=compare,
    )  # fmt: skip


def same_order(yours, right):
    """Say where the randomness must come from."""
    told = "The orders are equal." if yours is True else "The orders differ."
    return None if yours is right else f"{told} All randomness must come from rng."


def shuffle_question(call, ids, what="", names=None, rng=("rng",), **more):
    def given(file):
        return {"ids": array(ids)} | {name: np.random.default_rng(0) for name in rng}

    return Question(
        "shuffled", call, given, what, formula=MIX, names=names and over_time(names), **more
    )


def stretch(function, call, formula, given, **more):
    return Question(function, call, given, formula=formula, stretch=True, **more)


ROWS = [
    [0, 0, 0, 4, 5],
    [0, 3, 4, 5, 6],
    [1, 2, 3, 4, 5],
    [0, 0, 7, 7, 8],
    [9, 8, 7, 6, 5],
    [0, 0, 0, 0, 3],
]
LONG = [[0, *range(1, 40)], [*range(40, 80)], [0, 0, *range(1, 39)]]
EQUAL = [[0, 0, 1, 2, 3, 4, 5, 6]] * 300
SIX = [
    [6, 6, 6, 6, 6],
    [2, 3, 4, 5, 4],
    [1, 3, 2, 5, 1],
    [2, 5, 2, 1, 3],
    [1, 2, 3, 1, 3],
    [4, 3, 1, 2, 2],
]
STEP = (
    "for each batch: loss = BCE(model(ids), labels); zero_grad; backward; step. For each epoch, the"
    " mean of its losses."
)
PART = "part_t = Σ_d x_td · dlogit/dx_td, where x_t is the vector of the word at step t"
LOST = "the t with the largest |part_t in full| - |part_t in truncated| among the t with ids[t] ≠ 0"
BEST = "for each word: r = share of reviews where (the word occurs) = (label is 1); its score is max(r, 1 - r)"
MIX = (
    "for each row: keep the zeros at the front, and replace the other ids with a new "
    "rng.permutation of them"
)
NEAR = "p - d and p + d, where p is the accuracy and d = 1.96 · sqrt(p · (1 - p) / count)"
WITHOUT = "for each t: model(ids) - model(a copy of ids with `unknown` at position t)"
QUESTIONS = (
    train_question("the mean loss of one epoch over two batches, one review with one word each",
                   one_word_each([1, 1], [1, 1], 1)),
    train_question("the mean losses of two epochs over two batches, one review with one word each",
                   one_word_each([1, 2], [1, 0], 2)),
    train_question("the mean losses of two epochs over three batches", one_word_each([2, 1, 2], [1, 0, 0], 2, 0.5)),
    train_question("the mean loss of one epoch over two batches: two reviews, then one",
                   one_word_each([[1, 2], 1], [[1, 1], 1], 1), way=""),
    train_question("the mean losses of two epochs over two batches that change their order",
                   one_word_each([1, 1], [1, 0], 2, turning=True), way="", names=over_time("mean of epoch {}", 1)),
    train_question("the mean losses of three epochs: 12 reviews in batches of 4", twelve(3)),
    train_question("all weights after two epochs: 12 reviews in batches of 4", twelve(2),
                   f"({CALL}, model.state_dict())[1]"),
    parts_question(example, [1]),
    parts_question(example, [1, 2]),
    parts_question(example, [2, 0, 2]),
    parts_question(by_time, [3, 1]),
    parts_question(by_time, [2, 2, 3, 2]),
    parts_question(lambda: small(1), [3, 3, 1, 3]),
    parts_question(lambda: trained("full"), REVIEW.tolist(), "the parts of the words of test review 93", TEXT),
    parts_question(lambda: trained("truncated"), REVIEW.tolist(), "the parts of the words of test review 93", TEXT),
    hand_forgotten([0, 1, 3, 2.5], [0, 0.5, 2.75, 1], [2, 1, 3]),
    hand_forgotten([0, 1, -3, 2.5], [0, 0.5, -0.5, 2], [1, 3, 2]),
    hand_forgotten([0, 1, 2, 0.5], [0, -1, 1.5, 0.75], [3, 1, 2]),
    hand_forgotten([4, 1, 2, 0.5], [1, 0.5, 0.25, 0], [0, 0, 3, 2, 1]),
    hand_forgotten([0, 1, 2, 0.5], [0, 3, 2.5, 0.75], [1, 2, 3]),
    hand_forgotten([0, 1, 2, 0.5], [0, 3, 2.5, 0.75], [0, 1, 2, 3]),
    forgotten_question(lambda: by_time(2), lambda: by_time(1), [0, 3, 1, 3]),
    Question("forgotten", "[forgotten(full, truncated, ids) for ids in rows]", many_forgotten,
             "[forgotten(full, truncated, ids) for ids in rows]: 12 reviews", formula=LOST,
             names=over_time("position in review {}")),
    forgotten_question(lambda: small(1), lambda: small(3), [0, 4, 2, 3, 1]),
    forgotten_question(lambda: trained("full"), lambda: trained("truncated"), REVIEW.tolist(),
                       "the forgotten word of test review 93"),
    leak_question([[2, 3], [1, 2], [1, 1], [1, 1]], [1, 1, 0, 0]),
    leak_question([[1, 2], [1, 3], [2, 3], [4, 3]], [0, 1, 1, 1]),
    leak_question([[1, 6], [2, 3], [6, 2], [4, 1]], [0, 1, 0, 1]),
    leak_question(SIX, [0, 0, 1, 1, 0, 0]),
    leak_question([[1, 3, 4], [0, 1, 4], [0, 2, 3], [0, 3, 4], [0, 0, 4]], [1, 0, 0, 0, 0]),
    leak_question([[1, 2, 4], [2, 4, 4], [2, 3, 3], [2, 2, 4], [2, 3, 4]], [1, 0, 1, 1, 1]),
    Question("leak", "[leak(ids, y) for ids, y in zip(sets, labels)]", many_leaks,
             "[leak(ids, y) for ids, y in zip(sets, labels)]: 30 sets of 7 reviews", formula=BEST,
             names=over_time("leak in set {}")),
    shuffle_question("np.sort(shuffled(ids, rng), axis=1)", ROWS[:2], names="review {}, sorted"),
    shuffle_question("np.sign(shuffled(ids, rng))", ROWS[:4],
                     "np.sign(shuffled(ids, rng)), 0 for padding and 1 for a word", "review {}"),
    shuffle_question("np.sort(shuffled(ids, rng), axis=1)", [*ROWS[2:5], [0] * 5], names="review {}, sorted"),
    shuffle_question("(shuffled(ids, rng) == ids).all(axis=1).tolist()", LONG,
                     "whether the order of a review is still the same: three reviews with 38 to 40 different words",
                     "review {} unchanged"),
    shuffle_question("len(np.unique(shuffled(ids, rng), axis=0)) > 100", EQUAL,
                     "whether 300 equal reviews, [0, 0, 1, 2, 3, 4, 5, 6], get more than 100 different orders"),
    shuffle_question("[len(set(column)) for column in np.transpose(shuffled(ids, rng))]", EQUAL,
                     "the number of different ids at each position of 300 equal reviews, [0, 0, 1, 2, 3, 4, 5, 6]",
                     "ids at position {}"),
    shuffle_question("np.array_equal(shuffled(ids, rng), shuffled(ids, twin))", EQUAL[:3],
                     "whether two generators with the same seed give the same order", rng=("rng", "twin"),
                     compare=same_order),
    shuffle_question("np.array_equal(shuffled(ids, rng), shuffled(ids, np.random.default_rng(1)))", EQUAL[:3],
                     "whether two generators with different seeds give the same order", compare=same_order),
    stretch("interval", "interval(accuracy, count)", NEAR, lambda file: {"accuracy": 0.5, "count": 100}),
    stretch("interval", "interval(accuracy, count)", NEAR, lambda file: {"accuracy": 0.792, "count": 25_000}),
    stretch("erased", "erased(model, ids, unknown)", WITHOUT,
            lambda file: {"model": with_parts(0, 1, -2, 0.5), "ids": array([1, 2, 2]), "unknown": 3}),
    stretch("erased", "erased(model, ids, unknown)", WITHOUT,
            lambda file: {"model": by_time(), "ids": array([3, 1, 2, 3]), "unknown": 1}),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: the last words of a review in the full network. The gradient of a word's dial
    is the word's part.

    Each word's label shows the part that the learner's function returns. If `word_parts` failed,
    the network is a single gate, and the learner's parts are its gradient.
    """
    model, ids = reader.load("full"), REVIEW[-WORDS:].copy()
    words = TEXT[-WORDS:]
    vectors = model.embedding(ids[None]).array
    if failed == "word_parts":
        _page_of_parts(file, path, model, ids, vectors)
        return
    with contextlib.suppress(Exception):  # not written yet
        words = [
            f"{word} {part:+.2f}"
            for word, part in zip(words, file.word_parts(model, ids), strict=True)
        ]
    h = mg.Tensor(np.zeros((1, 16)), name="h0")
    for t, word in enumerate(words):
        dial = mg.Tensor(1.0, requires_grad=True, name=f"dial on {word.split()[0]}")
        with mg.scope(step_name(t, WORDS)):
            h = model.rnn.cell(dial * mg.Tensor(vectors[:, t], name="x"), h)[1]
    mg.explore(model.head(h).sum(), path, words=words)


def _page_of_parts(file, path, model, ids, vectors):
    class Reader(mg.Gate):
        symbol = "reader"
        differentiable_twice = False

        def forward(self, dials):
            with mg.no_grad():
                return model.head(model.rnn(mg.Tensor(vectors * dials[:, None]))).array.sum()

        def backward(self, dz, z, dials):
            return (dz * np.asarray(file.word_parts(model, ids.copy())),)

    dials = mg.Tensor(np.ones(WORDS), requires_grad=True, name="dials")
    report = mg.gradcheck(Reader(), dials)
    mg.explore(Reader()(dials), path, report=None if report else report)
