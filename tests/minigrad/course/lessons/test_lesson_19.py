"""Lesson 19's solution against minigrad's layers, numbers by hand, and counts."""

import re

import numpy as np
import pytest

import minigrad as mg
from layers import MultiHeadAttention, PositionalEncoding
from minigrad.course.checking import key
from minigrad.course.checking.registry import lesson
from minigrad.course.lessons.lesson_19_gpt import (
    check_attend,
    check_model,
    check_writing,
    solution,
    trained,
)

from ..conftest import alike


def test_positions_are_those_of_the_layer():
    x = np.zeros((1, 9, 12))
    alike(solution.positions(9, 12), PositionalEncoding()(x).array[0], 1e-12)
    table, ids = mg.Tensor(np.zeros((5, 12))), np.array([[4, 0]])
    alike(
        solution.embed(table, ids, 3).array,
        PositionalEncoding()(x[:, :2], 3).array,
        1e-12,
    )


def test_a_model_of_the_solution_is_one_of_transformer_blocks():
    assert trained.agrees(solution) and check_model.writes(solution)


@pytest.mark.parametrize("cached", [0, 1, 4])
def test_attention_with_a_cache_is_that_of_the_layer(cached):
    mg.seed(0)
    layer = MultiHeadAttention(6, 2, causal=True)
    x = np.random.default_rng(0).normal(size=(2, 5, 6)).astype("float32")

    def parts(x):
        qkv = (x @ layer.W_qkv + layer.b_qkv).reshape(2, x.shape[1], 3, 2, 3)
        return qkv.transpose(2, 0, 3, 1, 4)

    cache = solution.attend(*parts(mg.Tensor(x[:, :cached])))[1] if cached else None
    q, k, v = parts(mg.Tensor(x[:, cached:]))
    z, _ = solution.attend(q, k, v, cache)
    z = layer.out_proj(z.transpose(0, 2, 1, 3).reshape(2, 5 - cached, 6))
    alike(z.array, layer(x).array[:, cached:], 1e-5)


def test_labels_and_probabilities_by_hand():
    inputs, labels = solution.targets(np.array([[0, 1, 22, 1, 0, 0]]))
    assert (inputs.tolist(), labels.tolist()) == (
        [[0, 1, 22, 1, 0]],
        [[1, 22, 1, 0, -100]],
    )
    logits = np.log([1.0, 3.0]) + 700
    alike(solution.probabilities(logits, 0.5), [0.1, 0.9], 1e-9)
    alike(solution.probabilities(logits, 1e9), [0.5, 0.5], 1e-6)


def test_written_ids_have_the_frequencies_of_their_probabilities():
    p = solution.probabilities(check_writing.dice()(np.array([[1]])).array[0, -1], 1.5)
    rng = np.random.default_rng(0)
    drawn = [
        solution.write(check_writing.dice(), [1], 1, rng, 1.5)[1] for _ in range(4000)
    ]
    np.testing.assert_allclose(np.bincount(drawn, minlength=6) / 4000, p, atol=0.02)


def test_a_short_training_beats_pairs_of_letters_and_the_cache_changes_nothing():
    found = check_model.train(*(getattr(solution, name) for name in trained.NAMES))
    assert (
        check_model.good_enough(found, None) is None and found["loss"] < trained.BIGRAM
    )
    assert check_model.good_enough({**found, "loss": trained.BIGRAM}, None)


def test_a_leak_is_told_with_its_positions():
    def leaking(q, k, v, cache=None):
        return mg.scaled_dot_product_attention(q, k, v), (k, v)

    seen = check_model.causal(solution.embed, solution.block, leaking)
    assert "position 0 sees position 1" in check_attend.first_leak(
        seen, np.tri(6, dtype=int)
    )
    assert check_attend.first_leak(np.tri(6), np.tri(6, dtype=int)) is None


def test_the_stretch_tasks_by_hand():
    alike(solution.top_k(np.array([0.1, 0.6, 0.3]), 2), [0, 2 / 3, 1 / 3], 1e-12)
    logits = mg.Tensor(np.zeros((3, 2, 7)))
    labels = np.array([[0, 1], [6, -100], [2, 2]])
    alike(solution.perplexities(logits, labels), [7, 7], 1e-9)


def test_the_page_is_drawn_without_another_training(tmp_path, monkeypatch):
    one = lesson(19)
    (number,) = (i for i, question in enumerate(one.questions) if question.training)
    monkeypatch.setattr(trained, "train", None)
    one.draw(solution, tmp_path / "page.html", "", [key.load(one).right[number]])
    drawn = (tmp_path / "page.html").read_text()
    assert (
        "Names that it wrote" in drawn and drawn.count("<svg") == 5
    )  # four heads, and who sees whom
    rows = [
        row.split(", ")
        for row in re.findall(r"<tr><td>[\d.]+</td><td>(.*?)</td>", drawn)
    ]
    assert [len(row) for row in rows] == [8, 8, 8]


def test_each_row_of_ids_has_a_0_after_its_letters_as_the_exercise_says():
    assert "letters, and at least one 0" in lesson(19).exercise
    asked = [
        question for question in lesson(19).questions if question.function == "targets"
    ]
    rows = [
        row for question in asked for row in question.given(solution)["ids"].tolist()
    ]
    assert len(rows) == 9
    for row in rows:
        letters = row.index(0, 1) - 1
        assert row[0] == 0 and letters >= 1 and not any(row[letters + 1 :])
