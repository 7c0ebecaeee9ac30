"""Build and read a lesson's answer key: `python -m minigrad.course.key [LESSON ...]`.

The key contains the solution's answers, and the answers of every known mistake: those in slips.py,
and those that mutants.py makes from the solution and from right.py. A check compares the learner's
answers with the key, so it never runs a solution or a mistake. Build the key again after you change
a lesson.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import gzip
import io
import json
import re
import signal
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from ..support.files import write_whole
from .answers import decode, difference, encode, signature
from .lesson import Lesson, Question, Slip, ask, definition, lesson, lessons, module

FILE = "key.json.gz"
SLOW = 0.05
"""The longest time that the solution may take on a question, in seconds. Mistakes are not asked
slower questions.
"""
SAME_ANSWERS = 4
"""The maximum number of mistakes with equal answers to keep. The learner's code decides between
them.
"""
ENOUGH = 3
"""The number of wrong answers needed to prove a mistake if they are whole numbers, True or False.
Many mistakes share such answers. Any other wrong number is proof by itself.
"""
VAGUE = ("a term forgotten", "a factor forgotten", "a division forgotten", "a constant")
"""Mistakes that are named only if no other one has the same answers."""
Signature = tuple[str, float]


@dataclass(frozen=True)
class KnownSlip:
    """A mistake, with the signatures of the answers that the faulty function gives to the questions
    about it.

    A signature is None for a slow question. See `answers.signature`.
    """

    slip: Slip
    signatures: tuple[Signature | None, ...]
    own: bool = False
    """True if the slip comes from slips.py, whose descriptions are preferred."""


@dataclass(frozen=True)
class Key:
    """The answers to a lesson's questions."""

    right: list[Any]
    ways: dict[int, Any]
    """The intermediate results of questions that have a `way`."""
    slips: list[KnownSlip]


def indices(lesson: Lesson, function: str) -> list[int]:
    """Return the indices of the questions about a function."""
    return [i for i, question in enumerate(lesson.questions) if question.function == function]


@lru_cache
def load(lesson: Lesson) -> Key:
    """Read a lesson's key."""
    data = json.loads(gzip.decompress((lesson.folder / FILE).read_bytes()))
    slips = [
        KnownSlip(
            Slip(**{**slip, "lines": tuple(slip["lines"])}),
            tuple(s and (s[0], float(s[1])) for s in signatures),
            own,
        )
        for slip, signatures, own in data["slips"]
    ]
    right = [decode(answer) for answer in data["right"]]
    return Key(right, {int(i): decode(way) for i, way in data["ways"].items()}, slips)


def same(one: Signature, other: Signature, tolerance: float) -> bool:
    """Return whether two signatures belong to equal answers."""
    return one[0] == other[0] and abs(one[1] - other[1]) <= max(tolerance, 1e-9) * max(
        1, abs(one[1])
    )


def find_slip(
    lesson: Lesson, function: str, outcomes: dict[int, dict[str, Any]], text: str
) -> Slip | None:
    """Return the known mistake whose answers match the learner's for all questions about the
    function.

    At least one answer must be a wrong number, and no answer may contain infinity or NaN unless the
    right answer does. The lesson's own slips come first. If several other mistakes match, the
    result is the one whose code is most similar to the learner's.
    """
    key, asked = load(lesson), indices(lesson, function)
    answers: list[Signature] = []
    evidence = 0
    for i in asked:
        outcome = outcomes.get(i, {})
        if "answer" not in outcome:
            answers.append((f"raised {outcome.get('raised', {}).get('type', '')}", 0.0))
            continue
        form, number = signature(outcome["answer"])
        answers.append((form, number))
        if any(
            word in form and word not in signature(key.right[i])[0] for word in (" nan", " inf")
        ):
            return None
        if difference(outcome["answer"], key.right[i], lesson.questions[i].tolerance):
            evidence += 1 if float(number).is_integer() else ENOUGH

    def fits(known: KnownSlip) -> bool:
        return known.slip.function == function and all(
            theirs is None or same(answer, theirs, lesson.questions[i].tolerance)
            for i, answer, theirs in zip(asked, answers, known.signatures, strict=True)
        )

    if not evidence:
        return None
    found = [known for known in key.slips if fits(known)]
    for known in found:
        if known.own:
            return known.slip
    if evidence < ENOUGH:
        return None
    yours = code_of(text, function)
    lines = {line.strip() for line in yours.splitlines()}
    found = [
        known
        for known in found
        if lines.issuperset(known.slip.lines)
        and ("in place of another" not in known.slip.name or known.slip.name.split("`")[1] in yours)
    ]
    found.sort(
        key=lambda known: (
            known.slip.name not in VAGUE,
            difflib.SequenceMatcher(None, yours, known.slip.code).ratio(),
        )
    )
    return in_terms_of(found[-1].slip, yours) if found else None


def in_terms_of(slip: Slip, yours: str) -> Slip:
    """Return the slip without locations that do not exist in the learner's code.

    Such a location refers to the solution: 'where `da` is computed', 'in the value that is
    returned'.
    """
    kind = re.sub(
        r" where `(.*?)` is computed",
        lambda found: (
            found[0] if re.search(rf"\b{re.escape(found[1])}\b.*(?<![=<>!])=(?!=)", yours) else ""
        ),
        slip.kind,
    )
    if not re.search(r"return .*[^\w\s]", yours):  # the learner returns a variable
        kind = kind.replace(" in the value that is returned", "")
    if not re.search(r"^\s*(for|while) ", yours, re.M):
        kind = kind.replace(" in the head of a loop", "")
    return replace(slip, kind=kind)


def code_of(text: str, function: str) -> str:
    """Return the code of the function or class in a file, without comments."""
    with contextlib.suppress(SyntaxError):
        found = definition(ast.parse(text), function.partition(".")[0])
        return ast.unparse(found) if found else ""
    return ""


def make(lesson: Lesson) -> Key:
    """Compute a lesson's key. Takes seconds to minutes."""
    questions = lesson.questions
    solution = lesson.read("solution.py")
    file = lesson.solved
    right, ways, slow = [], {}, set()
    for i, question in enumerate(questions):
        start = time.perf_counter()
        given = question.given(file)
        answer = ask(question, file, given) if question.expect is None else question.expect()
        right.append(decode(encode(answer)))
        if time.perf_counter() - start > SLOW:
            slow.add(i)
        if question.way:
            ways[i] = decode(encode(ask(question, file, question.given(file), question.way)))
    known = []
    for slip in lesson.slips:
        answers = _signatures(questions, f"{solution}\n{slip.code}")
        function = slip.function
        for question, answer, expected in zip(questions, answers, right, strict=True):
            if not (function or answer and same(answer, signature(expected), question.tolerance)):
                function = question.function
        own = tuple(answers[i] for i in indices(lesson, function))
        known.append(KnownSlip(replace(slip, function=function), own, own=True))
    seen: dict[Any, list[str]] = {}
    for slip, source in _rewritten(lesson):
        asked = indices(lesson, slip.function)
        answers = _signatures([None if i in slow else questions[i] for i in asked], source)
        wrong = [
            answer
            for i, answer in zip(asked, answers, strict=True)
            if answer and not same(answer, signature(right[i]), questions[i].tolerance)
        ]
        if all(form.startswith("raised") or form.endswith((" nan", " inf")) for form, _ in wrong):
            continue  # the code is right after all, or the error has its own message
        rounded = tuple(answer and (answer[0], f"{answer[1]:.5g}") for answer in answers)
        names = seen.setdefault((slip.function, rounded), [])
        if slip.name not in names and len(names) < SAME_ANSWERS:
            names.append(slip.name)
            known.append(KnownSlip(slip, tuple(answers)))
    return Key(right, ways, known)


def _rewritten(lesson: Lesson) -> Iterator[tuple[Slip, str]]:
    """Yield each mistake in the solution and in right.py, with the file that contains it."""
    from .lessons.mutants import mutants  # a learner's process does not contain this module

    solution = lesson.read("solution.py")
    functions = list(dict.fromkeys(question.function for question in lesson.questions))
    for source in ("", *lesson._module("right").RIGHT.values()):
        for function in functions:
            for slip in mutants(source or solution, function):
                yield slip, f"{solution}\n{source}\n{slip.code}"


def _signatures(questions: Iterable[Question | None], source: str) -> list[Signature | None]:
    """Run a mistake, ask it the questions that are not None, and return its answers' signatures.

    A mistake that hangs is not asked further questions.
    """
    found: list[Signature | None] = []
    file, hangs = None, False
    for question in questions:
        if question is None or hangs:
            found.append(None if question is None else ("raised TimeoutError", 0.0))
            continue
        try:
            with time_limit(1.0), silence():
                file = file or module("mistake", source)
                answer = ask(question, file, question.given(file))
                found.append(signature(decode(encode(answer))))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            hangs = isinstance(error, TimeoutError)
            found.append((f"raised {type(error).__name__}", 0.0))
    return found


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Suppress the block's output and warnings."""
    with (
        warnings.catch_warnings(action="ignore"),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        yield


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError if the block takes longer than `seconds`."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def write(lesson: Lesson, key: Key) -> None:
    """Write the key into the lesson's folder."""
    slips = [
        [asdict(k.slip), [s and [s[0], float(f"{s[1]:.12g}")] for s in k.signatures], k.own]
        for k in key.slips
    ]
    data = {
        "right": [encode(a) for a in key.right],
        "ways": {i: encode(w) for i, w in key.ways.items()},
        "slips": slips,
    }
    text = json.dumps(data, separators=(",", ":"))
    write_whole(
        lesson.folder / FILE, lambda file: file.write(gzip.compress(text.encode(), 9, mtime=0))
    )


def main() -> None:
    """Build the keys of the lessons that are named on the command line, or of all lessons."""
    for one in [lesson(name) for name in sys.argv[1:]] or lessons():
        start = time.perf_counter()
        write(one, make(one))
        load.cache_clear()
        size = (one.folder / FILE).stat().st_size
        known = len(load(one).slips)
        print(
            f"{one.name:28} {known:5} mistakes {size / 1000:6.1f} kB {time.perf_counter() - start:6.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
