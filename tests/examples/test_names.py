"""The ladder of names: its data, losses and models against makemore's figures and closed forms, and
short runs of the example.
"""

import re
import signal
import subprocess
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import names
from layers import Layer
from minigrad.data import Characters, load_names
from tests.examples.conftest import command

NAMES = load_names()
CHARACTERS = Characters.build("".join(NAMES))
DATA = names.encode(NAMES, CHARACTERS)


def test_the_split_is_makemores():
    parts = names.split(NAMES)
    assert sorted(sum(parts.values(), [])) == sorted(NAMES)
    letters = {
        part: sum(len(name) + 1 for name in some) for part, some in parts.items()
    }
    # printed by the notebook makemore_part3_bn.ipynb
    assert letters == {"train": 182_625, "validation": 22_655, "test": 22_866}
    assert parts["train"][0] == "yuheng"
    parts = names.split(NAMES, like_script=True)  # makemore.py prints these sizes
    assert [len(some) for some in parts.values()] == [31_033, 1000, 1000]
    assert sorted(parts["train"] + parts["test"]) == sorted(NAMES)


def test_names_become_ids():
    inputs, labels = names.encode(["ava", "abcdefghijklmno"], CHARACTERS)
    assert inputs[0].tolist() == [0, 1, 22, 1] + 12 * [0]
    assert labels[0].tolist() == [1, 22, 1, 0] + 12 * [-100]
    assert inputs[1].tolist() == list(range(16)) and labels[1].tolist() == [
        *range(1, 16),
        0,
    ]


def test_counts_reach_the_loss_of_the_lecture():
    model = names.bigram(27)
    names.count(model, *DATA)
    inputs, labels = (array[DATA[1] >= 0] for array in DATA)
    counts = np.ones((27, 27))
    for pair in zip(inputs, labels, strict=True):
        counts[pair] += 1
    odds = counts / counts.sum(axis=1, keepdims=True)
    losses = -np.log(odds[inputs, labels])
    assert names.evaluate(model, *DATA) == pytest.approx(losses.mean(), abs=1e-6)
    # makemore_part1_bigrams.ipynb adds float32 numbers one by one, and so gets 2.45436 instead of
    # 2.45458
    total = np.cumsum(losses.astype(np.float32))[-1]
    assert (total, total / len(losses)) == pytest.approx(
        (559951.5625, 2.4543561935), rel=1e-6
    )


def test_a_trained_bigram_approaches_the_entropy_of_the_counts():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("aab"), rng.integers(1, 9))) for _ in range(300)]
    inputs, labels = names.encode(words, Characters("ab"))
    real = labels >= 0
    counts = np.zeros((3, 3))
    np.add.at(counts, (inputs[real], labels[real]), 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    entropy = -(counts * np.log(np.where(counts > 0, shares, 1))).sum() / counts.sum()
    mg.seed(0)
    model = names.bigram(3)
    names.fit(model, inputs, labels, names.ADAM, 1500, 0)
    assert 0 < names.evaluate(model, inputs, labels) - entropy < 0.01


def test_the_loss_is_a_mean_over_letters():
    class Certain(Layer):
        """Always predicts the end of a name, with probability 1 / (1 + 26 / e)."""

        def forward(self, ids):
            return mg.Tensor(np.broadcast_to(np.eye(27)[0], (*ids.shape, 27)))

    inputs, labels = names.encode(
        ["ava", "al"], CHARACTERS
    )  # two ends among seven letters
    assert names.evaluate(Certain(), inputs, labels) == pytest.approx(
        np.log(np.e + 26) - 2 / 7
    )


@pytest.mark.parametrize(
    ("rung", "span"),
    [
        ("counts", 1),
        ("bigram", 1),
        ("mlp", 3),
        ("rnn", 16),
        ("gru", 16),
        ("transformer", 16),
    ],
)
def test_a_letter_depends_on_the_letters_before(rung, span):
    mg.seed(0)
    model = names.RUNGS[rung][0](27).eval()
    report = mg.check_causal(model, np.random.default_rng(0).integers(27, size=(2, 16)))
    assert report
    steps = np.ones((16, 16), bool)
    assert np.array_equal(
        report.steps.matrix, np.tril(steps) & np.triu(steps, 1 - span)
    )


def test_new_names_are_draws_from_the_model():
    model: Any = names.bigram(27)
    # after the start, one of ten letters; then always the end
    odds = np.full((27, 27), 1e-30)
    odds[0, 1:11], odds[1:, 0] = np.arange(1, 11), 1
    model.dense.W.array = np.log(odds).astype(np.float32)
    new = names.sample(model, CHARACTERS, set(), 0)
    assert sorted(new) == list("abcdefghij")
    mg.seed(0)
    drawn = names.sample(names.bigram(27), CHARACTERS, set(new), 0)
    assert len(set(drawn)) == 10 and not set(drawn) & set(new)


def test_a_short_run_prints_the_ladder(run, tmp_path):
    text = run("names.py", "--short", "--out", tmp_path).stdout
    rows = re.findall(
        r"^\| (\w+) +\| (\d\.\d+) \| +(\d\.\d+) \| (\d\.\d+) \| +(\S+) \|$", text, re.M
    )
    assert [row[0] for row in rows] == list(names.RUNGS)
    assert [row[4] for row in rows] == ["2.454", "2.482", "2.103", "-", "-", "1.92"]
    assert all(
        float(loss) < np.log(27) for row in rows for loss in row[1:4]
    )  # better than guessing
    known = set(names.split(NAMES[:500])["train"])
    for line in re.findall("new names: (.*)", text):
        new = line.split(", ")
        assert len(set(new)) == 10 and not known & set(new)
    assert (tmp_path / "ladder.png").read_bytes().startswith(b"\x89PNG")


def test_the_seed_decides_the_result(run, tmp_path):
    def table(*options):
        arguments = (
            "--rung",
            "mlp",
            "--rung",
            "counts",
            "--short",
            "--out",
            tmp_path,
            *options,
        )
        return run("names.py", *arguments).stdout

    first = table("--seed", 5)
    assert first == table("--seed", 5) != table("--seed", 6)
    assert re.findall(r"^\| (mlp|counts) ", first, re.M) == ["mlp", "counts"]


def test_ctrl_c_leaves_the_table_of_the_rungs_that_are_complete(tmp_path):
    rungs = ("--rung", "counts", "--rung", "gru", "--steps", 2000)
    process = subprocess.Popen(
        command("names.py", *rungs, "--out", tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch 1/1"):  # a tenth of the GRU's steps are done
            break
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "Stopped by Ctrl-C." in text
    assert re.findall(r"^\| (counts|gru) ", text, re.M) == ["counts"]
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [("--rung lstm", "invalid choice: 'lstm'"), ("--steps 0", "'0' is not an integer")],
)
def test_a_users_mistake_ends_in_a_message(run, arguments, message):
    assert message in run("names.py", *arguments.split(), code=2).stderr
