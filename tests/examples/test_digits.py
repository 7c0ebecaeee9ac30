"""The digits example: its split, models and gradients against numbers by hand, and short runs."""

import re
import signal
import subprocess
from typing import Any

import numpy as np
import pytest

import digits
import minigrad as mg
from layers import Dense, Flatten, Sequential
from minigrad.data import load_digits
from tests.examples.conftest import command

ROW = r"^\| (\w+) +\| +([\d,]+) \| +(\d\.\d+) \| +(\S+) \| (\d\.\d+) to (\d\.\d+)  \|"


def rows(text):
    return re.findall(ROW, text, re.M)


def test_the_models_have_equally_many_parameters():
    sizes = {
        name: sum(one.size for one in build().named_parameters().values())
        for name, build in digits.MODELS.items()
    }
    cnn = 16 * (9 + 1) + 32 * (16 * 9 + 1) + 10 * (32 * 4 * 4 + 1)
    assert sizes == {"cnn": cnn, "mlp": 132 * (64 + 1) + 10 * (132 + 1)}
    assert abs(sizes["mlp"] / sizes["cnn"] - 1) < 0.02
    for build in digits.MODELS.values():
        assert build()(np.zeros((3, 1, 8, 8), np.float32)).shape == (3, 10)


def test_every_digit_is_in_one_part():
    images, labels = load_digits()
    known = sorted(
        bytes(image) + bytes([label])
        for image, label in zip(images, labels, strict=True)
    )
    firsts = set()
    for seed in range(3):
        parts = digits.split(seed)
        assert [len(part[1]) for part in parts.values()] == [1000, 797]
        x, y = (np.concatenate(pair) for pair in zip(*parts.values(), strict=True))
        assert x.dtype == np.float32 and x.shape == (1797, 1, 8, 8)
        pixels = (x * 16).astype(np.uint8)
        assert (
            sorted(bytes(a) + bytes([b]) for a, b in zip(pixels, y, strict=True))
            == known
        )
        firsts.add(bytes(pixels[0]))
    assert len(firsts) == 3


def test_the_last_digits_are_those_of_the_file():
    images, labels = load_digits()
    for seed in range(2):
        x, y = digits.split(seed, last=True)["test"]
        assert np.array_equal(x[:, 0] * 16, images[1000:]) and np.array_equal(
            y, labels[1000:]
        )
    assert len(digits.split(0, training=200)["train"][1]) == 200


def test_the_gradient_of_a_linear_models_answer_is_a_difference_of_weights():
    mg.seed(0)
    model: Any = Sequential(Flatten(), Dense(64, 10))
    images = np.random.default_rng(0).random((5, 1, 8, 8), np.float32)
    first, second, slopes = digits.pixel_gradients(model, images)
    W = model.dense.W.array
    order = np.argsort(images.reshape(5, 64) @ W, axis=1)
    assert np.array_equal(first, order[:, 9]) and np.array_equal(second, order[:, 8])
    expected = (W[:, first] - W[:, second]).T.reshape(5, 1, 8, 8)
    assert slopes == pytest.approx(expected, rel=1e-6)
    assert model.training


def test_the_convolutional_network_learns_in_a_few_epochs_and_moves_its_filters():
    mg.seed(0)
    model: Any = digits.cnn()
    before = model.conv2d.W.array.copy()
    history = digits.fit(model, digits.split(0), epochs=5, seed=0)
    assert history["test_accuracy"][-1] > 0.96
    assert np.linalg.norm(model.conv2d.W.array - before) > 0.1 * np.linalg.norm(before)


def test_a_short_run_prints_the_table_and_draws_the_pictures(run, tmp_path):
    def short(*options):
        return run("digits.py", "--short", "--out", tmp_path, *options).stdout

    text = short("--seeds", 1, 2)
    found = rows(text)
    assert [row[:2] for row in found] == [("cnn", "9,930"), ("mlp", "9,910")]
    for _, _, mean, deviation, lowest, highest in found:
        low, high = float(lowest), float(highest)
        assert 0.5 < low < high and float(mean) == pytest.approx(
            (low + high) / 2, abs=1e-4
        )
        assert float(deviation) == pytest.approx((high - low) / np.sqrt(2), abs=1e-4)
    pictures = ["answers.png", "filters.png", "learning_curves.png", "pixels.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == pictures
    assert all(
        (tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in pictures
    )
    assert found == rows(short("--seeds", 1, 2))


def test_ctrl_c_leaves_the_table_of_the_models_that_are_complete(tmp_path):
    process = subprocess.Popen(
        command("digits.py", "--seeds", 0, 1, "--epochs", 20, "--out", tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("mlp, seed 0"):
            break
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "Stopped by Ctrl-C." in text
    assert [row[0] for row in rows(text)][:1] == ["cnn"] and "Traceback" not in text


@pytest.mark.parametrize("arguments", ["--seeds -1", "--seeds x", "--epochs 0"])
def test_a_users_mistake_ends_in_a_message(run, arguments):
    assert "is not an integer" in run("digits.py", *arguments.split(), code=2).stderr
