"""Runs an example as a learner does, in a process of its own."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "examples" / "reference")]


def command(script, *arguments):
    return [sys.executable, str(ROOT / "examples" / script), *map(str, arguments)]


@pytest.fixture(scope="session")
def run():
    """The finished process of `run("imdb_sentiment.py", "--limit", "100")`, with its text as
    `stdout` and `stderr`.
    """

    def run_script(script, *arguments, code=0, **environment):
        finished = subprocess.run(
            command(script, *arguments),
            capture_output=True,
            text=True,
            timeout=300,
            env=os.environ | environment,
        )
        assert finished.returncode == code, finished.stdout + finished.stderr
        assert "Traceback" not in finished.stderr
        return finished

    return run_script


@pytest.fixture
def resumed(run, tmp_path):
    """Breaks a run off by Ctrl-C in its first epoch, types the command that it names, and runs it
    once more unbroken.

    Returns the bytes of both runs' weights.
    """

    def run_twice(script, *options):
        broken, whole = tmp_path / "broken", tmp_path / "whole"
        process = subprocess.Popen(
            command(script, *options, "--out", broken),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch 1/"):  # a tenth of the first epoch is done
                break
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        (again,) = re.findall(r"To resume:  \S+ \S+ (--resume .*)", text)
        run(script, *again.split())
        run(script, *options, "--out", whole)
        return [
            (folder / "weights.safetensors").read_bytes() for folder in (broken, whole)
        ]

    return run_twice
