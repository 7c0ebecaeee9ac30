"""The end of pytest's output: each reason for skipping tests once, then pytest's summary."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_drawing(number):
    pytest.skip("no dot")

@pytest.mark.skipif(True, reason="no node")
def test_page():
    pass

def test_wrong():
    assert False
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_reasons_for_skipping_stand_before_the_last_line(processes, tmp_path):
    file = tmp_path / "test_some.py"
    file.write_text(TESTS, encoding="utf-8")
    options = ["--rootdir", str(tmp_path), "-p", "tests.conftest", "-n", processes]
    command = [sys.executable, "-m", "pytest", *options, str(file)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    *_, failed, first, second, summary = ran.stdout.splitlines()
    assert "test_wrong" in failed
    assert first == "skipped 3: no dot"
    assert second == "skipped 1: no node"
    assert "1 failed, 4 skipped" in summary
