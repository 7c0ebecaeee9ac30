"""Milestone 15: a cut, and the recurrent network of milestone 12 with a truncated gradient."""

import numpy as np

from minigrad.course.checking.lesson import Question
from minigrad.course.milestones.pictures import heat, page_of
from minigrad.course.milestones.training import complete, inputs, value_of

YEAR, BY = 1990, "Williams, Peng"
FORMULA = "the same array, in a Value without inputs"
TRIES = {}


def gradient(call, what):
    def given(file):
        return {"x": file.Value([2.0, -1.0]), "w": file.Value(3.0)}

    return Question("cut", call, given, what, formula=FORMULA)


def facts(found):
    reach = np.array(found["reach"])
    return {
        "at least 65% of the new reviews are right": found["right"] >= 0.65,
        "a gradient reaches the last 10 states and no others": bool(
            (reach[-10:] > 0).all() and not reach[:-10].any()
        ),
    }


def picture(found):
    title = "The length of the gradient that reaches each of the 40 states, from the first word to the last"
    return heat(title, found["reach"], size=16)


page = page_of(picture)
QUESTIONS = complete(
    TRIES,
    facts,
    value_of("cut(x)", inputs(x=[2.0, -1.0]), FORMULA),
    gradient(
        "len(cut(x * w).order())", "how many Values cut(x * w) was computed from, with itself"
    ),
    gradient(
        "((w * cut(x * w)).sum().backward()[w])",
        "the gradient of w for (w * cut(x * w)).sum(): only from the first w",
    ),
    gradient(
        "((cut(x) * w).sum().backward(), x.grad)[1]", "x.grad after (cut(x) * w).sum().backward()"
    ),
    gradient(
        "(x * w + cut(x) * w).sum().backward()[x]",
        "the gradient of x for (x * w + cut(x) * w).sum()",
    ),
)
