"""The effects of statements, compared with files that were read by hand."""

import ast

import pytest

from minigrad.course.checking.statements import (
    assigned,
    computes,
    differ,
    joined,
    statements,
)

FILE = '''"""A docstring."""
import math


def f(x):
    """Another one."""
    y = 2 * x
    for i in range(3):
        y += i
    a = 1; b = 2
    return y
def g(x): return x
def h(x): y = x; return y
'''


def test_statements_are_listed_by_their_first_lines():
    found = {line: type(node).__name__ for line, node in statements(FILE).items()}
    assert found == {7: "Assign", 8: "For", 9: "AugAssign", 11: "Return", 12: "Return"}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("x = 1", {"x"}),
        ("a, b[0] = f(c)", {"a", "b"}),
        ("x += y", {"x"}),
        ("for i in x: pass", {"i"}),
        ("states.append(h)", {"states"}),
        ("print(x)", set()),
        ("return x", {"return"}),
    ],
)
def test_assigned_names(code, names):
    (node,) = ast.parse(code).body
    assert assigned(node) == names


@pytest.mark.parametrize(
    ("code", "works"),
    [
        ("x = y", False),
        ("x = 3", False),
        ("x = -y", False),
        ("x = y * 2", True),
        ("x = f(y)", True),
        ("x = y[0]", True),
        ("x += y", True),
        ("if x > f(y): pass", False),
    ],
)
def test_statement_computes(code, works):
    (node,) = ast.parse(code).body
    assert computes(node) is works


@pytest.mark.parametrize(
    ("other", "expected"),
    [("x = 1  # one", False), ("x = 2", True), ("x = (", False)],
)
def test_files_differ_in_more_than_comments(other, expected):
    assert differ("x = 1", other) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = f(1)  # one line", ""),
        ("x = f(\n    1,  # first\n    2,\n)", "x = f(1, 2)"),
        ("if x:\n    # a comment\n    y = 1", ""),
        ("if (x and\n        y):\n    z = 1", "if x and y:"),
    ],
)
def test_statement_of_several_lines_in_one(code, expected):
    (node,) = ast.parse(code).body
    assert joined(node) == expected
