"""Files that are alike: disguised copies are found, and honest answers to the same lesson are not.

`python -m tests.minigrad.course.classroom.test_alike` prints the figures in docs/teaching.md.
"""

import ast
import re

import pytest

from minigrad.course.checking.registry import lesson
from minigrad.course.classroom.alike import alike, pieces

from ..checking.test_lesson import right_answers
from .copied import COPIED
from .honest import WRITTEN

HALVES = 0, 1
"""The thresholds in alike.py were chosen with half 0, before half 1 was measured."""


def complete(number, code):
    """A text of the lesson's right.py, with the solution's functions that the exercise asks for and that
    the text leaves out.
    """
    kinds = ast.FunctionDef | ast.ClassDef
    asked, own = (
        {node.name for node in ast.parse(text).body if isinstance(node, kinds)}
        for text in (lesson(number).exercise, code)
    )
    solution = ast.parse(lesson(number).solution).body
    rest = [node for node in solution if isinstance(node, kinds)]
    parts = [ast.unparse(node) for node in rest if node.name in asked - own]
    return "\n\n".join(["import numpy as np", *parts, code])


def students(number):
    """(texts of honest students, texts of disguised copies with the copied student's name)."""
    head = re.split(r"^(?:def|class|dy_ds) ", lesson(number).exercise, flags=re.M)[0]
    honest = {f"student {i}": head + code for i, code in enumerate(WRITTEN[number].split("---\n"))}
    for i, code in enumerate(right_answers(lesson(number)).values()):
        honest[f"right {i}"] = complete(number, code)
    copies = {}
    for i, text in enumerate(filter(None, COPIED.get(number, "").split("---\n"))):
        source, _, code = text.partition("\n")
        copies[f"copy {i}"] = f"student {source}", head + code
    return honest, copies


def flagged(number, half=None):
    """(the flagged copies and all copies, the flagged honest pairs and all of them) in a class, or in
    half of it: every other copy with its original, and every other one of the other students.
    """
    honest, copies = students(number)
    if half is not None:
        sources = [source for source, _ in copies.values()]
        others = [name for name in honest if name not in sources]
        copies = dict([*copies.items()][half::2])
        chosen = {source for source, _ in copies.values()} | {*others[half::2]}
        honest = {name: honest[name] for name in honest if name in chosen}
    texts = honest | {name: text for name, (_, text) in copies.items()}
    pairs = {(pair.one, pair.other) for pair in alike(lesson(number), texts)}
    found = [name for name, (source, _) in copies.items() if (source, name) in pairs]
    wrong = [pair for pair in pairs if honest.keys() >= {*pair}]
    return len(found), len(copies), len(wrong), len(honest) * (len(honest) - 1) // 2


def total(half=None):
    counts = [flagged(number, half) for number in WRITTEN]
    return [sum(column) for column in zip(*counts, strict=True)]


def test_alike_finds_disguised_copies_and_no_honest_pair():
    found, copies, wrong, pairs = total()
    assert (copies, pairs, wrong) == (20, 361, 0)
    assert found >= 18
    found, copies, wrong, _ = total(half=1)
    assert (copies, wrong) == (10, 0)
    assert found >= 8


def changed(text, *pairs):
    for old, new in pairs:
        text, count = re.subn(old, new, text)
        assert count
    return text


LOOP = """
def f(xs, scale):
    total = 0
    for x in xs:
        half = x / 2
        total += np.tanh(half) * scale + 3 * half
    return total
"""


@pytest.mark.parametrize(
    "other",
    [
        changed(LOOP, (r"\btotal\b", "s"), (r"\bhalf\b", "h")),
        changed(LOOP, (r"def f\(xs, scale\)", "def f(values, by)"), ("xs", "values"), ("scale", "by")),
        changed(LOOP, (r"np.tanh\(half\) \* scale \+ 3 \* half", "half * 3 + scale * np.tanh(half)")),
        changed(LOOP, ("    total = 0", '    """Sum."""\n    # begin\n    total = 0')),
        "def g():\n    return 1\n" + LOOP,
    ],
)  # fmt: skip
def test_pieces_do_not_depend_on_names_order_and_comments(other):
    assert pieces(LOOP).keys() <= pieces(other).keys()


def test_pieces_do_not_depend_on_the_names_of_own_attributes():
    code = (
        "class Node:\n"
        "    def __init__(self, inside):\n        self.inside = inside\n"
        "    def twice(self, x):\n        return np.exp(self.inside + x) * self.inside\n"
        "    def both(self, x):\n        return self.twice(x) + self.twice(x * 2.0)\n"
    )
    other = changed(code, ("inside", "kept"), ("twice", "doubled"), ("Node", "Gate"))
    assert pieces(code).keys() == pieces(other).keys()
    kept = pieces(other, frozenset(["kept"]))
    assert pieces(code, frozenset(["inside"])).keys() != kept.keys()


def test_files_without_pieces_do_not_change_what_is_rare():
    honest, _ = students(13)
    others = {f"broken {i}": "def f(:" for i in range(20)}
    pairs = alike(lesson(13), honest)
    assert alike(lesson(13), honest | others) == pairs


def test_pieces_are_those_of_other_loops():
    repeated = "def f(xs):\n    found = []\n    for x in xs:\n        found.append(x @ W + b)\n    return found"
    listed = "def f(xs):\n    return [y @ W + b for y in xs]"
    (name,) = (piece for piece in pieces(listed) if piece.startswith("Add"))
    assert pieces(repeated)[name] == {4}
    assert pieces(listed)[name] == {2}


def test_pieces_differ_in_functions_constants_and_the_order_of_a_difference():
    forms = "np.exp(x - 1)", "np.log(x - 1)", "np.exp(1 - x)", "np.exp(x - 2)"
    assert len({max(pieces(form), key=len) for form in forms}) == 4


def test_pieces_of_a_file_with_a_syntax_error():
    assert pieces("def f(:") == {}


if __name__ == "__main__":
    for half in (*HALVES, None):
        found, copies, wrong, pairs = total(half)
        name = "the whole class" if half is None else f"half {half}"
        print(f"{name}: {found} of {copies} copies, {wrong} of {pairs} honest pairs")
