"""Lesson 17's questions and page. The page shows the end of a review in the full network, with a
dial on each word's vector.
"""

import contextlib

import numpy as np

import minigrad as mg
from layers import Embedding, Layer
from minigrad.context import step_name
from minigrad.course.answers import described_input
from minigrad.course.lesson import Question, over_time
from minigrad.course.lessons.lesson_17_imdb import reader
from optim import SGD, Adam

WORDS = 8
TEXT = (  # the last 40 words of test review 93, without the words that are not in the vocabulary
    "about the killer ? i ? that it was a very great movie but because the story is bad the actors are bad the "
    "film ? a lot of ? and because its not scary the movie is best ?"
).split()
REVIEW = np.array([
    46, 3, 440, 2, 12, 2, 14, 10, 16, 5, 57, 87, 20, 21, 88, 3, 65, 8, 78, 3, 158, 28, 78, 3, 22, 2, 5, 177, 6, 2,
    4, 88, 94, 26, 618, 3, 20, 8, 119, 2], np.intp)  # fmt: skip


def array(ids):
    """Return ids as an array of the same type on all platforms that index with it."""
    return np.array(ids, np.intp)


class Adds(Layer):
    """In place of the RNN: the sum of the vectors (B, T, D) over the words."""

    def forward(self, vectors):
        return vectors.sum(axis=1)


class Weighs(Layer):
    """The head: a weighted sum of the state, with a tanh after it if `curved`."""

    def __init__(self, weights, curved):
        super().__init__()
        self._weights, self.curved = np.array(weights), curved

    def forward(self, state):
        logit = (state * self._weights).sum(axis=1, keepdims=True)
        return mg.tanh(logit) if self.curved else logit


class Example(reader.Reader):
    """A network whose numbers can be worked out by hand."""

    def __init__(self, table, weights, curved=False):
        Layer.__init__(self)
        self.embedding = Embedding(*np.shape(table))
        self.embedding.table.array = np.array(table, float)
        self.rnn, self.head = Adds(), Weighs(weights, curved)


def example():
    model = Example([[0.5, 0.5], [2.0, -1.0], [0.5, 1.0]], [0.5, 0.75], curved=True)
    model.__doc__ = (
        "the text's example: logit = tanh(sum of 0.5 and 0.75 times the vectors); the vectors of the words 0, 1, 2 "
        "are [0.5, 0.5], [2, -1], [0.5, 1]"
    )
    return model


def with_parts(*parts):
    """Return a network in which each word adds its part to the logit, wherever it is."""
    model = Example([[part] for part in parts], [1.0])
    listed = ", ".join(f"{part:g}" for part in parts)
    model.__doc__ = (
        f"a network in which the words 0 to {len(parts) - 1} always have the parts {listed}"
    )
    return model


def by_time(head=2):
    """Return a network in which a word's part depends on its position."""
    model = reader.in_float64(reader.Reader(4, 1, 1, fused=None))
    arrays = {"embedding.table": [[0], [0.5], [-1], [1]], "rnn.cell.W_xh": [[1]], "rnn.cell.W_hh": [[0.5]],
              "rnn.cell.b_h": [0], "head.W": [[head]], "head.b": [0]}  # fmt: skip
    for name, tensor in model.named_parameters().items():
        tensor.array = np.array(arrays[name], float)
    model.__doc__ = (
        "h_t = tanh(x_t + 0.5·h_{t-1}), h before the first word is 0, "
        f"logit = {head:g}·h after the last word; x_t = 0, 0.5, -1, 1 for the words 0, 1, 2, 3"
    )
    return model


def small(seed=0, scale=20, vocabulary=6, width=3, hidden=4):
    """Return a small network with random weights."""
    mg.seed(seed)
    model = reader.in_float64(reader.Reader(vocabulary, width, hidden, fused=None))
    model.embedding.table.array = model.embedding.table.array * scale
    model.__doc__ = (
        f"a Reader with {vocabulary} words, D = {width}, H = {hidden} and random weights"
    )
    return model


def trained(which):
    model = reader.load(which)
    model.__doc__ = f'the lesson\'s trained network "{which}"'
    return model


class Plain(SGD):
    def __str__(self):
        return f"SGD with the learning rate {self.lr:g}"


def watched(model):
    """Make a network keep the ids and the logits of each call, for `losses`."""
    model.calls, forward = [], model.forward

    def keep(ids):
        logits = forward(ids)
        model.calls.append((ids, np.array(logits.array)))
        return logits

    def losses(batches, _):
        found = {}
        for number, (ids, logits) in enumerate(model.calls):
            epoch, n = divmod(number, len(batches))
            if ids is not batches[n][0]:
                break
            signs = 2 * np.asarray(batches[n][1]) - 1
            found[f"loss {n + 1} of epoch {epoch + 1}"] = np.log1p(np.exp(-signs * logits)).mean()
        return found

    model.forward, model.losses = keep, losses
    return model


def weights(model, _):
    """Returns all weights of the model by name, after the training in its second argument."""
    return {name: np.array(tensor.array) for name, tensor in model.named_parameters().items()}


def accuracy(model, ids, labels, _):
    """Returns the share of reviews that the model gets right, after the training in its last argument."""
    return reader.accuracy(model, ids, labels)


class Turning:
    """Batches that come in the opposite order at every second pass."""

    def __init__(self, batches):
        self._batches, self._passes = batches, 0

    def __iter__(self):
        self._passes += 1
        return iter(self._batches[:: 1 if self._passes % 2 else -1])

    def __len__(self):
        return len(self._batches)

    def __str__(self):
        return f"{described_input(self._batches)} in the first epoch, in the opposite order in the second"


def one_word_each(words, labels, epochs, rate=1.0, turning=False):
    """Batches of reviews with one word each. The word's only number is the logit. A number in place
    of a list is a batch of one review.
    """

    def given(file):
        model = watched(Example([[0.0]] * 3, [1.0]))
        model.__doc__ = (
            "logit = one number for each word, the sum over the words; all numbers start at 0"
        )
        batches = [
            (array(np.reshape(word, (-1, 1))), array(np.ravel(label)))
            for word, label in zip(words, labels, strict=True)
        ]
        return {
            "model": model,
            "sgd": Plain(model.named_parameters(), lr=rate),
            "batches": Turning(batches) if turning else batches,
            "epochs": epochs,
        }

    return given


def twelve(epochs, **more):
    """Twelve reviews in batches of four. The reviews with a 3 are good."""

    def given(file):
        model = watched(small())
        ids = np.random.default_rng(0).integers(1, 6, (12, 5)).astype(np.intp)
        labels = (ids == 3).any(axis=1).astype(np.intp)
        batches = [(ids[at : at + 4], labels[at : at + 4]) for at in (0, 4, 8)]
        return {
            "model": model,
            "sgd": Plain(model.named_parameters(), lr=0.5),
            "batches": batches,
            "epochs": epochs,
        } | more

    return given


def made_up(file):
    """400 reviews of 6 words. The 200 with word 7 are good. 240 of them are for training."""
    rng = np.random.default_rng(1)
    ids = rng.integers(8, 50, (400, 6)).astype(np.intp)
    labels = array([0, 1] * 200)
    ids[labels == 1, rng.integers(0, 6, 200)] = 7
    model = watched(small(0, 5, 50, 4, 8))
    batches = [(ids[at : at + 20], labels[at : at + 20]) for at in range(0, 240, 20)]
    adam = Adam(model.named_parameters(), lr=0.05)
    return {
        "model": model,
        "adam": adam,
        "batches": batches,
        "accuracy": accuracy,
        "test": ids[240:],
        "labels": labels[240:],
    }


CALL = "train(model, sgd, batches, epochs)"


def train_question(what, given, call=CALL, inner=CALL, **more):
    more = {"way": f"model.losses(batches, {inner})"} | more
    return Question("train", call, given, what, formula=STEP, **more)


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

    def compare(yours, right):
        if yours == right:
            return None
        from . import solution  # not in the learner's process

        sizes = [
            np.abs(solution.word_parts(make(), array(ids))) for make in (make_full, make_truncated)
        ]

        def told(at):
            if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < len(ids):
                return f"{at}, which is not a position from 0 to {len(ids) - 1}"
            full, truncated = (size[at] for size in sizes)
            return f"position {at} (word {ids[at]}): its size is {full:.3g} in full, {truncated:.3g} in truncated"

        return f"yours         {told(yours)}\nit should be  {told(right)}"

    return Question(
        "forgotten", "forgotten(full, truncated, ids)",
        lambda file: {"full": make_full(), "truncated": make_truncated(), "ids": array(ids)}, what,
        formula=LOST, compare=compare,
    )  # fmt: skip


def hand_forgotten(full, truncated, ids):
    return forgotten_question(lambda: with_parts(*full), lambda: with_parts(*truncated), ids)


def many_forgotten(file):
    """Twelve reviews, and two networks with random parts."""
    rng = np.random.default_rng(3)
    full, truncated = (with_parts(*rng.normal(size=10).round(2)) for _ in range(2))
    rows = [rng.permutation(9)[:5] + 1 for _ in range(12)]
    return {
        "full": full,
        "truncated": truncated,
        "rows": array([[0] * (t % 4) + row.tolist()[: 5 - t % 4] for t, row in enumerate(rows)]),
    }


def many_leaks(file):
    """Thirty sets of seven reviews. One word is the best, also for those who count differently."""
    rng, found = np.random.default_rng(4), []
    while len(found) < 30:
        ids = np.sort(rng.integers(0, 7, (7, 4)), axis=1)
        ids[0] = rng.integers(1, 7)
        good = rng.permutation(7) < rng.integers(2, 6)
        has = (ids == np.arange(1, 7)[:, None, None]).any(axis=2)
        g, b = has[:, good].sum(axis=1), has[:, ~good].sum(axis=1)
        n, m = good.sum(), (~good).sum()
        scores = np.array(
            [np.maximum(g + m - b, b + n - g), abs(g / n - b / m), abs(g - b), np.maximum(g, b)]
        )
        first = np.sort(scores.round(6), axis=1)
        if (first[:, -1] > first[:, -2]).all():
            found.append((ids, good))
    sets, labels = zip(*found, strict=True)
    return {"sets": array(sets), "labels": array(labels)}


def leak_question(given, what=""):
    """Ask for the leak. A wrong answer is shown with the number of reviews that its word gets right."""

    def compare(yours, right):
        if yours == right:
            return None
        ids, labels = given(None).values()

        def told(word):
            if word == 0 and not isinstance(word, bool):
                return "0, which is padding, not a word"
            if isinstance(word, bool) or not isinstance(word, int) or word not in ids:
                return f"{word}, which is not a word in these reviews"
            same = int(((ids == word).any(axis=1) == (labels == 1)).sum())
            best, how = max((same, "good"), (len(ids) - same, "bad"))
            return f'word {word}: predicting "{how}" where it occurs is right for {best} of {len(ids)} reviews'

        return f"yours         {told(yours)}\nit should be  {told(right)}"

    return Question("leak", "leak(ids, labels)", given, what, formula=BEST, compare=compare)


def reviews(ids, labels):
    return lambda file: {"ids": array(ids), "labels": array(labels)}


def planted(word, label, often):
    """120 reviews of 10 words, with a word that is in most reviews with this label and in few others."""

    def given(file):
        rng = np.random.default_rng(word)
        ids, labels = rng.integers(1, 60, (120, 10)), rng.integers(0, 2, 120)
        ids[ids == word] = 60
        rows = np.flatnonzero(rng.random(120) < np.where(labels == label, often, 0.03))
        ids[rows, rng.integers(0, 10, len(rows))] = word
        return {"ids": ids.astype(np.intp), "labels": labels.astype(np.intp)}

    return given


def shuffle_question(call, ids, what="", names=None, rng=("rng",)):
    def given(file):
        return {"ids": array(ids)} | {name: np.random.default_rng(0) for name in rng}

    return Question("shuffled", call, given, what, formula=MIX, names=names and over_time(names))


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
BEST = (
    "for each word: r = share of reviews where (the word occurs) = (label is 1); its score is "
    "max(r, 1 - r)"
)
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
    train_question("all weights after two epochs: 12 reviews in batches of 4", twelve(2, weights=weights),
                   f"weights(model, {CALL})"),
    train_question("test accuracy after three epochs: 240 made-up reviews in batches of 20 for training, 160 for the "
                   "test. Those with a 7 are good", made_up,
                   "accuracy(model, test, labels, train(model, adam, batches, 3))", "train(model, adam, batches, 3)",
                   measured="within .01 of", tolerance=0.01),
    parts_question(example, [1, 2]),
    parts_question(example, [1]),
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
    leak_question(reviews([[2, 3], [1, 2], [1, 1], [1, 1]], [1, 1, 0, 0])),
    leak_question(reviews([[1, 2], [1, 3], [2, 3], [4, 3]], [0, 1, 1, 1])),
    leak_question(reviews([[1, 6], [2, 3], [6, 2], [4, 1]], [0, 1, 0, 1])),
    leak_question(reviews(SIX, [0, 0, 1, 1, 0, 0])),
    leak_question(reviews([[1, 3, 4], [0, 1, 4], [0, 2, 3], [0, 3, 4], [0, 0, 4]], [1, 0, 0, 0, 0])),
    leak_question(reviews([[1, 2, 4], [2, 4, 4], [2, 3, 3], [2, 2, 4], [2, 3, 4]], [1, 0, 1, 1, 1])),
    Question("leak", "[leak(ids, y) for ids, y in zip(sets, labels)]", many_leaks,
             "[leak(ids, y) for ids, y in zip(sets, labels)]: 30 sets of 7 reviews", formula=BEST,
             names=over_time("leak in set {}")),
    leak_question(planted(50, 1, 0.9), "the leak in 120 reviews, with a word in 9 of 10 good ones"),
    leak_question(planted(31, 0, 0.8), "the leak in 120 reviews, with a word in 8 of 10 bad ones"),
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
                     "whether two generators with the same seed give the same order", rng=("rng", "twin")),
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
