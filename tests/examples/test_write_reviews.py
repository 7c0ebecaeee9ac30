"""The writer in short forms: its bits are those of a forward pass in plain NumPy, and it can be
broken off.
"""

import csv
import re

import numpy as np
import pytest
from safetensors.numpy import load_file

import minigrad as mg
from minigrad.data import Characters
from watch_units import most_correlated, properties

LINE = "the film is good, the end is bad.\n"
SHORT = "--hidden 24 --k1 20 --k2 30 --batch-size 10 --epochs 2 --lr 0.01 --length 60".split()


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "film.txt"
    path.write_text(LINE * 1000)
    return path


@pytest.fixture(scope="module")
def short_run(run, text, tmp_path_factory):
    """(folder, what was printed) of one short run."""
    out = tmp_path_factory.mktemp("run")
    return out, run("write_reviews.py", "--data", text, *SHORT, "--out", out).stdout


def bits_by_hand(weights, ids):
    """The mean of -log2 p(next character) over rows of ids, from the weights alone."""

    def sigmoid(s):
        return 1 / (1 + np.exp(-s))

    names = ("rnn.cell.W_xh", "rnn.cell.W_hh", "rnn.cell.b", "head.W", "head.b")
    W_xh, W_hh, b, W, c_out = (
        weights[f"model.{name}"].astype(np.float64) for name in names
    )
    h = c = np.zeros((len(ids), len(W_hh)))
    bits = []
    for now, following in zip(ids.T[:-1], ids.T[1:], strict=True):
        i, f, g, o = np.split(W_xh[now] + h @ W_hh + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        odds = np.exp(h @ W + c_out)
        bits.append(np.log2(odds.sum(axis=1) / odds[np.arange(len(ids)), following]))
    return np.mean(bits)


def test_its_figures_are_bits_per_held_back_character(short_run):
    out, printed = short_run
    rows = list(csv.DictReader((out / "history.csv").read_text().splitlines()))
    best = min(float(row["validation_loss"]) for row in rows)
    checkpoint = mg.load(out / "weights.safetensors")
    held = Characters(checkpoint.info["config"]["alphabet"]).encode(
        LINE * 100
    )  # a tenth
    steps = (len(held) - 1) // 200 * 20
    ids = np.stack([held[row * steps : row * steps + steps + 1] for row in range(10)])
    by_hand = bits_by_hand(load_file(out / "weights.safetensors"), ids)
    assert by_hand == pytest.approx(best, abs=1e-4)
    assert (
        best < 0.2
    )  # after "the " there are two words, and little else to be in doubt about
    assert f"Best: {best:.3f} bits per held-out character" in printed
    assert (out / "learning_curves.png").read_bytes().startswith(b"\x89PNG")
    assert "--- after 10,000 characters ---" in printed


def test_it_writes_on_after_a_prompt(run, short_run):
    arguments = ("--prompt", LINE + "the film", "--length", 25, "--from", short_run[0])
    written = [
        run("write_reviews.py", *arguments, "--temperature", t).stdout
        for t in (0.1, 0.1, 3)
    ]
    assert written[0] == written[1] == 2 * LINE
    assert written[2].startswith(LINE + "the film") and written[2] != written[0]


def test_ctrl_c_and_resume_give_what_an_unbroken_run_gives(resumed, text):
    broken, whole = resumed(
        "write_reviews.py", "--data", text, *SHORT, "--model", "gru"
    )
    assert broken == whole


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("write_reviews.py", "--data none.txt", "No such file"),
        ("write_reviews.py", "--data short.txt", "MG417"),
        ("write_reviews.py", "--from nowhere", "weights.safetensors"),
        ("write_reviews.py", "--resume .", "there is no snapshot to resume from"),
        ("watch_units.py", "--from .", "was not trained by write_reviews.py"),
    ],
)
def test_a_users_mistake_ends_in_a_message(
    run, script, arguments, message, tmp_path, monkeypatch
):
    (tmp_path / "short.txt").write_text("too short")
    config = {"config": {"model": "rnn"}}
    mg.save(tmp_path / "weights.safetensors", {"dense.W": np.ones((2, 2))}, config)
    monkeypatch.chdir(tmp_path)
    assert message in run(script, *arguments.split(), code=2).stderr


def test_units_that_follow_the_text_are_drawn_on_a_page(run, short_run, tmp_path):
    (tmp_path / "text.txt").write_text(LINE * 40)
    options = (
        "--text",
        tmp_path / "text.txt",
        "--out",
        tmp_path / "new",
        "--shown",
        100,
    )
    printed = run("watch_units.py", "--from", short_run[0], *options).stdout
    titles = re.findall(
        r"^unit \d+ and .*: correlation [+-][.\d]+$", printed, re.MULTILINE
    )
    assert len(titles) == 3  # there are no brackets and no quotation marks in it
    page = (tmp_path / "new" / "units.html").read_text()
    assert page.count("<h2>") == 3 and page.count("<span") > 250


def test_the_unit_that_follows_a_property_is_found():
    text = 'So "it is" (as he said) good. '
    found = properties(text)
    inside = {name: "".join(np.array(list(text))[on > 0]) for name, on in found.items()}
    assert (
        inside["inside quotation marks"] == '"it is'
        and inside["inside brackets"] == "(as he said"
    )
    letters = np.expm1(found["the length of the word so far"])[:9]
    assert letters.round().tolist() == [0, 1, 0, 1, 2, 3, 0, 1, 2]
    memory = np.random.default_rng(0).normal(size=(len(text), 5))
    memory[:, 3] = -2 * found["inside brackets"]
    unit, r = most_correlated(memory, found["inside brackets"])
    assert unit == 3 and r == pytest.approx(-1)
