"""The main job in short forms: what it leaves is right by a forward pass in plain NumPy, and it can
be broken off.
"""

import csv
import re
import subprocess

import numpy as np
import pytest
from safetensors.numpy import load_file

from minigrad.data import Vocabulary, load_imdb

SHORT = ("--limit", 400, "--epochs", 2)


@pytest.fixture(scope="module")
def short_run(run, tmp_path_factory):
    """(folder, what was printed) of one short run."""
    out = tmp_path_factory.mktemp("run")
    return out, run("imdb_sentiment.py", *SHORT, "--out", out).stdout


def logits_by_hand(weights, vectors):
    """The network from its weights alone: h = tanh(x W + h U + b) at each word, and one product."""
    h = np.zeros((len(vectors), 32))
    for x in vectors.swapaxes(0, 1):
        h = np.tanh(
            x @ weights["rnn.cell.W_xh"] + h @ weights["rnn.cell.W_hh"] + weights["rnn.cell.b_h"]
        )
    return (h @ weights["head.W"] + weights["head.b"])[:, 0]


def test_it_leaves_the_figures_and_pictures_that_it_names(short_run):
    out, text = short_run
    for name in (
        "weights.safetensors",
        "history.csv",
        "learning_curves.png",
        "graph.png",
        "vocabulary.txt",
    ):
        assert name in text
        assert (out / name).stat().st_size > 0


def test_its_verdicts_are_those_of_the_best_weights(short_run):
    out, text = short_run
    test = load_imdb().test[:400]
    weights = load_file(out / "weights.safetensors")
    scores = logits_by_hand(weights, weights["embedding.table"][test.ids].astype(np.float64))
    right = (scores > 0) == test.labels
    accuracy, loss = map(float, re.findall(r"Test accuracy ([.\d]+), loss ([.\d]+)", text)[0])
    assert accuracy == pytest.approx(np.mean(right), abs=1e-4)
    assert loss == pytest.approx(
        np.mean(np.logaddexp(0, np.where(test.labels, -scores, scores))), abs=2e-4
    )
    rows = list(csv.DictReader((out / "history.csv").read_text().splitlines()))
    best = max(rows, key=lambda row: float(row["validation_accuracy"]))
    assert (
        f"Epoch {best['epoch']} was the best" in text
        and f": {float(best['validation_accuracy']):.4f}." in text
    )

    words = Vocabulary.load(out / "vocabulary.txt")
    for title, chosen in (("right", right), ("wrong", ~right)):
        row = np.argmax(np.where(chosen, np.abs(scores), -1))
        found = re.findall(
            rf"confident and {title}: ([.\d]+)% positive, and it is (\w+)\n  \.\.\. (.*)\n", text
        )
        percent, truth, review = found[0]
        assert float(percent) / 100 == pytest.approx(1 / (1 + np.exp(-scores[row])), abs=1e-3)
        assert (truth, review) == (
            ("negative", "positive")[test.labels[row]],
            words.decode(test.ids[row]),
        )


def test_predict_says_the_probability_and_what_each_word_did(run, short_run):
    out, _ = short_run
    text = run(
        "imdb_sentiment.py", "--predict", "A wonderful, WONDERFUL waste zzyzx", "--from", out
    ).stdout
    weights = load_file(out / "weights.safetensors")
    vocabulary = Vocabulary.load(out / "vocabulary.txt")
    ids = vocabulary.encode(["a", "wonderful", "wonderful", "waste", "zzyzx"])[None]
    full = weights["embedding.table"][ids].astype(np.float64)
    assert text.startswith(f"{1 / (1 + np.exp(-logits_by_hand(weights, full)[0])):.1%} positive")

    # A word's part: how fast the logit changes with what is read at its place, by central
    # differences, on average while the whole input grows from nothing.
    growing = (np.arange(50)[:, None, None] + 0.5) / 50 * full
    expected = []
    for place in range(1, 5):  # the words that have an id of their own
        here = 1e-4 * (np.arange(6) == place)[:, None] * full
        low, high = (logits_by_hand(weights, growing + step) for step in (-here, here))
        expected.append((vocabulary[ids[0, place]], (high - low).mean() / 2e-4))
    printed = [
        (word, float(part)) for part, word in re.findall(r"^  ([+-]\d\.\d{3})  (\w+)$", text, re.M)
    ]
    assert [word for word, _ in sorted(printed)] == [word for word, _ in sorted(expected)]
    assert [part for _, part in sorted(printed)] == pytest.approx(
        [part for _, part in sorted(expected)], abs=1e-3
    )


def test_ctrl_c_and_resume_give_what_an_unbroken_run_gives(resumed):
    broken, whole = resumed("imdb_sentiment.py", "--limit", 3000, "--epochs", 2, "--seed", 3)
    assert broken == whole


def test_without_dot_and_matplotlib_it_says_so_and_goes_on(run, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    (tmp_path / "sitecustomize.py").write_text(
        "import shutil\nshutil.which = lambda *name, **path: None"
    )
    finished = run("imdb_sentiment.py", "--limit", 50, "--epochs", 1, "--out", tmp_path / "out",
                   PATH="/nowhere", PYTHONPATH=str(tmp_path))  # fmt: skip
    assert "Graphviz" in finished.stderr and "training goes on" in finished.stderr
    assert (
        "No picture of the learning curves" in finished.stdout
        and "pip install matplotlib" in finished.stdout
    )
    assert "Test accuracy" in finished.stdout
    assert not list((tmp_path / "out").glob("*.png"))


@pytest.mark.parametrize("model", ["gru", "lstm"])
def test_the_other_layers_and_options_run(run, model, tmp_path):
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots/step-7.safetensors").touch()  # of an earlier run: makes way
    options = ("--model", model, "--truncate", 8, "--batch-size", 20, "--lr", 1000)
    text = run(
        "imdb_sentiment.py", "--limit", 40, "--epochs", 1, *options, "--out", tmp_path
    ).stdout
    assert (
        f"{model.upper()}(128, 32, truncate=8)" in text
        and "back through the last 8 words alone" in text
    )
    assert "the network has learned nothing. Try a lower --lr." in text
    assert len(list((tmp_path / "snapshots").iterdir())) == 1


def test_a_broken_gate_shows_where_every_gate_is_recorded(run, short_run, tmp_path):
    # Unrolled, the same network is trained; and a learner's tanh with a wrong rule trains another
    # one.
    out, text = short_run
    assert "by one fused gate for all 40 steps of the RNN (--unrolled: gate by gate)" in text
    right = load_file(out / "weights.safetensors")
    (tmp_path / "sitecustomize.py").write_text(
        "from minigrad.gates import Tanh\nTanh.backward = lambda self, dz, z, x: (dz * (1 - z),)"
    )
    for broken, options in ((False, ["--unrolled"]), (True, []), (True, ["--unrolled"])):
        path = {"PYTHONPATH": str(tmp_path)} if broken else {}
        text = run("imdb_sentiment.py", *SHORT, *options, "--out", tmp_path / "out", **path).stdout
        assert ("gate by gate, step by step" in text) == bool(options)
        found = load_file(tmp_path / "out" / "weights.safetensors")
        same = all(np.allclose(found[name], right[name], atol=1e-4) for name in right)
        assert same == (not (broken and options))


def test_what_is_printed_can_be_copied_as_it_stands(short_run):
    _, text = short_run
    (command,) = re.findall(r"Ask it yourself:  (.*)", text)
    answer = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout
    assert "% positive" in answer
    (recipe,) = re.findall(r"reaches \.83:\n +(.*)", text)
    answer = subprocess.run(
        f"{recipe} --help", shell=True, capture_output=True, text=True, check=True
    ).stdout
    assert "honest recipe" in answer


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "'0' is not a whole number of at least 1"),
        (["--limit", ""], "'' is not a whole number of at least 2"),
        (["--lr", "fast"], "'fast' is not a number above 0"),
        (["--data-dir", "/nowhere"], "data_dir"),
        (
            ["--predict", "good film", "--from", "/nowhere"],
            "no trained model in /nowhere. Train one: ",
        ),
        (["--resume", "/nowhere"], "there is nothing to resume in /nowhere"),
        (["--out", "/dev/null/runs"], "/dev/null/runs"),
        (["--predict", "...", "--from", "OUT"], "none of the words"),
        (["--resume", "OUT", "--lr", "0.5"], "lr was 0.001 and is 0.5"),
        (["--predict", "good", "--from", "DAMAGED"], "MG502"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(
    run, short_run, arguments, message, tmp_path
):
    out, _ = short_run
    damaged = (out / "weights.safetensors").read_bytes()[:1000]
    (tmp_path / "weights.safetensors").write_bytes(damaged)
    arguments = [{"OUT": out, "DAMAGED": tmp_path}.get(one, one) for one in arguments]
    assert message in run("imdb_sentiment.py", *arguments, code=2).stderr


def test_the_whole_reviews_give_what_the_bundled_ones_give(run, short_run, whole_reviews, tmp_path):
    out, _ = short_run
    run(
        "imdb_sentiment.py",
        "--data",
        "tfds",
        "--data-dir",
        whole_reviews,
        *SHORT,
        "--out",
        tmp_path,
    )
    bundled, whole = (load_file(folder / "weights.safetensors") for folder in (out, tmp_path))
    assert all(np.array_equal(bundled[name], whole[name]) for name in bundled)
