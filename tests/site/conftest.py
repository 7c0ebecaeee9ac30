"""The site, built once for all tests."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site. Sphinx takes a warning, a link that leads nowhere for one, as an error."""
    if any(importlib.util.find_spec(name) is None for name in ("furo", "myst_parser", "sphinx")):
        pytest.skip("the extra minigrad[site] is not installed")
    folder = tmp_path_factory.mktemp("site")
    options = f"-q -n -W --keep-going -d {folder / 'doctrees'} docs {folder / 'html'}"
    run = subprocess.run([sys.executable, "-m", "sphinx", *options.split()], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    return folder / "html"
