"""Milestones: the stub, solution, slips and right answers of each, finite differences, and the same
network by minigrad.
"""

import json
import sys
import warnings
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import LSTM, RNN
from minigrad.course.checking import child, feedback, key
from minigrad.course.checking.grade import grade, judge
from minigrad.course.checking.registry import lesson, milestone, milestones
from minigrad.course.checking.sandbox import collected
from minigrad.course.workbook import READY
from optim import SGD, Adam

from .conftest import alike

Value = lesson(7).solved.Value
each = pytest.mark.parametrize("one", milestones(), ids=lambda one: one.word)
SOURCE = Path("course")


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """The solution's engine as my_engine, for files that this process runs."""
    monkeypatch.setitem(sys.modules, "my_engine", lesson(7).solved)


def asked(one, text, only=None, instead=None):
    """The outcomes of a file that this process asks all questions without a training."""
    questions = [i for i, question in enumerate(one.questions) if not question.training]
    lines: list[Any] = []
    with warnings.catch_warnings(action="ignore"):
        child.run(one, SOURCE / one.file, text, lines.append, only or questions)
    answers = [line for line in lines if "training" not in line and "way" not in line]
    return collected(json.loads(json.dumps([*answers, {"done": True}])))


def verdict_on(one, text):
    """The verdict on a file without its training, whose question is the last."""
    return judge(one, text, asked(one, text), lambda *others: asked(one, *others))


def said(verdict, tries):
    return " ".join(" ".join(feedback.lines(verdict, tries)).split())


@each
def test_exercise_is_not_written_yet(one):
    if one.word == "xor":  # which asks for no operation
        return
    verdict = verdict_on(one, one.exercise)
    assert (verdict.passed, verdict.right) == (False, 0)
    assert "is not written yet" in said(verdict, 1)


@each
def test_solution_trains_in_its_own_process(one):
    verdict = grade(one, SOURCE / one.file, one.solution, modules=one.engine)
    assert verdict.passed, said(verdict, 3)
    (found,) = verdict.trained
    assert found["loss"] < 0.7 * found["losses"][0]
    assert found["told"]
    assert found["seconds"] > 0


@pytest.mark.parametrize(
    ("one", "slip"),
    [
        pytest.param(one, slip, id=f"{one.word}: {slip.name}")
        for one in milestones()
        for slip in one.slips
    ],
)
def test_slip_is_rejected_and_named(one, slip):
    verdict = verdict_on(one, f"{one.solution}\n{slip.code}\n")
    assert verdict.problem.question is not None
    name = " ".join(str(slip).split())
    assert [name in said(verdict, tries) for tries in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize(
    ("one", "code"),
    [
        pytest.param(one, code, id=f"{one.word}: {name}")
        for one in milestones()
        if one.word != "xor"
        for name, code in one._module("right").RIGHT.items()
    ],
)
def test_right_answer_has_only_the_training_left(one, code):
    verdict = verdict_on(one, f"{one.solution}\n{code}\n")
    assert verdict.right == one.asked - 1, said(verdict, 3)


@each
def test_block_from_an_earlier_milestone_is_its_solution(one):
    for kind, number, name in READY.findall(one.exercise):
        assert kind == "milestone"
        earlier = milestone(number)
        assert key.code_of(one.exercise, name) == key.code_of(earlier.solution, name)


@each
def test_key_belongs_to_the_files(one):
    assert key.sources(one).encode() in key._stored(one), "build the key again"


@each
def test_hints_contain_no_line_of_the_solution(one):
    lines = {
        line.strip()
        for line in one.read("solution.py").splitlines()
        if len(line.strip()) > 20
    }
    assert len(one.hints) >= 3
    assert not [line for line in lines for hint in one.hints if line in hint]


# The same networks, written for minigrad. `w` contains the parameters.


def dense(x, W1, b1, W2, b2):
    return mg.tanh(x @ W1 + b1) @ W2 + b2


def xor(file, w):
    return ((dense(file.X, *w) - file.Y) ** 2).mean()


def spiral(file, w):
    return mg.softmax_cross_entropy(dense(file.X, *w), file.LABELS)


def words(file, w, ids, labels, last=None):
    E, *recurrent, W, b = w
    layer = RNN(16, 32, truncate=last)
    layer.cell.W_xh, layer.cell.W_hh, layer.cell.b_h = recurrent
    return mg.softmax_cross_entropy(layer(mg.lookup(E, ids)) @ W + b, labels)


def truncation(file, w, ids, labels):
    return words(file, w, ids, labels, last=10)


def lstm(file, w, x, y):
    layer = LSTM(1, 8)
    layer.cell.W_xh, layer.cell.W_hh, layer.cell.b, W = w
    return ((layer(x[:, :, None]) @ W - y) ** 2).mean()


def attention(x, heads):
    """The sum of the heads, each with four matrices."""
    mask, z = np.tri(x.shape[1], dtype=bool), 0
    for W_q, W_k, W_v, W_out in zip(*(heads[k::4] for k in range(4)), strict=True):
        z = z + mg.scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v, mask) @ W_out
    return z


def sorting(file, w, ids, answer):
    tokens, places, W, *heads = w
    x = mg.lookup(tokens, ids) + places
    logits = ((x + attention(x, heads)) @ W)[:, 5:]
    return mg.softmax_cross_entropy(logits.reshape(-1, 10), answer.reshape(-1))


def names(file, w, ids):
    tokens, places, W, b, *blocks = w
    length = int((ids > 0).sum(axis=1).max()) + 1
    x = mg.lookup(tokens, ids[:, :length]) + places[:length]
    for first in (0, 12):
        *heads, W1, b1, W2, b2 = blocks[first : first + 12]
        x = x + attention(normalized(x), heads)
        x = x + mg.relu(normalized(x) @ W1 + b1) @ W2 + b2
    labels = ids[:, 1 : length + 1].copy()
    labels[:, 1:][ids[:, 1:length] == 0] = -100  # minigrad leaves these positions out
    logits = normalized(x) @ W + b
    return mg.cross_entropy(logits.reshape(-1, 27), labels.reshape(-1))


def normalized(x):
    return mg.layer_norm(x, np.ones(24), np.zeros(24), 1e-5)


def digits(file, w, x, labels):
    filters, b, filters2, b2, W, c = w
    x = mg.relu(convolution(x.transpose(0, 3, 1, 2), filters, 3) + b.reshape(-1, 1, 1))
    x = mg.max_pool(x, (2, 2))
    x = mg.relu(convolution(x, filters2, 3) + b2.reshape(-1, 1, 1))
    z = convolution(x, W, 2).reshape(-1, 10) + c
    return mg.softmax_cross_entropy(z, labels.reshape(-1))


def convolution(x, filters, size):
    kernels = filters.reshape(size, size, x.shape[1], -1).transpose(3, 2, 0, 1)
    return mg.conv(x, kernels)


LOSSES = (xor, spiral, words, truncation, lstm, sorting, names, digits)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_twenty_steps_are_minigrads(loss):
    steps, file = 20, milestone(loss.__name__).solved
    parameters = file.start()
    weights = [mg.Tensor(one.array, requires_grad=True) for one in parameters]
    file.learn(parameters, steps)
    rate = {
        "xor": 0.2,
        "spiral": 1.0,
        "lstm": 0.01,
        "sorting": 0.01,
        "names": 0.01,
        "digits": 0.02,
    }
    lr = rate.get(loss.__name__, 0.005)
    plain = loss in (xor, spiral)
    optimizer = SGD(weights, lr=lr) if plain else Adam(weights, lr=lr)
    batches = repeat(()) if plain else file.batches()
    for step, batch in zip(range(steps), batches, strict=False):
        if not plain:
            optimizer.lr = lr * (1 - step / steps)
        optimizer.zero_grad()
        loss(file, weights, *batch).backward()
        optimizer.step()
    alike([one.array for one in parameters], weights, 1e-6)


@each
def test_operations_agree_with_finite_differences(one):
    for f, *arrays in one.check.TRIES.values():
        slopes = np.random.default_rng(0).normal(
            size=f(one.solved, *map(Value, arrays)).array.shape
        )
        values = [Value(array) for array in arrays]
        (f(one.solved, *values) * slopes).sum().backward()
        for number, array in enumerate(arrays):

            def total(nudged, f=f, arrays=arrays, number=number, slopes=slopes):
                changed = [*arrays[:number], nudged, *arrays[number + 1 :]]
                return (f(one.solved, *map(Value, changed)).array * slopes).sum()

            alike(
                values[number].grad,
                lesson(7).solved.numeric_gradient(total, array),
                1e-6,
            )
