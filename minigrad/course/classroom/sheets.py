"""Write a sheet for each student with questions about their own code, to ask aloud."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...support.files import save_text
from ...support.jobs import run_jobs
from ...support.text import printable
from ..checking.explain import is_record, make
from ..checking.registry import PROGRESS
from ..checking.sandbox import Run, ask
from ..checking.source import digest
from ..checking.wall import find as find_wall
from .marks import Mark, Row
from .submissions import Submission


def write_sheets(
    handed_in: list[Submission], rows: list[Row], folder: Path, jobs: int
) -> list[Row]:
    """Write a file for each student with questions about each passed lesson, and the answers.

    Returns the rows with the number of questions that students answered correctly at the first try,
    as their own progress.json records it. Students who answered questions about the same file get
    others, unless it is too short for that. Errors: OSError.
    """
    passed = {
        f"{row.name} {mark.lesson.name}": (whose, mark)
        for whose, row in zip(handed_in, rows, strict=True)
        for mark in row.marks
        if mark.passed
    }

    def work(name: str) -> list[str]:
        return _asked(*passed[name])

    todo = {name: {"name": name} for name in passed}
    done = run_jobs(todo, work, jobs, apart=False, shown=None)
    found = []
    for whose, row in zip(handed_in, rows, strict=True):
        texts = [f"{row.name}: questions to ask aloud"]
        tries = list[bool]()
        for mark in row.marks:
            name = f"{row.name} {mark.lesson.name}"
            if name in done:
                texts += [f"Lesson {mark.lesson.number}, {mark.lesson.title}"]
                texts += done[name].result
            tries += _first_tries(whose, mark)
        path = folder / f"{row.name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_text(path, "\n\n".join(texts) + "\n")
        tried = f"{sum(tries)}/{len(tries)}" if tries else "-"
        found.append(replace(row, first_tries=tried))
    return found


def _asked(whose: Submission, mark: Mark) -> list[str]:
    one, file, wall = mark.lesson, whose.chosen[mark.lesson.name], find_wall()
    source, modules = Path(file.where), whose.modules[file.where.parent]

    def run(text: str, only: Sequence[int], traced: bool) -> Run:
        return ask(one, source, text, wall, only, modules, traced)

    before = []
    if (record := _record(whose, mark)) and record["file"] == digest(file.text):
        before = make(one, file.text, record["seed"], run)
    texts = []
    questions = make(one, file.text, whose.name, run, before)
    for number, question in enumerate(questions, 1):
        choices = [f"{name}) {text}" for name, text in question.letters.items()]
        lines = [*question.text.split("\n"), *choices, f"Answer: {question.right}"]
        first, *others = map(printable, lines)
        texts.append("\n   ".join([f"{number}. {first}", *others]))
    return texts or [f"No line of {one.file} can carry a question."]


def _record(whose: Submission, mark: Mark) -> dict[str, Any] | None:
    """Return what the student's progress.json records about the questions, or None."""
    for file in whose.files:
        if file.where.name == PROGRESS:
            with contextlib.suppress(Exception):  # the file may be damaged
                record = json.loads(file.text)[mark.lesson.name]["explained"]
                return record if is_record(record) else None
    return None


def _first_tries(whose: Submission, mark: Mark) -> list[bool]:
    """For each question that a student answered, return whether the first answer was right."""
    record = _record(whose, mark)
    return [one is True for one in record["first"].values()] if record else []
