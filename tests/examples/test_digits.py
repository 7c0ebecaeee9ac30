"""examples/digits.py: its split, models and gradients against numbers by hand, and a short run."""

import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import digits
import minigrad as mg
from layers import Dense, Flatten, Sequential
from minigrad.data import load_digits
from tests.examples.conftest import is_png


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (
            digits.cnn,
            16 * (9 + 1) + 32 * (16 * 9 + 1) + 10 * (32 * 4 * 4 + 1),
        ),
        (
            digits.mlp,
            132 * (64 + 1) + 10 * (132 + 1),
        ),
    ],
)
def test_models_have_equal_sizes(build, size):
    model = build()
    assert sum(one.size for one in model.named_parameters().values()) == size
    assert size == pytest.approx(9920, rel=0.01)
    assert model(np.zeros((3, 1, 8, 8), np.float32)).shape == (3, 10)


def test_split_uses_every_digit_once():
    images, labels = load_digits()
    known = np.column_stack([images.reshape(-1, 64), labels])
    firsts = []
    for seed in range(3):
        (x, y), (test_x, test_y) = digits.split(seed).values()
        assert len(y) == 1000
        pixels = np.concatenate([x, test_x]).reshape(-1, 64) * 16
        found = np.column_stack([pixels, [*y, *test_y]])
        assert_array_equal(
            sorted(found.tolist()),
            sorted(known.tolist()),
        )
        firsts.append(x[0])
    assert len(np.unique(firsts, axis=0)) == 3


def test_split_last_is_the_end_of_the_file():
    images, labels = load_digits()
    parts = digits.split(1, last=True, training=200)
    x, y = parts["test"]
    assert_array_equal(
        x[:, 0] * 16,
        images[1000:],
    )
    assert_array_equal(y, labels[1000:])
    assert len(parts["train"][1]) == 200


def test_pixel_gradients_of_a_linear_model():
    mg.seed(0)
    model: Any = Sequential(Flatten(), Dense(64, 10))
    images = np.random.default_rng(0).random((5, 1, 8, 8), np.float32)
    first, second, slopes = digits.pixel_gradients(model, images)
    W = model.dense.W.array
    order = np.argsort(
        images.reshape(5, 64) @ W,
        axis=1,
    )
    assert_array_equal(
        order[:, :-3:-1].T,
        [first, second],
    )
    expected = (W[:, first] - W[:, second]).T
    assert_allclose(
        slopes.reshape(5, 64),
        expected,
        rtol=1e-6,
    )
    assert model.training


def test_digits_prints_a_table_and_draws(run, tmp_path):
    text = run("digits.py", "--short", "--seeds", 1, 2, "--out", tmp_path).stdout
    row = r"^\| (\w+) +\| +([\d,]+) \| +(\S+) \| +(\S+) \| (\S+) to (\S+)  \|"
    rows = re.findall(row, text, re.M)
    assert [found[:2] for found in rows] == [("cnn", "9,930"), ("mlp", "9,910")]
    for _, _, *numbers in rows:
        mean, deviation, low, high = map(float, numbers)
        assert 0.5 < low < high
        assert mean == pytest.approx((low + high) / 2, abs=1e-4)
        assert deviation == pytest.approx(
            (high - low) / np.sqrt(2),
            abs=1e-4,
        )
    pictures = sorted(tmp_path.iterdir())
    names = ["answers", "filters", "learning_curves", "pixels"]
    assert [picture.stem for picture in pictures] == names
    assert all(map(is_png, pictures))
