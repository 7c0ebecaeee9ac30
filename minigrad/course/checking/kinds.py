"""The kinds of questions about a learner's own code, each made from a record of what its lines do.

Every answer comes from running the file, or the file with one changed line.
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import numpy as np

from . import quiz
from .answers import decode
from .grade import first_problem, judge
from .lesson import Lesson
from .sandbox import Run
from .source import parse
from .statements import assigned, computes, differ, joined, statements
from .trace import RAISED, RESULT, Step

MOST_CHANGES = 6
"""The maximum number of changed lines to try."""
LONGEST_CODE = 120
"""The maximum length of a statement in a question, in characters."""
LATEST = 20
"""A question is about a line's n-th run only if n is at most this."""
EDITS = (
    (r"\+=", "="),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \* ", " / "),
    (r"\.T\b", ""),
    (r"axis=0", "axis=1"),
    (r"\[::-1\]", ""),
    (r"\[-1\]", "[0]"),
    (r" < ", " <= "),
    (r" > ", " >= "),
    (r"1 - ", ""),
    (r"(\.\d\d)\d+", r"\1"),
)
"""Changes to a line: a pattern, and the text that replaces it."""
FAILS = {
    "wrong": "gives a wrong answer",
    "error": "raises an error",
    "changed": "changes its input",
    "missing": "is missing",
    "not written": "is not written",
}
"""{kind of a problem: what the function with this problem does}."""
PASSES = "nothing, because the file still passes"
RANDOM = re.compile("random|rng")
Ask = Callable[[str, Sequence[int], bool], Run]
"""Asks a version of the file some of the questions, or records what runs. See `sandbox.ask`."""
Number = tuple[str, float]
"""A number, and its place in a value, such as '[0, 1]'."""


@dataclass(frozen=True)
class OwnQuestion:
    """A question about a learner's own code."""

    kind: str
    """'value', 'gradient', 'uses', 'shape', 'count', 'which' or 'change'."""
    index: int
    """The index of the check's question that runs the line, or -1 if the file itself runs it."""
    line: int
    text: str
    right: str
    """A number, or one of the choices."""
    choices: tuple[str, ...] = ()

    @property
    def letters(self) -> dict[str, str]:
        """The choices by letter."""
        return dict(zip("abcd", self.choices, strict=False))

    @property
    def answer(self) -> str:
        """The number, or the letter of the right choice."""
        letters = {text: letter for letter, text in self.letters.items()}
        return letters.get(self.right, self.right)

    def helps(self, other: "OwnQuestion") -> bool:
        """Return whether the answer to one of the two questions may help to answer the other."""
        alike = self.kind in ("value", "gradient") and self.kind == other.kind
        return self.line == other.line or (alike and self.right == other.right)

    def sealed(self) -> quiz.Quiz:
        """Return the question in the form of the questions before an exercise."""
        return quiz.seal(self.text, self.answer, {}, self.letters)


Draw = partial[OwnQuestion | None]
"""A call that makes a question about a line, which is the first argument."""


class File:
    """A learner's file."""

    def __init__(
        self,
        lesson: Lesson,
        text: str,
        rng: Random,
        ask: Ask,
    ) -> None:
        self.lesson, self.text, self.rng, self.ask = lesson, text, rng, ask
        self.lines = text.splitlines()
        self.nodes = statements(text)
        exercise = {line.strip() for line in lesson.exercise.splitlines()}
        self.own = {
            line
            for line in self.nodes
            if self.lines[line - 1].strip() not in exercise and len(self.code(line)) <= LONGEST_CODE
        }
        self.functions: dict[int, str] = {}
        for node in ast.walk(parse(text)):  # from outside to inside
            if isinstance(node, ast.FunctionDef):
                lines = range(node.lineno, (node.end_lineno or 0) + 1)
                self.functions |= dict.fromkeys(lines, node.name)
        self.changed = 0

    def code(self, line: int) -> str:
        """Return the statement that begins in a line."""
        node = self.nodes.get(line)
        return (joined(node) if node else "") or self.lines[line - 1].strip()

    def named(self, line: int) -> str:
        return f"line {line}: {self.code(line)}"

    def function(self, line: int) -> str:
        """Return the name of the innermost function around a line, or ''."""
        return self.functions.get(line, "")

    def first_problem(self, line: int, edit: str) -> str:
        """Change a line, and return what the check then reports first, or '' if this is unknown."""
        lines = [*self.lines]
        lines[line - 1] = edit
        text = "\n".join(lines)
        if self.changed == MOST_CHANGES or not differ(self.text, text):
            return ""
        self.changed += 1
        needed = self.lesson.questions[: self.lesson.asked]
        asked = [index for index, question in enumerate(needed) if not question.training]
        run = self.ask(text, asked, False)
        problem = first_problem(self.lesson, text, run, asked)
        if problem is None:
            return PASSES if len(asked) == len(needed) else ""
        if problem.kind not in FAILS:  # it took too long
            return ""

        def again(text: str, only: Sequence[int], *_: Any) -> Run:
            return self.ask(text, only, False)

        # the check then names two functions: the wrong one, and one that calls it
        judged = judge(self.lesson, text, run, again).problem
        if judged is None or judged.blames:
            return ""
        return f"{problem.function or 'the file'} {FAILS[problem.kind]}"


class Record:
    """The record of what runs while the check asks one question."""

    def __init__(
        self,
        file: File,
        index: int,
        about: str,
        steps: list[Step],
    ) -> None:
        self.file, self.rng, self.index = file, file.rng, index
        self.about, self.steps = about, steps
        self.total = Counter(step[1] for step in steps)
        codes = [file.lines[step[1] - 1] for step in steps]
        self.random = any(map(RANDOM.search, codes))
        self.raised = {line for _, line, changes, _ in steps if RAISED in changes}
        self.values = [
            value
            for _, _, changes, _ in steps
            for code, *_ in filter(None, changes.values())
            for _, value in parts(decode(code))
        ]
        self.gradients = [decode(code) for step in steps for code, _ in step[3].values()]

    def questions(self) -> Iterator[tuple[str, Draw]]:
        """Yield each question that a line can carry: its kind, and a call that makes it."""
        ran = Counter[int]()
        stretch = self.index >= self.file.lesson.asked
        for call, line, changes, gradients in self.steps:
            ran[line] += 1
            if line not in self.file.own or line in self.raised or ran[line] > LATEST:
                continue
            node = self.file.nodes[line]
            when = f" for the {ordinal(ran[line])} time" * (self.total[line] > 1)
            if ran[line] == 1 and not (hasattr(node, "body") or stretch or joined(node)):
                yield "change", partial(self.change, line)
            if not self.about:  # the other kinds need all inputs
                continue
            if ran[line] == 1 and not hasattr(node, "body"):
                yield "count", partial(self.count, line)
            for name in sorted(assigned(node) & changes.keys()):
                if computes(node):
                    place = "result" if name == RESULT else name
                    new, old = (list(parts(decode(one), place)) for one in changes[name])
                    after = f" after line {line} has run{when}"
                    if name == RESULT:
                        after = f", where result is what line {line} returns{when}"
                    yield "value", partial(self.value, line, after, new, old)
                    yield "shape", partial(self.shape, line, after, new)
                    if name in gradients:
                        gradient, uses = gradients[name]
                        value = list(parts(decode(gradient), name))
                        yield "gradient", partial(self.gradient, line, when, value)
                        yield "uses", partial(self.uses, line, when, name, uses)
                if name != RESULT:
                    yield "which", partial(self.which, line, call, name)

    def question(
        self, kind: str, line: int, asked: str, right: str, others: Iterable[str] = ()
    ) -> OwnQuestion | None:
        """Return a question with up to four choices, or None if there are only two. Without `others`,
        the answer is a number.
        """
        choices = list(dict.fromkeys([right, *others]))[:4]
        if len(choices) == 2:
            return None
        function = self.file.function(line)
        where = f" in {function}" if function else ""
        code = self.file.code(line)
        shown = "" if kind == "which" else f"Line {line}{where}: {code}"
        about = "" if kind == "change" else self.about
        text = "\n".join(filter(None, [about, shown, asked]))
        self.rng.shuffle(choices)
        chosen = tuple(choices) if len(choices) > 1 else ()
        return OwnQuestion(kind, self.index, line, text, right, chosen)

    def value(
        self,
        line: int,
        after: str,
        values: list[Any],
        before: list[Any],
    ) -> OwnQuestion | None:
        numbers = all_elements(values)
        old = {f"{place} {number:.4g}" for place, number in all_elements(before)}
        distinct = {number for _, number in numbers}
        equal = len(distinct) == 1 < len(numbers)  # such as zeros
        if equal or self.random:
            return None
        # the line does not change the others, or so little that the answer would not show it
        numbers = [one for one in numbers if f"{one[0]} {one[1]:.4g}" not in old]
        return self.number("value", line, f"What is {{}}{after}?", numbers, self.values)

    def gradient(self, line: int, when: str, gradient: list[tuple[str, Any]]) -> OwnQuestion | None:
        numbers = all_elements(gradient)
        asked = (
            "Then backward starts from the sum of the result. What is the gradient of {}, "
            f"which line {line} computes{when}?"
        )
        # the 1 with which backward starts
        numbers = [one for one in numbers if one[1] != 1]
        return self.number("gradient", line, asked, numbers, self.gradients)

    def number(
        self, kind: str, line: int, asked: str, numbers: list[Number], values: list[Any]
    ) -> OwnQuestion | None:
        """Ask for one of the numbers. `values` contain numbers that could be confused with the
        answer.
        """
        usual = [one for one in numbers if 1e-3 < abs(one[1]) < 1e4]
        if not usual:
            return None
        place, number = self.rng.choice(usual)
        asked, right = asked.format(place), f"{number:.4g}"
        if abs(float(f"{number:.3g}") - number) < 1e-6 * abs(number):
            return self.question(kind, line, asked, right)
        seen = [other for value in values for _, other in elements("", value)]
        others = [
            *self.rng.sample(seen, min(6, len(seen))),
            2 * number,
            -number,
        ]
        others.sort(key=lambda one: one * number < 0)  # the sign is easy to find
        near = 0.02 * abs(number)
        far = [f"{one:.4g}" for one in others if abs(one - number) > near]
        return self.question(kind, line, asked, right, far)

    def uses(
        self,
        line: int,
        when: str,
        name: str,
        uses: int,
    ) -> OwnQuestion | None:
        if uses < 2:
            return None
        asked = (
            "Then backward starts from the sum of the result. How many gradients does it add up "
            f"to get that of {name}, which line {line} computes{when}?"
        )
        return self.question("uses", line, asked, str(uses))

    def shape(
        self,
        line: int,
        after: str,
        values: list[Any],
    ) -> OwnQuestion | None:
        shaped = [(place, np.shape(value)) for place, value in values if np.size(value) > 1]
        if not shaped:
            return None
        place, right = self.rng.choice(shaped)
        others = {
            *map(np.shape, self.values),
            right[::-1],
            right[1:],
            (1, *right),
            (*right, 1),
        }
        mixed = self.rng.sample(sorted(others), len(others))
        asked = f"What is the shape of {place}{after}?"
        return self.question(
            "shape",
            line,
            asked,
            str(right),
            map(str, mixed),
        )

    def which(self, line: int, call: int, name: str) -> OwnQuestion | None:
        """Ask which line sets or changes a variable for the second or third time."""
        nodes = self.file.nodes
        own = [step for step in self.steps if step[0] == call]
        gave = [step[1] for step in own if name in step[2]]
        ran = [step[1] for step in own if step[1] in nodes]
        stored = [line for line in ran if name in assigned(nodes[line])]
        lines = sorted({step[1] for step in own})
        again = any(step[1] in lines and step[0] != call for step in self.steps)
        if gave != stored or len({*gave}) < 2 or again:
            return None
        nth = self.rng.randrange(1, min(len(gave), 3))
        others = self.rng.sample(lines, len(lines))
        others.sort(key=lambda line: line not in gave)
        named = list(map(self.file.named, (gave[nth], *others)))
        where = self.file.function(line) or "the file"
        asked = f"Which line of {where} sets or changes {name} for the {ordinal(nth + 1)} time?"
        return self.question("which", gave[nth], asked, named[0], named)

    def count(self, line: int) -> OwnQuestion | None:
        inside = ast.comprehension | ast.Lambda
        repeats = any(isinstance(n, inside) for n in ast.walk(self.file.nodes[line]))
        times = self.total[line]
        if times == 1 or times > LATEST or repeats:
            return None
        before = " before the answer is there" * (self.index >= 0)
        asked = f"How many times does line {line} run{before}?"
        return self.question("count", line, asked, str(times))

    def change(self, line: int) -> OwnQuestion | None:
        """Ask what the check reports if a line is deleted or changed."""
        code, lesson = self.file.lines[line - 1], self.file.lesson
        edits = {re.sub(old, new, code, count=1) for old, new in EDITS} - {code}
        # without another line, the next use of a variable would always raise an error
        deletable = ast.AugAssign | ast.Expr
        if isinstance(self.file.nodes[line], deletable):
            edits.add("")
        edit = self.rng.choice(sorted(edits)) if edits else code
        right = self.file.first_problem(line, edit)
        if not right:
            return None
        names = {question.function for question in lesson.questions[: lesson.asked]}
        kinds = FAILS["wrong"], FAILS["error"]
        others = []
        for name in sorted(names):
            others += [f"{name} {fails}" for fails in kinds]
        self.rng.shuffle(others)
        # the same function first: its name alone must not give the answer away
        others.sort(key=lambda one: one.split()[0] != right.split()[0])
        instead = f"were `{edit.strip()}`" if edit else "were deleted"
        asked = f"If line {line} {instead}, what would the check report first?"
        return self.question("change", line, asked, right, [PASSES, *others])


def ordinal(number: int) -> str:
    """Return a number up to 20 as 1st, 2nd and so on."""
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(number, f"{number}th")


def parts(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the numbers and arrays in a value, each with its place.

    >>> list(parts({"a": [1, 2.5]}, "x"))
    [("x['a'][0]", 1), ("x['a'][1]", 2.5)]
    """
    match value:
        case dict() | list():
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for key, part in pairs:
                yield from parts(part, f"{place}[{key!r}]")
        case int() | float() | np.ndarray() if not isinstance(value, bool):
            yield place, value


def all_elements(values: list[tuple[str, Any]]) -> list[Number]:
    """Return the numbers in the values that `parts` yields."""
    return [one for value in values for one in elements(*value)]


def elements(place: str, value: Any) -> Iterator[Number]:
    """Yield the numbers of an array, or one number, each with its place."""
    for index, number in np.ndenumerate(value):
        yield (
            place + (f"[{', '.join(map(str, index))}]" if index else ""),
            float(number),
        )
