"""`minigrad check-engine`: what it prints, and its exit code."""

import subprocess
import sys

import pytest

from tests.minigrad.gradient_checker.engine.engines import SCALAR


@pytest.mark.parametrize(
    ("right", "wrong", "code", "said"),
    [
        ("", "", 0, "no disagreement with minigrad"),
        ("(dz, dz)", "(dz, -dz)", 1, "WRONG: __add__"),
        ("def backward", "def back", 2, "MG709"),
    ],
)
def test_exit_code_says_whether_the_engine_agrees(tmp_path, right, wrong, code, said):
    (tmp_path / "mine.py").write_text(
        SCALAR.replace(right, wrong, 1) if right else SCALAR
    )
    line = [
        sys.executable,
        "-m",
        "minigrad",
        "check-engine",
        "mine.py:Value",
        "--count",
        "20",
    ]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
