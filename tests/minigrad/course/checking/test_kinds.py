"""Questions about small files, against files that were read by hand."""

import json
from random import Random

import pytest

from minigrad.course.checking.grade import judge
from minigrad.course.checking.kinds import File, Record
from minigrad.course.checking.registry import lesson

from .test_explain import asks
from .test_trace import traced


def asked(text, call, about="The check asks for f."):
    """All questions, except those about changed lines, about a file that answers a call."""
    steps = json.loads(json.dumps(traced(text, call)))
    file = File(lesson(1), text, Random(0), asks(lesson(1)))
    drawn = Record(file, 0, about, steps).questions()
    return [one for kind, draw in drawn if kind != "change" and (one := draw())]


def right(text, call):
    """{(kind, line): answer} for these questions."""
    return {(one.kind, one.line): one.right for one in asked(text, call)}


def test_variable_called_result_is_not_what_is_returned():
    text = "def f(x):\n    result = x * 2.5\n    return result + 1\n"
    first, second = (one for one in asked(text, "f(3)") if one.kind == "value")
    assert (first.line, first.right, "returns" in first.text) == (2, "7.5", False)
    assert (second.line, second.right) == (3, "8.5")
    assert "where result is what line 3 returns?" in second.text


def test_line_that_raised_carries_no_question():
    text = """def f(words):
    n = {}
    for w in words:
        try:
            n[w] += 1
        except KeyError:
            n[w] = 1
    return n
"""
    found = right(text, "f(['a', 'b', 'a'])")
    assert [line for _, line in found if line == 5] == []
    assert found["count", 7] == "2"


def test_value_that_a_line_does_not_visibly_change_is_not_asked_for():
    text = "def f(x):\n    x[0] -= 1e-6\n    x[1] -= 2\n    return x\n"
    assert ("value", 2) not in right(text, "f([5.0, 7.0])")
    assert right(text, "f([5.0, 7.0])")["value", 3] == "5"


def test_statement_of_several_lines_is_shown_in_one():
    text = "def f(x):\n    y = sum(  # add\n        x\n    )\n    return y\n"
    (value,) = (one for one in asked(text, "f([5.0, 7.0])") if one.kind == "value")
    assert "Line 2 in f: y = sum(x)\n" in value.text


def test_body_in_the_line_of_its_definition_carries_a_question():
    assert right("def f(x): return 2 * x\n", "f(3)")["value", 1] == "6"


def test_only_a_change_is_asked_about_if_the_inputs_are_not_shown():
    text = "def f(x):\n    for i in range(2):\n        x = 2 * x\n    return x * 3\n"
    assert len(asked(text, "f(3)")) > 2
    assert asked(text, "f(3)", about="") == []


def test_random_numbers_are_not_asked_for_even_if_their_seed_is_fixed():
    text = """import numpy as np
def f(n):
    rng = np.random.default_rng(0)
    order = rng.permutation(n)
    first = order[:2]
    return first * 2
"""
    kinds = {kind for kind, _ in right(text, "f(9)")}
    assert ("value" in kinds, "shape" in kinds) == (False, True)


LOSSES = """
import numpy as np


def log_softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))


def softmax(z):
    return np.exp(log_softmax(z))


def cross_entropy(z, labels):
    return -np.mean(log_softmax(z)[np.arange(len(z)), labels])


def cross_entropy_backward(z, labels):
    return (softmax(z) - np.eye(z.shape[1])[labels]) / len(labels)


def loss_at_start(C):
    return np.log(C)
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # the check would say: softmax is correct by itself, the mistake is in log_softmax
        ("return z - np", "return z + np", ""),
        (
            "(softmax(z) - ",
            "(softmax(z) + ",
            "cross_entropy_backward gives a wrong answer",
        ),
    ],
)
def test_what_the_check_reports_if_a_line_is_changed(old, new, expected):
    one, lines = lesson(8), LOSSES.splitlines()
    assert judge(one, LOSSES, asks(one)(LOSSES), asks(one)).passed
    (line,) = (n for n, code in enumerate(lines, 1) if old in code)
    file = File(one, LOSSES, Random(0), asks(one))
    assert file.first_problem(line, lines[line - 1].replace(old, new)) == expected
