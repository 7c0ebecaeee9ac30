"""Run an example as a learner does, in its own process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "examples" / "reference")]

LINE = "the film is good, the end is bad.\n"
SHORT = {
    "write_reviews.py": "--hidden 24 --k1 20 --k2 30 --batch-size 10 --epochs 2",
    "gpt.py": "--blocks 2 --heads 2 --width 16 --context 12 --batch-size 8 --epochs 1",
}
"""Options of a short run on a text."""


def command(script, *arguments):
    return [sys.executable, str(ROOT / "examples" / script), *map(str, arguments)]


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG")


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


@pytest.fixture(scope="session")
def interrupt():
    """Start a script, press Ctrl-C when a line starts with `at`, and return the rest of its text."""

    def start(script, *arguments, at):
        process = subprocess.Popen(
            command(script, *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        for line in process.stdout or ():
            if line.startswith(at):
                break
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Traceback" not in text
        return text

    return start


@pytest.fixture(scope="session")
def train_on_text(run, tmp_path_factory):
    """Train a script's model for a short time on copies of LINE. Return (folder, printed text)."""

    def train(script, copies):
        out = tmp_path_factory.mktemp("run")
        (out / "film.txt").write_text(LINE * copies)
        options = SHORT[script].split() + ["--lr", 0.01, "--length", 60]
        ended = run(script, "--data", out / "film.txt", *options, "--out", out)
        return out, ended.stdout

    return train


@pytest.fixture
def other_model(tmp_path, monkeypatch):
    """Work in a folder with a model that no example trained, and a text that is too short."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.txt").write_text("too short")
    weights = {"dense.W": np.ones((2, 2))}
    mg.save("weights.safetensors", weights, {"config": {"model": "rnn"}})
