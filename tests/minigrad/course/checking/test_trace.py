"""Records of what runs, against lines counted by hand."""

import sys
from pathlib import Path

import minigrad as mg
from minigrad.course.checking import child
from minigrad.course.checking.answers import decode
from minigrad.course.checking.trace import MOST_STEPS, Trace, repeated

FILE = """
def total(numbers):
    found = 0
    for number in numbers:
        if number > 0: found = (
            found + number)
    return [found, *(n for n in numbers)]
"""


def traced(text, call, byte=0):
    """The steps of a call of the file's functions, with the gradients of what it returns."""
    source, tracing = Path("one.py"), sys.gettrace()
    trace = Trace(source, text)
    file = child.load(source, text)
    del sys.modules["one"]
    sys.settrace(trace)
    trace.start(byte)
    answer = eval(call, {**vars(file), "mg": mg})
    sys.settrace(tracing)
    return trace.take(answer)


def recorded(text, call):
    """The record of a call, as a list of (line, changes)."""
    return [
        (line, {name: decode(new) for name, (new, old) in changes.items()})
        for _, line, changes, _ in traced(text, call)
    ]


def test_record_has_the_gradients_of_the_answer():
    text = "def f(x):\n    y = x * x\n    z = 3 * y\n    return y * z\n"
    steps = traced(text, "f(mg.Tensor([1.0, 2.0], requires_grad=True))")
    found = {
        name: (decode(code).tolist(), uses)
        for *_, gradients in steps
        for name, (code, uses) in gradients.items()
    }
    # the sum of 3 y**2, where y is 1 and 4: dy = 6 y, and dz = y; y is used twice
    assert found == {"y": ([6.0, 24.0], 2), "z": ([1.0, 4.0], 1)}


def test_record_has_the_lines_that_ran_and_what_each_changed():
    assert recorded(FILE, "total([2, -1])") == [
        (3, {"found": 0}),
        (4, {"number": 2}),
        (5, {"found": 2}),
        (4, {"number": -1}),
        (5, {}),
        (4, {}),
        (7, {"return": [2, 2, -1]}),
    ]


def test_long_record_is_empty():
    loop = "def run(n):\n    for i in range(n):\n        x = i\n"
    assert len(recorded(loop, f"run({MOST_STEPS // 2 - 1})")) == MOST_STEPS - 1
    assert recorded(loop, f"run({MOST_STEPS})") == []


def test_record_has_the_values_before_each_change():
    text = "def f(x):\n    x[0] += 1\n    y = x\n"
    ((_, _, first, _), (_, _, second, _)) = traced(text, "f([5, 7])")
    assert decode(first["x"]) == [[6, 7], [5, 7]]
    assert decode(second["y"]) == [[6, 7], None]


def test_statement_that_raises_is_marked():
    text = """def f(d):
    try:
        d["a"] += 1
    except KeyError:
        d["a"] = 1
    return d
"""
    steps = traced(text, "f({})")
    assert [(line, "raise" in changes) for _, line, changes, _ in steps] == [
        (2, False),
        (3, True),
        (5, False),
        (6, False),
    ]


def test_body_in_the_line_of_its_definition_is_recorded_but_the_definition_is_not():
    text = "def f(x):\n    def g(y): return y * y\n    return g(x) + g(2)\n"
    assert recorded(text, "f(3)") == [
        (2, {"return": 9}),
        (2, {"return": 4}),
        (3, {"return": 13}),
    ]


def test_values_that_another_run_does_not_repeat_are_left_out():
    text = """import numpy as np
def f(x):
    y = x * 2.5
    y = np.empty((2, 2))
    z = y + 1
    y[:] = 0
    return x
"""
    call = "f(np.ones((2, 2)))"
    steps = traced(text, call, byte=97), traced(text, call, byte=98)
    kept = [sorted(changes) for _, _, changes, _ in repeated(*steps)]
    assert kept == [["y"], [], [], [], ["return"]]
    assert repeated(steps[0], steps[1][:-1]) == []
    changes = steps[1][1][2]
    assert decode(changes["y"][0]).tobytes() == b"b" * 32
