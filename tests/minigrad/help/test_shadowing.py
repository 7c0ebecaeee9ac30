"""A user's own layers.py or optim.py: `import minigrad` names it, and minigrad.layers works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def run(tmp_path):
    """Run a script in an empty folder. Returns what it prints, and its warnings."""

    def run(script):
        (tmp_path / "script.py").write_text(script)
        done = subprocess.run(
            [sys.executable, "script.py"],
            cwd=tmp_path,
            # which Python searches after the folder of the script
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout, done.stderr

    return run


@pytest.mark.parametrize(
    "name, file",
    [("layers", "layers.py"), ("optim", "optim/__init__.py")],
)
@pytest.mark.parametrize("before", ["", "import {}\n"])
def test_file_that_hides_module_is_named(run, tmp_path, name, file, before):
    (tmp_path / "optim").mkdir()  # a folder without __init__.py hides nothing
    hiding = tmp_path / file
    hiding.write_text("")
    _, warning = run(before.format(name) + "import minigrad")
    assert f"[MG134] {hiding} hides minigrad's {name}" in warning
    assert warning.count("MG134") == 1
    assert "import minigrad" in warning  # the line of the script
    assert f"my_{name}.py" in warning


USE = """
import pickle, sys
import layers, optim
import minigrad as mg
from minigrad.layers import Dense
from minigrad.layers.recurrent import GRU
from minigrad.optim import SGD

assert GRU is mg.layers.GRU and SGD is mg.optim.SGD
model = pickle.loads(pickle.dumps(Dense(2, 3)))
SGD(model.named_parameters(), lr=0.1)
print(type(model).__module__)
"""


def test_minigrad_layers_is_layers(run):
    same = "assert layers is mg.layers and layers.Dense is Dense and optim.SGD is SGD\n"
    assert run(USE + same) == ("layers.dense\n", "")


@pytest.mark.parametrize("script", [USE, USE.replace("import layers, optim", "")])
def test_minigrad_layers_works_beside_own_layers(run, tmp_path, script):
    for name in ("layers", "optim"):
        (tmp_path / f"{name}.py").write_text("mine = True")
    theirs = "import layers, optim\nassert layers.mine and optim.mine"
    output, _ = run(script + theirs)
    assert output == "minigrad.layers.dense\n"
