"""Lesson 19: its functions against layers, numbers by hand and counts, and its page."""

import re

import numpy as np

import minigrad as mg
from minigrad.course.checking import key
from minigrad.course.checking.registry import lesson
from minigrad.course.lessons.lesson_19_gpt import (
    check_attend,
    check_inputs,
    check_model,
    check_writing,
    solution,
    trained,
)

from ..conftest import alike

ONE = lesson(19)


def test_attention_and_embedding_are_those_of_layers():
    assert trained.agrees(solution)


def test_targets_by_hand():
    inputs, labels = solution.targets(np.array([[0, 1, 22, 1, 0, 0]]))
    assert inputs.tolist() == [[0, 1, 22, 1, 0]]
    assert labels.tolist() == [[1, 22, 1, 0, -100]]


def test_targets_are_asked_for_rows_as_the_exercise_describes_them():
    assert "letters, and at least one 0" in ONE.exercise
    asked = [one for one in ONE.questions if one.function == "targets"]
    for question in asked:
        for row in question.given(solution)["ids"].tolist():
            letters = row.index(0, 1) - 1
            assert row[0] == 0 and letters >= 1
            assert not any(row[letters + 1 :])


def test_probabilities_at_a_temperature_by_hand():
    logits = np.log([1.0, 3.0]) + 700
    alike(
        solution.probabilities(logits, 0.5),
        [0.1, 0.9],
        1e-9,
    )
    alike(
        solution.probabilities(logits, 1e9),
        [0.5, 0.5],
        1e-6,
    )


def test_places_finds_the_row_that_was_added():
    table, ids = mg.Tensor(np.ones((2, 2))), np.array([[1, 0]])
    rows = np.array([[np.sin(4), np.cos(4)], [5.0, 5.0]])
    found = check_inputs.places(mg.Tensor(1 + rows[None]), table, ids)
    del found["x"]
    assert found == {"the position of column 0": 4}


def test_distribution_reports_a_wrong_total_and_nan():
    right = np.array([0.25, 0.75])
    assert check_writing.distribution(right, right) is None
    assert "They add up to 0.5." in check_writing.distribution([0.25, 0.25], right)
    assert "too large for exp" in check_writing.distribution([0.0, np.nan], right)
    assert check_writing.distribution([0.75, 0.25], right)


def test_write_has_the_frequencies_of_the_probabilities():
    logits = check_writing.dice()(np.array([[1]])).array[0, -1]
    rng = np.random.default_rng(0)
    drawn = [solution.write(check_writing.dice(), [1], 1, rng, 1.5)[1] for _ in range(4000)]
    expected = solution.probabilities(logits, 1.5)
    alike(
        np.bincount(drawn, minlength=6) / 4000,
        expected,
        0.02,
    )


def test_training_beats_pairs_of_letters():
    (answer,) = (one for one in key.load(ONE).right if isinstance(one, dict))
    assert answer["loss"] < trained.BIGRAM
    assert check_model.good_enough(
        {**answer, "loss": trained.BIGRAM},
        None,
    )


def test_attention_that_leaks_is_reported_with_its_positions():
    def leaking(q, k, v, cache=None):
        return mg.scaled_dot_product_attention(q, k, v), (k, v)

    right = np.tri(6, dtype=int)
    seen = check_model.causal(solution.embed, solution.block, leaking)
    assert "position 0 sees position 1" in check_attend.first_leak(seen, right)
    assert check_attend.first_leak(np.tri(6), right) is None


def test_top_k_by_hand():
    found = solution.top_k(
        np.array([0.1, 0.6, 0.3]),
        2,
    )
    alike(
        found,
        [0, 2 / 3, 1 / 3],
    )


def test_perplexities_of_equal_scores_by_hand():
    logits = mg.Tensor(np.zeros((3, 2, 7)))
    labels = np.array([[0, 1], [6, -100], [2, 2]])
    alike(
        solution.perplexities(logits, labels),
        [7, 7],
        1e-9,
    )


def test_page_is_drawn_from_the_answers_without_another_training(tmp_path, monkeypatch):
    (answer,) = (one for one in key.load(ONE).right if isinstance(one, dict))
    monkeypatch.setattr(trained, "train", None)
    ONE.draw(
        solution,
        tmp_path / "page.html",
        "",
        [answer],
    )
    drawn = (tmp_path / "page.html").read_text()
    assert "Names that it wrote" in drawn
    assert drawn.count("<svg") == 5  # four heads, and who sees whom
    rows = re.findall(r'<tr><th scope="row">[\d.]+</th><td>(.*?, .*?)</td>', drawn)
    assert [row.count(", ") for row in rows] == [7, 7, 7]
