import subprocess
import sys

import pytest

import minigrad as mg


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 0, "draw"),
        (["--version"], 0, mg.__version__),
        (["paint"], 2, "paint"),
        (["draw", "no.py"], 2, "no.py"),
    ],
)
def test_the_command_says_what_it_can_do_and_what_was_wrong(words, code, said):
    done = subprocess.run(
        [sys.executable, "-m", "minigrad", *words], capture_output=True, text=True
    )
    assert done.returncode == code and said in done.stdout + done.stderr
