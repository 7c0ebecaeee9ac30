"""Runs an example as a learner does, in a process of its own; finds the whole reviews where they are prepared."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def run():
    """The finished process of `run("imdb_sentiment.py", "--limit", "100")`, with its text as `stdout` and `stderr`."""

    def run_script(script, *arguments, code=0, timeout=300, **environment):
        command = [sys.executable, str(ROOT / "examples" / script), *map(str, arguments)]
        finished = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, env=os.environ | environment, check=False
        )
        assert finished.returncode == code, finished.stdout + finished.stderr
        assert "Traceback" not in finished.stderr
        return finished

    return run_script


@pytest.fixture(scope="session")
def whole_reviews():
    """The folder of the whole data set, or a skip."""
    folder = Path(os.environ.get("MINIGRAD_DATA") or ROOT.parent / "shared" / "tfds")
    if not (folder / "imdb_reviews").is_dir():
        pytest.skip("no prepared reviews: set MINIGRAD_DATA to a tensorflow-datasets folder that has imdb_reviews")
    pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")
    return folder
