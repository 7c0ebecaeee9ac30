"""examples/names.py: its data, losses and models against makemore's figures and closed forms."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg
import names
from layers import Layer
from minigrad.data import Characters, load_names
from tests.examples.conftest import is_png

NAMES = load_names()
CHARACTERS = Characters.build("".join(NAMES))
DATA = names.encode(NAMES, CHARACTERS)


def test_split_equals_makemores():
    parts = names.split(NAMES)
    assert sorted(sum(parts.values(), [])) == sorted(NAMES)
    letters = [sum(len(name) + 1 for name in part) for part in parts.values()]
    assert letters == [182_625, 22_655, 22_866]  # printed by makemore_part3_bn.ipynb
    assert parts["train"][0] == "yuheng"
    parts = names.split(NAMES, like_script=True)
    assert [len(part) for part in parts.values()] == [31_033, 1000, 1000]  # makemore.py
    assert sorted(parts["train"] + parts["test"]) == sorted(NAMES)


def test_encode_marks_the_end():
    inputs, labels = names.encode(["ava", "abcdefghijklmno"], CHARACTERS)
    assert_array_equal(
        inputs,
        [
            [0, 1, 22, 1] + 12 * [0],
            range(16),
        ],
    )
    assert_array_equal(
        labels,
        [
            [1, 22, 1, 0] + 12 * [-100],
            [*range(1, 16), 0],
        ],
    )


def test_count_reaches_the_loss_of_the_lecture():
    model = names.bigram(27)
    names.count(model, *DATA)
    inputs, labels = (array[DATA[1] >= 0] for array in DATA)
    counts = np.ones((27, 27))
    np.add.at(counts, (inputs, labels), 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    losses = -np.log(shares[inputs, labels])
    assert names.evaluate(model, *DATA) == pytest.approx(losses.mean(), abs=1e-6)
    # makemore_part1_bigrams.ipynb adds float32 numbers one by one. Its mean is 2.45436, not 2.45458.
    total = np.cumsum(losses.astype(np.float32))[-1]
    assert total == pytest.approx(559951.5625, rel=1e-6)


def test_evaluate_is_a_mean_over_letters():
    class Certain(Layer):
        """Always predicts the end of a name, with probability 1 / (1 + 26 / e)."""

        def forward(self, ids):
            return mg.Tensor(
                np.broadcast_to(
                    np.eye(27)[0],
                    (*ids.shape, 27),
                )
            )

    loss = names.evaluate(
        Certain(),
        *names.encode(["ava", "al"], CHARACTERS),
    )
    assert loss == pytest.approx(np.log(np.e + 26) - 2 / 7)  # 2 ends among 7 letters


@pytest.mark.parametrize("rung", names.RUNGS)
def test_rungs_are_causal(rung):
    mg.seed(0)
    model = names.RUNGS[rung][0](27).eval()
    ids = np.random.default_rng(0).integers(27, size=(2, 16))
    report = mg.check_causal(model, ids)
    assert report
    span = {
        "counts": 1,
        "bigram": 1,
        "mlp": 3,
    }.get(rung, 16)
    steps = np.tri(16, dtype=bool)
    assert_array_equal(
        report.steps.matrix,
        np.triu(steps, 1 - span),
    )


def test_sample_draws_new_names():
    model: Any = names.bigram(27)
    # after the start, one of ten letters; then always the end
    odds = np.full((27, 27), 1e-30)
    odds[0, 1:11] = np.arange(1, 11)
    odds[1:, 0] = 1
    model.dense.W.array = np.log(odds).astype(np.float32)
    new = names.sample(model, CHARACTERS, set(), 0)
    assert sorted(new) == list("abcdefghij")
    mg.seed(0)
    drawn = names.sample(
        names.bigram(27),
        CHARACTERS,
        set(new),
        0,
    )
    assert len(set(drawn) - set(new)) == 10


def test_names_prints_the_ladder(run, tmp_path):
    text = run("names.py", "--short", "--out", tmp_path).stdout
    row = r"^\| (\w+) +\| (\S+) \| +(\S+) \| (\S+) \| +(\S+) \|$"
    rows = re.findall(row, text, re.M)[-len(names.RUNGS) :]
    assert [found[0] for found in rows] == list(names.RUNGS)
    published = [found[4] for found in rows]
    assert published == [
        "2.454",
        "2.482",
        "2.103",
        "-",
        "-",
        "1.92",
    ]
    losses = [found[1:4] for found in rows]
    assert np.max(np.array(losses, float)) < np.log(27)  # better than guessing
    known = set(names.split(NAMES[:500])["train"])
    for line in re.findall("new names: (.*)", text):
        assert len(set(line.split(", ")) - known) == 10
    assert is_png(tmp_path / "ladder.png")
