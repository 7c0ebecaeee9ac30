"""The reference experiments in short forms, and their own parts against numbers worked out by
hand.
"""

import json
import re

import bag_of_words
import common
import keras_models
import numpy as np
import pretrained
import pytest
import recipe
import scratch_rnn
import stacked_encoder
import text_cnn
import transformer
import whole_reviews

import minigrad as mg
from minigrad.data import IMDB, Reviews, load_imdb
from minigrad.graph import ancestors


def test_published_beside_measured():
    runs = {0: {"a": 0.25, "b": 1.0}, 1: {"a": 0.75, "b": 1.0}}
    text = common.compare(
        "Title", {"published": {"a": 0.5, "c": 2.0}}, runs.__getitem__, [0, 1]
    )
    assert text.startswith("### Title\n") and "seeds 0, 1" in text
    assert "| a | 0.5000    | 0.5000   | 0.2500 to 0.7500  |" in text
    assert "| c | 2.0000    |          |" in text


def test_scratch_rnn_sends_gradients_back_four_steps():
    model = scratch_rnn.ScratchRNN(0, 50)
    ids = np.random.default_rng(1).integers(0, 50, (3, 9))
    gates = [node.gate.name for node in ancestors([model(ids).node]) if node.gate]
    # W s and U x at each step; V s
    assert gates.count("Tanh") == 4 and gates.count("MultiplyGate") == 2 * 4 + 1


def test_the_odd_adam_divides_by_one_minus_beta_at_every_step():
    p = mg.Tensor(1.0, requires_grad=True)
    rule = scratch_rnn.OddAdam({"p": p}, lr=0.1, betas=(0.8, 0.9), eps=1e-8)
    for gradient in (1.0, -2.0):
        p.grad = gradient
        rule.step()
    # m = 0.2, then 0.16 - 0.4 = -0.24; v = 0.1, then 0.09 + 0.4 = 0.49
    expected = (
        1
        - 0.1 * (0.2 / 0.2) / (0.1 / 0.1) ** 0.5
        + 0.1 * (0.24 / 0.2) / (0.49 / 0.1) ** 0.5
    )
    assert p.item() == pytest.approx(expected, abs=1e-6)


def test_runs_of_words_and_their_log_ratios():
    ids = np.array([[0, 4, 5, 4], [0, 0, 5, 5]])
    runs = bag_of_words.Runs(ids, 2)
    features = runs.features(ids)
    assert runs.count == 1 + 2 + 3  # padding; 4, 5; the pairs 4 5, 5 4, 5 5
    assert [sorted(row[row > 0]) for row in features] == [
        [1, 2, 3, 4],
        [2, 5],
    ]  # each once
    # Class 1: the words 4, 5 and two pairs once each; class 0: 5 and one pair. All counts begin at
    # 1.
    ratios = bag_of_words.log_ratios(features, np.array([1, 0]), runs.count)
    assert ratios[:3] == pytest.approx(
        [0, np.log((2 / 9) / (1 / 7)), np.log((2 / 9) / (2 / 7))]
    )


def test_the_block_reads_the_words_on_both_sides():
    mg.seed(0)
    model = transformer.transformer().eval()
    vectors = np.random.default_rng(0).normal(size=(1, 40, 32)).astype(np.float32)
    assert mg.depends(model[2], vectors, 1, 1).matrix.all()


def test_pieces_cover_every_word_once():
    whole = [np.arange(1, 96), np.arange(1, 41), np.arange(1, 4)]
    ids, labels, review = whole_reviews.pieces(Reviews(whole, np.array([1, 0, 1])))
    assert labels.tolist() == [1, 1, 1, 0, 1] and review.tolist() == [0, 0, 0, 1, 2]
    words = [row[row > 0].tolist() for row in ids]
    assert words[:2] == [
        [*range(56, 96)],
        [*range(16, 56)],
    ]  # the last forty words first
    assert words[2:] == [[*range(1, 16)], [*range(1, 41)], [1, 2, 3]]


def test_no_word_is_guessed_by_a_state_that_has_read_it():
    mg.seed(0)
    rows = np.random.default_rng(0).integers(3, 60, (6, 8))
    model = pretrained.LanguageModel(pretrained.Reader(), rows).eval()

    def guesses(ids):
        # of the next word, and of the previous one
        return model(ids).array.reshape(2, *ids[:, 1:].shape, -1)

    before = guesses(rows)
    t = 3
    other = rows.copy()
    other[:, t] = 60
    following, previous = np.abs(guesses(other) - before).max(axis=(1, 3)) > 1e-6
    # at s word s + 1 is guessed from words 0 to s; and word s from words s + 1 to the last
    assert following.tolist() == [s >= t for s in range(7)]
    assert previous.tolist() == [s < t for s in range(7)]


def test_a_text_cnn_finds_runs_of_words_wherever_they_are():
    mg.seed(0)
    model = text_cnn.TextCNN(60).eval()
    words = np.random.default_rng(0).integers(3, 60, 12)
    ids = np.zeros((4, 40), int)
    for row, start in enumerate((5, 6, 20)):
        ids[row, start : start + 12] = words
    ids[3, 5:17] = words[::-1]
    first, *same, reverse = model(ids).array
    assert (
        same == pytest.approx([first, first], abs=1e-6) and abs(reverse - first) > 1e-3
    )
    sizes = [one.size for one in model.named_parameters().values()]
    assert sum(sizes) == 60 * 128 + 100 * (128 * (3 + 4 + 5) + 3) + 301


def test_the_loss_of_guesses_by_hand():
    mg.seed(1)
    ids = np.array([[5, 9, 5], [7, 5, 9]])
    model = pretrained.LanguageModel(pretrained.Reader(), ids)
    logits = model.eval()(ids)
    p = mg.softmax(logits, axis=1).array
    words = [
        9,
        5,
        5,
        9,
        5,
        9,
        7,
        5,
    ]  # the words after each, row by row, then those before
    expected = -np.log(p[range(8), words]).mean()
    assert pretrained.guessing_loss(logits, ids).item() == pytest.approx(
        expected, rel=1e-5
    )


def test_a_pretrained_network_is_fine_tuned_again_from_its_file(tmp_path):
    imdb = cut_loose(60)
    figures = pretrained.run(0, imdb, out=tmp_path / "one")
    assert 0 < figures["fine-tuned"] < 1
    assert (
        pretrained.run(0, imdb, out=tmp_path / "two", source=tmp_path / "one")
        == figures
    )


def test_everything_that_needs_no_download_runs_two_at_a_time_with_the_figures_of_a_run_alone(
    run, tmp_path
):
    simple = {
        "1a": keras_models,
        "1d": scratch_rnn,
        "bag": bag_of_words,
        "cnn": text_cnn,
        "recipe": recipe,
        "transformer": transformer,
    }
    options = (
        "--only",
        *simple,
        "1b",
        "--limit",
        40,
        "--seeds",
        0,
        "--jobs",
        2,
        "--out",
        tmp_path,
    )
    text = run("reference/run_all.py", *options).stdout
    assert len(re.findall(r"^### ", text, re.M)) == 7 and "(40, 40, 128)" in text
    assert not re.findall(
        r"^\| .*\|\s+\|\s+\|$", text, re.M
    )  # every known figure was measured
    lines = map(json.loads, (tmp_path / "results.jsonl").read_text().splitlines())
    results = {line["arguments"]["experiment"]: line["result"] for line in lines}
    for name, module in simple.items():
        assert results[name][module.TITLE]["figures"] == module.run(0, 40), (
            name
        )  # to the last bit


def cut_loose(count):
    """Reviews of any length, made of the first bundled ones; that whole ones can be read is the
    data's own test.
    """
    imdb = load_imdb()
    train, test = (
        Reviews([row[row > 0] for row in part.ids[:count]], part.labels[:count])
        for part in (imdb.train, imdb.test)
    )
    return IMDB(train, test, imdb.vocabulary)


@pytest.mark.parametrize(
    ("in_classes", "lowest", "highest"), [(True, 1.0, 1.0), (False, 0, 0.75)]
)
def test_the_artefact_appears_in_one_switch(tmp_path, in_classes, lowest, highest):
    figures = stacked_encoder.run(0, cut_loose(600), in_classes, 200, tmp_path)
    assert lowest <= figures["validation accuracy, epoch 3"] <= highest
    assert (tmp_path / "best.safetensors").stat().st_size
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
