"""The questions of lesson 14, and its page: the end of a review in the full network, with a dial on each
word's vector.
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
REVIEWS = reader.reviews()  # read once, before a learner's file runs
_ACCURACIES: dict = {}  # by the code of `train`, which most slips leave as it is in the solution


def _small(seed=0):
    """A network that knows 6 words."""
    mg.seed(seed)
    model = reader.in_float64(reader.Reader(6, 3, 4, fused=None))
    model.embedding.table.array = model.embedding.table.array * 20
    return model


def _few(reviews=12, seed=0):
    """Ids (reviews, 5) of 6 words; good are those with a 3 in them."""
    ids = np.random.default_rng(seed).integers(0, 6, (reviews, 5))
    return ids, (ids == 3).any(axis=1).astype(int)


def _trained(file, epochs):
    """The losses that `train` returns for a small network, and the network."""
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
    """On 1,000 test reviews, after three epochs over 6,000 others: 15 words each, a network for
    each of three seeds.
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
    """The leak in 600 reviews that know 200 words."""

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
    """`count` reviews, all with the same six words after two places of padding."""
    return np.tile([0, 0, 1, 2, 3, 4, 5, 6], (count, 1))


def _given(file):
    ids = ROWS.copy()
    file.shuffled(ids, np.random.default_rng(0))
    return ids


STEP = "loss = BCE(model(ids), labels); gradients set to none; backward; step. For each epoch the mean of its losses."
PART = "part_t = Σ_d x_td · dlogit/dx_td, where x_t is the vector of the word at step t"
LOST = "the t with the largest |part_t in full| - |part_t in truncated| among the t with ids[t] ≠ 0"
BEST = "for each word: r = share of reviews where (it occurs) = (label is 1); its score is max(r, 1 - r)"
MIX = (
    "for each row alone: the ids that are not 0, in the order of a new rng.permutation, after the "
    "same number of zeros"
)
QUESTIONS = (
    Question("the mean loss of one epoch: 12 reviews, batches of 4", "train", _losses(1), formula=STEP),
    Question("the mean losses of three epochs", "train", _losses(3), formula=STEP),
    Question("all weights after two epochs", "train", _weights, formula=STEP),
    Question("test accuracy after three epochs over 6,000 reviews, for three seeds", "train", _accuracies,
             "within .01 of", tolerance=0.01, formula=STEP),
    Question("the part of a single word", "word_parts", _parts(2), "the slope measured", formula=PART),
    Question("the parts of the words 1, 4, 2, 5", "word_parts", _parts(1, 4, 2, 5), "the slope measured", formula=PART),
    Question("the parts of 3, 3, 1, 3: a word that comes three times", "word_parts", _parts(3, 3, 1, 3),
             "the slope measured", formula=PART),
    Question(f"the parts of the 40 words of test review {REVIEW} in the full network", "word_parts",
             _parts_in("full", REVIEW), "the slope measured", formula=PART),
    Question("the parts of the 40 words of test review 7 in the truncated network", "word_parts",
             _parts_in("truncated", 7), "the slope measured", formula=PART),
    Question("the forgotten words of eight pairs of small networks", "forgotten", _forgotten_small, formula=LOST),
    Question(f"the forgotten word of test review {REVIEW}", "forgotten", _forgotten(REVIEW), formula=LOST),
    Question("the forgotten words of test reviews 0 to 11", "forgotten", _forgotten(*range(12)), formula=LOST),
    Question("the leak in four reviews, [1, 2], [1, 3], [2, 3], [4, 3], with labels 0, 1, 1, 1", "leak",
             _leak([[1, 2], [1, 3], [2, 3], [4, 3]], [0, 1, 1, 1]), formula=BEST),
    Question("the leak in [1, 6], [2, 3], [6, 2], [4, 1], with labels 0, 1, 0, 1", "leak",
             _leak([[1, 6], [2, 3], [6, 2], [4, 1]], [0, 1, 0, 1]), formula=BEST),
    Question("a word planted in 9 of 10 good reviews, of 600", "leak", _planted(150), formula=BEST),
    Question("a word planted in 8 of 10 bad reviews, of 600", "leak", _planted(131, label=0, often=0.8, seed=1),
             formula=BEST),
    Question("a word planted in 3 of 10 good reviews, of 600", "leak",
             _planted(77, often=0.3, by_mistake=0, seed=2), formula=BEST),
    Question("a word that comes five times in one bad review, among six", "leak",
             _leak([[6, 6, 6, 6, 6], [2, 3, 4, 5, 4], [1, 3, 2, 5, 1], [2, 5, 2, 1, 3], [1, 2, 3, 1, 3],
                    [4, 3, 1, 2, 2]], [0, 0, 1, 1, 0, 0]), formula=BEST),
    Question("the words of each review, sorted", "shuffled", lambda file: np.sort(_mixed(file, ROWS.copy()), axis=1),
             formula=MIX),
    Question("where words stand (1), and where padding stands (0)", "shuffled",
             lambda file: (_mixed(file, ROWS.copy()) != 0).astype(int), formula=MIX),
    Question("whether 300 equal reviews come out in more than 100 different orders", "shuffled",
             lambda file: len(np.unique(_mixed(file, _equal()), axis=0)) > 100, formula=MIX),
    Question("in how many different places the six words of 300 equal reviews are found, all "
             "together", "shuffled",
             lambda file: len({(place, int(word)) for row in _mixed(file, _equal())
                               for place, word in enumerate(row) if word}), formula=MIX),
    Question("the array that was given, afterwards", "shuffled", _given, formula=MIX),
)  # fmt: skip


def page(file, path, failed):
    """The last words of a review in the full network. The gradient of the dial on a word is that
    word's part.

    Each word's label has the learner's own part. If that is wrong, the network is one gate with
    these as its gradient.
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
