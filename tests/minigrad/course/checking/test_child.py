"""The child process: what it notes about a learner's file, its variables and its errors."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.checking import child
from minigrad.course.checking.grade import grade
from minigrad.course.checking.registry import lesson
from minigrad.course.checking.trace import Trace

ONE = lesson(1)
SOURCE = Path("watched.py")


def test_output_of_a_file_is_apart_and_its_folders_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    text = f"""
import os
print('a = 4')
os.makedirs('a/b')
os.symlink('b', 'a/link')
os.chmod('a/b', 0)
{ONE.solution}"""
    verdict = grade(ONE, Path(ONE.file), text)
    assert verdict.passed
    assert verdict.output == "a = 4\n"
    assert os.listdir(tmp_path) == []


@pytest.fixture
def load(monkeypatch):
    """Loads a file as a module."""
    tracing = sys.gettrace()
    yield lambda text: child.load(SOURCE, text)
    sys.settrace(tracing)
    del sys.modules["watched"]


def test_watch_finds_variables_in_the_order_of_the_source(load):
    module = load('''def f(x, *rest, k=2):
    """Compute total from scale."""
    scale = 3
    parts = [scale * one for one in (x, k)]
    add = lambda one: one + total
    total = sum(parts)
    return add(total)
''')
    found = child.watch("f", SOURCE)
    module.f(1.0)
    expected = {"scale": 3, "parts": [3.0, 6], "total": 9.0}
    assert [*found.items()] == [*expected.items()]


def test_watch_shows_no_variables_of_several_calls(load):
    module = load("def f(n):\n    m = n - 1\n    return f(m) if m else 0\n")
    found = child.watch("f", SOURCE)
    module.f(3)
    assert found == {"m": 2}  # the calls inside the first one are part of it
    module.f(1)
    assert found == {}


def test_failure_in_a_helper_shows_the_line_that_called_it(load):
    module = load("def g(x):\n    return 1 / x\n\n\ndef f(x):\n    return g(x)\n")
    with pytest.raises(ZeroDivisionError) as raised:
        module.f(0)
    told = child.failure(raised.value, SOURCE)
    assert (told["line"], told["text"]) == (2, "return 1 / x")
    assert told["message"].endswith("\ncalled in line 6: return g(x)")


W = mg.Tensor(np.ones((3, 2)), requires_grad=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: mg.grad(mg.Tensor(1.0), [W]),
            "The result has no graph. Did you use .array",
        ),
        (lambda: W @ W, "[MG101] MultiplyGate cannot multiply"),
    ],
)
def test_failure_of_minigrad_has_no_remedy(call, message):
    with pytest.raises(mg.MinigradError) as raised:
        call()
    told = child.failure(raised.value, SOURCE)["message"]
    assert told.startswith(message)
    assert "remedy" not in told


COUNTED = """
calls = []


def softmax(z):
    calls.append(1)
    n = len(calls)
    m = len(z)
    return z * n
"""


def test_record_has_no_value_that_depends_on_earlier_questions():
    one, tracing = lesson(8), sys.gettrace()
    lines: list[Any] = []
    indices = [index for index, q in enumerate(one.questions) if q.function == "softmax"]
    trace = Trace(SOURCE, COUNTED)
    sys.settrace(trace)
    child.run_traced(one, SOURCE, COUNTED, lines.append, indices, trace)
    sys.settrace(tracing)
    kept = [[(line, [*changes]) for _, line, changes, _ in written["trace"]] for written in lines]
    assert kept[1:] == [[(6, []), (7, []), (8, ["m"]), (9, [])]] * len(indices)
