"""A folder of the user's with its own layers.py or optim.py: `import minigrad` says so; minigrad.layers works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def said(folder: Path, script: str) -> str:
    (folder / "script.py").write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # which Python searches after the folder of the script
    command = [sys.executable, "script.py"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize("name", ["layers", "optim"])
@pytest.mark.parametrize("script", ["import minigrad", "import {name}\nimport minigrad"])
def test_a_file_that_hides_a_module_is_named(tmp_path: Path, name: str, script: str) -> None:
    (tmp_path / f"{name}.py").write_text("")
    text = said(tmp_path, script.format(name=name))
    assert f"[MG134] {tmp_path / name}.py hides minigrad's {name}" in text
    assert "import minigrad" in text and f"my_{name}.py" in text  # the line of the script


def test_a_package_counts_too(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "__init__.py").write_text("")
    assert "MG134" in said(tmp_path, "import minigrad")


@pytest.mark.parametrize("script", ["import minigrad", "import layers, optim, minigrad", "from optim import Adam"])
def test_minigrads_own_are_no_namesakes(tmp_path: Path, script: str) -> None:
    (tmp_path / "layers").mkdir()  # a folder without __init__.py hides nothing
    assert said(tmp_path, script) == ""


USE = """
import pickle, sys
import minigrad as mg
from minigrad.layers import Dense
from minigrad.layers.recurrent import GRU
from minigrad.optim import SGD

assert GRU is mg.layers.GRU and SGD is mg.optim.SGD
model = pickle.loads(pickle.dumps(Dense(2, 3)))
SGD(model.named_parameters(), lr=0.1)
print(type(model).__module__)
"""


def printed(folder: Path, script: str) -> str:
    (folder / "script.py").write_text(script)
    command = [sys.executable, "-W", "ignore", "script.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_longer_names_hold_the_same_objects(tmp_path: Path) -> None:
    same = "import layers, optim\nassert layers is mg.layers and layers.Dense is Dense and optim.SGD is SGD\n"
    assert printed(tmp_path, USE + same) == "layers.dense\n"


@pytest.mark.parametrize("script", [USE, "import layers, optim\n" + USE])
def test_the_longer_names_bring_minigrads_beside_the_users_own(tmp_path: Path, script: str) -> None:
    for name in ("layers", "optim"):
        (tmp_path / f"{name}.py").write_text("mine = True")
    theirs = "import layers, optim\nassert layers.mine and optim.mine"
    assert printed(tmp_path, script + theirs) == "minigrad.layers.dense\n"
