"""Milestone 18: products of stacks, transposition and softmax, and attention that sorts digits."""

import numpy as np

from minigrad.course.milestones.pictures import heat, page_of
from minigrad.course.milestones.training import complete, inputs, slope_of, value_of

YEAR, BY = 2017, "Vaswani et al."
PRODUCT = "z = a @ b; da = dz @ bᵀ, db = aᵀ @ dz, each summed over the axes in front that the input does not have"
TRANSPOSE = "dx is dz with its last two axes swapped"
SOFTMAX = "p = exp(x) / sum; dx = p · (dz - sum of dz · p over the row)"
RNG = np.random.default_rng(18)
LOG3 = 1.0986122886681098


def numbers(*shape):
    return RNG.normal(size=shape).round(1)


PAIR = {"a": numbers(2, 3, 4), "b": numbers(4, 5)}
STACKS = {"a": numbers(2, 3, 4), "b": numbers(2, 4, 1)}
SQUARE = {"a": numbers(2, 2, 2), "b": numbers(2, 2, 2)}
DEEP = {"a": numbers(2, 3, 1, 4), "b": numbers(4, 2)}
TRIES = {
    "product": (
        lambda file, a, b, c: file.product(file.product(a, b), c),
        numbers(2, 3, 4),
        numbers(2, 4, 2),
        numbers(2, 3),
    ),
    "transpose": (lambda file, x: file.transpose(x), numbers(2, 3, 4)),
    "softmax": (lambda file, x: file.softmax(x), numbers(2, 3, 4)),
}
CALL = "product(a, b)"


def facts(found):
    look = np.array(found["look"])
    return {
        "at least 95% of the new sequences are sorted": found["right"] >= 0.95,
        "each output looks most at the digit that it writes": look.argmax(axis=1).tolist()
        == [0, 1, 2, 3, 4],
    }


def picture(found):
    title = "How much each output (down) looks at the smallest to the largest digit (across)"
    return heat(title, found["look"], 56, down=range(5), across=range(5))


page = page_of(picture)
QUESTIONS = complete(
    TRIES,
    facts,
    value_of(CALL, inputs(a=[[1, 2]], b=[[3], [4]]), PRODUCT),
    value_of(CALL, inputs(**PAIR), PRODUCT),
    slope_of(CALL, inputs([[[1.0]], [[10.0]]], a=[[[1, 2]], [[3, 4]]], b=[[5], [6]]), PRODUCT),
    slope_of(CALL, inputs([[[1.0]], [[10.0]]], a=[[[1, 2]], [[3, 4]]], b=[[5], [6]]), PRODUCT, "b"),
    slope_of(CALL, inputs(SQUARE["a"], **SQUARE), PRODUCT),
    slope_of(CALL, inputs(numbers(2, 3, 1), **STACKS), PRODUCT),
    slope_of(CALL, inputs(numbers(2, 3, 1), **STACKS), PRODUCT, "b"),
    slope_of(CALL, inputs(numbers(2, 3, 1, 2), **DEEP), PRODUCT, "b"),
    value_of("transpose(x)", inputs(x=numbers(2, 1, 3)), TRANSPOSE),
    slope_of("transpose(x)", inputs([[1, 2], [3, 4], [5, 6]], x=[[1, 2, 3], [4, 5, 6]]), TRANSPOSE),
    slope_of("transpose(x)", inputs(numbers(2, 3, 1), x=numbers(2, 1, 3)), TRANSPOSE),
    value_of("softmax(x)", inputs(x=[[0, LOG3], [0, 0]]), SOFTMAX),
    value_of("softmax(x)", inputs(x=[[1000, 999, -1e9], [-1, 0, -2]]), SOFTMAX),
    slope_of("softmax(x)", inputs([[1, 0], [4, 0]], x=[[0, LOG3], [0, 0]]), SOFTMAX),
    slope_of("softmax(x)", inputs([[1, 1, 1]], x=[[0.5, -1, 2]]), SOFTMAX),
    slope_of("softmax(x)", inputs(numbers(2, 2, 3), x=numbers(2, 2, 3)), SOFTMAX),
)
