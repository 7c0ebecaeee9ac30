"""Lesson 8's questions about one-hot rows, the look-up, the table's gradient with repeated words,
and unseen words.
"""

import numpy as np

import minigrad as mg
from minigrad.course.lesson import Question

WORDS = ["the", "film", "was", "good", "not", "bad"]
TEXT = np.array([3, 1, 3])
BATCH = np.array([[0, 1, 2, 3, 0], [0, 1, 2, 4, 3], [5, 0, 1, 1, 1]])


def random(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape)


def hot(ids, V):
    return lambda file: file.one_hot(np.array(ids), V)


def looked_up(V, D, ids):
    return lambda file: file.lookup(random(V, D), np.array(ids))


def gradient(dz, ids, V):
    return lambda file: file.lookup_backward(np.array(dz, float), np.array(ids), V)


def after_call(file):
    dz, ids = random(3, 5, 2), BATCH.copy()
    file.lookup_backward(dz, ids, 6)
    return [dz, ids]


def left_out(ids, V):
    def ask(file):
        found = file.unseen(np.array(ids), V)
        return found if found is None else sorted(int(i) for i in found)

    return ask


ONE_HOT = "1 in the column whose number is the id, 0 elsewhere"
ROWS = "table[ids]: for each id, the table's row at that index"
GRADIENT = "dW[i] = Σ dz over all positions where the id is i; as a product, dW = one_hotᵀ @ dz"
UNSEEN = "all i from 0 to V - 1 that are not in ids"
ENGINE = "the engine"
QUESTIONS = (
    Question("the ids 2, 0, 2, 1 with V = 5", "one_hot", hot([2, 0, 2, 1], 5), formula=ONE_HOT),
    Question("ids of shape (2, 3) with V = 4", "one_hot", hot([[3, 0, 1], [1, 1, 2]], 4), formula=ONE_HOT),
    Question("three ids in a table (6, 2)", "lookup", looked_up(6, 2, TEXT), formula=ROWS),
    Question("ids of shape (3, 5) in a table (6, 4)", "lookup", looked_up(6, 4, BATCH), formula=ROWS),
    Question("the gradient of three different words: dz (3, 2), ids (3,)", "lookup_backward",
             gradient([[1, 2], [3, 4], [5, 6]], [4, 0, 2], 5), ENGINE, formula=GRADIENT),
    Question("the gradient of the text's example, 'good film good': dz (3, 2), ids (3,)", "lookup_backward",
             gradient([[1, 0], [0, 2], [10, 1]], TEXT, 6), ENGINE, formula=GRADIENT),
    Question("the gradient when one word occurs four times: dz (4, 1), ids (4,)", "lookup_backward",
             gradient([[1], [2], [4], [8]], [1, 1, 1, 1], 3), ENGINE, formula=GRADIENT),
    Question("the gradient of a batch (3, 5) with repeated words", "lookup_backward",
             gradient(random(3, 5, 2), BATCH, 6), ENGINE, formula=GRADIENT),
    Question("the gradient of a batch (3, 5) in a table of 9 words", "lookup_backward",
             gradient(random(3, 5, 4), BATCH + 2, 9), ENGINE, formula=GRADIENT),
    Question("dz and ids after the call: they must not change", "lookup_backward", after_call,
             formula="dW is a new array"),
    Question("the unseen ids for 'good film good' with V = 6", "unseen", left_out(TEXT, 6), formula=UNSEEN),
    Question("the unseen ids for a batch (3, 5) with V = 9", "unseen", left_out(BATCH + 1, 9), formula=UNSEEN),
    Question("the unseen ids when every word occurs", "unseen", left_out(BATCH, 6), formula=UNSEEN),
)  # fmt: skip


def page(file, path, failed):
    """Write the page: the graph of 'the good film good', with the learner's look-up as a gate.
    Three rows of the table get a gradient.
    """

    class YourLookup(mg.Gate):
        """z = table[ids]. Your lookup_backward computes the table's gradient."""

        symbol = "your lookup"

        def __init__(self, ids):
            self.ids = ids

        def forward(self, table):
            return np.asarray(
                file.lookup(table, self.ids) if failed != "lookup" else table[self.ids]
            )

        def backward(self, dz, z, table):
            return (np.asarray(file.lookup_backward(dz, self.ids, len(table))),)

    table = mg.Tensor(random(6, 2), requires_grad=True, name="table")
    ids = np.array([0, *TEXT])
    weights = mg.Tensor(np.array([[3.0, 3.0], [1.0, 0.0], [0.0, 2.0], [10.0, 1.0]]), name="dz")

    def loss(table):
        return (YourLookup(ids)(table) * weights).sum()

    report = mg.gradcheck(loss, table)
    mg.explore(loss(table), path, report=None if report else report)
