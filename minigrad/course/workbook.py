"""Manage a learner's folder: the lessons' files, the progress, and backups of replaced files."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from ..errors import DataError, reason
from ..support.files import AnyPath, locked, save_text, to_path
from ..support.text import json_text
from .checking.lesson import ENGINE, ENGINE_LESSON, Lesson
from .checking.registry import PROGRESS, lesson, lessons, milestone, milestones
from .checking.source import bound, imported, read_text

READY = re.compile(
    r"^# --- from (lesson|milestone) (\d+): (\w+)\..*?^# --- end of \1 \2 ---$", re.M | re.S
)
"""A block of an exercise that contains a ready version of an earlier lesson's or milestone's function."""

COURSE = "course"
"""The entry in progress.json about the whole folder."""
WITHOUT = "solutions", "hints", "solutions,hints"
"""The commands that a teacher can hide."""
README = """# My course

This folder contains lessons, one file for each. Run `minigrad course` in this folder to
see your progress and check the current lesson.

    minigrad course            show your progress and check the current lesson
    minigrad course show       read the lesson in a browser (the pages are in pages/)
    minigrad course watch      check the lesson whenever you save its file
    minigrad course hint       show a hint; each new hint is more explicit
    minigrad course answer b   answer the lesson's question
    minigrad course list       list all lessons and show which ones you have passed
    minigrad course milestones list the networks that your own engine can train
    minigrad course reset 3    restore lesson 3's exercise; your file is saved in backups/
    minigrad course solution   print the solution (before you pass the lesson: with --yes)

progress.json records the lessons that you have passed. The course never overwrites your files
without a backup.
"""


class Workbook:
    """The learner's folder and its progress.json.

    Errors: DataError MG912 if the folder has no progress.json, MG913 if progress.json cannot be
    read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lessons: dict[str, dict[str, Any]] = {}
        self.read()

    def read(self) -> None:
        """Read progress.json. Another program may have changed it since the last read."""
        folder, path = self.folder, self.folder / PROGRESS
        try:
            entries = json.loads(read_text(path))
            self.lessons = {name: _entry(entry) for name, entry in entries.items()}
        except FileNotFoundError:
            raise DataError(
                "MG912",
                f"{os.fspath(folder)} is not a course folder",
                cause=f"there is no {PROGRESS} in it or in a folder above it",
                remedy="go to your course folder, or create one: minigrad course start my-course",
            ) from None
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(
                "MG913",
                f"{os.fspath(path)} cannot be read: {reason(error)}",
                cause="the file was changed or damaged; your lesson files are not affected",
                remedy=f"delete {PROGRESS}, run minigrad course start . and check your lessons "
                "again",
            ) from None

    @classmethod
    def find(cls) -> Workbook:
        """Return the workbook in the current folder, or in the nearest course folder above it."""
        here = Path.cwd()
        folders = (one for one in (here, *here.parents) if (one / PROGRESS).is_file())
        return cls(next(folders, here))

    @classmethod
    def start(
        cls,
        where: AnyPath,
        work: Path | None = None,
        chosen: Collection[Lesson] = (),
        without: str = "",
    ) -> tuple[Workbook, list[str]]:
        """Copy the lesson files that do not exist yet. Returns the workbook and the names of the
        files that already existed. `work` is a zip file with the learner's files, exported by a page
        of the course. The default for `chosen` is all lessons. `without` is one of WITHOUT.
        """
        chosen = chosen or lessons()
        folder = to_path(where)
        begun = {} if work is None else files_in(work)
        above = (one for one in folder.absolute().parents if (one / PROGRESS).exists())
        if (course := next(above, None)) and not (folder / PROGRESS).exists():
            raise cannot_copy(
                folder,
                "it is in a course folder",
                cause=f"{os.fspath(course)} already contains a course",
                remedy="to add lessons to it, go to this folder and run: minigrad course start .",
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "pages").mkdir(exist_ok=True)
            kept = [lesson.file for lesson in chosen if (folder / lesson.file).exists()]
            files = {lesson.file: lesson.exercise for lesson in chosen}
            readme = README
            for hidden in filter(None, without.split(",")):
                readme = re.sub(rf".*course {hidden[:-1]}.*\n", "", readme)
            files |= {"README.md": readme, PROGRESS: "{}\n", **begun}
            for name, text in files.items():
                if not (folder / name).exists():
                    save_text(folder / name, text)
            for lesson in chosen:  # always updated, because learners do not edit these pages
                if page := lesson.read("page.html", ""):
                    save_text(folder / "pages" / f"{lesson.name}.html", page)
        except OSError as error:
            raise cannot_copy(
                folder,
                reason(error),
                cause="this command creates a folder and writes files into it",
                remedy="choose another folder: minigrad course start my-course",
            ) from None
        workbook = cls(folder)
        if without:
            hidden = f"{workbook.without},{without}"  # what was hidden before stays hidden
            with workbook.changed() as entry:
                each = WITHOUT[:2]
                entry["without"] = ",".join(what for what in each if what in hidden)
        workbook.carry_over()
        return workbook, kept

    def path(self, lesson: Lesson) -> Path:
        return self.folder / lesson.file

    def text(self, lesson: Lesson) -> str:
        """Return the text of the learner's file. Errors: DataError MG915 if the file is missing or
        is not text.
        """
        try:
            return read_text(self.path(lesson))
        except OSError as error:
            raise DataError(
                "MG915",
                f"{lesson.file} cannot be read: {reason(error)}",
                cause="the course needs the lesson's file in this folder, as UTF-8 text",
                remedy="if the file is missing, create it again: minigrad course reset "
                f"{lesson.number}",
            ) from None

    def modules(self) -> dict[str, str]:
        """Return the learner's own modules. See `imported`."""
        beside = {}
        for path in self.folder.glob("*.py"):
            with contextlib.suppress(OSError):
                beside[path.name] = read_text(path)
        return imported(beside)

    def passed(self, lesson: Lesson) -> bool:
        return bool(self.entry(lesson).get("passed"))

    def tried(self, lesson: Lesson) -> bool:
        """Return whether the lesson's file was checked with something written in it."""
        return not {"passed", "tries"}.isdisjoint(self.entry(lesson))

    def current(self) -> Lesson | None:
        """Return the folder's first lesson that has not been passed, or None if all have been
        passed.
        """
        return next((lesson for lesson in self.here() if not self.passed(lesson)), None)

    def here(self) -> list[Lesson]:
        """Return the lessons in this folder, or all lessons if there are none."""
        here = (one for one in lessons() if self.passed(one) or os.path.lexists(self.path(one)))
        return list(here) or list(lessons())

    @property
    def without(self) -> str:
        """The commands that the teacher has hidden."""
        return str(self.lessons.get(COURSE, {}).get("without", ""))

    def require(self, what: str) -> None:
        """Raise DataError MG929 if the teacher has hidden the command that shows `what`."""
        if what in self.without:
            raise DataError(
                "MG929",
                f"this course folder does not show {what}",
                cause=f"your teacher created it without {what}",
                remedy="ask your teacher, or read the lesson again: minigrad course show",
            )

    def next_hint(self, lesson: Lesson) -> int:
        """Return the index of the next hint, or of the last hint if all have been shown."""
        with self.changed(lesson) as entry:
            index = min(int(entry.get("hints", 0)), len(lesson.hints) - 1)
            entry["hints"] = index + 1
        return index

    def answers(self, lesson: Lesson) -> dict[str, str]:
        """Return the learner's answers to the lesson's questions, keyed by the question's index."""
        return dict(self.entry(lesson).get("answers", {}))

    @contextlib.contextmanager
    def changed(self, lesson: Lesson | None = None) -> Iterator[dict[str, Any]]:
        """Yield the entry of a lesson, or by default of COURSE, and write it to progress.json when the block ends.

        The folder is locked and progress.json is read again first, because `watch` may be running
        in another terminal.
        """
        with locked(self.folder):
            self.read()
            yield self.lessons.setdefault(lesson.name if lesson else COURSE, {})
            save_text(self.folder / PROGRESS, json_text(self.lessons))

    def reset(self, lesson: Lesson) -> Path | None:
        """Restore the original exercise. Returns the path of the backup of the learner's file, or
        None if there was no file.
        """
        path, copy = self.path(lesson), None
        if path.exists():
            backups = self.folder / "backups"
            backups.mkdir(exist_ok=True)
            names = (backups / f"{lesson.name}.{number}.py" for number in count(1))
            copy = next(name for name in names if not name.exists())
            shutil.copy2(path, copy)
        save_text(path, lesson.exercise)
        with self.changed(lesson) as entry:
            for key in ("passed", "tries", "hints"):
                entry.pop(key, None)
        self.carry_over()
        return copy

    def keep_engine(self) -> bool:
        """Copy the file of lesson 7 to ENGINE if the lesson is passed and ENGINE does not exist yet.
        Returns whether it was copied.
        """
        if self.passed(ENGINE_LESSON) and not os.path.lexists(self.folder / ENGINE):
            save_text(self.folder / ENGINE, self.text(ENGINE_LESSON))
            return True
        return False

    def require_engine(self) -> bool:
        """Copy ENGINE as `keep_engine` does. Errors: DataError MG931 if there is no such file and
        lesson 7 is not passed.
        """
        copied = self.keep_engine()
        if not (self.folder / ENGINE).is_file():
            raise DataError(
                "MG931",
                f"there is no {ENGINE} in {os.fspath(self.folder)}",
                cause="a milestone trains a network with your own engine; when you pass lesson 7, the "
                f"course copies {ENGINE_LESSON.file} to {ENGINE}",
                remedy="pass lesson 7, or use the course's engine: minigrad course milestones --engine",
            )
        return copied

    def begin(self, milestone: Lesson) -> bool:
        """Write a milestone's exercise if it does not exist. Returns whether it was written."""
        if os.path.lexists(self.path(milestone)):
            return False
        save_text(self.path(milestone), milestone.exercise)
        self.carry_over()
        return True

    def ready(self, milestone: Lesson) -> list[str]:
        """This milestone's exercise contains ready versions of functions from other milestones.
        Return the numbers of those that are not passed.
        """
        numbers = {block[2] for block in READY.finditer(milestone.exercise)}
        return [
            str(one.number)
            for one in milestones()
            if str(one.number) in numbers and not self.passed(one)
        ]

    def carry_over(self) -> list[tuple[str, str]]:
        """Replace ready versions in later exercises with the learner's functions from passed
        lessons and milestones. A ready version that the learner has changed is not replaced.

        Returns the name of each such function and the name of the file that now contains it.
        """
        done = []
        find = {"lesson": lesson, "milestone": milestone}
        for later in (*lessons(), *milestones()):
            for block in READY.finditer(later.exercise):
                earlier, name = find[block[1]](block[2]), block[3]
                if not self.passed(earlier):
                    continue
                with contextlib.suppress(DataError, SyntaxError):  # skip files that cannot be read
                    text = self.text(later)
                    rest = text.replace(block[0], "")
                    code = own_code(self.text(earlier), name, rest)
                    if code and rest != text:
                        mark, end = block[0].partition(".")[0], block[0].rpartition("\n")[2]
                        own = f"{mark}. This is your own version. ---\n{code}\n\n\n{end}"
                        save_text(self.path(later), text.replace(block[0], own))
                        done.append((name, later.file))
        return done

    def entry(self, lesson: Lesson) -> dict[str, Any]:
        return self.lessons.get(lesson.name, {})


def cannot_copy(folder: Path, why: str, cause: str, remedy: str) -> DataError:
    """Return the error for a folder that cannot hold the course."""
    what = f"the course cannot be copied to {os.fspath(folder)!r}: {why}"
    return DataError("MG914", what, cause=cause, remedy=remedy)


def files_in(work: Path) -> dict[str, str]:
    """Return the texts of the lesson files and of progress.json in a zip file, a folder or a file.

    Errors: DataError MG924 if there are none.
    """
    from .classroom.submissions import Submission, contents  # a check does not need them

    found = Submission(work.name, contents(work, work.name))
    if not found.chosen:
        raise DataError(
            "MG924",
            f"{os.fspath(work)} contains no lesson files: {'; '.join(found.notes)}",
            cause="the course opens zip files that the button Export of its page makes, and folders "
            f"and files with lessons, such as {lessons()[0].file}",
            remedy="export the files again, or pass the folder that contains them",
        )
    others = {PROGRESS, ENGINE, *(one.file for one in milestones())}
    rest = {file.where.name: file.text for file in found.files if file.where.name in others}
    return rest | {f"{name}.py": file.text for name, file in found.chosen.items()}


def own_code(source: str, name: str, rest: str) -> str:
    r"""Return the definition of `name` in a file, and everything at the top level that it uses.

    `rest` is the text of the file that receives the definition. Returns '' if both would define the
    same name.

    >>> own_code("import math\ndef f(x): return g(x)\ndef g(x): return x\nprint(1)", "f", "")
    'def f(x): return g(x)\n\n\ndef g(x): return x'
    """
    body, others = ast.parse(source).body, ast.parse(rest).body
    present = {ast.unparse(node) for node in others}
    names, needed = {name}, set[ast.stmt]()
    while more := {node for node in body if names & bound(node)} - needed:
        needed |= more
        parts = (part for node in more for part in ast.walk(node))
        names |= {part.id for part in parts if isinstance(part, ast.Name)}
    needed = {node for node in needed if ast.unparse(node) not in present}
    if any(bound(node) & bound(other) for node in needed for other in others):
        return ""
    lines, ends = source.split("\n"), [0, *(node.end_lineno or 0 for node in body)]
    # each definition with its decorators and the comments before it
    codes = [
        "\n".join(lines[end : node.end_lineno]).strip()
        for end, node in zip(ends, body, strict=False)
        if node in needed
    ]
    return "\n\n\n".join(codes)


def _entry(entry: Any) -> dict[str, Any]:
    """Return a validated copy of a lesson's entry in progress.json. Errors: ValueError or
    AttributeError if the entry is invalid.
    """
    for key, kind in (("hints", int), ("tries", dict), ("answers", dict)):
        if not isinstance(entry.get(key, kind()), kind):
            raise ValueError(f"{key}: {entry[key]!r}")
    return dict(entry)
