"""Lesson 18's solution against the engine's own attention, closed forms, and what attention moves."""

import math

import numpy as np
import pytest

import minigrad as mg
from layers import MultiHeadAttention
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

from ..conftest import alike

rng = np.random.default_rng(18)


def tensors(*shapes):
    return [mg.Tensor(rng.normal(size=shape), requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("front", [(), (3,), (2, 3)])
def test_attention_is_the_engines(front, causal):
    q, k, v = tensors((*front, 5, 4), (*front, 5, 4), (*front, 5, 3))
    results = []
    for z in (
        solution.attention(q, k, v, causal),
        mg.scaled_dot_product_attention(q, k, v, causal=causal),
    ):
        gradients = mg.grad((z * z * z).sum(), [q, k, v])
        results.append([z.array, *(one.array for one in gradients)])
    alike(results[0], results[1], 1e-10)


@pytest.mark.parametrize(
    ("heads", "causal"), [(1, True), (2, False), (3, True), (6, False)]
)
def test_multi_head_is_that_of_layers(heads, causal):
    layer = MultiHeadAttention(6, heads, causal=causal, bias=False)
    x, W_q, W_k, W_v, W_out = tensors((2, 5, 6), *[(6, 6)] * 4)
    layer.W_qkv.array = np.concatenate([W_q.array, W_k.array, W_v.array], axis=1)
    layer.out_proj.W.array = W_out.array
    results = []
    for z in (solution.multi_head(x, W_q, W_k, W_v, W_out, heads, causal), layer(x)):
        results.append([z.array, mg.grad((z * z).sum(), [x])[0].array])
    alike(results[0], results[1], 1e-10)
    alike([solution.merge_heads(solution.split_heads(x, heads)).array], [x.array])


def test_the_numbers_of_the_text():
    q, k = mg.Tensor([[math.log(3)], [0.0]]), mg.Tensor([[0.0], [1.0]])
    v = mg.Tensor([[8.0, 0.0], [0.0, 4.0]])
    alike(
        [solution.attention(q, k, v, False).array],
        [np.array([[2.0, 3.0], [4.0, 2.0]])],
        1e-6,
    )
    alike(
        [solution.attention(q, k, v, True).array],
        [np.array([[8.0, 0.0], [4.0, 2.0]])],
        1e-6,
    )


def test_a_leak_is_reported_with_both_positions():
    inputs = tensors((6, 3), (6, 2))

    def leaking(k, v):
        s = mg.where(np.tri(6, k=1, dtype=bool), solution.scores(k, k), -1e9)
        return mg.softmax(s) @ v

    seen = check_sight.sees(leaking, *inputs)
    assert check_sight.who_sees_whom(seen, np.tri(6, dtype=int)) == (
        "position 0 sees position 1, which comes later"
    )
    seen[0, 1], seen[2, 3], seen[2, 5] = 0, 0, 1
    assert (
        check_sight.who_sees_whom(seen, np.tri(6))
        == "position 1 sees position 2, which comes later"
    )


@pytest.mark.parametrize("task", trained.TASKS)
def test_attention_moves_digits(task):
    writer, loss, accuracy = trained.train(solution.multi_head, task)
    digits, held_out = trained.examples(task, np.random.default_rng(0))
    assert not {*map(tuple, digits.tolist())} & {*map(tuple, held_out.tolist())}
    assert loss < 0.01 and accuracy == 1
    best = trained.pattern(solution, writer, task).argmax(axis=1).tolist()
    assert best == ([4, 3, 2, 1, 0] if task == "reverse" else [0, 1, 2, 3, 4])


def test_a_network_without_a_mask_has_a_low_loss_and_cannot_sort():
    _, loss, accuracy = trained.train(solution.multi_head, "sort", causal=False)
    assert loss < 0.01 and accuracy < 0.2


def test_no_network_is_trained_with_a_wrong_function(monkeypatch):
    monkeypatch.setattr(
        solution, "merge_heads", lambda z: z.reshape(z.shape[0], z.shape[2], -1)
    )
    with pytest.raises(ValueError, match="multi_head is not right yet"):
        check_training.training(solution)["learns"]("copy")


def test_a_map_shows_numbers_and_leaks():
    drawn = shading.figure(
        "who <sees> whom", np.eye(2, dtype=bool), wrong=np.eye(2) == 0
    )
    assert drawn.count(">!<") == 2 and "who &lt;sees&gt; whom" in drawn
    drawn = shading.picture(
        {"weights": ([[0.25, -0.5], [1.0, float("nan")]], ["a", "b"])}
    )
    assert all(
        f">{text}<" in drawn for text in (".25", "-.5", "1", "nan", "a", "weights")
    )


def test_the_stretch_tasks_agree_with_a_loop():
    (s,) = tensors((2, 5, 5))
    for weights, allowed, change in (
        (solution.in_window(s, 3), lambda t, u: t - 3 < u <= t, lambda t, u: 0.0),
        (solution.nearer(s, 0.7), lambda t, u: u <= t, lambda t, u: 0.7 * (t - u)),
    ):
        expected = np.zeros((2, 5, 5))
        for b, t, u in np.ndindex(2, 5, 5):
            if allowed(t, u):
                expected[b, t, u] = math.exp(s.array[b, t, u] - change(t, u))
        alike([weights.array], [expected / expected.sum(axis=2, keepdims=True)])


def test_an_unwritten_function_is_named_before_the_training():
    with pytest.raises(SystemExit, match="multi_head is not written yet"):
        trained.run(module("exercise", lesson(18).read("exercise.py")))


def test_the_page_shows_the_case_that_is_wrong(tmp_path):
    source = lesson(18).read("solution.py").replace("if causal:", "if True:")
    check_page.page(module("mistake", source), tmp_path / "page.html", "weights")
    drawn = (tmp_path / "page.html").read_text()
    assert "causal=False" in drawn and "causal=True" not in drawn


def test_the_page_is_drawn_without_another_training(tmp_path, monkeypatch):
    one = lesson(18)
    right = zip(one.questions, key.load(one).right, strict=True)
    answers = [answer for question, answer in right if question.training]
    one.draw(one.solved, tmp_path / "trained.html", "")
    monkeypatch.setattr(trained, "train", None)
    one.draw(one.solved, tmp_path / "page.html", "", answers)
    assert (tmp_path / "page.html").read_text() == (
        tmp_path / "trained.html"
    ).read_text()
