"""examples/imdb_sentiment.py: its results against a forward pass in NumPy, and short runs."""

import os
import re
import subprocess

import numpy as np
import pytest
from safetensors.numpy import load_file

from minigrad.data import Vocabulary, load_imdb
from tests.examples.conftest import ROOT, command, is_png
from tests.optim import ranks
from tests.optim.training.test_parallel import needs_mpi

SCRIPT = "imdb_sentiment.py"


@pytest.fixture(scope="module")
def short_run(run, tmp_path_factory):
    """(folder, printed text) of one short run."""
    out = tmp_path_factory.mktemp("run")
    return out, run(SCRIPT, "--limit", 400, "--epochs", 2, "--out", out).stdout


def logits_by_hand(weights, vectors):
    """h = tanh(x W + h U + b) at each word, and one product, for vectors (N, T, D)."""
    U, W = (weights[f"rnn.cell.{name}"] for name in ("W_hh", "W_xh"))
    h = np.zeros(len(U))
    for x in vectors.swapaxes(0, 1).astype(np.float64):
        h = np.tanh(x @ W + h @ U + weights["rnn.cell.b_h"])
    return (h @ weights["head.W"] + weights["head.b"])[:, 0]


def test_accuracy_and_loss_of_the_best_weights(short_run):
    out, text = short_run
    weights = load_file(out / "weights.safetensors")
    test = load_imdb().test[:400]
    scores = logits_by_hand(weights, weights["embedding.table"][test.ids])
    # σ(correct) is the probability of the label
    correct = np.where(test.labels, scores, -scores)
    (found,) = re.findall(r"Test accuracy ([.\d]+), loss ([.\d]+)", text)
    expected = np.mean(correct > 0), np.logaddexp(0, -correct).mean()
    np.testing.assert_allclose(np.array(found, float), expected, atol=2e-4)

    words = Vocabulary.load(out / "vocabulary.txt")
    for title, row in (
        ("right", correct.argmax()),
        ("wrong", correct.argmin()),
    ):
        pattern = rf"confident and {title}: .* the review is (\w+)\n  \.\.\. (.*)\n"
        truth = ("negative", "positive")[test.labels[row]]
        review = words.decode(test.ids[row])
        assert re.findall(pattern, text)[0] == (truth, review)
    assert is_png(out / "learning_curves.png")
    assert is_png(out / "graph.png")
    for path in out.glob("*.*"):
        assert path.name in text


def test_predict_shows_probability_and_contributions(run, short_run):
    out, _ = short_run
    text = run(SCRIPT, "--predict", "A wonderful, WONDERFUL waste", "--from", out).stdout
    weights = load_file(out / "weights.safetensors")
    vocabulary = Vocabulary.load(out / "vocabulary.txt")
    ids = vocabulary.encode(["a", "wonderful", "wonderful", "waste"])[None]
    full = weights["embedding.table"][ids].astype(np.float64)
    (logit,) = logits_by_hand(weights, full)
    assert text.startswith(f"{1 / (1 + np.exp(-logit)):.1%} positive")

    # A word's contribution is the slope of the logit along the word's vector, by central differences,
    # averaged while the whole input grows from nothing.
    growing = (np.arange(50)[:, None, None] + 0.5) / 50 * full
    expected: dict[str, list[float]] = {}
    for place, id in enumerate(ids[0, 1:], 1):  # after the mark of the beginning
        nudge = np.zeros_like(full)
        nudge[:, place] = 1e-4 * full[:, place]
        high = logits_by_hand(weights, growing + nudge)
        low = logits_by_hand(weights, growing - nudge)
        expected.setdefault(vocabulary[id], []).append((high - low).mean() / 2e-4)
    lines = re.findall(r"^  ([+-]\d\.\d{3})  (\w+)$", text, re.M)
    assert len(lines) == 4
    for word, parts in expected.items():
        found = [float(part) for part, name in lines if name == word]
        assert sorted(found) == pytest.approx(sorted(parts), abs=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--predict ...", "none of the words"),
        ("--lr 0.5", "lr was 0.001 and is now 0.5"),
    ],
)
def test_error_with_a_trained_model(run, short_run, options, message):
    where = "--from" if "predict" in options else "--resume"
    arguments = (*options.split(), where, short_run[0])
    assert message in run(SCRIPT, *arguments, code=2).stderr


def test_printed_command_predicts(short_run):
    (typed,) = re.findall(r"Try it on your own text:  (.*)", short_run[1])
    assert "% positive" in subprocess.check_output(typed, shell=True, text=True)


def test_missing_dot_and_matplotlib(run, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    (tmp_path / "sitecustomize.py").write_text(
        "import shutil\nshutil.which = lambda *name, **path: None"
    )
    short = ("--limit", 50, "--epochs", 1, "--out", tmp_path / "out")
    ended = run(
        SCRIPT,
        *short,
        PATH="/nowhere",
        PYTHONPATH=str(tmp_path),
    )
    assert "Graphviz" in ended.stderr
    assert "training continues" in ended.stderr
    assert "pip install matplotlib" in ended.stdout
    assert "Test accuracy" in ended.stdout
    assert not list((tmp_path / "out").glob("*.png"))


@pytest.mark.parametrize("model", ["gru", "lstm"])
def test_model_and_truncate(run, model, tmp_path):
    snapshots = tmp_path / "snapshots"
    snapshots.mkdir()
    (snapshots / "step-7.safetensors").touch()  # of an earlier run, which is deleted
    options = f"--model {model} --truncate 8 --batch-size 20 --lr 1000 --limit 40"
    text = run(
        SCRIPT,
        *options.split(),
        "--epochs",
        1,
        "--out",
        tmp_path,
    ).stdout
    assert f"{model.upper()}(128, 32, truncate=8)" in text
    assert "the network has learned nothing. Try a lower --lr." in text
    assert len(list(snapshots.iterdir())) == 1


@pytest.mark.parametrize("rule", ["Tanh.backward", "lambda self, dz, z, x: (1 - z,)"])
def test_unrolled_uses_the_gates_own_rule(run, tmp_path, short_run, rule):
    out, text = short_run
    assert "by one fused gate for all 40 steps of the RNN" in text
    (tmp_path / "sitecustomize.py").write_text(
        f"from minigrad.gates import Tanh\nTanh.backward = {rule}"
    )
    options = ("--limit", 400, "--epochs", 2, "--unrolled", "--out", tmp_path)
    run(SCRIPT, *options, PYTHONPATH=str(tmp_path))
    fused, unrolled = (load_file(folder / "weights.safetensors") for folder in (out, tmp_path))
    close = [np.allclose(unrolled[name], fused[name], atol=1e-4) for name in fused]
    assert all(close) == (rule == "Tanh.backward")


@needs_mpi
def test_parallel_on_two_ranks(tmp_path):
    def train(*options):
        arguments = command(SCRIPT, "--limit", 300, "--epochs", 1, *options)
        process = ranks.start(2, arguments[1:])
        printed, _ = process.communicate(timeout=200)
        return process.returncode, printed

    code, printed = train("--parallel", "--out", tmp_path / "two")
    assert code == 0, printed
    assert printed.count("Test accuracy") == printed.count("Reading the reviews") == 1
    assert (tmp_path / "two" / "weights.safetensors").is_file()
    code, printed = train("--out", tmp_path / "each")
    assert code == 2
    assert "add --parallel" in printed


def test_parallel_without_mpi(run, tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('No module named mpi4py')")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    ended = run(
        SCRIPT,
        "--parallel",
        "--limit",
        100,
        code=2,
        PYTHONPATH=path,
    )
    for part in ("pip install --editable", "[mpi]", "mpiexec -n 2"):
        assert part in ended.stderr
