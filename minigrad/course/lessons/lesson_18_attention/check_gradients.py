"""Compare the gradients of lesson 18's functions with those from nudging their inputs."""

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import Question, arriving
from minigrad.course.lessons.lesson_18_attention.check_inputs import given, numbered


def slopes(z, *inputs):
    """Returns the gradients of 1·z₀ + 2·z₁ + 3·z₂ + ... (all numbers of z in order)."""
    if not isinstance(z, mg.Tensor) or not z.node.inputs:
        raise TypeError("The output has no graph. Did you use .array, NumPy or a new Tensor?")
    (z * numbered(z.shape)).sum().backward()
    return [np.zeros(x.shape) if x.grad is None else x.grad for x in inputs]


def nudged(call, make, names):
    """Return the same gradients for the solution, by nudging each number up and down."""
    from . import solution  # not in the learner's process

    inputs, found = make(solution), []

    def total():
        z = eval(call, {**vars(solution), **inputs}).array
        return (z * numbered(z.shape)).sum()

    for name in names:
        x = inputs[name]
        start, slope = x.array.copy(), np.zeros(x.shape)
        for index in np.ndindex(x.shape):
            ends = []
            for by in (1e-5, -1e-5):
                moved = start.copy()
                moved[index] += by
                x.array = moved
                ends.append(total())
            slope[index] = (ends[0] - ends[1]) / 2e-5
        x.array = start
        found.append(slope)
    return found


def gradient_question(function, call, names, **inputs):
    make, asked = given(slopes, **inputs), f"slopes({call}, {', '.join(names)})"
    return Question(
        function, asked, make, f"{asked} (all values are right)", "nudging",
        formula="compute with Tensors only, from the arguments to the result",
        names=lambda found: arriving({f"dL/d{n}": one for n, one in zip(names, found, strict=True)}),
        expect=lambda: nudged(call, make, names),
    )  # fmt: skip
