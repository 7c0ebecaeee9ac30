"""Lesson 11's questions about one-hot rows, the look-up, the table's gradient with repeated words,
and unseen words.
"""

import numpy as np

import minigrad as mg
from minigrad.course.checking.answers import described
from minigrad.course.checking.lesson import Question

TEXT = np.array([3, 1, 3])
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


def compare_ids(yours, right):
    """Show both lists, since an id too many moves all ids after it."""
    yours = yours.tolist() if isinstance(yours, np.ndarray) else yours
    if isinstance(yours, list) and any(isinstance(one, np.ndarray) for one in yours):
        return "It must be a list of ids. Yours is a tuple of arrays, as np.where returns it."
    if described(yours).startswith("set"):
        return "It must be a list of ids in increasing order. Yours is a set, which has no order."
    if not isinstance(yours, list):
        return f"It must be a list of ids. Yours is {described(yours)}."
    if any(isinstance(one, bool) for one in yours):
        return f"It must be a list of ids. Yours contains True and False:\n{yours}"
    if yours == right:
        return None
    missing = [i for i in right if i not in yours]
    extra = [i for i in yours if i not in right]
    told = "The ids are right, but not in increasing order, each once."
    if missing or extra:
        told = f"{missing[0]} is missing." if missing else f"{extra[0]} must not be there."
    return f"yours         {yours}\nit should be  {right}\n{told}"


ONE_HOT = "1 in the column whose number is the id, 0 elsewhere"
ROWS = "table[ids]: for each id, the table's row at that index"
GRADIENT = (
    "dW[i] = Σ dz over all positions where the id is i; as a product, dW = one_hotᵀ @ dz, after "
    "one_hot.reshape(-1, V) and dz.reshape(-1, D)"
)
UNSEEN = "all i from 0 to V - 1 that are not in ids"
SPARSE = (
    "the ids that occur in ids, in increasing order, and these rows of lookup_backward's result"
)
AVERAGE = "every position gets the text's dz, divided by T; then lookup_backward"


def one_hot_question(ids, V):
    split = rows(*np.shape(ids), V)
    return Question("one_hot", "one_hot(ids, V)", given(ids, V), formula=ONE_HOT, names=split)


def lookup_question(table, ids, what=""):
    split = rows(*np.shape(ids), np.shape(table)[1])
    return Question(
        "lookup", "lookup(table, ids)", given(ids, table=table), what, formula=ROWS, names=split
    )


def gradient_question(dz, ids, V, what):
    return Question("lookup_backward", "lookup_backward(dz, ids, V)", given(ids, V, dz=dz), what, "the engine",
                    formula=GRADIENT, names=rows(V, np.shape(dz)[-1], of="dW"))  # fmt: skip


def unseen_question(ids, V, what=""):
    return Question(
        "unseen", "unseen(ids, V)", given(ids, V), what, formula=UNSEEN, compare=compare_ids
    )


def sparse_question(dz, ids):
    return Question("sparse_gradient", "sparse_gradient(dz, ids)", given(ids, dz=dz), formula=SPARSE, stretch=True,
                    names=lambda found: [("the ids", found[0]), ("their rows of dW", found[1])])  # fmt: skip


def average_question(dz, ids, V):
    return Question("average_backward", "average_backward(dz, ids, V)", given(ids, V, dz=dz), "", "the engine",
                    formula=AVERAGE, names=rows(V, np.shape(dz)[-1], of="dW"), stretch=True)  # fmt: skip


QUESTIONS = (
    one_hot_question([1, 0], 2),
    one_hot_question([2, 2, 0], 3),
    one_hot_question([2, 0, 2, 1], 5),
    one_hot_question([[3, 0, 1], [1, 1, 2]], 4),
    lookup_question([[1, 2], [3, 4]], [1]),
    lookup_question([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [0, 2, 0]),
    lookup_question([[1, 2], [3, 4], [5, 6]], [[2, 0], [1, 1]]),
    lookup_question(random(6, 4), BATCH, "the rows of 3 texts with 5 words each"),
    gradient_question([[1.5, 2]], [1], 3, "the gradient of one word"),
    gradient_question([[1, 2], [3, 4], [5, 6]], [4, 0, 2], 5, "the gradient of three different words"),
    gradient_question([[1, 0], [0, 2], [10, 1]], TEXT, 6, "the gradient of 'good film good', the text's example"),
    gradient_question([[1], [2], [-4], [8]], [1, 1, 1, 1], 3, "the gradient when one word occurs four times"),
    gradient_question([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [[2, 2], [0, 2]], 4, "the gradient of two texts"),
    gradient_question(random(3, 4, 2), BATCH[:, :4], 6, "the gradient of 3 texts with 4 words each"),
    gradient_question(random(3, 5, 4), BATCH + 2, 9, "the gradient of 3 texts with 5 words each, V = 9"),
    unseen_question([1], 3),
    unseen_question(TEXT, 6, "the unseen ids for 'good film good'"),
    unseen_question([[2, 0], [3, 2]], 5),
    unseen_question([1, 0], 2, "the unseen ids when every word occurs"),
    unseen_question(BATCH + 1, 9, "the unseen ids for a batch"),
    sparse_question([[1, 0], [0, 2], [10, 1]], TEXT),
    sparse_question([[1, 2], [3, 4]], [5, 5]),
    sparse_question(random(3, 4, 2), BATCH[:, :4] + 1),
    average_question([[2, 4]], [[1, 0]], 3),
    average_question([[2, 4]], [[1, 1]], 3),
    average_question([[3, 6], [30, 60]], [[0, 1, 0], [1, 2, 2]], 4),
    average_question(random(3, 4), BATCH, 7),
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
