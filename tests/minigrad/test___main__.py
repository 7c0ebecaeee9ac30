"""The command minigrad."""

import subprocess
import sys

import pytest

import minigrad as mg


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 0, "draw"),
        (["--version"], 0, mg.__version__),
        (["paint"], 2, "paint"),
        (["draw", "no.py"], 2, "no.py"),
    ],
)
def test_main_shows_its_commands_and_errors(words, code, message):
    command = [sys.executable, "-m", "minigrad", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code
    assert message in done.stdout + done.stderr
