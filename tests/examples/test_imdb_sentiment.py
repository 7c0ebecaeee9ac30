"""The main job in short forms: what it leaves is right by a forward pass in plain NumPy, and it can be broken off."""

import csv
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from minigrad.data import Vocabulary, load_imdb

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "imdb_sentiment.py"
SHORT = ("--limit", 400, "--epochs", 2)


@pytest.fixture(scope="module")
def short_run(run, tmp_path_factory):
    """(folder, what was printed) of one short run."""
    out = tmp_path_factory.mktemp("run")
    return out, run("imdb_sentiment.py", *SHORT, "--out", out).stdout


def history(out):
    """The rows of history.csv."""
    return list(csv.DictReader((out / "history.csv").read_text().splitlines()))


def logits_by_hand(weights, vectors):
    """The network from its weights alone: h = tanh(x W + h U + b) at each word, and one product."""
    h = np.zeros((len(vectors), 32))
    for x in vectors.swapaxes(0, 1):
        h = np.tanh(x @ weights["rnn.cell.W_xh"] + h @ weights["rnn.cell.W_hh"] + weights["rnn.cell.b_h"])
    return (h @ weights["head.W"] + weights["head.b"])[:, 0]


@pytest.fixture(scope="module")
def scores(short_run):
    """The logits of the first 400 test reviews, by hand."""
    out, _ = short_run
    ids = load_imdb().test.ids[:400]
    weights = load_file(out / "weights.safetensors")
    return logits_by_hand(weights, weights["embedding.table"][ids].astype(np.float64))


def test_it_leaves_the_figures_and_pictures_that_it_names(short_run):
    out, text = short_run
    for name in ("weights.safetensors", "history.csv", "learning_curves.png", "graph.png", "vocabulary.txt"):
        assert name in text
        assert (out / name).stat().st_size > 0
    for picture in out.glob("*.png"):
        assert picture.read_bytes().startswith(b"\x89PNG")
    rows = history(out)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    for row in rows:  # one line for each epoch, with the figures of the file
        line = next(line for line in text.splitlines() if re.match(rf"\s+{row['epoch']}\s", line))
        assert f"{float(row['train_loss']):.4f}" in line and f"{float(row['validation_accuracy']):.4f}" in line


def test_the_test_accuracy_is_that_of_the_best_weights(short_run, scores):
    out, text = short_run
    test = load_imdb().test[:400]
    accuracy, loss = map(float, re.findall(r"Test accuracy ([.\d]+), loss ([.\d]+)", text)[0])
    assert accuracy == pytest.approx(np.mean((scores > 0) == test.labels), abs=1e-4)
    assert loss == pytest.approx(np.mean(np.logaddexp(0, np.where(test.labels, -scores, scores))), abs=2e-4)
    best = max(history(out), key=lambda row: float(row["validation_accuracy"]))
    assert (
        f"Epoch {best['epoch']} was the best on the held-back reviews: {float(best['validation_accuracy']):.4f}."
        in text
    )


def test_the_surest_reviews_are_the_surest(short_run, scores):
    out, text = short_run
    test = load_imdb().test[:400]
    words = Vocabulary.load(out / "vocabulary.txt")
    right = (scores > 0) == test.labels
    for title, chosen in (("right", right), ("wrong", ~right)):
        row = np.argmax(np.where(chosen, np.abs(scores), -1))
        said = re.search(rf"confident and {title}: ([.\d]+)% positive, and it is (\w+)\n  \.\.\. (.*)\n", text)
        assert said is not None
        assert float(said[1]) / 100 == pytest.approx(1 / (1 + np.exp(-scores[row])), abs=1e-3)
        assert said[2] == ("negative", "positive")[test.labels[row]]
        assert said[3] == words.decode(test.ids[row])


def test_predict_says_the_probability_and_what_each_word_did(run, short_run):
    out, _ = short_run
    text = run("imdb_sentiment.py", "--predict", "A wonderful, WONDERFUL waste zzyzx", "--from", out).stdout
    weights = load_file(out / "weights.safetensors")
    vocabulary = Vocabulary.load(out / "vocabulary.txt")
    ids = vocabulary.encode(["a", "wonderful", "wonderful", "waste", "zzyzx"])[None]
    full = weights["embedding.table"][ids].astype(np.float64)
    logit = logits_by_hand(weights, full)[0]
    assert text.startswith(f"{1 / (1 + np.exp(-logit)):.1%} positive")

    # A word's part: how fast the logit changes with what is read at its place, by central differences, on average while
    # the whole input grows from nothing.
    growing = (np.arange(50)[:, None, None] + 0.5) / 50 * full
    expected: dict[str, list[float]] = {}
    for place in range(1, 5):  # the words that have an id of their own
        here = 1e-4 * (np.arange(6) == place)[:, None] * full
        low, high = (logits_by_hand(weights, growing + step) for step in (-here, here))
        expected.setdefault(vocabulary[ids[0, place]], []).append((high - low).mean() / 2e-4)
    printed: dict[str, list[float]] = {}
    for part, word in re.findall(r"^  ([+-]\d\.\d{3})  (\w+)$", text, re.MULTILINE):
        printed.setdefault(word, []).append(float(part))
    assert printed.keys() == expected.keys()
    for word, parts in expected.items():
        assert sorted(printed[word]) == pytest.approx(sorted(parts), abs=1e-3)


def test_one_seed_gives_one_result(run, short_run, tmp_path):
    out, _ = short_run
    run("imdb_sentiment.py", *SHORT, "--out", tmp_path)
    assert (tmp_path / "weights.safetensors").read_bytes() == (out / "weights.safetensors").read_bytes()


def test_ctrl_c_and_resume_give_what_an_unbroken_run_gives(run, tmp_path):
    options = ("--limit", 3000, "--epochs", 2, "--seed", 3)
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), *map(str, options), "--out", str(broken)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 1/2"):  # a tenth of the first epoch is done
            break
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130
    (command,) = re.findall(r"To go on:  \S+ \S+ (--resume .*)", text)
    assert command == f"--resume {broken} --epochs 2"
    run("imdb_sentiment.py", *command.split())
    run("imdb_sentiment.py", *options, "--out", whole)
    assert (broken / "weights.safetensors").read_bytes() == (whole / "weights.safetensors").read_bytes()


def test_without_dot_and_matplotlib_it_says_so_and_goes_on(run, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    (tmp_path / "sitecustomize.py").write_text("import shutil\nshutil.which = lambda *name, **path: None")
    finished = run("imdb_sentiment.py", "--limit", 50, "--epochs", 1, "--out", tmp_path / "out",
                   PATH="/nowhere", PYTHONPATH=str(tmp_path))  # fmt: skip
    assert "Graphviz" in finished.stderr and "training goes on" in finished.stderr
    assert "No picture of the learning curves" in finished.stdout and "pip install matplotlib" in finished.stdout
    assert "Test accuracy" in finished.stdout
    assert not list((tmp_path / "out").glob("*.png"))


def test_the_other_layers_and_options_run(run, tmp_path):
    for model in ("gru", "lstm"):
        options = ("--model", model, "--truncate", 8, "--batch-size", 20, "--lr", 0.05)
        text = run("imdb_sentiment.py", "--limit", 40, "--epochs", 1, *options, "--out", tmp_path).stdout
        assert f"{model.upper()}(128, 32, truncate=8)" in text and "back through the last 8 words alone" in text
    assert len(list((tmp_path / "snapshots").iterdir())) == 1  # the first run's made way for the second's


def test_a_broken_gate_shows_where_every_gate_is_recorded(run, short_run, tmp_path):
    # A learner's tanh with a wrong rule: fused, it takes no part; unrolled, the weights come out otherwise.
    (tmp_path / "sitecustomize.py").write_text(
        "from minigrad.gates import Tanh\nTanh.backward = lambda self, dz, z, x: (dz * (1 - z),)"
    )
    out, text = short_run
    assert "by one fused gate for all 40 steps of the RNN (--unrolled: gate by gate)" in text
    right = load_file(out / "weights.safetensors")["rnn.cell.W_hh"]
    for options, same in (((), True), (("--unrolled",), False)):
        text = run("imdb_sentiment.py", *SHORT, *options, "--out", tmp_path / "out", PYTHONPATH=str(tmp_path)).stdout
        assert ("gate by gate, step by step" in text) == bool(options)
        wrong = load_file(tmp_path / "out" / "weights.safetensors")["rnn.cell.W_hh"]
        assert np.allclose(wrong, right, atol=1e-4) == same


def test_unrolled_trains_the_same_network(run, short_run, tmp_path):
    out, _ = short_run
    run("imdb_sentiment.py", *SHORT, "--unrolled", "--out", tmp_path)
    fused, unrolled = (load_file(folder / "weights.safetensors") for folder in (out, tmp_path))
    for path, array in fused.items():
        assert np.allclose(array, unrolled[path], atol=1e-4), path


def test_what_went_wrong_is_said(run, tmp_path):
    text = run("imdb_sentiment.py", "--limit", 200, "--epochs", 1, "--lr", 1000, "--out", tmp_path).stdout
    assert "the network has learned nothing. Try a lower --lr." in text
    rows = run("imdb_sentiment.py", "--limit", 2, "--epochs", 1, "--out", tmp_path).stdout
    assert "1 to learn from, 1 held back" in rows


def test_what_is_printed_can_be_copied_as_it_stands(short_run):
    out, text = short_run
    (command,) = re.findall(r"Ask it yourself:  (.*)", text)
    said = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout
    assert "% positive" in said
    (recipe,) = re.findall(r"reaches \.83:\n +(.*)", text)
    asked = subprocess.run(f"{recipe} --help", shell=True, capture_output=True, text=True, check=True).stdout
    assert "honest recipe" in asked


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--modle", "gru"], "unrecognized arguments: --modle"),
        (["--model", "cnn"], "invalid choice: 'cnn'"),
        (["--epochs", "0"], "'0' is not a whole number of at least 1"),
        (["--limit", ""], "'' is not a whole number of at least 2"),
        (["--limit", "1"], "'1' is not a whole number of at least 2"),
        (["--lr", "fast"], "'fast' is not a number above 0"),
        (["--seed", "-1"], "is not a whole number of at least 0"),
        (["--data-dir", "/nowhere"], "data_dir"),
        (["--predict", "good film", "--from", "/nowhere"], "no trained model in /nowhere. Train one: "),
        (["--resume", "/nowhere"], "there is nothing to resume in /nowhere"),
        (["--out", "/dev/null/runs"], "/dev/null/runs"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(run, arguments, said, tmp_path):
    if "--out" not in arguments and "--resume" not in arguments:
        arguments = [*arguments, "--out", tmp_path / "out"]
    finished = run("imdb_sentiment.py", *arguments, code=2)
    assert said in finished.stderr


def test_predict_needs_words_and_sound_weights(run, short_run, tmp_path):
    out, _ = short_run
    assert "none of the words" in run("imdb_sentiment.py", "--predict", "...", "--from", out, code=2).stderr
    (tmp_path / "weights.safetensors").write_bytes((out / "weights.safetensors").read_bytes()[:1000])
    assert "MG502" in run("imdb_sentiment.py", "--predict", "good", "--from", tmp_path, code=2).stderr


def test_a_resumed_run_refuses_other_options(run, short_run):
    out, _ = short_run
    assert "lr was 0.001 and is 0.5" in run("imdb_sentiment.py", "--resume", out, "--lr", 0.5, code=2).stderr


def test_help_names_every_option(run):
    text = run("imdb_sentiment.py", "--help").stdout
    for option in ("model", "data", "data-dir", "epochs", "batch-size", "lr", "truncate", "limit", "seed", "unrolled",
                   "out", "resume", "predict", "from"):  # fmt: skip
        assert f"--{option} " in text


def test_the_whole_reviews_give_what_the_bundled_ones_give(run, short_run, whole_reviews, tmp_path):
    out, _ = short_run
    run("imdb_sentiment.py", "--data", "tfds", "--data-dir", whole_reviews, *SHORT, "--out", tmp_path)
    bundled, whole = (load_file(folder / "weights.safetensors") for folder in (out, tmp_path))
    for path, array in bundled.items():
        assert np.array_equal(array, whole[path]), path
