"""Answer keys: a mistake is named only if it explains all answers."""

import random
import time

import numpy as np
import pytest

from minigrad.course.checking import key
from minigrad.course.checking.answers import signature
from minigrad.course.checking.lesson import Question
from minigrad.course.checking.registry import lesson

from .test_lesson import each_lesson, graded_here, with_code


def problem_of(one, code):
    verdict = graded_here(one, with_code(one, code))
    return verdict.problem or verdict.stretch[1]


def is_quick(known):
    """Whether a slip of the library may be named, and ends in this process."""
    endings = (" nan", " inf", "TimeoutError")
    return not any(form.endswith(endings) for form, _ in known.signatures)


@each_lesson
def test_mistakes_of_the_library_are_rejected_and_named(one):
    needed = {question.function for question in one.questions if not question.stretch}
    slips = [
        known.slip
        for known in key.load(one).slips
        if not known.own and known.slip.function in needed and is_quick(known)
    ]
    sample = random.Random(28).sample(slips, min(6, len(slips)))
    named = 0
    for slip in sample:
        problem = problem_of(one, slip.code)
        assert problem is not None, slip.code
        named += problem.slip is not None and problem.function == slip.function
    # not named: too few wrong answers that are True or False, NaN, an error, another function
    assert named >= len(sample) / 3


@pytest.mark.parametrize(
    "result",
    [
        "dh * (1 - h) if h.size > 1 else dh * (1 - h * h) + 1",  # explains only some
        "dh * (1 - h * h) / 0.0 * 0.0",  # all are NaN
    ],
)
def test_find_slip_needs_an_explanation_of_all_answers(result):
    with np.errstate(all="ignore"):
        code = f"def tanh_backward(dh, h):\n    return {result}\n"
        problem = problem_of(lesson(13), code)
    assert problem.function == "tanh_backward"
    assert problem.slip is None


@pytest.mark.parametrize(
    ("name", "number", "code"),
    [
        (
            "nothing returned",
            6,
            """
def agree(claimed, measured):
    return bool(np.allclose(claimed, measured))
""",
        ),
        (
            "results exchanged",
            2,
            """
def finer_difference(f, x, h):
    a = (f(x + h) - f(x - h)) / (2 * h)
    b = (f(x + h / 2) - f(x - h / 2)) / h
    return (4 * a - b) / 3
""",
        ),
        (
            "`reshape` forgotten",
            11,
            """
def one_hot(ids, V):
    flat = ids.reshape(-1)
    z = np.zeros((len(flat), V))
    z[np.arange(len(flat)), flat] = 1
    return z
""",
        ),
        (
            "a comparison the wrong way round",
            17,
            """
def shuffled(ids, rng):
    mixed = ids.copy()
    for row in mixed:
        rng.permutation(row[row != 0])
    return mixed
""",
        ),
        (
            "the wrong axis",
            17,
            """
def word_parts(model, ids):
    vectors = model.embedding(ids[None])
    (slope,) = mg.grad(model.head(model.rnn(vectors)).sum(), [vectors])
    return (vectors.array * slope.array).sum(axis=1)[0]
""",
        ),
    ],
)
def test_find_slip_names_no_mistake_that_the_code_contradicts(name, number, code):
    problem = problem_of(lesson(number), code)
    assert problem.slip is None or problem.slip.name != name


def test_code_of_a_method_leaves_its_class_as_it_is():
    text = 'class A:\n    def f(self):\n        "it returns 1"\n        return 1'
    assert key.code_of(text, "A.f") == "def f(self):\n    return 1"
    assert "it returns 1" in key.code_of(text, "A")


def test_make_gives_the_stored_key():
    one = lesson(1)
    made, stored = key.make(one), key.load(one)
    assert [known.slip for known in made.slips] == [known.slip for known in stored.slips]


@pytest.mark.parametrize(
    ("form", "number", "same"),
    [("(2,)", 1e9 + 1, True), ("(2,)", 1e9 + 1e5, False), ("(3,)", 1e9, False)],
)
def test_same_compares_form_and_number(form, number, same):
    assert key.same(("(2,)", 1e9), (form, number), 1e-6) is same


def work_for(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return 1.0


def work_of_python():
    while True:
        pass


def work_of_the_system():
    buffer = bytearray(1 << 24)
    with open("/dev/zero", "rb", buffering=0) as zeros:
        while True:
            zeros.readinto(buffer)


def signatures_of(monkeypatch, work, training=0.0):
    question = Question("slopes", "work()", lambda _: {"work": work}, training=training)
    monkeypatch.setattr(lesson(1).check, "QUESTIONS", (question, question))
    return key._signatures(lesson(1), [0, 1], "")


def test_signatures_give_a_training_its_own_time(monkeypatch):
    monkeypatch.setattr(key, "LONGEST", 0.1)
    answers = signatures_of(monkeypatch, lambda: work_for(0.5), training=60.0)
    assert answers == 2 * [signature(1.0)]


@pytest.mark.parametrize("work", [work_of_python, work_of_the_system])
def test_signatures_stop_work_that_never_ends(monkeypatch, work):
    with pytest.raises(TimeoutError):
        signatures_of(monkeypatch, work)
