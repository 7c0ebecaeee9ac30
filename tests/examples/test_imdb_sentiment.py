"""The main job in short forms: what it leaves is right by a forward pass in plain NumPy, and it can
be broken off.
"""

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
            x @ weights["rnn.cell.W_xh"]
            + h @ weights["rnn.cell.W_hh"]
            + weights["rnn.cell.b_h"]
        )
    return (h @ weights["head.W"] + weights["head.b"])[:, 0]


def test_its_verdicts_are_those_of_the_best_weights(short_run):
    out, text = short_run
    for name in ("history.csv", "learning_curves.png", "graph.png"):
        assert name in text and (out / name).stat().st_size > 0
    test = load_imdb().test[:400]
    weights = load_file(out / "weights.safetensors")
    scores = logits_by_hand(
        weights, weights["embedding.table"][test.ids].astype(np.float64)
    )
    right = (scores > 0) == test.labels
    accuracy, loss = map(
        float, re.findall(r"Test accuracy ([.\d]+), loss ([.\d]+)", text)[0]
    )
    assert accuracy == pytest.approx(np.mean(right), abs=1e-4)
    correct = np.where(
        test.labels, scores, -scores
    )  # σ(correct) is the probability of the label
    assert loss == pytest.approx(np.logaddexp(0, -correct).mean(), abs=2e-4)

    words = Vocabulary.load(out / "vocabulary.txt")
    for title, row in (("right", correct.argmax()), ("wrong", correct.argmin())):
        pattern = rf"confident and {title}: .* the review is (\w+)\n  \.\.\. (.*)\n"
        truth = ("negative", "positive")[test.labels[row]]
        assert re.findall(pattern, text)[0] == (truth, words.decode(test.ids[row]))


def test_predict_says_the_probability_and_what_each_word_did(run, short_run):
    out, _ = short_run
    text = run(
        "imdb_sentiment.py", "--predict", "A wonderful, WONDERFUL waste", "--from", out
    ).stdout
    weights = load_file(out / "weights.safetensors")
    vocabulary = Vocabulary.load(out / "vocabulary.txt")
    ids = vocabulary.encode(["a", "wonderful", "wonderful", "waste"])[None]
    full = weights["embedding.table"][ids].astype(np.float64)
    assert text.startswith(
        f"{1 / (1 + np.exp(-logits_by_hand(weights, full)[0])):.1%} positive"
    )

    # A word's part: how fast the logit changes with what is read at its place, by central
    # differences, on average while the whole input grows from nothing.
    growing = (np.arange(50)[:, None, None] + 0.5) / 50 * full
    expected = []
    for place in range(1, 5):  # after the mark of the beginning
        nudge = 1e-4 * np.eye(5)[place][:, None] * full
        low, high = (
            logits_by_hand(weights, growing + step) for step in (-nudge, nudge)
        )
        expected.append((vocabulary[ids[0, place]], (high - low).mean() / 2e-4))
    lines = re.findall(r"^  ([+-]\d\.\d{3})  (\w+)$", text, re.M)
    printed = [(word, float(part)) for part, word in lines]
    (words, parts), (names, by_hand) = (
        zip(*sorted(each), strict=True) for each in (printed, expected)
    )
    assert words == names and parts == pytest.approx(by_hand, abs=1e-3)


def test_ctrl_c_and_resume_give_what_an_unbroken_run_gives(resumed):
    broken, whole = resumed(
        "imdb_sentiment.py", "--limit", 3000, "--epochs", 6, "--seed", 3
    )
    assert broken == whole


def test_without_dot_and_matplotlib_it_says_so_and_goes_on(run, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    (tmp_path / "sitecustomize.py").write_text(
        "import shutil\nshutil.which = lambda *name, **path: None"
    )
    short = ("--limit", 50, "--epochs", 1, "--out", tmp_path / "out")
    finished = run(
        "imdb_sentiment.py", *short, PATH="/nowhere", PYTHONPATH=str(tmp_path)
    )
    assert "Graphviz" in finished.stderr and "training continues" in finished.stderr
    assert (
        "pip install matplotlib" in finished.stdout
        and "Test accuracy" in finished.stdout
    )
    assert not list((tmp_path / "out").glob("*.png"))


@pytest.mark.parametrize("model", ["gru", "lstm"])
def test_the_other_layers_and_options_run(run, model, tmp_path):
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots/step-7.safetensors").touch()  # of an earlier run: makes way
    options = ("--model", model, "--truncate", 8, "--batch-size", 20, "--lr", 1000)
    text = run(
        "imdb_sentiment.py", "--limit", 40, "--epochs", 1, *options, "--out", tmp_path
    ).stdout
    assert f"{model.upper()}(128, 32, truncate=8)" in text
    assert "the network has learned nothing. Try a lower --lr." in text
    assert len(list((tmp_path / "snapshots").iterdir())) == 1


@pytest.mark.parametrize("broken", [False, True])
def test_a_broken_gate_shows_where_every_gate_is_recorded(
    run, short_run, tmp_path, broken
):
    # Unrolled, the same network is trained; and a learner's tanh with a wrong rule trains another
    # one.
    out, text = short_run
    assert (
        "by one fused gate for all 40 steps of the RNN (with --unrolled, gate by gate)"
        in text
    )
    rule = "lambda self, dz, z, x: (dz * (1 - z),)" if broken else "Tanh.backward"
    (tmp_path / "sitecustomize.py").write_text(
        f"from minigrad.gates import Tanh\nTanh.backward = {rule}"
    )
    run(
        "imdb_sentiment.py",
        *SHORT,
        "--unrolled",
        "--out",
        tmp_path,
        PYTHONPATH=str(tmp_path),
    )
    right, found = (
        load_file(folder / "weights.safetensors") for folder in (out, tmp_path)
    )
    assert (
        all(np.allclose(found[name], right[name], atol=1e-4) for name in right)
        != broken
    )


def test_what_is_printed_can_be_copied_as_it_stands(short_run):
    (command,) = re.findall(r"Try it on your own text:  (.*)", short_run[1])
    assert "% positive" in subprocess.check_output(command, shell=True, text=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "'0' is not an integer of at least 1"),
        (
            ["--predict", "good", "--from", "/nowhere"],
            "there is no trained model in /nowhere. Train one: ",
        ),
        (["--resume", "/nowhere"], "there is no snapshot to resume from in /nowhere"),
        (["--out", "/dev/null/runs"], "/dev/null/runs"),
        (["--predict", "...", "--from", "OUT"], "none of the words"),
        (["--resume", "OUT", "--lr", "0.5"], "lr was 0.001 and is now 0.5"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(
    run, short_run, arguments, message
):
    arguments = [short_run[0] if one == "OUT" else one for one in arguments]
    assert message in run("imdb_sentiment.py", *arguments, code=2).stderr
