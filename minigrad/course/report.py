"""For teachers: `minigrad course report`, which grades one folder, or a folder of submissions, as text or JSON."""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import DataError, OptionError, reason
from ..support.files import write_whole
from ..support.jobs import run_jobs
from ..support.text import printable
from . import feedback
from .grade import grade
from .lesson import Lesson, lesson, lessons
from .wall import find as find_wall
from .workbook import PROGRESS, read_text

NOT_GRADED = "could not be graded"
RESULT = {"passed": bool, "right": int, "asked": int, "said": str}
"""What is kept of a mark."""
ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}


@dataclass(frozen=True)
class Mark:
    """What a submission has for one lesson: a point if it passed."""

    lesson: Lesson
    passed: bool
    right: int
    asked: int
    said: str
    graded: bool = True
    """False if its file is there, but could not be read or graded."""


def add_report(commands: Any) -> None:
    """Add the command `report` to argparse's subparsers."""
    parser = commands.add_parser(
        "report",
        help="grade a folder, or a folder of submissions, for teachers",
        description="Grade submissions: folders that hold lesson_01_by_hand.py and so on. A folder without such a file "
        "is taken as a folder of submissions, and everything in it has a row. One point for each lesson that passes, "
        "whenever and however it was tried before. Exit code 0, whatever the marks; 1 if something that was handed in "
        "is not graded, which the rows name. With --gradescope it is 0 then too: results.json names it.",
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
    parser.add_argument("--require-sandbox", action="store_true", help="grade nothing where no sandbox can be had")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="write there instead of printing")
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> int:
    chosen = [lesson(which) for which in options.lesson] if options.lesson else list(lessons())
    folders = options.folders or [Path(".")]
    if options.gradescope:
        require_one(folders)
    own = [os.path.realpath(path) for path in (options.out, options.keep) if path is not None]
    wall = find_wall()
    if options.require_sandbox:
        wall.require()
    marks = grade_all(submissions(folders, own), chosen, options.jobs, options.keep)
    notes = {folder: note(folder, row, own) for folder, row in marks.items()}
    if options.gradescope:
        results = {**gradescope(marks, notes), "extra_data": {"wall": str(wall)}}  # students do not see extra_data
        text = json.dumps(results, indent=1, ensure_ascii=False)
    elif options.json:
        text = json.dumps({"wall": str(wall), **as_json(marks, notes)}, indent=1, ensure_ascii=False)
    else:
        text = "\n".join([*table(marks, notes), "", str(wall)])
    try:
        if options.out:
            write_whole(options.out, lambda file: file.write(f"{text}\n".encode()))
    except OSError as error:
        print(text)  # it may have taken an hour
        raise OSError(error.errno, reason(error), os.fspath(options.out)) from None
    if not options.out:
        print(text)
    return int(not options.gradescope and any(notes.values()))


def require_one(folders: list[Path]) -> None:
    """Errors: OptionError MG918 for several folders."""
    if len(folders) > 1:
        raise OptionError(
            "MG918",
            f"{len(folders)} submissions for one results.json",
            cause="Gradescope grades each submission alone",
            remedy="name one folder",
        )


def submissions(folders: list[Path], own: Collection[str] = ()) -> list[Path]:
    """Each folder that holds lessons' files; of the others everything that is in them, except hidden files and `own`.

    Errors: DataError MG919 for a folder that does not exist.
    """
    found = []
    for folder in folders:
        if not os.path.lexists(folder):
            raise DataError(
                "MG919",
                f"no submission {os.fspath(folder)!r}",
                cause="there is no file or folder of that name",
                remedy="name the folder of one, or the folder that holds them all",
            )
        folder = Path(os.path.abspath(folder) if folder.is_symlink() else os.path.realpath(folder))
        others = [] if _holds_lessons(folder) else entries(folder)
        inside = [path for path in others if os.path.realpath(path) not in own]
        found += inside or [folder]
    return list(dict.fromkeys(found))


def entries(folder: Path) -> list[Path]:
    """What is in a folder, except hidden files. Nothing for a link, a file, and a folder that cannot be read."""
    try:
        inside = [] if folder.is_symlink() else sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in inside if not path.name.startswith(".")]


def _holds_lessons(folder: Path) -> bool:
    return not {one.file for one in lessons()}.isdisjoint(path.name for path in entries(folder))


def note(path: Path, row: list[Mark], own: Collection[str] = ()) -> str:
    """What was handed in as `path` and is not graded, in a phrase; '' if everything is. `own` was not handed in."""
    if _holds_lessons(path):
        left = _named([one for one in entries(path) if not _is_own(one) and os.path.realpath(one) not in own])
        parts = [f"lesson {one.lesson.number} {one.said}" for one in row if not one.graded]
        return "; ".join(parts + [f"not graded: {left}"] * bool(left))
    if path.is_symlink():
        what = "a link, which is not followed"
    elif os.path.isfile(path):
        what = "an archive" if path.suffix.lower() in ARCHIVES else "a file, not a folder"
    elif os.path.isdir(path):
        try:
            hidden = any(path.iterdir())
            what = _named(entries(path)) or ("a folder with hidden files only" if hidden else "an empty folder")
        except OSError as error:
            what = f"a folder that cannot be read ({reason(error)})"
    else:
        what = "neither a file nor a folder"
    return f"not graded: {what}"


def _named(paths: list[Path]) -> str:
    """The names of the first five, and how many more there are."""
    names = [printable(f"{path.name}/" if os.path.isdir(path) else path.name) for path in paths]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _is_own(path: Path) -> bool:
    """Whether this is a lesson's file, or one that the course puts beside it.

    A notebook counts if a lesson's file has the same text as its cell, as it has when that cell was run.
    """
    if path.suffix != ".ipynb":
        return path.name in ("README.md", PROGRESS, "pages", "backups", "__pycache__") or any(
            path.name == one.file for one in lessons()
        )
    file = path.with_suffix(".py")
    try:
        written = f"%%writefile {file.name}\n{_read(file).rstrip()}"
        cells = json.loads(_read(path))["cells"]
        return any("".join(cell["source"]).rstrip() == written for cell in cells)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _read(path: Path) -> str:
    """A submission's file as text. Errors: OSError, also for a link that leads out of the submission."""
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(path.parent)):
        raise OSError(errno.EINVAL, "a link that leads out of the submission", str(path))
    return read_text(path)


def grade_all(folders: list[Path], chosen: list[Lesson], jobs: int, keep: Path | None = None) -> dict[Path, list[Mark]]:
    """Every submission's marks. Each file runs in a process of its own, `jobs` of them at once.

    In the folder `keep` marks are kept as they come; a file that has one there is graded again only if it was changed.

    Errors: OptionError MG917 for no jobs.
    """
    files = {f"{folder} lesson {one.number}": (folder, one) for folder in folders for one in chosen}
    found = {name: _text_or_mark(*file) for name, file in files.items()}
    texts = {name: text for name, text in found.items() if isinstance(text, str)}

    def graded(name: str, sha256: str, wall: bool) -> dict[str, Any]:
        result = vars(mark(*files[name], texts[name]))
        return {key: result[key] for key in RESULT}

    todo = {name: {"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest(),
                   "wall": find_wall().program is not None} for name, text in texts.items()}  # fmt: skip
    done = run_jobs(todo, graded, jobs, keep, apart=False, shown=None)
    marks: dict[Path, list[Mark]] = {folder: [] for folder in folders}
    for name, (folder, one) in files.items():
        what = found[name]
        if isinstance(what, str):
            result = done[name].result if name in done else None
            if isinstance(result, dict) and {key: type(value) for key, value in result.items()} == RESULT:
                what = Mark(one, **result)
            else:
                what = Mark(one, False, 0, len(one.questions), NOT_GRADED, False)
        marks[folder].append(what)
    return marks


def _text_or_mark(folder: Path, one: Lesson) -> str | Mark:
    """The text of a lesson's file, to be graded; or the mark, where there is none."""
    if all(path.name != one.file for path in entries(folder)):
        return Mark(one, False, 0, len(one.questions), f"no {one.file}")
    try:
        return _read(folder / one.file)
    except OSError as error:
        return Mark(one, False, 0, len(one.questions), f"not graded: {reason(error)}", False)


def mark(folder: Path, one: Lesson, text: str) -> Mark:
    """What the submission in `folder` has for a lesson; its file says `text`."""
    if text == one.read("exercise.py"):
        return Mark(one, False, 0, len(one.questions), "not written yet")
    verdict = grade(one, folder / one.file, text, find_wall())
    return Mark(one, verdict.passed, verdict.right, verdict.asked, printable_lines(feedback.lines(verdict, 2)))


def printable_lines(lines: list[str]) -> str:
    """Lines that hold a learner's own messages, with control characters escaped."""
    return "\n".join(printable(line) for line in lines)


def table(marks: dict[Path, list[Mark]], notes: dict[Path, str]) -> list[str]:
    """A line for each submission: points, a sign for each lesson (x passed, ? not graded), and what is not graded."""
    names = called(marks)
    width = max(map(len, names.values()))
    first = next(iter(marks.values()))
    lines = [f"{'':<{width}}  points  " + " ".join(f"{one.lesson.number:>2}" for one in first)]
    for folder, row in marks.items():
        signs = " ".join(" x" if one.passed else " ." if one.graded else " ?" for one in row)
        line = f"{names[folder]:<{width}}  {points(row):>2}/{len(row):<3}  {signs}  {notes[folder]}"
        lines.append(line.rstrip())
    return lines


def as_json(marks: dict[Path, list[Mark]], notes: dict[Path, str]) -> dict[str, Any]:
    """All marks as JSON's types: {"submissions": [{"name", "points", "of", "note", "lessons": [...]}]}."""
    names = called(marks)
    return {
        "submissions": [
            {
                "name": names[folder], "points": points(row), "of": len(row), "note": notes[folder],
                "lessons": [
                    {"lesson": one.lesson.number, "title": one.lesson.title, "passed": one.passed,
                     "right": one.right, "asked": one.asked, "said": one.said}
                    for one in row
                ],
            }
            for folder, row in marks.items()
        ]
    }  # fmt: skip


def gradescope(marks: dict[Path, list[Mark]], notes: dict[Path, str]) -> dict[str, Any]:
    """The one submission with lessons' files as Gradescope's results.json: a test for each lesson, of one point.

    Score 0 where there is none, or several. The output names what is not graded.
    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
    """
    names = called(marks)
    holding = [folder for folder in marks if _holds_lessons(folder)]
    if len(holding) == 1:
        row = marks[holding[0]]
        said = [f"{points(row)} of {len(row)} lessons passed"]
    else:
        row = [replace(one, passed=False, said="nothing was graded") for one in next(iter(marks.values()))]
        said = [
            f"Nothing is graded: lessons' files are in {_named(holding)}. Hand in one folder."
            if holding
            else f"Nothing is graded: no folder has files called {lessons()[0].file} and so on."
        ]
    said += [f"{names[folder]}: {text}" for folder, text in notes.items() if text]
    tests = [
        {"name": f"Lesson {one.lesson.number}: {one.lesson.title}", "score": float(one.passed), "max_score": 1.0,
         "status": "passed" if one.passed else "failed", "output": one.said, "visibility": "visible"}
        for one in row
    ]  # fmt: skip
    plain = {"output_format": "text", "test_output_format": "text"}  # a file may print HTML
    return {"score": float(points(row)), "output": "\n".join(said), **plain, "tests": tests}


def points(row: list[Mark]) -> int:
    """How many lessons passed."""
    return sum(one.passed for one in row)


def called(folders: Collection[Path]) -> dict[Path, str]:
    """What the submissions are called: their paths from the folder that holds them all, control characters escaped."""
    above = os.path.commonpath([folder.absolute().parent for folder in folders])
    return {folder: printable(os.path.relpath(folder.absolute(), above)) for folder in folders}
