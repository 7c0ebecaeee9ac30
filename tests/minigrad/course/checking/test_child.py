import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.checking import child
from minigrad.course.checking.grade import grade
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(1).read("solution.py")


def test_what_a_file_prints_is_shown_apart_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make = (
        "import os; os.makedirs('a/b'); os.symlink('b', 'a/link'); os.chmod('a/b', 0)"
    )
    verdict = grade(
        lesson(1), Path("lesson_01_by_hand.py"), f"print('a = 4')\n{make}\n{SOLUTION}"
    )
    assert verdict.passed and verdict.output == "a = 4\n" and os.listdir(tmp_path) == []


def test_watch_finds_a_functions_own_variables_in_the_order_of_its_source():
    text = '''def f(x, *rest, k=2):
    """Compute total from scale."""
    scale = 3
    parts = [scale * one for one in (x, k)]
    add = lambda one: one + total
    total = sum(parts)
    return add(total)
'''
    source, before = Path("watched.py"), sys.gettrace()
    module = child.load(source, text)
    found = child.watch("f", source)
    try:
        module.f(1.0)
    finally:
        sys.settrace(before)
        del sys.modules["watched"]
    assert list(found.items()) == [("scale", 3), ("parts", [3.0, 6]), ("total", 9.0)]


def test_an_error_in_a_helper_also_shows_the_line_that_called_it():
    text = "def helper(x):\n    return 1 / x\n\n\ndef f(x):\n    return helper(x)\n"
    source = Path("watched.py")
    module = child.load(source, text)
    try:
        module.f(0)
    except ZeroDivisionError as error:
        told = child.failure(error, source)
    del sys.modules["watched"]
    assert (told["line"], told["text"]) == (2, "return 1 / x")
    assert told["message"].endswith("\ncalled in line 6: return helper(x)")


def test_a_result_without_a_graph_is_named_and_no_remedy_is_shown():
    W = mg.Tensor(np.ones((3, 2)), requires_grad=True)
    for run, told in [(lambda: mg.grad(mg.Tensor(1.0), [W]), "The result has no graph. Did you use .array"),
                      (lambda: W @ W, "[MG101] MultiplyGate cannot multiply")]:  # fmt: skip
        with pytest.raises(mg.MinigradError) as raised:
            run()
        message = child.failure(raised.value, Path("watched.py"))["message"]
        assert message.startswith(told) and "remedy" not in message
