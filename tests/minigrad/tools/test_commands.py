"""`minigrad draw|explore|check SCRIPT.py`, as typed: what they leave, what they print, how they
end.
"""

import json
import re
import subprocess
import sys

import pytest

FIRST = """\
import minigrad as mg
x = mg.Tensor([[1.0, 2.0]], name="x")
W = mg.Tensor([[0.5], [-1.0]], requires_grad=True, name="W")
z = mg.tanh(x @ W)
loss = mg.mean_squared_error(z, [[1.0]])
loss.backward()
print("W.grad", W.grad.ravel())
"""
SQUASH = """\
import sys
import numpy as np
import minigrad as mg
class Squash(mg.Gate):
    def forward(self, x):
        return np.tanh(x)
    def backward(self, dz, z, x):
        return (dz * (1 - z),)
x = mg.Tensor([0.5, 1.5], requires_grad=True, name="x")
Squash()(x).sum().backward()
"""
# A bare loop with an optimizer, in a function, ended by SystemExit, as a script with a command line
# ends.
TRAIN = """\
import sys
import minigrad as mg
from layers import RNN, Dense, Sequential
from optim import Adam
def main():
    mg.seed(0)
    model = Sequential(RNN(3, 4), Dense(4, 1))
    optimizer = Adam(model.named_parameters(), lr=0.1)
    for step in range(int(sys.argv[1])):
        with mg.fused():
            loss = (model(mg.generator().normal(size=(2, 5, 3)).astype("float32")) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return 0
if __name__ == "__main__":
    raise SystemExit(main())
"""


SGD = """\
import minigrad as mg
from optim import SGD
w = mg.Tensor([3.0], requires_grad=True, name="w")
sgd = SGD({"w": w}, lr=0.25)
for _ in range(2):
    sgd.zero_grad()
    loss = (w * w).sum()
    loss.backward()
    sgd.step()
"""


@pytest.fixture
def run(tmp_path):
    """Run `python -m minigrad ...` in a folder of its own, with these scripts in it."""
    for name, text in (("first.py", FIRST), ("squash.py", SQUASH), ("train.py", TRAIN)):
        (tmp_path / name).write_text(text)

    def run_command(*arguments, code=0):
        command = [sys.executable, "-m", "minigrad", *arguments]
        finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert finished.returncode == code, finished.stdout + finished.stderr
        return finished

    return run_command


def test_draw_writes_beside_the_script_and_says_so(run, tmp_path):
    said = run("draw", "first.py").stdout
    assert said.startswith("W.grad [")  # the script's own output
    assert (
        said.splitlines()[-1] == "first.png: the graph of loss, 3 gates and 3 leaves."
    )
    assert (tmp_path / "first.png").read_bytes().startswith(b"\x89PNG")


def test_out_values_and_name(run, tmp_path):
    said = run("draw", "first.py", "-o", "z.dot", "--values", "--name", "z").stdout
    assert said.splitlines()[-1] == "z.dot: the graph of z, 2 gates and 2 leaves."
    text = (tmp_path / "z.dot").read_text()
    assert "-0.905" in text and "MeanSquaredError" not in text  # tanh(0.5 - 2)


def test_check_names_a_wrong_rule_at_the_script_s_line(run):
    said = run("check", "squash.py", code=1).stdout
    assert said.startswith("WRONG")
    assert "Squash at the top level, called at squash.py:10" in said
    assert "the rule is at squash.py:7" in said
    assert run("check", "first.py").stdout.splitlines()[1].startswith("right:")


@pytest.mark.parametrize("steps", ["1", "3"])
def test_a_training_script_is_shown_as_it_was_at_its_last_backward(
    run, tmp_path, steps
):
    # The optimizer has changed every parameter since; fused gates are shown as small ones.
    said = run("draw", "train.py", "-o", "train.dot", "--", steps).stdout
    assert said.startswith("train.dot: the graph of the last backward(), ")
    text = (tmp_path / "train.dot").read_text()
    assert "Tanh" in text and "grad" in text
    assert "right: " in run("check", "train.py", "--", steps).stdout
    assert (
        "train.html: the graph of the last"
        in run("explore", "train.py", "--", steps).stdout
    )
    assert (tmp_path / "train.html").read_text().startswith("<!doctype html>")


def test_the_values_shown_are_those_of_the_last_backward(run, tmp_path):
    (tmp_path / "sgd.py").write_text(SGD)
    # w is 3, then 3 - 0.25 * 6 = 1.5, where the last loss is 2.25; the last step makes it 0.75.
    run("draw", "sgd.py", "-o", "sgd.dot", "--values")
    text = (tmp_path / "sgd.dot").read_text()
    assert "1.5" in text and "2.25" in text and "= 0.75" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["draw", "nowhere.py"], "[MG901] the script 'nowhere.py' does not exist"),
        (
            ["draw", "first.py", "--name", "los"],
            "remedy: use --name with one of these names: x, W, z, loss",
        ),
        (["draw", "empty.py"], "[MG902] empty.py did not call backward()"),
        (["draw", "first.py", "-o", "first.jpg"], "[MG602]"),
        (["draw", "first.py", "--epochs", "3"], "unrecognized arguments: --epochs 3"),
    ],
)
def test_what_cannot_be_done_is_said(run, tmp_path, arguments, said):
    (tmp_path / "empty.py").write_text("import minigrad as mg\n")
    finished = run(*arguments, code=2)
    assert said in finished.stderr and "Traceback" not in finished.stderr


def test_the_script_s_own_error_is_shown_as_python_shows_it(run, tmp_path):
    (tmp_path / "bad.py").write_text("def half(x):\n    return x / 0\n\nhalf(1)\n")
    said = run("draw", "bad.py", code=1).stderr
    assert 'bad.py", line 4' in said and said.endswith(
        "ZeroDivisionError: division by zero\n"
    )
    (tmp_path / "ends.py").write_text("raise SystemExit(3)")
    run("draw", "ends.py", code=3)


def test_a_script_sees_what_it_would_see_alone(run, tmp_path):
    (tmp_path / "sees.py").write_text(
        "import json, sys, minigrad as mg, helper\n"
        "print(json.dumps([sys.argv, __name__, helper.ANSWER]))\n"
        "mg.tanh(mg.Tensor(1.0, requires_grad=True)).backward()\n"
    )
    (tmp_path / "helper.py").write_text("ANSWER = 42")
    said = run("draw", "sees.py", "-o", "s.dot", "--", "--lr", "0.1").stdout
    assert json.loads(said.splitlines()[0]) == [
        ["sees.py", "--lr", "0.1"],
        "__main__",
        42,
    ]


def test_help_and_version(run):
    text = run("--help").stdout
    for command in ("draw", "explore", "check"):
        assert f"\n    {command} " in text
        assert "minigrad draw first.py" in run(command, "--help").stdout
    assert run().stdout == text
    assert re.fullmatch(r"minigrad \d+\.\d+\.\d+\S*\n", run("--version").stdout)
