"""Lesson 11's questions about the words' numbers, one-hot rows, and the table's gradient with repeated
words.
"""

import numpy as np

import minigrad as mg
from minigrad.course.checking.answers import described
from minigrad.course.checking.lesson import Question

TEXT = np.array([3, 2, 3])
REVIEWS = ["the film was good", "the film was not good", "not bad not bad at all"]
NUMBERS = {"not": 2, "bad": 3, "film": 4, "good": 5}
BATCH = np.array([[0, 1, 2, 3, 0], [0, 1, 2, 4, 3], [5, 0, 1, 1, 1]])


def random(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape).round(1)


def given(ids, V=None, **arrays):
    """The inputs dz or table, ids, and V."""

    def fresh(file):
        found = {name: np.array(value, float) for name, value in arrays.items()}
        found["ids"] = np.array(ids)
        return found if V is None else {**found, "V": V}

    return fresh


def rows(*shape, of="result"):
    """Name the rows of an array of this shape: result[0], result[1], or result[0, 1]."""

    def split(found):
        if np.shape(found) != shape:
            raise ValueError("the shapes are compared first")
        places = np.ndindex(shape[:-1])
        return [(f"{of}[{', '.join(map(str, place))}]", found[place]) for place in places]

    return split


ONE_HOT = "1 in the column whose number is the id, 0 elsewhere"
COUNTED = (
    "count the words of all texts; sorted(counts, key=lambda word: (-counts[word], word))[: V - 2] get the ids "
    "2, 3, ..."
)
NUMBERED = "the ids of the last T words, 1 for a word that has none, with zeros in front of them"
GRADIENT = (
    "dW[i] = Σ dz over all positions where the id is i; as a product, dW = one_hotᵀ @ dz, after "
    "one_hot.reshape(-1, V) and dz.reshape(-1, D)"
)
SPARSE = (
    "the ids that occur in ids, in increasing order, and these rows of lookup_backward's result"
)
AVERAGE = "every position gets the text's dz, divided by T; then lookup_backward"


def one_hot_question(ids, V):
    split = rows(*np.shape(ids), V)
    return Question("one_hot", "one_hot(ids, V)", given(ids, V), formula=ONE_HOT, names=split)


def vocabulary_question(texts, V, what=""):
    return Question(
        "vocabulary", "vocabulary(texts, V)", lambda file: {"texts": [*texts], "V": V}, what, formula=COUNTED,
        compare=compare_words,
    )  # fmt: skip


def compare_words(yours, right):
    """Show both dicts, in the order of the ids."""
    if not isinstance(yours, dict):
        return f"It must be a dict. Yours is {described(yours)}."
    if yours == right:
        return None
    if yours.keys() == right.keys() and sorted(yours, key=yours.get) == list(right):
        told = "The order is right, but not the numbers."
    elif yours.keys() == right.keys():
        told = "The words are right, but not in this order."
    else:
        missing = [word for word in right if word not in yours]
        extra = [word for word in yours if word not in right]
        told = f"{missing[0]!r} is missing." if missing else f"{extra[0]!r} must not be there."
    return f"yours         {yours}\nit should be  {right}\n{told}"


def are_integers(yours, right):
    """Floats cannot select rows."""
    return (
        None if yours == right else "They must be integers. Floats cannot select rows of a table."
    )


def encode_question(texts, T, numbers=NUMBERS):
    names = [f"text {i}" for i in range(len(texts))]

    def split(found):
        if np.shape(found) != (len(texts), T):
            raise ValueError("the shapes are compared first")
        return zip(names, found, strict=True)

    return Question(
        "encode", "encode(texts, numbers, T)",
        lambda file: {"texts": [*texts], "numbers": {**numbers}, "T": T}, formula=NUMBERED, names=split,
    )  # fmt: skip


def gradient_question(dz, ids, V, what):
    return Question("lookup_backward", "lookup_backward(dz, ids, V)", given(ids, V, dz=dz), what, "the engine",
                    formula=GRADIENT, names=rows(V, np.shape(dz)[-1], of="dW"))  # fmt: skip


def sparse_question(dz, ids):
    return Question("sparse_gradient", "sparse_gradient(dz, ids)", given(ids, dz=dz), formula=SPARSE, stretch=True,
                    names=lambda found: [("the ids", found[0]), ("their rows of dW", found[1])])  # fmt: skip


def average_question(dz, ids, V):
    return Question("average_backward", "average_backward(dz, ids, V)", given(ids, V, dz=dz), "", "the engine",
                    formula=AVERAGE, names=rows(V, np.shape(dz)[-1], of="dW"), stretch=True)  # fmt: skip


QUESTIONS = (
    vocabulary_question(["good film good"], 6),
    vocabulary_question(REVIEWS, 6, "vocabulary(texts, V): not occurs 3 times, and five words twice"),
    vocabulary_question(REVIEWS, 3),
    vocabulary_question(REVIEWS, 2),
    vocabulary_question(REVIEWS, 20),
    vocabulary_question(["b a a", "a b c", "a"], 4, "vocabulary(texts, V): a occurs 4 times, b twice"),
    encode_question(["good film not"], 3),
    encode_question(["not good", "film"], 4),
    encode_question(["the good film", "not the worst"], 3),
    encode_question(["bad bad good film not good film", "", *REVIEWS], 5),
    encode_question(REVIEWS, 2, {"film": 2, "not": 3}),
    Question("encode", "np.asarray(encode(texts, numbers, T)).dtype.kind",
             lambda file: {"texts": ["good film"], "numbers": {**NUMBERS}, "T": 3}, "the type of the ids",
             formula="an array of integers, such as np.zeros((B, T), int)", compare=are_integers),
    one_hot_question([1, 0], 3),
    one_hot_question([2, 2, 0], 4),
    one_hot_question([2, 0, 2, 1], 5),
    one_hot_question([[3, 0, 1], [1, 1, 2]], 4),
    gradient_question([[1.5, 2]], [1], 3, "the gradient of one word"),
    gradient_question([[1, 2], [3, 4], [5, 6]], [4, 0, 2], 5, "the gradient of three different words"),
    gradient_question([[1, 0], [0, 2], [10, 1]], TEXT, 6, "the gradient of 'good film good', the text's example"),
    gradient_question([[1], [2], [-4], [8]], [1, 1, 1, 1], 3, "the gradient when one word occurs four times"),
    gradient_question([[[1], [2], [4]], [[8], [16], [32]]], [[2, 2, 0], [0, 2, 1]], 4, "the gradient of two texts"),
    gradient_question(random(3, 4, 2), BATCH[:, :4], 6, "the gradient of 3 texts with 4 words each"),
    gradient_question(random(3, 5, 4), BATCH + 2, 9, "the gradient of 3 texts with 5 words each, V = 9"),
    sparse_question([[1, 0], [0, 2], [10, 1]], TEXT),
    sparse_question([[1, 2], [3, 4]], [5, 5]),
    sparse_question(random(3, 4, 2), BATCH[:, :4] + 1),
    average_question([[2, 4]], [[1, 0]], 3),
    average_question([[2, 4]], [[1, 1]], 3),
    average_question([[3, 6], [30, 60]], [[0, 1, 0], [1, 2, 2]], 4),
    average_question(random(3, 4), BATCH, 7),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: the graph of 'good film good' behind one place of padding, with the learner's look-up as a gate.
    Three rows of the table get a gradient.
    """

    class YourLookup(mg.Gate):
        """z = table[ids]. Your lookup_backward computes the table's gradient."""

        symbol = "your lookup"

        def __init__(self, ids):
            self.ids = ids

        def forward(self, table):
            return np.asarray(file.lookup(table, self.ids))

        def backward(self, dz, z, table):
            return (np.asarray(file.lookup_backward(dz, self.ids, len(table))),)

    table = mg.Tensor(random(6, 2), requires_grad=True, name="table")
    ids = np.array([0, *TEXT])
    weights = mg.Tensor(np.array([[3.0, 3.0], [1.0, 0.0], [0.0, 2.0], [10.0, 1.0]]), name="dz")

    def loss(table):
        return (YourLookup(ids)(table) * weights).sum()

    report = mg.gradcheck(loss, table)
    mg.explore(loss(table), path, report=None if report else report)
