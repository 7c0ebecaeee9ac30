"""Milestone 19: ReLU and normalization, and a small GPT that writes names."""

import numpy as np

from minigrad.course.milestones.pictures import page_of, words
from minigrad.course.milestones.training import complete, inputs, slope_of, value_of

YEAR, BY = 2018, "Radford et al."
RELU = "z = max(0, x); dx = dz where x > 0, and 0 elsewhere"
NORMALIZE = "z = (x - mean) / size; dx = (dz - mean of dz - z · mean of dz · z) / size, with means over each vector"
BIGRAM = 2.454
RNG = np.random.default_rng(19)


def numbers(*shape):
    return RNG.normal(size=shape).round(1)


TRIES = {
    "relu": (lambda file, x: file.relu(x), np.array([[0.5, -2.0, 3.0, -0.1]])),
    "normalize": (lambda file, x: file.normalize(x), numbers(2, 3, 4)),
}
X = numbers(2, 2, 3) * [1, 2, 5]


def facts(found):
    return {
        "the loss on new names is below 2.454, which counted pairs of letters reach": found["test"]
        < BIGRAM,
        "it writes names of several letters": sum(len(name) > 2 for name in found["names"]) >= 9,
    }


def picture(found):
    return words("Twelve names that it wrote", found["names"])


page = page_of(picture)
QUESTIONS = complete(
    TRIES,
    facts,
    value_of("relu(x)", inputs(x=[[2, -1, 0.5], [-3, 4, 0]]), RELU),
    slope_of("relu(x)", inputs([[5, 7, -2], [1, 3, 1]], x=[[2, -1, 0.5], [-3, 4, 0]]), RELU),
    value_of("normalize(x)", inputs(x=[[2, 2, 2]]), NORMALIZE),
    value_of("normalize(x)", inputs(x=[[3, 1], [4, 8]]), NORMALIZE),
    value_of("normalize(x)", inputs(x=X), NORMALIZE),
    slope_of("normalize(x)", inputs([[1, 1, 1]], x=[[1, 2, 6]]), NORMALIZE),
    slope_of("normalize(x)", inputs([[3, 0, 0]], x=[[1, 2, 6]]), NORMALIZE),
    slope_of("normalize(x)", inputs(numbers(2, 2, 3), x=X), NORMALIZE),
)
