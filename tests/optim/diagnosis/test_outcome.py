"""Whether a run learned, and whether what it learned holds where it is evaluated."""

import numpy as np
import pytest

import minigrad as mg
import optim
from optim.diagnosis.outcome import Result, holds, learns, results
from tests.optim.diagnosis.helpers import codes, crossed, network, seen

RNG = np.random.default_rng(1)
X = RNG.standard_normal((300, 12)).astype("float32")
Y = (X[:, 0] > 0).astype(int)


def run(x, y, held=None, truth=None, steps=200, lr=0.02, block=mg.no_grad):
    """Train on the first 100 rows, and evaluate with the loss or in NumPy."""
    mg.seed(0)
    with optim.diagnose(quiet=True) as diagnosis:
        model = network(12)
        optimizer = optim.Adam(model.named_parameters(), lr=lr)
        for step in range(steps):
            rows = slice(25 * (step % 4), 25 * (step % 4) + 25)
            optimizer.zero_grad()
            crossed(model(x[rows]), y[rows]).backward()
            optimizer.step()
        if held is not None:
            with block():
                crossed(model(held), truth)
    return diagnosis.result


def in_numpy(x, y, held, truth):
    mg.seed(0)
    with optim.diagnose(quiet=True) as diagnosis:
        model = network(12)
        optimizer = optim.Adam(model.named_parameters(), lr=0.02)
        for _ in range(100):
            optimizer.zero_grad()
            crossed(model(x), y).backward()
            optimizer.step()
        (model(held).array.argmax(axis=1) == truth).mean()
    return diagnosis.result


def test_learns_and_holds():
    result = run(X[:100], Y[:100], X[100:], Y[100:])
    assert codes(result) == []
    assert "the best constant output has 0.69" in result.outcome
    assert "In the evaluation, its loss is" in result.outcome


def diagnosed(source):
    """The diagnosis of a program without a file, so without lines to blame."""
    mg.seed(0)
    with optim.diagnose(quiet=True) as diagnosis:
        exec(compile(HEAD + source, "train.py", "exec"), {})
    return diagnosis.result


HEAD = """
import numpy as np
import minigrad as mg
import optim
from layers import Dense, Sequential
rng = np.random.default_rng(0)
x = rng.standard_normal((4000, 4)).astype("float32")
y = rng.integers(0, 2, 4000)
model = Sequential(Dense(4, 8, mg.relu), Dense(8, 2))
"""


def test_not_learned():
    result = diagnosed("""
optimizer = optim.Adam(model.named_parameters(), lr=0.003)
for start in range(0, 4000, 16):
    optimizer.zero_grad()
    mg.softmax_cross_entropy(model(x[start : start + 16]), y[start : start + 16]).backward()
    optimizer.step()
""")
    (first,) = result.findings
    assert first.code == "not-learned"
    assert "the best constant output has 0.69" in first.what
    assert "one batch can be learned by heart" in first.effect
    assert first.certainty == "likely"
    assert result  # so the command exits with 1


@pytest.mark.parametrize("evaluated", [run, in_numpy])
def test_labels_of_other_rows_are_learned_by_heart(evaluated):
    y = np.random.default_rng(2).permutation(Y)
    result = evaluated(X[:100], y[:100], X[100:], y[100:])
    (first,) = result.findings
    assert first.code == "labels-misaligned"
    assert first.line is not None and "permutation" in first.line.text
    assert "does not hold where it is evaluated" in first.what
    assert "% of the answers are right" in first.what


def test_does_not_hold():
    result = diagnosed("""
x[:200, 0] = 2.0 * y[:200] - 1 + 0.1 * x[:200, 0]  # the label, but in training only
optimizer = optim.Adam(model.named_parameters(), lr=0.02)
for step in range(60):
    optimizer.zero_grad()
    mg.softmax_cross_entropy(model(x[:200]), y[:200]).backward()
    optimizer.step()
with mg.no_grad():
    mg.softmax_cross_entropy(model(x[200:]), y[200:])
""")
    assert codes(result) == ["does-not-hold"]


def test_gain_is_the_better_one_of_loss_and_answers():
    overconfident = Result(3.0, 0.7, right=0.9, chance=0.5, rows=400)
    assert overconfident.gain == pytest.approx(0.75, abs=0.001)  # √(.25 / 400) = .025 is noise
    assert Result(0.35, 0.7, np.nan, np.nan, 400).gain == pytest.approx(0.5)
    assert Result(0.9, 0.7, right=0.52, chance=0.5, rows=100).gain < 0


def test_questions_without_an_answer():
    e = seen(lambda: network(12), lambda z, y: (z * z).mean() + z.sum(), X, Y)
    assert learns(e) is None
    assert holds(e) is None
    assert results(e) == []
