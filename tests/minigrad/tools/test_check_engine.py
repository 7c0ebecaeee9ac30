"""`minigrad check-engine`: what it prints, and its exit code."""

import signal
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


def test_ctrl_c_shows_the_line_of_an_engine_that_never_ends(tmp_path):
    endless = "while True: print('called', flush=True)"
    body = SCALAR.replace(
        "def __add__(self, other):", f"def __add__(self, other):\n        {endless}\n"
    )
    (tmp_path / "mine.py").write_text(body)
    line = [sys.executable, "-m", "minigrad", "check-engine", "mine.py"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        line, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "called\n"
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    number = body[: body.index(endless)].count("\n") + 1
    assert f"Stopped by Ctrl-C in line {number} of" in error
    assert endless in error and process.returncode == 130
