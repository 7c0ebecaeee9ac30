"""Make questions about a learner's own code, from what its lines do when they run.

A line can carry a question if the learner wrote it, if it runs while the check asks the file, and if
the answer cannot be read in the line itself. kinds.py makes the questions, and this module selects
them. Idea: https://github.com/csed-aalto/qlcpy
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import numpy as np

from .answers import MOST_SHOWN, described_input
from .grade import INPUTS
from .kinds import Ask, Draw, File, OwnQuestion, Record
from .lesson import Lesson, Question
from .source import definitions, parse

MOST = 4
"""The maximum number of questions about a file."""
FEWEST = 3
"""If there are fewer questions, one may help to answer another, or have been asked before."""
RECORDS = 10
"""The maximum number of the check's questions that are recorded."""
LONGEST = 300
"""The maximum length of such a question, in characters. Longer ones contain more numbers than a
reader can compute with."""
SHAPE = re.compile(r"\(\d+,[ \d,]*\) (?=\[)")
"""An array's shape before its numbers, which already show it."""


def make(
    lesson: Lesson,
    text: str,
    seed: str,
    ask: Ask,
    before: Sequence[OwnQuestion] = (),
) -> list[OwnQuestion]:
    """Return up to `MOST` questions about a file that passes, selected by `seed`. If possible, they
    are of different kinds, about different functions and lines, and not among the ones asked before.
    """
    rng = Random(f"{seed}\n{lesson.name}\n{text}")
    about = _described(lesson, text)
    asked = rng.sample([*about], len(about))
    asked.sort(key=lambda index: not about[index])
    asked = asked[:RECORDS]
    pools: dict[str, list[Draw]] = {}
    file = File(lesson, text, rng, ask)
    for index, steps in ask(text, asked, True).traces.items():
        record = Record(file, index, about.get(index, "Python runs the file."), steps)
        for kind, draw in record.questions():
            pools.setdefault(kind, []).append(draw)
    for pool in pools.values():
        rng.shuffle(pool)
    others = sorted(pools.keys() - {"gradient", "value", "change"})
    rng.shuffle(others)
    kinds = ["gradient", "value", "change", *others] * MOST
    found: list[OwnQuestion] = []
    left: dict[str, list[Draw]] = {}
    functions = Counter[str]()
    known = {one.text for one in before}

    def select(pools: dict[str, list[Draw]], most: int, easy: bool) -> None:
        """Find questions until there are `most`. If `easy`, one may help to answer another, or have
        been asked before.
        """
        for kind in kinds:
            pool, count = pools.get(kind, []), len(found)
            pool.sort(key=lambda draw: -functions[file.function(draw.args[0])])
            while pool and count == len(found) < most:
                draw = pool.pop()
                one = draw()
                if one is None:
                    continue
                if easy or not (one.text in known or any(map(one.helps, found))):
                    found.append(one)
                    functions[file.function(one.line)] += 1
                else:
                    left.setdefault(kind, []).append(draw)

    select(pools, MOST, easy=False)
    select(left, FEWEST, easy=True)
    return found


def is_record(record: Any) -> bool:
    """Return whether what progress.json records about a file's questions has the necessary parts. It
    may have been edited.
    """
    match record:
        case {"seed": str(), "file": str(), "first": dict()}:
            return True
    return False


def _described(lesson: Lesson, text: str) -> dict[int, str]:
    """Return the check's questions by index, in words and with all inputs. The words are '' if an
    input cannot be shown with all numbers.
    """
    about = {}
    names = definitions(parse(text))
    for index, question in enumerate(lesson.questions):
        if question.function.partition(".")[0] not in names or question.training:
            continue
        about[index] = ""
        # a lesson's own classes may not be printable, and lists may not have a shape
        with INPUTS, contextlib.suppress(Exception):
            described = _with_inputs(lesson, question)
            about[index] = described if len(described) <= LONGEST else ""
    return about


def _with_inputs(lesson: Lesson, question: Question) -> str:
    given = question.given(lesson.solved)
    what = question.what or question.call
    # of any other input, such as a network, the arrays are not shown
    data = np.ndarray, list, tuple
    inputs = given.values()
    shows = [value for value in inputs if isinstance(getattr(value, "array", value), data)]
    known = [id(array) for array in _held(shows, 3) if isinstance(array, np.ndarray)]
    shown = []
    for name, value in given.items():
        if f"{name} = " in what:  # such as y in "y = x * b"
            continue
        # a function of the check may pass other inputs
        if callable(value) and not re.search(rf"\b{name}[(,)]", what):
            return ""
        described = SHAPE.sub("", described_input(value)).removesuffix(".")
        hidden = any(id(part) not in known for part in _held([value], 6))
        if hidden or described[0] == "<" or np.size(value) > MOST_SHOWN:
            return ""
        shown.append(f"{name}{':' if callable(value) else ' ='} {described}")
    more = f", with {', '.join(shown)}" if shown else ""
    return f"The check of {question.function} asks for {what}{more}."


def _held(value: Any, depth: int) -> Iterator[Any]:
    """Yield the arrays and random generators in an input, its attributes or its closure."""
    value = getattr(value, "array", value)
    if isinstance(value, np.ndarray | np.random.Generator):
        yield value
    elif depth and not isinstance(value, type):
        cells = getattr(value, "__closure__", None) or ()
        parts = [cell.cell_contents for cell in cells]
        if isinstance(value, dict):
            parts += value.values()
        elif isinstance(value, list | tuple):
            parts += value
        else:
            parts += getattr(value, "__dict__", {}).values()
        for part in parts:
            yield from _held(part, depth - 1)
