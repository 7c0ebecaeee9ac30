"""The reference experiments: their own parts against numbers by hand, and short runs."""

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
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from minigrad.data import IMDB, Reviews, load_imdb
from minigrad.graph import ancestors


def test_compare_puts_published_beside_measured():
    runs = {
        0: {"a": 0.25, "b": 1.0},
        1: {"a": 0.75, "b": 1.0},
    }
    known = {"published": {"a": 0.5, "c": 2.0}}
    text = common.compare("Title", known, runs.__getitem__, [0, 1])
    assert text.startswith("### Title\n")
    assert "seeds 0, 1" in text
    assert "| a | 0.5000    | 0.5000   | 0.2500 to 0.7500  |" in text
    assert "| c | 2.0000    |          |" in text


def test_scratch_rnn_truncates_after_four_steps():
    model = scratch_rnn.ScratchRNN(0, 50)
    ids = np.random.default_rng(1).integers(0, 50, (3, 9))
    gates = [node.gate.name for node in ancestors([model(ids).node]) if node.gate]
    assert gates.count("Tanh") == 4
    assert gates.count("MultiplyGate") == 2 * 4 + 1  # W s and U x at each step; V s


def test_odd_adam_divides_by_one_minus_beta_at_every_step():
    p = mg.Tensor(1.0, requires_grad=True)
    rule = scratch_rnn.OddAdam(
        {"p": p},
        lr=0.1,
        betas=(0.8, 0.9),
        eps=1e-8,
    )
    for gradient in (1.0, -2.0):
        p.grad = gradient
        rule.step()
    # m = 0.2, then 0.16 - 0.4 = -0.24; v = 0.1, then 0.09 + 0.4 = 0.49
    first = (0.2 / 0.2) / (0.1 / 0.1) ** 0.5
    second = (-0.24 / 0.2) / (0.49 / 0.1) ** 0.5
    assert p.item() == pytest.approx(1 - 0.1 * (first + second), abs=1e-6)


def test_scratch_rnn_sgd_subtracts_the_rate_times_the_gradient():
    p = mg.Tensor(1.0, requires_grad=True)
    rule = scratch_rnn.make_rule("sgd", {"p": p})
    p.grad = 5.0
    rule.step()
    assert p.item() == pytest.approx(1 - 0.002 * 5)


def test_bag_of_words_runs_and_log_ratios():
    ids = np.array(
        [
            [0, 4, 5, 4],
            [0, 0, 5, 5],
        ]
    )
    runs = bag_of_words.Runs(ids, 2)
    features = runs.features(ids)
    assert runs.count == 1 + 2 + 3  # padding; 4, 5; the pairs 4 5, 5 4, 5 5
    first, second = (sorted(row[row > 0]) for row in features)
    assert first == [1, 2, 3, 4]  # each once
    assert second == [2, 5]
    # The review of class 1 has the words 4, 5 and two pairs; the other has 5 and one pair. All counts
    # begin at 1.
    ratios = bag_of_words.log_ratios(
        features,
        np.array([1, 0]),
        runs.count,
    )
    expected = [
        1,
        (2 / 9) / (1 / 7),
        (2 / 9) / (2 / 7),
    ]
    assert_allclose(np.exp(ratios[:3]), expected)


def test_transformer_attends_to_both_sides():
    mg.seed(0)
    model = transformer.transformer().eval()
    vectors = np.random.default_rng(0).normal(size=(1, 40, 32)).astype(np.float32)
    assert mg.depends(model[2], vectors, 1, 1).matrix.all()


def test_whole_reviews_pieces_cover_every_word():
    whole = [
        np.arange(1, 96),
        np.arange(1, 41),
        np.arange(1, 4),
    ]
    ids, labels, review = whole_reviews.pieces(Reviews(whole, np.array([1, 0, 1])))
    assert_array_equal(labels, [1, 1, 1, 0, 1])
    assert_array_equal(review, [0, 0, 0, 1, 2])
    # the last forty words first
    ends = [
        (56, 96),
        (16, 56),
        (1, 16),
        (1, 41),
        (1, 4),
    ]
    for row, end in zip(ids, ends, strict=True):
        assert_array_equal(row[row > 0], np.arange(*end))


def test_text_cnn_finds_words_at_any_place():
    mg.seed(0)
    model = text_cnn.TextCNN(60).eval()
    words = np.random.default_rng(0).integers(3, 60, 12)
    ids = np.zeros((3, 40), int)
    ids[0, 5:17] = ids[1, 20:32] = words
    ids[2, 5:17] = words[::-1]
    early, late, reverse = model(ids).array
    assert late == pytest.approx(early, abs=1e-6)
    assert reverse != pytest.approx(early, abs=1e-3)
    sizes = [one.size for one in model.named_parameters().values()]
    assert sum(sizes) == 60 * 128 + 100 * (128 * (3 + 4 + 5) + 3) + 301


def test_pretrained_guesses_only_unread_words():
    mg.seed(0)
    rows = np.random.default_rng(0).integers(3, 60, (6, 8))
    model = pretrained.LanguageModel(pretrained.Reader(), rows).eval()

    def guesses(ids):
        """Guesses of the next words, and of the previous ones."""
        return model(ids).array.reshape(2, 6, 7, -1)

    t = 3
    other = rows.copy()
    other[:, t] = 60
    changes = np.abs(guesses(other) - guesses(rows)).max(axis=(1, 3)) > 1e-6
    # s + 1 is guessed from words 0 to s, and s from words s + 1 to the last
    s = np.arange(7)
    assert_array_equal(changes, [s >= t, s < t])


def test_pretrained_loss_by_hand():
    mg.seed(1)
    ids = np.array(
        [
            [5, 9, 5],
            [7, 5, 9],
        ]
    )
    model = pretrained.LanguageModel(pretrained.Reader(), ids)
    logits = model.eval()(ids)
    p = mg.softmax(logits, axis=1).array
    # the next words, row by row, then the previous ones
    words = np.concatenate(
        [
            ids[:, 1:].ravel(),
            ids[:, :-1].ravel(),
        ]
    )
    expected = -np.log(p[range(8), words]).mean()
    loss = pretrained.guessing_loss(logits, ids).item()
    assert loss == pytest.approx(expected, rel=1e-5)


def test_pretrained_is_fine_tuned_again_from_its_file(tmp_path):
    imdb = unpadded(60)
    one, two = tmp_path / "one", tmp_path / "two"
    figures = pretrained.run(0, imdb, out=one)
    assert 0 < figures["fine-tuned"] < 1
    assert pretrained.run(0, imdb, out=two, source=one) == figures


def test_run_all(run, tmp_path):
    simple = {
        "1a": keras_models,
        "1d": scratch_rnn,
        "bag": bag_of_words,
        "cnn": text_cnn,
        "recipe": recipe,
        "transformer": transformer,
    }
    options = ("--limit", 40, "--seeds", 0, "--jobs", 2, "--out", tmp_path)
    text = run("reference/run_all.py", "--only", *simple, "1b", *options).stdout
    assert len(re.findall(r"^### ", text, re.M)) == 7
    assert "(40, 40, 128)" in text
    # every known figure was measured
    assert not re.findall(r"^\| .*\|\s+\|\s+\|$", text, re.M)
    lines = map(
        json.loads,
        (tmp_path / "results.jsonl").read_text().splitlines(),
    )
    results = {line["arguments"]["experiment"]: line["result"] for line in lines}
    for name in ("1d", "bag"):  # to the last bit
        module = simple[name]
        assert results[name][module.TITLE]["figures"] == module.run(0, 40)


def unpadded(count):
    """Reviews of different lengths, made of the first bundled ones."""
    imdb = load_imdb()
    parts = (part[:count] for part in (imdb.train, imdb.test))
    train, test = (
        Reviews(
            [row[row > 0] for row in part.ids],
            part.labels,
        )
        for part in parts
    )
    return IMDB(train, test, imdb.vocabulary)


@pytest.mark.filterwarnings("ignore::optim.TrainingWarning")  # all labels are 0
@pytest.mark.parametrize(("in_classes", "lowest", "highest"), [(True, 1, 1), (False, 0, 0.75)])
def test_stacked_encoder_in_classes(tmp_path, in_classes, lowest, highest):
    figures = stacked_encoder.run(0, unpadded(600), in_classes, 200, tmp_path)
    assert lowest <= figures["validation accuracy, epoch 3"] <= highest
    assert (tmp_path / "best.safetensors").stat().st_size
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
