"""Lesson 18: its attention against the engine's, what it moves by hand, and its page. Its check compares
`multi_head` with the layer.
"""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.checking import key
from minigrad.course.checking.lesson import module
from minigrad.course.checking.registry import lesson
from minigrad.course.lessons.lesson_18_attention import (
    check_page,
    check_sight,
    check_training,
    shading,
    solution,
    trained,
)

from ..conftest import alike, engine, normal

ONE = lesson(18)
ANSWERS = [
    answer
    for question, answer in zip(ONE.questions, key.load(ONE).right, strict=True)
    if question.training
]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    "front",
    [(), (3,), (2, 3)],
)
def test_attention_is_the_engines(front, causal):
    arrays = normal(
        (*front, 5, 4),
        (*front, 5, 4),
        (*front, 5, 3),
    )
    _, *found = engine(lambda q, k, v: solution.attention(q, k, v, causal), *arrays)
    _, *expected = engine(
        lambda q, k, v: mg.scaled_dot_product_attention(q, k, v, causal=causal),
        *arrays,
    )
    alike(found, expected)


def test_attention_that_leaks_is_reported_with_both_positions():
    def leaking(k, v):
        allowed = np.tri(6, k=1, dtype=bool)
        return mg.softmax(mg.where(allowed, solution.scores(k, k), -1e9)) @ v

    seen = check_sight.sees(
        leaking,
        *map(mg.Tensor, normal((6, 3), (6, 2))),
    )
    message = check_sight.who_sees_whom(seen, np.tri(6, dtype=int))
    assert message == "position 0 sees position 1, which comes later"
    seen[0, 1] = 0
    message = check_sight.who_sees_whom(seen, np.tri(6))
    assert message == "position 1 sees position 2, which comes later"


@pytest.mark.parametrize(
    ("answer", "looks"),
    [
        (ANSWERS[0], [0, 1, 2, 3, 4]),
        (ANSWERS[1], [4, 3, 2, 1, 0]),
        (ANSWERS[2], [0, 1, 2, 3, 4]),
    ],
    ids=["copy", "reverse", "sort"],
)
def test_attention_moves_digits(answer, looks):
    low_loss, right, *found = answer.values()
    task, accuracy, _ = found.pop()
    assert low_loss and right and accuracy == 1
    assert found == looks
    digits, held_out = trained.examples(task, np.random.default_rng(0))
    assert not {*map(tuple, digits)} & {*map(tuple, held_out)}


def test_attention_without_a_mask_has_a_low_loss_and_cannot_sort():
    _, loss, accuracy = trained.train(solution.multi_head, "sort", causal=False)
    assert loss < 0.01
    assert accuracy < 0.2


def test_training_needs_a_right_multi_head(monkeypatch):
    monkeypatch.setattr(
        solution,
        "merge_heads",
        lambda z: z.reshape(
            z.shape[0],
            z.shape[2],
            -1,
        ),
    )
    with pytest.raises(ValueError, match="multi_head is not right yet"):
        check_training.training(solution)["learns"]("copy")


def test_training_names_a_function_that_is_not_written():
    with pytest.raises(SystemExit, match="multi_head is not written yet"):
        trained.run(module("exercise", ONE.exercise))


def test_figure_marks_what_is_wrong():
    who = np.eye(2, dtype=bool)
    drawn = shading.figure("who <sees> whom", who, wrong=~who)
    assert drawn.count(">!<") == 2
    assert "who &lt;sees&gt; whom" in drawn


def test_picture_shows_numbers():
    matrix = [[0.25, -0.5], [1.0, math.nan]]
    drawn = shading.picture({"weights": (matrix, ["a", "b"])})
    for text in (".25", "-.5", "1", "nan", "a", "weights"):
        assert f">{text}<" in drawn


@pytest.mark.parametrize(
    ("function", "option", "power"),
    [
        ("in_window", 3, lambda distance: 0.0 if 0 <= distance < 3 else -math.inf),
        (
            "nearer",
            0.7,
            lambda distance: -0.7 * distance if distance >= 0 else -math.inf,
        ),
    ],
)
def test_weights_of_distances_are_those_of_a_loop(function, option, power):
    (s,) = normal((5, 5))
    found = getattr(solution, function)(mg.Tensor(s[None]), option)
    expected = np.zeros((5, 5))
    for t, u in np.ndindex(5, 5):
        expected[t, u] = math.exp(s[t, u] + power(t - u))
    alike(found.array[0], expected / expected.sum(axis=1, keepdims=True))


def test_page_shows_the_case_that_is_wrong(tmp_path):
    source = ONE.solution.replace("if causal:", "if True:")
    check_page.page(module("mistake", source), tmp_path / "page.html", "weights")
    drawn = (tmp_path / "page.html").read_text()
    assert "causal=False" in drawn
    assert "causal=True" not in drawn


def test_page_is_drawn_from_the_answers_without_another_training(tmp_path, monkeypatch):
    paths = tmp_path / "trained.html", tmp_path / "page.html"
    ONE.draw(solution, paths[0], "")
    monkeypatch.setattr(trained, "train", None)
    ONE.draw(solution, paths[1], "", ANSWERS)
    assert paths[0].read_text() == paths[1].read_text()
