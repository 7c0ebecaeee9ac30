"""Lesson 18's questions. The other files called check_*.py make inputs, find gradients and who sees
whom, train, and draw the page.
"""

import contextlib
from functools import partial

import numpy as np

from minigrad.course.checking.answers import difference
from minigrad.course.checking.lesson import Question
from minigrad.course.lessons.lesson_18_attention import trained
from minigrad.course.lessons.lesson_18_attention.check_gradients import gradient_question
from minigrad.course.lessons.lesson_18_attention.check_inputs import (
    MATRICES,
    given,
    identity,
    numbered,
    random,
)
from minigrad.course.lessons.lesson_18_attention.check_page import page  # noqa: F401
from minigrad.course.lessons.lesson_18_attention.check_sight import (
    seen_in_attention,
    seen_in_multi_head,
    who_sees_whom,
)
from minigrad.course.lessons.lesson_18_attention.check_training import training_question


def compared_weights(yours, right):
    """Say first whether a position sees a later one, or whether a row is not a number."""
    a, b = np.asarray(yours, float), np.asarray(right)
    if a.shape == b.shape:
        for *_, i, j in np.argwhere((b == 0) & (np.abs(a) > 1e-6)):
            allowed = ", ".join(map(str, np.flatnonzero(b.reshape(-1, *b.shape[-2:])[0, i])))
            weight = np.abs(a[..., i, j]).max()
            return f"position {i} sees position {j}, with the weight {weight:.3g}. It may see only {allowed}."
        if np.isnan(a).any():
            row = np.argwhere(np.isnan(a))[0][-2]
            return f"row {row} is nan. Is every score in this row hidden, or is a number too large for exp?"
    return difference(yours, right, 1e-6)


@contextlib.contextmanager
def recorded(function, found):
    """Write what `scores`, `weights` and `attention` receive and return into the dict `found`, while
    `function` calls them.
    """
    names = function.__globals__
    before = {name: names[name] for name in ("scores", "weights", "attention") if name in names}

    def wrapped(name, *arguments, **named):
        if name == "attention":
            passed = dict(zip(("q", "k", "v", "causal"), arguments, strict=False)) | named
            found.update({f"attention's {label}": one for label, one in passed.items()})
        result = before[name](*arguments, **named)
        found[f"{name}(...)"] = result
        return result

    try:
        names.update(
            {name: partial(wrapped, name) for name in before if before[name] is not function}
        )
        yield
    finally:
        names.update(before)


def inside(function, *arguments):
    """Return what the other functions receive and return while `function` runs, and its own result."""
    found = {}
    with recorded(function, found):
        result = function(*arguments)
    return {**found, "the result": result}


def inside_heads(*arguments):
    """Return the same for all heads at once. If a function loops over the heads, return nothing."""
    found = inside(*arguments)
    *parts, _ = found.values()
    return found if all(np.ndim(one) in (0, 4) for one in parts) else {}


def one_by_one(*axes):
    """Return a function for `Question.names` that names every number of an answer."""

    def named(z):
        z = np.asarray(z)
        first = int(len(z) == 1)  # a single sequence needs no number
        numbers = [(", ".join(map("{} {}".format, axes[first:], index[first:])), value)
                   for index, value in np.ndenumerate(z)]  # fmt: skip
        return [("", np.zeros(z.shape)), *numbers]  # two arrays of different shapes differ here

    return named


by_head = one_by_one("sequence", "head", "position", "column")
by_position = one_by_one("sequence", "position", "column")


def asked(function, call, formula, **more):
    """Return a function that makes questions with this call from their inputs."""
    return lambda **inputs: Question(function, call, given(**inputs), formula=formula, **more)


SCORE = "score[t, s] = q_t · k_s / √d, where d is the length of q_t"
WEIGHT = (
    "weight[t, s] = e^score[t, s] / Σ e^score[t, s'], a sum over the keys s' that position t may see: all, or "
    "s' ≤ t if causal"
)
ATTEND = "z_t = Σ_s weight[t, s] · v_s"
SPLIT = "head h, position t, column c of the result is x[:, t, h · d + c]"
MERGE = "column h · d + c of position t is z[:, h, t, c]"
MULTI = "merge_heads(attention(q, k, v, causal)) @ W_out, where q, k, v are the heads of x @ W_q, x @ W_k and x @ W_v"
score = asked("scores", "scores(q, k)", SCORE)
weight = asked("weights", "weights(s, causal)", WEIGHT, compare=compared_weights)
attend = asked(
    "attention",
    "attention(q, k, v, causal)",
    ATTEND,
    way="check.inside(attention, q, k, v, causal)",
)
split = asked("split_heads", "split_heads(x, heads)", SPLIT, names=by_head)
merge = asked("merge_heads", "merge_heads(z)", MERGE, names=by_position)
CALL = "multi_head(x, W_q, W_k, W_v, W_out, heads, causal)"
multi = asked(
    "multi_head", CALL, MULTI, way=CALL.replace("multi_head(", "check.inside_heads(multi_head, ")
)
windowed = asked("in_window", "in_window(s, size)", "the softmax over the keys s with t - size < s ≤ t",
                 compare=compared_weights, stretch=True)  # fmt: skip
near = asked("nearer", "nearer(s, slope)", "weights(s - slope · (t - s), True) with the distance t - s",
             compare=compared_weights, stretch=True)  # fmt: skip
LOG2, LOG3 = np.log(2), np.log(3)


# the weights of two keys would be wrong by the same amount, and rounding would choose the one that is shown
PASSED = "Your functions also trained networks that copy, reverse and sort digits."
TWO_HEADS = {
    "x": [[[1, 0], [0, 1], [0, 0]]],
    **identity(W_q=[[0, 0], [LOG3, 0]], W_v=[[15, 0], [0, 15]]),
}
QUESTIONS = (
    score(q=[[1, 2, 0, 1]], k=[[2, 1, 3, 0], [0, -1, 5, 4]]),
    score(q=[[1, 0, 0, 0], [0, 1, 0, 0]], k=[[4, 6, 0, 0], [2, -2, 0, 0], [0, 8, 1, 1]]),
    score(q=[[1], [2], [3]], k=[[1], [-1], [2]]),
    score(**random(1, q=(2, 2, 3), k=(2, 2, 3))),
    score(**random(2, q=(2, 3, 4, 5), k=(2, 3, 6, 5))),
    gradient_question("scores", "scores(q, k)", ("q", "k"), **random(3, q=(2, 3), k=(2, 3))),
    weight(s=[[0, LOG3, 0], [0, 0, 0], [LOG2, 0, 0]], causal=False),
    weight(s=[[0, 0, LOG2]], causal=False),
    weight(s=[[0, 0, 0], [0, 0, 0], [0, 0, 0]], causal=True),
    weight(s=[[1, 2, 3], [0, LOG3, 5], [LOG2, 0, 0]], causal=True),
    weight(s=[[-300, 60], [80, -70]], causal=True),
    weight(**random(5, s=(2, 5, 3, 4)), causal=False),
    weight(**random(4, s=(2, 5, 3, 3)), causal=True),
    gradient_question("weights", "weights(s, causal)", ("s",), **random(6, s=(3, 3)), causal=True),
    attend(q=[[0], [0]], k=[[1], [2]], v=[[10, 0], [0, 20]], causal=False),
    attend(q=[[0], [LOG3], [0]], k=[[1], [0], [0]], v=[[15, 0], [0, 15], [0, 0]], causal=False),
    attend(q=[[0], [LOG3], [0]], k=[[1], [0], [0]], v=[[15, 0], [0, 15], [0, 0]], causal=True),
    attend(**random(7, q=(2, 5, 3, 4), k=(2, 5, 6, 4), v=(2, 5, 6, 1)), causal=False),
    attend(**random(8, q=(2, 5, 3, 4), k=(2, 5, 3, 4), v=(2, 5, 3, 6)), causal=True),
    Question("attention", "sees(f, k, v)", seen_in_attention,
             "sees(f, k, v), where f(k, v) is attention(q, k, v, True)", formula=ATTEND, compare=who_sees_whom),
    gradient_question("attention", "attention(q, k, v, causal)", ("q", "k", "v"),
                      **random(9, q=(2, 2), k=(2, 2), v=(2, 2)), causal=False),
    split(x=[[[11, 12, 13, 14], [21, 22, 23, 24], [31, 32, 33, 34]]], heads=2),
    split(x=[[[11, 12], [21, 22], [31, 32]]], heads=2),
    split(x=numbered((2, 2, 6)), heads=3),
    split(x=numbered((1, 3, 2)), heads=1),
    split(x=numbered((3, 5, 8)), heads=4),
    gradient_question("split_heads", "split_heads(x, heads)", ("x",), x=numbered((1, 2, 4)), heads=2),
    merge(z=[[[[11, 12], [21, 22], [31, 32]], [[13, 14], [23, 24], [33, 34]]]]),
    merge(z=[[[[11], [21], [31]], [[12], [22], [32]]]]),
    merge(z=numbered((2, 3, 2, 2))),
    merge(z=numbered((4, 2, 5, 3))),
    gradient_question("merge_heads", "merge_heads(z)", ("z",), z=numbered((1, 2, 2, 2))),
    multi(x=[[[1, 2]]], **identity(W_v=[[1, 3], [0, 1]], W_out=[[2, 0], [1, 1]]), heads=1, causal=False),
    multi(**TWO_HEADS, heads=2, causal=False),
    multi(**TWO_HEADS, heads=2, causal=True),
    multi(**random(10, x=(1, 3, 4), **dict.fromkeys(MATRICES, (4, 4))), heads=2, causal=False),
    multi(**random(11, x=(4, 5, 6), **dict.fromkeys(MATRICES, (6, 6))), heads=3, causal=True),
    Question("multi_head", "sees(f, x)", seen_in_multi_head,
             "sees(f, x), where f(x) is multi_head(x, ..., causal=True) with two heads", formula=MULTI,
             compare=who_sees_whom),
    gradient_question("multi_head", CALL, ("x", *MATRICES),
                      **random(12, x=(1, 2, 2), **dict.fromkeys(MATRICES, (2, 2))), heads=2, causal=True),
    *map(training_question, trained.TASKS),
    windowed(s=[[0, 0, 0], [0, 0, 0], [0, 0, 0]], size=2),
    windowed(**random(13, s=(4, 4)), size=1),
    windowed(**random(14, s=(2, 5, 5)), size=3),
    near(s=[[0, 0], [0, 0]], slope=LOG3),
    near(**random(15, s=(3, 3)), slope=0.5),
    near(**random(16, s=(2, 4, 4)), slope=2.0),
)  # fmt: skip
