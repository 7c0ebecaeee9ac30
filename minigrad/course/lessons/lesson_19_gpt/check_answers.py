"""Name the parts of lesson 19's answers, and compare their forms."""

import numpy as np

import minigrad as mg
from minigrad.course.checking.answers import difference


def cells(name):
    """Name the elements of a matrix row by row: P[0, 0], P[0, 1], ..."""

    def split(answer):
        answer = np.asarray(answer)
        return [
            (f"{name}[{', '.join(map(str, at))}]", answer[at]) for at in np.ndindex(answer.shape)
        ]

    return split


def tensor(array, name=None):
    return mg.Tensor(np.array(array, float), requires_grad=True, name=name)


def right_type(more=""):
    """Make a comparison of the names of two types."""

    def compare(yours, right):
        kind = {"ndarray": "array"}.get(right, right)
        return None if yours == right else f"yours         {yours}\nit should be  {kind}{more}"

    return compare


def form(answer):
    """Describe what a function returned: (array (1, 2), array (1, 2))."""
    if isinstance(answer, list):
        parts = [form(part) for part in answer]
        numbers = {"a number", "a list of numbers"}.issuperset(parts)
        return "a list of numbers" if numbers else f"({', '.join(parts)})"
    if isinstance(answer, np.ndarray):
        return f"array {answer.shape}"
    return "a number" if isinstance(answer, int | float) else str(answer)


def same_form(yours, right):
    """Compare the forms first. Then `names` finds the first number that differs."""
    if form(yours) != form(right):
        return f"yours         {form(yours)}\nit should be  {form(right)}"
    return "The numbers differ." if difference(yours, right, 1e-6) else None
