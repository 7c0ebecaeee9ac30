"""Build and read a lesson's answer key: `python -m minigrad.course.checking.key [NAME ...]`.

The key contains the solution's answers, and the answers of every known mistake: those in slips.py,
and those that mutants.py makes from the solution and from right.py. A check compares the learner's
answers with the key, so it never runs a solution or a mistake. Build the key again after you change
a lesson.
"""

import ast
import contextlib
import copy
import difflib
import gzip
import hashlib
import json
import math
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from types import ModuleType
from typing import Any

from ...errors import DataError
from ...support.files import write_whole
from .answers import decode, difference, encode, signature
from .lesson import Lesson, Question, Slip, module, silence
from .registry import FOLDER, MILESTONES, lessons, milestones, named
from .source import definitions, parse

FILE = "key.json.gz"
SAME_ANSWERS = 4
"""The maximum number of mistakes with equal answers to keep. The learner's code decides between
them.
"""
ENOUGH = 3
"""The number of wrong answers needed to prove a mistake if they are whole numbers, True or False.
Many mistakes share such answers. Any other wrong number is proof by itself.
"""
LONGEST = 0.5
"""The processor time for each question, in seconds, after which a mistake counts as one that never
ends. A training may take longer: Question.training.
"""
VAGUE = ("a term forgotten", "a factor forgotten", "a division forgotten", "a constant")
"""Mistakes that are named only if no other mistake fits the answers and the learner's code."""
Signature = tuple[str, float]


@dataclass(frozen=True)
class KnownSlip:
    """A mistake, with the signatures of the faulty function's answers to the questions about this
    function. See `answers.signature`.
    """

    slip: Slip
    signatures: Sequence[Signature]
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
    data = json.loads(_stored(lesson))
    columns = data["slips"]
    columns["lines"] = map(tuple, columns["lines"])
    known = []
    columns = [
        *columns.values(),
        data["forms"],
        data["numbers"],
        data["own"],
    ]
    for *slip, forms, numbers, own in zip(*columns, strict=True):
        signatures = tuple(zip(forms, numbers, strict=True))
        known.append(KnownSlip(Slip(*slip), signatures, own))
    right = list(map(decode, data["right"]))
    ways = data["ways"].items()
    return Key(right, {int(i): decode(way) for i, way in ways}, known)


def _stored(lesson: Lesson) -> bytes:
    path = lesson.folder / FILE
    return gzip.decompress(path.read_bytes())


def sources(lesson: Lesson) -> str:
    """Return a digest of the files from which a lesson's key is made."""
    names = sorted(path.name for path in lesson.folder.glob("*.py"))
    text = "\0".join(map(lesson.read, ["text.md", *names]))
    return hashlib.sha256(text.encode()).hexdigest()


def require_current(lesson: Lesson) -> None:
    """Raise DataError MG930 if a lesson outside minigrad has no key, or changed after its key was
    made.
    """
    if lesson.folder.parent in (FOLDER, MILESTONES):
        return
    exists = (lesson.folder / FILE).exists()
    if not exists or sources(lesson).encode() not in _stored(lesson):
        raise DataError(
            "MG930",
            f"the answer key of {lesson.name} is missing or out of date",
            cause="the lesson's files have changed since minigrad course test wrote the key",
            remedy="run minigrad course test with the lesson's folder",
        )


def same(one: Signature, other: Signature, tolerance: float) -> bool:
    """Return whether two signatures belong to equal answers."""
    limit = max(tolerance, 1e-9)
    form, number = one
    right_form, right_number = other
    close = math.isclose(number, right_number, rel_tol=limit, abs_tol=limit)
    return close and form == right_form


def find_slip(
    lesson: Lesson,
    function: str,
    outcomes: dict[int, dict[str, Any]],
    text: str,
) -> Slip | None:
    """Return the known mistake whose answers match the learner's for all questions about the
    function.

    At least one answer must be wrong (an exception does not count), and no answer may contain
    infinity or NaN unless the right answer does. The lesson's own slips come first. Other mistakes
    must also be `proved`. If several are, the result is the one whose code is most similar to the
    learner's.
    """
    key = load(lesson)
    asked = indices(lesson, function)
    tolerances = [lesson.questions[i].tolerance for i in asked]
    answers = list[Signature]()
    evidence = 0
    for i, tolerance in zip(asked, tolerances, strict=True):
        outcome = outcomes.get(i, {})
        if "answer" not in outcome:
            error = outcome.get("raised", {}).get("type", "")
            answers.append((f"raised {error}", 0.0))
            continue
        answer = outcome["answer"]
        form, number = signature(answer)
        answers.append((form, number))
        expected = key.right[i]
        form_expected, _ = signature(expected)
        unexpected = {*form.split()} - {*form_expected.split()}
        if unexpected & {"nan", "inf"}:
            return None
        if difference(answer, expected, tolerance):
            evidence += 1 if number.is_integer() else ENOUGH

    def fits(known: KnownSlip) -> bool:
        if known.slip.function != function:
            return False
        return all(map(same, answers, known.signatures, tolerances))

    if not evidence:
        return None
    found = list(filter(fits, key.slips))
    own = (known.slip for known in found if known.own)
    if evidence < ENOUGH:
        return next(own, None)
    for slip in own:
        return slip
    # a learner's process does not contain these modules
    from ..lessons import mistakes, places

    yours = node_of(text, function)
    right = node_of(lesson.solution, function)
    code = code_of(text, function)
    lines = {line.strip() for line in code.splitlines()}

    def likely(slip: Slip) -> bool:
        returned = slip.name != "nothing returned" or ("None", 0.0) in answers
        wrong = node_of(slip.code, function)
        explained = lines.issuperset(slip.lines) and returned
        return explained and mistakes.proved(slip, yours, right, wrong, lesson.text)

    def alike(slip: Slip) -> tuple[bool, bool, float]:
        other = code_of(slip.code, function)
        ratio = difflib.SequenceMatcher(None, code, other).ratio()
        return slip.name not in VAGUE, "`" in slip.name, ratio

    # sorted, because the last of several equally similar slips is wanted
    slips = [known.slip for known in found if likely(known.slip)]
    slips.sort(key=alike)
    return places.in_terms_of(slips[-1], yours, right) if slips else None


@lru_cache(maxsize=1024)  # a check asks for the same functions again and again
def code_of(text: str, function: str) -> str:
    """Return the code of a function, method or variable in a file. See `node_of`."""
    return ast.unparse(node_of(text, function))


def node_of(text: str, function: str) -> ast.AST:
    """Return the syntax tree of a function, method or variable in a file, without its docstring. The
    tree is empty if the file does not define it.
    """
    with contextlib.suppress(SyntaxError):
        node: ast.stmt | None = _parsed(text).get(function)
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node = copy.copy(node)
            node.body = node.body[1:]
        if node:
            return node
    return ast.Module([], [])


@lru_cache(maxsize=8)  # a check asks for every function of three files
def _parsed(text: str) -> dict[str, Any]:
    return definitions(parse(text))


def make(lesson: Lesson) -> Key:
    """Compute a lesson's key. Takes seconds to minutes."""
    questions = lesson.questions
    solution = lesson.solution
    file = lesson.solved
    right, ways = [], {}
    for i, question in enumerate(questions):
        if question.expect:
            answer = decode(encode(question.expect()))
        else:
            answer = _answer(lesson, question, question.call, file)
        right.append(answer)
        if question.way:
            ways[i] = _answer(lesson, question, question.way, file)

    def wrong(i: int, answer: Signature) -> bool:
        return not same(answer, signature(right[i]), questions[i].tolerance)

    asked = [i for i, question in enumerate(questions) if not _is_given(question)]
    # training last, because most mistakes are found without it
    order = sorted(asked, key=lambda i: questions[i].training > 0)
    known = []
    for slip in lesson.slips:
        source = f"{solution}\n{slip.code}"
        function = slip.function
        for i in order:
            if not function and wrong(i, *_signatures(lesson, [i], source)):
                function = questions[i].function
        if not function:
            raise ValueError(f"slips.py: {slip.name!r} gives right answers")
        own = tuple(_signatures(lesson, indices(lesson, function), source))
        known.append(KnownSlip(replace(slip, function=function), own, own=True))
    seen: dict[Any, list[str]] = {}
    for slip, source in _rewritten(lesson):
        asked = indices(lesson, slip.function)
        short = [i for i in asked if not questions[i].training]
        try:
            answers = _signatures(lesson, short, source)
            if not any(map(wrong, short, answers)):
                continue  # only a training, which takes seconds, could find it
            answers = _signatures(lesson, asked, source)
        except TimeoutError:  # a learner's answers would be missing too
            continue
        untold = False
        for i, answer in zip(asked, answers, strict=True):
            form, _ = answer
            told = form.startswith("raised") or form.endswith((" nan", " inf"))
            untold |= wrong(i, answer) and not told
        if not untold:
            continue  # the code is right after all, or the error has its own message
        rounded = tuple((form, f"{number:.5g}") for form, number in answers)
        names = seen.setdefault((slip.function, rounded), [])
        if slip.name not in names and len(names) < SAME_ANSWERS:
            names.append(slip.name)
            known.append(KnownSlip(slip, tuple(answers)))
    return Key(right, ways, known)


def _rewritten(lesson: Lesson) -> Iterator[tuple[Slip, str]]:
    """Yield each mistake in the solution and in right.py, with the file that contains it."""
    # a learner's process does not contain this module
    from ..lessons.mutants import mutants

    solution = lesson.solution
    sources = [""]
    if lesson.read("right.py", ""):
        sources += lesson._module("right").RIGHT.values()
    asked = [one for one in lesson.questions if not _is_given(one)]
    functions = dict.fromkeys(question.function for question in asked)
    for source in sources:
        for function in functions:
            for slip in mutants(source or solution, function):
                yield slip, f"{solution}\n{source}\n{slip.code}"


def _is_given(question: Question) -> bool:
    """Return whether a question is about a training that is not the learner's. Mistakes in such a
    training are not listed, because the network would have to be trained with each of them.
    """
    return bool(question.training and question.expect)


def _answer(lesson: Lesson, question: Question, expression: str, file: ModuleType) -> Any:
    given = question.given(file)
    answer = lesson.ask(expression, file, given)
    return decode(encode(answer))


def _signatures(
    lesson: Lesson,
    asked: Iterable[int],
    source: str,
) -> list[Signature]:
    """Run a mistake, ask it these questions, and return its answers' signatures.

    Errors: TimeoutError if a question takes longer than `LONGEST` and its training's limit.
    """
    found: list[Signature] = []
    file = None
    with silence():
        for i in asked:
            question = lesson.questions[i]
            try:
                with time_limit(LONGEST + question.training):
                    file = file or module("mistake", source)
                    answer = _answer(lesson, question, question.call, file)
                found.append(signature(answer))
            except (KeyboardInterrupt, TimeoutError):
                raise
            except BaseException as error:
                found.append((f"raised {type(error).__name__}", 0.0))
    return found


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError if the block needs more processor time than this, in its own code and in the
    system's. Other programs that run at the same time make no difference.
    """

    def stop(*_: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGPROF, stop)
    # again and again, because Python ignores an exception in a destructor or a callback
    signal.setitimer(signal.ITIMER_PROF, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def write(lesson: Lesson, key: Key) -> None:
    """Write the key into the lesson's folder. The slips are stored by field, with one list of
    values for each field, because similar values compress better when they are next to each other.
    """
    forms, numbers = [], []
    columns: dict[str, list[Any]] = {field.name: [] for field in fields(Slip)}
    for known in key.slips:
        for name, column in columns.items():
            column.append(getattr(known.slip, name))
        forms.append([form for form, _ in known.signatures])
        numbers.append([float(f"{number:.12g}") for _, number in known.signatures])
    data = {
        "right": list(map(encode, key.right)),
        "ways": {i: encode(way) for i, way in key.ways.items()},
        "slips": columns,
        "forms": forms,
        "numbers": numbers,
        "own": [known.own for known in key.slips],
        "sources": sources(lesson),
    }
    text = json.dumps(data, separators=(",", ":"))
    packed = gzip.compress(text.encode(), 9, mtime=0)
    write_whole(lesson.folder / FILE, lambda file: file.write(packed))


def main() -> None:
    """Build the keys of the lessons and milestones that are named on the command line, or of all."""
    every = lessons() + milestones()
    for one in map(named, sys.argv[1:]) if sys.argv[1:] else every:
        write(one, make(one))
        size = (one.folder / FILE).stat().st_size
        print(f"{one.name}: {size / 1000:.1f} kB", flush=True)


if __name__ == "__main__":
    main()
