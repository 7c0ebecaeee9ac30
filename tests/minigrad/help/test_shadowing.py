"""A folder of the user's with its own layers.py or optim.py: `import minigrad` says so;
minigrad.layers works.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def run(folder: Path, script: str) -> tuple[str, str]:
    """What a script in this folder prints, and its warnings."""
    (folder / "script.py").write_text(script)
    # which Python searches after the folder of the script
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "script.py"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout, done.stderr


@pytest.mark.parametrize(
    ("name", "file"), [("layers", "layers.py"), ("optim", "optim/__init__.py")]
)
@pytest.mark.parametrize(
    "script", ["import minigrad", "import {name}\nimport minigrad"]
)
def test_a_file_that_hides_a_module_is_named(
    tmp_path: Path, name: str, file: str, script: str
) -> None:
    (tmp_path / "optim").mkdir()  # a folder without __init__.py hides nothing
    (tmp_path / file).write_text("")
    _, text = run(tmp_path, script.format(name=name))
    assert (
        f"[MG134] {tmp_path / file} hides minigrad's {name}" in text
        and text.count("MG134") == 1
    )
    assert (
        "import minigrad" in text and f"my_{name}.py" in text
    )  # the line of the script


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


def test_the_longer_names_hold_the_same_objects(tmp_path: Path) -> None:
    same = "assert layers is mg.layers and layers.Dense is Dense and optim.SGD is SGD\n"
    assert run(tmp_path, USE + same) == ("layers.dense\n", "")


@pytest.mark.parametrize("script", [USE, USE.replace("import layers, optim", "")])
def test_the_longer_names_bring_minigrads_beside_the_users_own(
    tmp_path: Path, script: str
) -> None:
    for name in ("layers", "optim"):
        (tmp_path / f"{name}.py").write_text("mine = True")
    theirs = "import layers, optim\nassert layers.mine and optim.mine"
    assert run(tmp_path, script + theirs)[0] == "minigrad.layers.dense\n"
