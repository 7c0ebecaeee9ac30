"""Milestone 16: sigmoid and columns, and an LSTM that remembers one symbol."""

import numpy as np

from minigrad.course.milestones.pictures import heat, page_of
from minigrad.course.milestones.training import complete, inputs, slope_of, value_of

YEAR, BY = 1997, "Hochreiter, Schmidhuber"
SIGMOID = "z = 1 / (1 + exp(-x)); dx = dz · z · (1 - z)"
COLUMNS = "z = x[:, start:stop]; dx is 0 outside these columns, and dz in them"
X = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]
LOG3 = 1.0986122886681098
TRIES = {
    "sigmoid": (lambda file, x: file.sigmoid(x), np.array([[0.5, -2.0, 3.0]])),
    "columns": (lambda file, x: file.columns(x, 1, 3), np.arange(10.0).reshape(2, 5)),
}


def block(start, stop, dz=None):
    return inputs(dz, {"start": start, "stop": stop}, x=X)


def facts(found):
    return {"at least 95% of the answers to new sequences are right": found["right"] >= 0.95}


def picture(found):
    most = np.abs(found["memory"]).max()
    return "".join(
        heat(
            f"The memory c (8 numbers, down) at each of 30 steps, if the first symbol is {sign}",
            cells,
            18,
            most,
        )
        for sign, cells in zip(("1", "-1"), found["memory"], strict=True)
    )


page = page_of(picture)
PART = "columns(x, start, stop)"
QUESTIONS = complete(
    TRIES,
    facts,
    value_of("sigmoid(x)", inputs(x=[0.0, LOG3, -2.0]), SIGMOID),
    slope_of("sigmoid(x)", inputs([1, 1], x=[0.0, LOG3]), SIGMOID),
    slope_of("sigmoid(x)", inputs([[2, -4, 1]], x=[[0.0, LOG3, -2.0]]), SIGMOID),
    value_of(PART, block(1, 3), COLUMNS),
    value_of(PART, block(0, 1), COLUMNS),
    slope_of(PART, block(1, 3, [[1, 2], [3, 4]]), COLUMNS),
    slope_of(PART, block(2, 4, [[1, -1], [0.5, 10]]), COLUMNS),
)
