"""examples/write_reviews.py and watch_units.py: short runs, and the found units."""

import csv
import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg
from tests.examples.conftest import LINE, is_png
from watch_units import most_correlated, properties
from write_reviews import load_trained


@pytest.fixture(scope="module")
def short_run(train_on_text):
    return train_on_text("write_reviews.py", 1000)


def test_validation_loss_is_in_bits(short_run):
    out, printed = short_run
    rows = csv.DictReader((out / "history.csv").read_text().splitlines())
    best = min(float(row["validation_loss"]) for row in rows)
    model, characters, _ = load_trained(out)
    held_out = characters.encode(LINE * 100)  # a tenth of the text
    length = (len(held_out) - 1) // 200 * 20  # ten rows of full pieces of 20 characters
    starts = length * np.arange(10)[:, None]
    ids = held_out[starts + np.arange(length + 1)]
    logits, _ = model.model.eval()(ids[:, :-1])
    nats = mg.softmax_cross_entropy(logits, ids[:, 1:]).item()
    assert best == pytest.approx(nats / np.log(2), abs=1e-4)
    assert best < 0.2  # "the " is followed by one of two words; little else is uncertain
    assert f"Best: {best:.3f} bits per held-out character" in printed
    assert "--- after 10,000 characters ---" in printed
    assert is_png(out / "learning_curves.png")


def test_write_reviews_continues_a_prompt(run, short_run):
    prompt = f"{LINE}the film"
    arguments = ("--prompt", prompt, "--length", 25, "--from", short_run[0])
    cold, again, hot = (
        run("write_reviews.py", *arguments, "--temperature", temperature).stdout
        for temperature in (0.1, 0.1, 3)
    )
    assert cold == again == 2 * LINE
    assert hot.startswith(prompt)
    assert hot != cold


def test_watch_units_writes_a_page(run, short_run, tmp_path):
    text, out = tmp_path / "text.txt", tmp_path / "new"
    text.write_text(LINE * 40)
    options = ("--text", text, "--out", out, "--shown", 100)
    printed = run("watch_units.py", "--from", short_run[0], *options).stdout
    titles = re.findall(r"^unit \d+ and .*: correlation [+-][.\d]+$", printed, re.M)
    assert len(titles) == 3  # the text has no brackets or quotation marks
    page = (out / "units.html").read_text()
    assert page.count("<h2>") == 3
    assert page.count("<span") > 250


def test_properties_of_a_text():
    text = 'So "it is" (as he said) good. '
    found = properties(text)
    for name, part in (("quotation marks", '"it is'), ("brackets", "(as he said")):
        start = text.index(part)
        inside = np.flatnonzero(found[f"inside {name}"])
        assert_array_equal(inside, range(start, start + len(part)))
    letters = np.expm1(found["the length of the word so far"])[:9]
    np.testing.assert_allclose(
        letters,
        [
            0,
            1,
            0,
            1,
            2,
            3,
            0,
            1,
            2,
        ],
    )


def test_most_correlated_unit():
    rng = np.random.default_rng(0)
    feature, memory = rng.integers(2, size=30), rng.normal(size=(30, 5))
    memory[:, 3] = -2 * feature
    np.testing.assert_allclose(most_correlated(memory, feature), (3, -1))
