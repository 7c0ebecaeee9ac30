"""`minigrad draw|explore|check SCRIPT.py`: what they write, what they print, how they end."""

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

# Attention, GELU and the norms are fused gates, which the commands split. One path ends at a cut.
BLOCK = """\
import minigrad as mg
from layers import TransformerBlock
mg.seed(0)
x = mg.Tensor(mg.generator().normal(size=(2, 5, 8)), name="x")
block = TransformerBlock(8, 2)
loss = (block(x) * mg.cut(mg.tanh(block.norm1(x)))).sum()
loss.backward()
"""


@pytest.fixture
def run(tmp_path):
    """Run `python -m minigrad ...` in a folder with these scripts."""
    (tmp_path / "first.py").write_text(FIRST)
    (tmp_path / "squash.py").write_text(SQUASH)
    (tmp_path / "train.py").write_text(TRAIN)

    def run(*arguments, code=0):
        finished = subprocess.run(
            [sys.executable, "-m", "minigrad", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == code, finished.stdout + finished.stderr
        return finished

    return run


def test_draw_writes_picture_beside_script(run, tmp_path):
    first, *_, last = run("draw", "first.py").stdout.splitlines()
    assert first.startswith("W.grad [")  # the script's own output
    assert last == "first.png: the graph of loss, 3 gates and 3 leaves."
    picture = tmp_path / "first.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_draw_out_values_and_name(run, tmp_path):
    options = ["-o", "z.dot", "--values", "--name", "z"]
    *_, last = run("draw", "first.py", *options).stdout.splitlines()
    assert last == "z.dot: the graph of z, 2 gates and 2 leaves."
    dot = (tmp_path / "z.dot").read_text()
    assert "-0.905" in dot  # tanh(0.5 - 2)
    assert "MeanSquaredError" not in dot


def test_draw_explore_and_page_count_the_same_gates(run, tmp_path):
    (tmp_path / "block.py").write_text(BLOCK)
    counts = []
    for arguments in (["draw", "block.py", "-o", "block.dot"], ["explore", "block.py"]):
        *_, last = run(*arguments).stdout.splitlines()
        counts += re.findall(r"the graph of loss, (\d+) gates and \d+ leaves\.", last)
    dot = (tmp_path / "block.dot").read_text()
    boxes = re.findall(r'^ *n\d+ \[.*("rounded|"octagon)', dot, re.MULTILINE)
    page = (tmp_path / "block.html").read_text("utf-8")
    (data,) = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    gates = [node for node in json.loads(data)["nodes"] if node["kind"] == "gate"]
    assert counts == [str(len(gates))] * 2
    assert len(boxes) == len(gates)


def test_check_names_wrong_rule_and_line(run):
    output = run("check", "squash.py", code=1).stdout
    assert output.startswith("WRONG")
    assert "Squash at the top level, called at squash.py:10" in output
    assert "the rule is at squash.py:7" in output


@pytest.mark.parametrize("steps", ["1", "3"])
def test_training_script_is_shown_at_last_backward(run, tmp_path, steps):
    # The optimizer has changed every parameter since; fused gates are shown as small ones.
    output = run("draw", "train.py", "-o", "train.dot", "--", steps).stdout
    assert output.startswith("train.dot: the graph of the last backward(), ")
    dot = (tmp_path / "train.dot").read_text()
    assert "Tanh" in dot
    assert "grad" in dot
    assert "right: " in run("check", "train.py", "--", steps).stdout


def test_explore_writes_page_beside_script(run, tmp_path):
    output = run("explore", "train.py", "--", "3").stdout
    assert "train.html: the graph of the last" in output
    page = tmp_path / "train.html"
    assert page.read_text().startswith("<!doctype html>")


def test_draw_shows_values_of_last_backward(run, tmp_path):
    (tmp_path / "sgd.py").write_text(SGD)
    # w is 3, then 3 - 0.25 * 6 = 1.5, where the last loss is 2.25; the last step makes it 0.75.
    run("draw", "sgd.py", "-o", "sgd.dot", "--values")
    dot = (tmp_path / "sgd.dot").read_text()
    assert "1.5" in dot
    assert "2.25" in dot
    assert "= 0.75" not in dot


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nowhere.py"], "[MG901] the script 'nowhere.py' does not exist"),
        (
            ["first.py", "--name", "los"],
            "remedy: use --name with one of these names: x, W, z, loss",
        ),
        (["empty.py"], "[MG902] empty.py did not call backward()"),
        (["first.py", "-o", "first.jpg"], "[MG602]"),
        (["first.py", "--epochs", "3"], "unrecognized arguments: --epochs 3"),
    ],
)
def test_draw_refuses(run, tmp_path, arguments, message):
    (tmp_path / "empty.py").write_text("import minigrad as mg\n")
    errors = run("draw", *arguments, code=2).stderr
    assert message in errors
    assert "Traceback" not in errors


def test_error_of_script_is_shown_as_python_shows_it(run, tmp_path):
    bad = "def half(x):\n    return x / 0\n\nhalf(1)\n"
    (tmp_path / "bad.py").write_text(bad)
    errors = run("draw", "bad.py", code=1).stderr
    assert 'bad.py", line 4' in errors
    assert errors.endswith("ZeroDivisionError: division by zero\n")


def test_exit_code_of_script_is_kept(run, tmp_path):
    (tmp_path / "ends.py").write_text("raise SystemExit(3)")
    run("draw", "ends.py", code=3)


def test_script_has_its_arguments_name_and_folder(run, tmp_path):
    (tmp_path / "sees.py").write_text(
        "import json, sys, minigrad as mg, helper\n"
        "print(json.dumps([sys.argv, __name__, helper.ANSWER]))\n"
        "mg.tanh(mg.Tensor(1.0, requires_grad=True)).backward()\n"
    )
    (tmp_path / "helper.py").write_text("ANSWER = 42")
    output = run("draw", "sees.py", "-o", "s.dot", "--", "--lr", "0.1").stdout
    arguments, name, answer = json.loads(output.splitlines()[0])
    assert arguments == ["sees.py", "--lr", "0.1"]
    assert name == "__main__"
    assert answer == 42


@pytest.mark.parametrize("command", ["draw", "explore", "check"])
def test_help_of_command(run, command):
    assert "minigrad draw first.py" in run(command, "--help").stdout


def test_version(run):
    pattern = r"minigrad \d+\.\d+\.\d+\S*\n"
    assert re.fullmatch(pattern, run("--version").stdout)


def test_help_lists_commands(run):
    text = run("--help").stdout
    for command in ("draw", "explore", "check"):
        assert f"\n    {command} " in text
    assert run().stdout == text
