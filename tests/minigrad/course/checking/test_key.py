"""Answer keys: they belong to the lessons as they are, and name a mistake only if it explains everything."""

import random

import numpy as np
import pytest

from minigrad.course.checking import key
from minigrad.course.checking.answers import decode, difference, encode
from minigrad.course.checking.registry import lesson, lessons

from .test_lesson import each_lesson, graded_here, with_code


@each_lesson
def test_the_key_has_the_solutions_answers(one):
    right = key.load(one).right
    assert len(right) == len(one.questions), (
        f"run: python -m minigrad.course.checking.key {one.number}"
    )
    for question, stored in zip(one.questions, right, strict=True):
        given = question.given(one.solved)
        answer = decode(encode(one.ask(question.call, one.solved, given)))
        told = (
            question.compare(answer, stored)
            if question.compare
            else difference(answer, stored, max(question.tolerance, 1e-6))
        )
        assert not told, f"run: python -m minigrad.course.checking.key {one.number}"


@each_lesson
def test_mistakes_of_the_library_are_rejected_and_named(one):
    needed = {question.function for question in one.questions if not question.stretch}
    unnamed = (
        " nan",
        " inf",
        "TimeoutError",
    )  # never named, or would hang this process
    known = [
        k
        for k in key.load(one).slips
        if not k.own and k.slip.function in needed
        and not any(s[0].endswith(unnamed) for s in k.signatures)
    ]  # fmt: skip
    named = 0
    sample = random.Random(28).sample(known, min(6, len(known)))
    for made in sample:
        problem = graded_here(one, with_code(one, made.slip.code)).problem
        assert problem is not None, made.slip.code
        if problem.slip is not None and problem.function == made.slip.function:
            named += 1
    # not named: too few wrong answers that are True or False, NaN, an error, another function
    assert named >= len(sample) / 3


def test_a_slip_that_explains_only_some_answers_is_not_named():
    one = lesson(13)
    right = one.read("solution.py")
    code = (
        "original = tanh_backward\ndef tanh_backward(dh, h):\n"
        "    return dh * (1 - h) if h.size > 1 else original(dh, h) + 1\n"
    )
    problem = graded_here(one, f"{right}\n{code}").problem
    assert (
        problem is not None
        and problem.function == "tanh_backward"
        and problem.slip is None
    )


def test_a_slip_is_not_named_for_answers_that_are_nan():
    one = lesson(13)
    code = "def tanh_backward(dh, h):\n    return dh * (1 - h * h) / 0.0 * 0.0\n"
    with np.errstate(all="ignore"):
        problem = graded_here(one, with_code(one, code)).problem
    assert problem is not None and problem.slip is None


# A learner's code, and a mistake with the same answers that this code contradicts.
CONTRADICTED = {
    "nothing returned": (6, """
def agree(claimed, measured):
    return bool(np.allclose(claimed, measured))
"""),
    "results exchanged": (2, """
def finer_difference(f, x, h):
    a = (f(x + h) - f(x - h)) / (2 * h)
    b = (f(x + h / 2) - f(x - h / 2)) / h
    return (4 * a - b) / 3
"""),
    "`reshape` forgotten": (11, """
def one_hot(ids, V):
    flat = ids.reshape(-1)
    z = np.zeros((len(flat), V))
    z[np.arange(len(flat)), flat] = 1
    return z
"""),
    "a comparison the wrong way round": (17, """
def shuffled(ids, rng):
    mixed = ids.copy()
    for row in mixed:
        rng.permutation(row[row != 0])
    return mixed
"""),
    "the wrong axis": (17, """
def word_parts(model, ids):
    vectors = model.embedding(ids[None])
    (slope,) = mg.grad(model.head(model.rnn(vectors)).sum(), [vectors])
    return (vectors.array * slope.array).sum(axis=1)[0]
"""),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTED)
def test_a_mistake_is_not_named_if_the_learners_code_contradicts_it(name):
    number, code = CONTRADICTED[name]
    verdict = graded_here(lesson(number), with_code(lesson(number), code))
    problem = verdict.problem or verdict.stretch[1]
    assert problem is not None and (problem.slip is None or problem.slip.name != name)


def test_code_of_a_method_leaves_its_class_as_it_is():
    text = 'class A:\n    def f(self):\n        "what it does"\n        return 1'
    assert key.code_of(text, "A.f") == "def f(self):\n    return 1"
    assert "what it does" in key.code_of(text, "A")


def test_make_gives_the_stored_key():
    one = min(lessons(), key=lambda each: each.number)
    made, stored = key.make(one), key.load(one)
    assert [k.slip for k in made.slips] == [k.slip for k in stored.slips]


@pytest.mark.parametrize(("one", "other", "same"), [(("(2,)", 1.0), ("(2,)", 1.0 + 1e-9), True),
                                                    (("(2,)", 1.0), ("(3,)", 1.0), False),
                                                    (("(2,)", 1e9), ("(2,)", 1e9 + 1), True)])  # fmt: skip
def test_same_compares_form_and_number(one, other, same):
    assert key.same(one, other, 1e-6) is same
