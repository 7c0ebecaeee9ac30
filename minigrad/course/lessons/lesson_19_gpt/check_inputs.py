"""Lesson 19's questions about `positions`, `embed` and `targets`."""

import numpy as np

from layers import PositionalEncoding
from minigrad.course.checking.lesson import Question, values
from minigrad.course.lessons.lesson_19_gpt.check_answers import cells, right_type, same_form, tensor

POSITION = (
    "P[t, 2i] = sin(t / 10000 ** (2i / width)), P[t, 2i + 1] = cos(t / 10000 ** (2i / width))"
)
EMBED = "x[b, t] = table[ids[b, t]] + P[start + t]"
SHIFT = "inputs = ids[:, :-1], labels = ids[:, 1:]; the label is -100 where the input is 0, except in column 0"
PARTS = ("inputs", "labels")
TWO = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def positions_question(length, width):
    return Question("positions", "positions(length, width)", lambda file: {"length": length, "width": width},
                    formula=POSITION, names=cells("P"))  # fmt: skip


def places(x, table, ids):
    """Return which position's row was added in each column of ids, and then x. A column is left out if
    no row fits.
    """
    added = x.array[0] - table.array[ids[0]]
    rows = PositionalEncoding()(np.zeros((1, 30, table.shape[1]))).array[0]
    near = np.isclose(added[:, None], rows, atol=1e-5).all(axis=2)
    found = {
        f"the position of column {column}": int(one.argmax())
        for column, one in enumerate(near)
        if one.any()
    }
    return {**found, "x": x}


def embed_question(table, ids, start=None, call="embed(table, ids, start)", what="", names=None):
    def given(file):
        found = {"table": tensor(table), "ids": np.array(ids, np.intp)}
        return found if start is None else {**found, "start": start}

    way = "" if names else f"check.places({call}, table, ids)"
    return Question("embed", call, given, what, formula=EMBED, way=way,
                    names=cells(names) if names else None)  # fmt: skip


def inputs_and_labels(answer):
    """Name the elements of the inputs, then those of the labels."""
    return [pair for name, part in zip(PARTS, answer, strict=True) for pair in cells(name)(part)]


def targets_question(ids):
    return Question("targets", "targets(ids)", lambda file: {"ids": np.array(ids, np.intp)}, formula=SHIFT,
                    names=inputs_and_labels, compare=same_form)  # fmt: skip


def whole(yours, right):
    """Compare the types of the inputs and of the labels. Every type of integer is right."""
    wrong = [name for name, kind in zip(PARTS, yours, strict=True) if "int" not in kind]
    return None if not wrong else (
        f"yours         {', '.join(yours)}\nit should be  arrays of integers, like ids")  # fmt: skip


QUESTIONS = (
    positions_question(2, 2),
    positions_question(1, 4),
    positions_question(3, 4),
    positions_question(5, 2),
    positions_question(2, 8),
    positions_question(16, 32),
    Question("positions", "type(positions(length, width)).__name__", values(length=2, width=2),
             "the type of positions(length, width)", formula=POSITION, compare=right_type()),
    embed_question(TWO, [[1]], call="embed(table, ids)"),
    embed_question(TWO, [[2, 0]], call="embed(table, ids)"),
    Question("embed", "type(embed(table, ids)).__name__", lambda file: {"table": tensor(TWO), "ids": np.array([[1]])},
             "the type of embed(table, ids)", formula=EMBED, compare=right_type(". Do not use table.array")),
    embed_question(TWO, [[1, 1, 1]], 0),
    embed_question(TWO, [[2]], 3),
    embed_question(TWO, [[0, 1], [2, 2]], 2),
    embed_question(np.zeros((5, 4)), [[0, 1, 2], [4, 3, 0]], 6),
    embed_question(TWO, [[1, 1]], 1, "mg.grad(embed(table, ids, start).sum(), [table])[0]",
                   "the gradient of table if dx = 1 everywhere", "dtable"),
    targets_question([[0, 1, 22, 1, 0]]),
    targets_question([[0, 5, 0, 0, 0]]),
    targets_question([[0, 3, 4, 0], [0, 7, 0, 0]]),
    targets_question([[0, 3, 4, 5, 6, 0]]),
    Question("targets", '[str(getattr(part, "dtype", type(part).__name__)).rstrip("3264") for part in targets(ids)]',
             lambda file: {"ids": np.array([[0, 5, 0]])}, "the types of the inputs and of the labels", formula=SHIFT,
             compare=whole),
    targets_question([[0, 9, 8, 7, 0, 0, 0, 0], [0, 2, 0, 0, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5, 6, 0]]),
)  # fmt: skip
