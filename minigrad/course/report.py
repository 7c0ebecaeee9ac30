"""For teachers: `minigrad course report`, which grades one folder, or a folder of submissions, as text or JSON."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError, OptionError
from ..files import open_file, write_whole
from ..printing import printable
from . import feedback
from .grade import grade
from .jobs import run_jobs
from .lesson import Lesson, lesson, lessons

LONGEST = 1 << 20
"""Bytes of a file that is graded."""
NOT_GRADED = "could not be graded"


@dataclass(frozen=True)
class Mark:
    """What a submission has for one lesson: a point if it passed."""

    lesson: Lesson
    passed: bool
    right: int
    asked: int
    said: str


def add_report(commands: Any) -> None:
    """Add the command `report` to argparse's subparsers."""
    parser = commands.add_parser(
        "report",
        help="grade a folder, or a folder of submissions, for teachers",
        description="Grade submissions: folders that hold lesson_01_by_hand.py and so on. A folder without such a file "
        "is taken as a folder of submissions. One point for each lesson that passes, whenever and however it was "
        "tried before. Exit code 0, whatever the marks; 1 if a file could not be graded.",
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="(default: here)")
    parser.add_argument("--lesson", action="append", metavar="LESSON", help="grade this one only (may be repeated)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="so many at once (%(default)s)"
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="keep each mark there as it comes: the same command then grades only what is missing, or was changed",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--gradescope", action="store_true", help="print one submission as Gradescope's results.json")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="write there instead of printing")
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    chosen = [lesson(which) for which in options.lesson] if options.lesson else list(lessons())
    folders = submissions(options.folders or [Path(".")])
    marks = grade_all(folders, chosen, options.jobs, options.keep)
    if options.gradescope:
        text = json.dumps(gradescope(marks), indent=1, ensure_ascii=False)
    elif options.json:
        text = json.dumps(as_json(marks), indent=1, ensure_ascii=False)
    else:
        text = "\n".join(table(marks))
    if options.out:
        write_whole(options.out, lambda file: file.write(f"{text}\n".encode()))
    else:
        print(text)
    return int(any(one.said == NOT_GRADED for row in marks.values() for one in row))


def submissions(folders: list[Path]) -> list[Path]:
    """The folders with lessons' files among these and right below them. Errors: DataError MG919 if there is none."""
    found = []
    for folder in folders:
        below = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        found += [folder] if _holds_lessons(folder) else [path for path in below if _holds_lessons(path)]
    if not found:
        raise DataError(
            "MG919",
            f"no submission in {', '.join(os.fspath(folder) for folder in folders)}",
            cause="a submission is a folder with files called lesson_01_by_hand.py and so on",
            remedy="name the folder of one, or the folder that holds them all",
        )
    return found


def _holds_lessons(folder: Path) -> bool:
    return any((folder / one.file).is_file() for one in lessons())


def grade_all(folders: list[Path], chosen: list[Lesson], jobs: int, keep: Path | None = None) -> dict[Path, list[Mark]]:
    """Every submission's marks. Each file runs in a process of its own, `jobs` of them at once.

    In the folder `keep` marks are kept as they come; a file that has one there is graded again only if it was changed.

    Errors: OptionError MG917 for no jobs.
    """
    files = {f"{folder} lesson {one.number}": (folder, one) for folder in folders for one in chosen}
    texts = {name: read(folder / one.file) for name, (folder, one) in files.items()}

    def graded(name: str, sha256: str) -> dict[str, Any]:
        found = vars(mark(*files[name], texts[name]))
        return {key: found[key] for key in ("passed", "right", "asked", "said")}

    todo = {name: {"name": name, "sha256": hashlib.sha256((text or "").encode()).hexdigest()}
            for name, text in texts.items()}  # fmt: skip
    done = run_jobs(todo, graded, jobs, keep, apart=False, shown=None)
    marks: dict[Path, list[Mark]] = {folder: [] for folder in folders}
    for name, (folder, one) in files.items():
        lost = {"passed": False, "right": 0, "asked": len(one.questions), "said": NOT_GRADED}
        marks[folder].append(Mark(one, **(done[name].result if name in done else lost)))
    return marks


def read(path: Path) -> str | None:
    """What a submission's file says; None if it is missing, or no text, or too long."""
    try:
        with open_file(path) as file:
            text = file.read(LONGEST + 1)
        return None if len(text) > LONGEST else text.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None


def mark(folder: Path, one: Lesson, text: str | None) -> Mark:
    """What the submission in `folder` has for a lesson; its file says `text`."""
    if text is None:
        return Mark(one, False, 0, len(one.questions), f"no readable {one.file}")
    if text == one.read("exercise.py"):
        return Mark(one, False, 0, len(one.questions), "not written yet")
    verdict = grade(one, folder / one.file, text)
    return Mark(one, verdict.passed, verdict.right, verdict.asked, printable_lines(feedback.lines(verdict, 2)))


def printable_lines(lines: list[str]) -> str:
    """Lines that hold a learner's own messages, with control characters escaped."""
    return "\n".join(printable(line) for line in lines)


def table(marks: dict[Path, list[Mark]]) -> list[str]:
    """A line for each submission, its points, and a sign for each lesson."""
    width = max(len(name(folder)) for folder in marks)
    first = next(iter(marks.values()))
    lines = [f"{'':<{width}}  points  " + " ".join(f"{one.lesson.number:>2}" for one in first)]
    for folder, row in marks.items():
        signs = " ".join(" x" if one.passed else " ." for one in row)
        lines.append(f"{printable(name(folder)):<{width}}  {points(row):>2}/{len(row):<3}  {signs}")
    return lines


def as_json(marks: dict[Path, list[Mark]]) -> dict[str, Any]:
    """All marks as JSON's types: {"submissions": [{"name", "points", "of", "lessons": [...]}]}."""
    return {
        "submissions": [
            {
                "name": name(folder), "points": points(row), "of": len(row),
                "lessons": [
                    {"lesson": one.lesson.number, "title": one.lesson.title, "passed": one.passed,
                     "right": one.right, "asked": one.asked, "said": one.said}
                    for one in row
                ],
            }
            for folder, row in marks.items()
        ]
    }  # fmt: skip


def gradescope(marks: dict[Path, list[Mark]]) -> dict[str, Any]:
    """One submission as Gradescope's results.json: a test for each lesson, of one point.

    Errors: OptionError MG918 for more than one. Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
    """
    if len(marks) > 1:
        raise OptionError(
            "MG918",
            f"{len(marks)} submissions for one results.json",
            cause="Gradescope grades each submission alone",
            remedy="name one folder",
        )
    (row,) = marks.values()
    tests = [
        {"name": f"Lesson {one.lesson.number}: {one.lesson.title}", "score": float(one.passed), "max_score": 1.0,
         "status": "passed" if one.passed else "failed", "output": one.said, "visibility": "visible"}
        for one in row
    ]  # fmt: skip
    return {"score": float(points(row)), "output": f"{points(row)} of {len(row)} lessons passed", "tests": tests}


def points(row: list[Mark]) -> int:
    """How many lessons passed."""
    return sum(one.passed for one in row)


def name(folder: Path) -> str:
    """What a submission is called: its folder's name."""
    return folder.resolve().name
