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
        ("visit(self)", "visit(None)", 2, "raises an error in each expression"),
    ],
)
def test_exit_code_says_whether_the_engine_agrees(tmp_path, right, wrong, code, said):
    (tmp_path / "mine.py").write_text(SCALAR.replace(right, wrong, 1) if right else SCALAR)
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


def test_engine_that_never_ends_is_stopped_with_its_line(tmp_path):
    body = SCALAR.replace("visit(self)\n", "while True: pass\n")
    (tmp_path / "mine.py").write_text(body)
    line = [sys.executable, "-m", "minigrad", "check-engine", "mine.py"]
    done = subprocess.run([*line, "--limit", "0.5"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    number = body[: body.index("while True")].count("\n") + 1
    printed = " ".join(done.stdout.split())
    assert f"line {number} of" in printed and "mine.py: while True: pass." in printed
