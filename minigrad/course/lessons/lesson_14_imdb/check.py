"""Lesson 14's questions and page. The page shows the end of a review in the full network, with a
dial on each word's vector.
"""

import contextlib

import numpy as np

import minigrad as mg
from minigrad.context import step_name
from minigrad.course.lesson import Question
from minigrad.course.lessons.lesson_14_imdb import reader
from minigrad.data import Batches
from optim import SGD, Adam

REVIEW, WORDS = 93, 8
REVIEWS = reader.reviews()  # read once, before the learner's file runs
_ACCURACIES: dict = {}  # keyed by the code of `train`, because most slips share the solution's code


def _small(seed=0):
    """Return a small network with a vocabulary of 6 words."""
    mg.seed(seed)
    model = reader.in_float64(reader.Reader(6, 3, 4, fused=None))
    model.embedding.table.array = model.embedding.table.array * 20
    return model


def _few(reviews=12, seed=0):
    """Return random ids (reviews, 5) from 0 to 5, and labels. The reviews with a 3 are good."""
    ids = np.random.default_rng(seed).integers(0, 6, (reviews, 5))
    return ids, (ids == 3).any(axis=1).astype(int)


def _trained(file, epochs):
    """Train a small network. Return the network and the losses that `train` returned."""
    model = _small()
    optimizer = SGD(model.named_parameters(), lr=0.5)
    losses = file.train(model, optimizer, Batches(*_few(), batch_size=4), epochs)
    return model, losses


def _losses(epochs):
    return lambda file: _trained(file, epochs)[1]


def _weights(file):
    model, _ = _trained(file, 2)
    return {name: np.array(tensor.array) for name, tensor in model.named_parameters().items()}


def _accuracies(file):
    """Return the accuracies on 1,000 test reviews after three epochs over 6,000 training reviews,
    for three seeds. Each review has 15 words.
    """
    code = getattr(file.train, "__code__", file.train)
    if code not in _ACCURACIES:
        found = _ACCURACIES[code] = []
        train, test = REVIEWS.train[:6000], REVIEWS.test[:1000]
        for seed in range(3):
            mg.seed(seed)
            model = reader.in_float64(reader.Reader(reader.VOCABULARY, 4, 8))
            batches = Batches(train.ids[:, -15:], train.labels, batch_size=400, seed=seed)
            file.train(model, Adam(model.named_parameters(), lr=0.03), batches, 3)
            found.append(reader.accuracy(model, test.ids[:, -15:], test.labels))
    return _ACCURACIES[code]


def _parts(*ids):
    return lambda file: file.word_parts(_small(1), np.array(ids))


def _parts_in(which, review):
    return lambda file: file.word_parts(reader.load(which), REVIEWS.test.ids[review].copy())


def _forgotten(*reviews):
    def ask(file):
        models = reader.load("full"), reader.load("truncated")
        return [int(file.forgotten(*models, REVIEWS.test.ids[review].copy())) for review in reviews]

    return ask


def _forgotten_small(file):
    ids = [[3, 1, 4, 1, 5], [0, 0, 0, 2, 4], [0, 0, 5, 5, 1], [0, 4, 2, 3, 3]]
    return [
        int(file.forgotten(_small(1), _small(seed), np.array(row)))
        for row in ids
        for seed in (2, 3)
    ]


def _leak(ids, labels):
    return lambda file: int(file.leak(np.array(ids), np.array(labels)))


def _planted(word, **how):
    """Ask for the leak in 600 reviews with a vocabulary of 200 words."""

    def ask(file):
        train = REVIEWS.train[:600]
        ids = reader.planted(train, word, **how)
        return int(file.leak(np.where(ids < 200, ids, 2), train.labels.copy()))

    return ask


ROWS = np.array(
    [
        [0, 0, 0, 4, 5],
        [0, 3, 4, 5, 6],
        [1, 2, 3, 4, 5],
        [0, 0, 7, 7, 8],
        [9, 8, 7, 6, 5],
        [0, 0, 0, 0, 3],
    ]
)


def _mixed(file, ids):
    return np.asarray(file.shuffled(ids, np.random.default_rng(0)))


def _equal(count=300):
    """Return `count` equal reviews: two positions of padding, then six words."""
    return np.tile([0, 0, 1, 2, 3, 4, 5, 6], (count, 1))


def _given(file):
    ids = ROWS.copy()
    file.shuffled(ids, np.random.default_rng(0))
    return ids


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
QUESTIONS = (
    Question("the mean loss of one epoch: 12 reviews, batches of 4", "train", _losses(1), formula=STEP),
    Question("the mean losses of three epochs", "train", _losses(3), formula=STEP),
    Question("all weights after two epochs", "train", _weights, formula=STEP),
    Question("test accuracy after three epochs over 6,000 reviews, for three seeds", "train", _accuracies,
             "within .01 of", tolerance=0.01, formula=STEP),
    Question("the part of a single word", "word_parts", _parts(2), "the measured slope", formula=PART),
    Question("the parts of the words 1, 4, 2, 5", "word_parts", _parts(1, 4, 2, 5), "the measured slope", formula=PART),
    Question("the parts of 3, 3, 1, 3: a word that occurs three times", "word_parts", _parts(3, 3, 1, 3),
             "the measured slope", formula=PART),
    Question(f"the parts of the 40 words of test review {REVIEW} in the full network", "word_parts",
             _parts_in("full", REVIEW), "the measured slope", formula=PART),
    Question("the parts of the 40 words of test review 7 in the truncated network", "word_parts",
             _parts_in("truncated", 7), "the measured slope", formula=PART),
    Question("the forgotten words of eight pairs of small networks", "forgotten", _forgotten_small, formula=LOST),
    Question(f"the forgotten word of test review {REVIEW}", "forgotten", _forgotten(REVIEW), formula=LOST),
    Question("the forgotten words of test reviews 0 to 11", "forgotten", _forgotten(*range(12)), formula=LOST),
    Question("the leak in four reviews, [1, 2], [1, 3], [2, 3], [4, 3], with labels 0, 1, 1, 1", "leak",
             _leak([[1, 2], [1, 3], [2, 3], [4, 3]], [0, 1, 1, 1]), formula=BEST),
    Question("the leak in [1, 6], [2, 3], [6, 2], [4, 1], with labels 0, 1, 0, 1", "leak",
             _leak([[1, 6], [2, 3], [6, 2], [4, 1]], [0, 1, 0, 1]), formula=BEST),
    Question("the leak in 600 reviews: a word in 9 of 10 good reviews", "leak", _planted(150), formula=BEST),
    Question("the leak in 600 reviews: a word in 8 of 10 bad reviews", "leak",
             _planted(131, label=0, often=0.8, seed=1), formula=BEST),
    Question("the leak in 600 reviews: a word in 3 of 10 good reviews", "leak",
             _planted(77, often=0.3, by_mistake=0, seed=2), formula=BEST),
    Question("the leak in six reviews, with a word that occurs five times in a bad review", "leak",
             _leak([[6, 6, 6, 6, 6], [2, 3, 4, 5, 4], [1, 3, 2, 5, 1], [2, 5, 2, 1, 3], [1, 2, 3, 1, 3],
                    [4, 3, 1, 2, 2]], [0, 0, 1, 1, 0, 0]), formula=BEST),
    Question("the words of each shuffled review, sorted", "shuffled",
             lambda file: np.sort(_mixed(file, ROWS.copy()), axis=1), formula=MIX),
    Question("the positions of words (1) and of padding (0)", "shuffled",
             lambda file: (_mixed(file, ROWS.copy()) != 0).astype(int), formula=MIX),
    Question("whether 300 equal reviews get more than 100 different orders", "shuffled",
             lambda file: len(np.unique(_mixed(file, _equal()), axis=0)) > 100, formula=MIX),
    Question("the number of different pairs of a position and a word in 300 equal reviews", "shuffled",
             lambda file: len({(place, int(word)) for row in _mixed(file, _equal())
                               for place, word in enumerate(row) if word}), formula=MIX),
    Question("ids after the call: they must not change", "shuffled", _given, formula=MIX),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: the last words of a review in the full network. The gradient of a word's dial
    is the word's part.

    Each word's label shows the part that the learner's function returns. If `word_parts` failed,
    the network is a single gate, and the learner's parts are its gradient.
    """
    model, ids = reader.load("full"), REVIEWS.test.ids[REVIEW, -WORDS:].copy()
    words = [REVIEWS.vocabulary[id] if id > 2 else "?" for id in ids]
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
