"""Milestone 12: rows of a table, and a recurrent network that reads reviews."""

import numpy as np

from minigrad.course.milestones.pictures import page_of, words
from minigrad.course.milestones.training import complete, inputs, slope_of, value_of

YEAR, BY = 1990, "Elman"
FORMULA = (
    "z[n] = W[ids[n]]; dW is 0, and each dz[n] is added to row ids[n], also if an id appears twice"
)
W = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
TRIES = {
    "rows": (
        lambda file, W: file.rows(W, np.array([[3, 0, 3], [2, 3, 0]])),
        np.arange(20.0).reshape(5, 4),
    )
}
CALL = "rows(W, ids)"


def asked(dz=None, ids=(2, 0)):
    return inputs(dz, {"ids": np.array(ids)}, W=W)


def facts(found):
    return {"at least 65% of the new reviews are right": found["right"] >= 0.65}


def picture(found):
    return words("The words that it finds best", found["good"]) + words(
        "The words that it finds worst", found["bad"]
    )


page = page_of(picture)
QUESTIONS = complete(
    TRIES,
    facts,
    value_of(CALL, asked(), FORMULA),
    value_of(CALL, asked(ids=[[1, 1, 0]]), FORMULA),
    slope_of(CALL, asked([[1, 10], [2, 20]]), FORMULA),
    slope_of(CALL, asked([[1, 10], [2, 20], [5, -1]], (1, 0, 1)), FORMULA),
    slope_of(CALL, asked(np.arange(12.0).reshape(2, 3, 2), [[0, 2, 0], [0, 1, 1]]), FORMULA),
)
