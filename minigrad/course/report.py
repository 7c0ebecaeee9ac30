"""Grade submissions for teachers: `minigrad course report`.

The command grades one submission or a folder of submissions, and prints text or JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
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
from .zips import unpack


@dataclass(frozen=True)
class Mark:
    """A submission's result for one lesson."""

    lesson: Lesson
    right: int
    said: str
    graded: bool = True
    """False if its file exists but could not be read or graded."""

    @property
    def passed(self) -> bool:
        """True if the lesson earns its point."""
        return self.right == self.lesson.asked

    @property
    def sign(self) -> str:
        return "?" if not self.graded else "x" if self.passed else "."


@dataclass(frozen=True)
class Row:
    """One submission's row in the report."""

    name: str
    folder: Path
    marks: list[Mark]
    note: str
    """A phrase that lists the submitted files that were not graded, or '' if there are none."""

    @property
    def points(self) -> int:
        return sum(mark.passed for mark in self.marks)


def add_report(commands: Any) -> None:
    """Add the `report` command to argparse's subparsers."""
    parser = commands.add_parser(
        "report",
        help="grade one submission or a folder of submissions (for teachers)",
        description="Grade submissions. A submission is a folder that contains lesson files such "
        "as lesson_01_by_hand.py, a zip file of such a folder, or a single lesson file. A folder "
        "without lesson files is treated as a folder of "
        "submissions, and the report has a row for each item in it. Each passed lesson earns one "
        "point; earlier attempts do not matter. The exit code is 1 if any submitted file could "
        "not be graded, and 0 otherwise, regardless of the marks. The report lists the files "
        "that were not graded. With --gradescope the exit code is 0 even then, and results.json "
        "lists these files.",
    )
    add, cores = parser.add_argument, os.cpu_count() or 1
    add("folders", nargs="*", type=Path, metavar="FOLDER", help="(default: here)")
    about = "grade only this lesson (may be repeated)"
    add("--lesson", action="append", metavar="LESSON", help=about)
    about = "the number of parallel jobs (default: %(default)s)"
    add("--jobs", type=int, default=cores, metavar="N", help=about)
    about = ("store each mark in this folder immediately; if you run the command again, it grades only "
             "new and changed files")  # fmt: skip
    add("--keep", type=Path, metavar="FOLDER", help=about)
    add("--json", action="store_true", help="print JSON instead of a table")
    about = "print one submission as Gradescope's results.json"
    add("--gradescope", action="store_true", help=about)
    about = "refuse to grade without a sandbox"
    add("--require-sandbox", action="store_true", help=about)
    about = "write to this file instead of printing"
    add("-o", "--out", type=Path, metavar="FILE", help=about)
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
    with tempfile.TemporaryDirectory() as temporary:
        held = {path: opened(path, Path(temporary)) for path in submissions(folders, own)}
        marks = grade_all(held, chosen, options.jobs, options.keep)
        above = os.path.commonpath([path.parent for path in marks])
        rows = [
            Row(
                printable(os.path.relpath(path, above)), held[path], row, note(held[path], row, own)
            )
            for path, row in marks.items()
        ]
    if options.gradescope or options.json:
        results = (gradescope if options.gradescope else as_json)(rows, str(wall))
        text = json.dumps(results, indent=1, ensure_ascii=False)
    else:
        text = "\n".join([*table(rows), "", str(wall)])
    if options.out is None:
        print(text)
    else:
        try:
            write_whole(options.out, lambda file: file.write(f"{text}\n".encode()))
        except OSError as error:
            print(text)  # save the report, because grading may have taken an hour
            raise OSError(error.errno, reason(error), os.fspath(options.out)) from None
    return int(not options.gradescope and any(row.note for row in rows))


def require_one(folders: list[Path]) -> None:
    """Require a single folder. Errors: OptionError MG918 for several folders."""
    if len(folders) > 1:
        raise OptionError(
            "MG918",
            f"got {len(folders)} submissions for one results.json",
            cause="Gradescope expects a separate results.json for each submission",
            remedy="pass a single folder",
        )


def submissions(folders: list[Path], own: Collection[str] = ()) -> list[Path]:
    """Return the submissions in the given folders. A folder that contains lesson files is a
    submission. In any other folder, each item is a submission, except hidden files and the paths in
    `own`.

    Errors: DataError MG919 for a folder that does not exist.
    """
    found = []
    for folder in folders:
        if not os.path.lexists(folder):
            raise DataError(
                "MG919",
                f"there is no submission {os.fspath(folder)!r}",
                cause="no file or folder has this name",
                remedy="pass the folder of one submission, or the folder that contains all of them",
            )
        folder = Path(os.path.abspath(folder) if folder.is_symlink() else os.path.realpath(folder))
        inside = [] if _holds_lessons(folder) else entries(folder, own)
        found += inside or [folder]
    return list(dict.fromkeys(found))


def opened(path: Path, temporary: Path) -> Path:
    """Return the folder with a submission's files: `path` itself, unless it is a zip file or a single
    lesson file.
    """
    if path.is_symlink() or not path.is_file():
        return path
    with contextlib.suppress(DataError):  # the report lists the file as not graded
        return unpack(path, temporary / str(len(list(temporary.iterdir()))))
    return path


def entries(folder: Path, own: Collection[str] = ()) -> list[Path]:
    """Return the paths in a folder, except hidden files and the paths in `own`. The list is empty
    for a link, a file, and an unreadable folder.
    """
    try:
        inside = [] if folder.is_symlink() else sorted(folder.iterdir())
    except OSError:
        return []
    return [
        path
        for path in inside
        if not path.name.startswith(".") and os.path.realpath(path) not in own
    ]


def _holds_lessons(folder: Path) -> bool:
    return not {one.file for one in lessons()}.isdisjoint(path.name for path in entries(folder))


def note(path: Path, row: list[Mark], own: Collection[str] = ()) -> str:
    """Return a phrase that lists the files in the submission `path` that were not graded, or '' if
    there are none. The files in `own` are not part of the submission.
    """
    if not _holds_lessons(path):
        return f"not graded: {_described(path)}"
    parts = [f"lesson {mark.lesson.number} {mark.said}" for mark in row if not mark.graded]
    strange = [one for one in entries(path, own) if not _is_of_the_course(one)]
    if strange:
        parts.append(f"not graded: {_named(strange)}")
    return "; ".join(parts)


def _described(path: Path) -> str:
    """Describe a submission that contains no lesson file."""
    if path.is_symlink():
        return "a link, which is not followed"
    if not path.is_dir():
        return "neither a folder nor a zip file nor a lesson file"
    try:
        next(path.iterdir(), None)
    except OSError as error:
        return f"a folder that cannot be read ({reason(error)})"
    return _named(entries(path)) or "an empty folder"


def _named(paths: list[Path]) -> str:
    """Return the names of the first five paths, and the number of remaining paths."""
    names = [printable(f"{path.name}/" if os.path.isdir(path) else path.name) for path in paths]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _is_of_the_course(path: Path) -> bool:
    """Return whether this is a lesson file or another file that the course creates.

    A notebook counts if one of its cells contains the text of a lesson file. Running the cell saves
    this text to the file.
    """
    if path.suffix != ".ipynb":
        beside = ("README.md", PROGRESS, "pages", "backups", "__pycache__")
        return path.name in (*beside, *(one.file for one in lessons()))
    file = path.with_suffix(".py")
    try:
        written = f"%%writefile {file.name}\n{_read(file).rstrip()}"
        cells = json.loads(_read(path))["cells"]
        return any("".join(cell["source"]).rstrip() == written for cell in cells)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _read(path: Path) -> str:
    """Return a submission's file as text. Errors: OSError if the file cannot be read or is a link
    to a file outside the submission.
    """
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(path.parent)):
        raise OSError(errno.EINVAL, "a link to a file outside the submission", str(path))
    return read_text(path)


def grade_all(
    held: Mapping[Path, Path], chosen: list[Lesson], jobs: int, keep: Path | None = None
) -> dict[Path, list[Mark]]:
    """Return every submission's marks. `held` maps each submission to the folder with its files.
    Each file runs in its own process, and at most `jobs` processes run in parallel.

    Each mark is stored in the folder `keep` immediately. A file with a stored mark is graded again
    only if it has changed.

    Errors: OptionError MG917 if `jobs` is less than 1.
    """
    files = {f"{path} lesson {one.number}": (path, one) for path in held for one in chosen}
    found = {name: _text_or_mark(held[path], one) for name, (path, one) in files.items()}
    texts = {name: text for name, text in found.items() if isinstance(text, str)}
    wall = find_wall()

    def graded(name: str, **_: object) -> dict[str, Any]:
        path, one = files[name]
        verdict = grade(one, held[path] / one.file, texts[name], wall)
        # the lines may contain the learner's own messages
        said = map(printable, feedback.lines(verdict, 2))
        return {"right": verdict.right, "said": "\n".join(said)}

    todo = {}
    for name, text in texts.items():
        digest = hashlib.sha256(text.encode()).hexdigest()
        todo[name] = {"name": name, "sha256": digest, "wall": wall.program is not None}
    done = run_jobs(todo, graded, jobs, keep, apart=False, shown=None)
    marks: dict[Path, list[Mark]] = {path: [] for path in held}
    for name, (path, one) in files.items():
        mark = found[name]
        if name in done:
            mark = Mark(one, **done[name].result)
        elif isinstance(mark, str):
            mark = Mark(one, 0, "could not be graded", False)
        marks[path].append(mark)
    return marks


def _text_or_mark(folder: Path, one: Lesson) -> str | Mark:
    """Return the text of a lesson's file, or the lesson's Mark if there is nothing to grade."""
    if all(path.name != one.file for path in entries(folder)):
        return Mark(one, 0, f"no {one.file}")
    try:
        text = _read(folder / one.file)
    except OSError as error:
        return Mark(one, 0, f"not graded: {reason(error)}", False)
    return Mark(one, 0, "not written yet") if text == one.read("exercise.py") else text


def table(rows: list[Row]) -> list[str]:
    """Return a header and one line for each submission. A line contains the points, a symbol for
    each lesson (x passed, . not passed, ? not graded), and the files that were not graded.
    """
    width, asked = max(len(row.name) for row in rows), len(rows[0].marks)
    numbers = " ".join(f"{mark.lesson.number:>2}" for mark in rows[0].marks)
    lines = [f"{'':<{width}}  points  {numbers}"]
    for row in rows:
        signs = "  ".join(mark.sign for mark in row.marks)
        line = f"{row.name:<{width}}  {row.points:>2}/{asked:<3}   {signs}  {row.note}"
        lines.append(line.rstrip())
    return lines


def as_json(rows: list[Row], wall: str) -> dict[str, Any]:
    """Return all marks in JSON types: {"wall": ..., "submissions": [{"name", "points", "of",
    "note", "lessons": [...]}]}.
    """
    submitted = [
        {"name": row.name, "points": row.points, "of": len(row.marks), "note": row.note, "lessons": [
            {"lesson": mark.lesson.number, "title": mark.lesson.title, "passed": mark.passed,
             "right": mark.right, "asked": mark.lesson.asked, "said": mark.said}
            for mark in row.marks]}
        for row in rows
    ]  # fmt: skip
    return {"wall": wall, "submissions": submitted}


def gradescope(rows: list[Row], wall: str) -> dict[str, Any]:
    """Return a submission's results as Gradescope's results.json. Each lesson is a test worth one
    point.

    The score is 0 unless exactly one submission contains lesson files. The output lists the files
    that were not graded.
    Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/#output-format
    """
    holding = [row for row in rows if _holds_lessons(row.folder)]
    if len(holding) == 1:
        marks, score = holding[0].marks, holding[0].points
        said = f"{score} of {len(marks)} lessons passed"
    else:
        marks, score = [Mark(mark.lesson, 0, "nothing was graded") for mark in rows[0].marks], 0
        said = f"Nothing was graded: no folder contains lesson files such as {lessons()[0].file}."
        if holding:
            named = _named([row.folder for row in holding])
            said = f"Nothing was graded: lesson files are in {named}. Submit a single folder."
    tests = [
        {"name": f"Lesson {mark.lesson.number}: {mark.lesson.title}", "score": float(mark.passed), "max_score": 1.0,
         "output": mark.said}
        for mark in marks
    ]  # fmt: skip
    output = "\n".join([said, *(f"{row.name}: {row.note}" for row in rows if row.note)])
    # a learner's file may print HTML, so all output is declared as text
    plain = {"output_format": "text", "test_output_format": "text"}
    hidden = {"wall": wall}  # not shown to students
    return {"score": float(score), "output": output, **plain, "tests": tests, "extra_data": hidden}
