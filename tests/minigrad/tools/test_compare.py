"""`minigrad compare MINE.py THEIRS.py`: what it prints and writes, and how it ends."""

import json
import subprocess
import sys

import pytest

MINE = """\
import numpy as np
import minigrad as mg
from layers import Dense, Sequential
from parts import squash
model = Sequential(Dense(3, 4), squash, Dense(4, 2))
z = model(np.ones((5, 3), "float32"))
loss = mg.softmax_cross_entropy(z, [0, 1, 0, 1, 0])
loss.backward()
print("the script's output")
"""


@pytest.fixture
def run(tmp_path):
    for name, function in (("one", "tanh"), ("two", "relu")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "mine.py").write_text(MINE)
        text = f"from minigrad import {function} as squash\n"
        (folder / "parts.py").write_text(text)
    (tmp_path / "bad.py").write_text("raise ValueError('no')")

    def command(*words):
        line = [sys.executable, "-m", "minigrad", "compare", *words]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    return command


def test_equal_scripts_begin_with_the_same_weights(run):
    code, printed, _ = run("one/mine.py", "one/mine.py")
    assert code == 0
    assert "The graphs are equal" in printed


def test_scripts_with_modules_of_the_same_name(run, tmp_path):
    code, printed, _ = run("one/mine.py", "two/mine.py", "-o", "both.html")
    assert code == 1
    assert "one/mine.py has Tanh where two/mine.py has ReLU" in printed
    assert "<!doctype html>" in (tmp_path / "both.html").read_text()


def test_json_and_another_tensor(run):
    code, printed, other = run("one/mine.py", "two/mine.py", "--json", "--name", "z")
    assert (code, json.loads(printed)["kind"]) == (1, "gate")
    assert other.count("the script's output") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["one/mine.py", "bad.py"], "bad.py failed"),
        (["one/mine.py", "none.py"], "MG901"),
        (["one/mine.py", "two/mine.py", "--name", "los"], "MG902"),
        (["one/mine.py", "two/mine.py", "-o", "both.doc"], "MG602"),
    ],
)
def test_failures(run, words, message):
    code, _, errors = run(*words)
    assert code == 2
    assert message in errors
