"""A learner's folder: the lessons' files, what has been passed so far, and copies of what was
replaced.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from ..errors import DataError, reason
from ..support.files import AnyPath, locked, open_file, to_path, write_whole
from .lesson import Lesson, lessons

PROGRESS = "progress.json"
LONGEST = 1 << 20
"""Bytes of a file that is read."""

README = """# My course

Fourteen lessons, a file for each. Say `minigrad course` in this folder: it says where you are, and checks the lesson at
hand.

    minigrad course            where am I? check the lesson at hand
    minigrad course show       read the lesson in a browser (its text is also in pages/)
    minigrad course watch      check again whenever a file is saved
    minigrad course hint       a hint, then a plainer one
    minigrad course answer b   answer the lesson's question
    minigrad course list       all lessons, and which are passed
    minigrad course reset 3    start lesson 3 again; your file is kept in backups/
    minigrad course solution   the solution, once you have passed

progress.json remembers what you have passed. Nothing of yours is ever overwritten.
"""


class Workbook:
    """The learner's folder and its progress.json.

    Errors: DataError MG912 for a folder without one; MG913 for one that cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lessons: dict[str, dict[str, Any]] = {}
        self.read()

    def read(self) -> None:
        """Read progress.json again: another program may have written to it."""
        folder, path = self.folder, self.folder / PROGRESS
        try:
            self.lessons = {
                str(name): _entry(entry) for name, entry in json.loads(read_text(path)).items()
            }
        except FileNotFoundError:
            raise DataError(
                "MG912",
                f"{os.fspath(folder)} is no folder of the course",
                cause=f"there is no {PROGRESS} in it or above it",
                remedy="go to your course's folder, or begin one: minigrad course start my-course",
            ) from None
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(
                "MG913",
                f"{os.fspath(path)} cannot be read: {reason(error)}",
                cause="it has been changed or damaged; your lessons' files are untouched",
                remedy=f"delete {PROGRESS}, say minigrad course start . and check your lessons "
                "again",
            ) from None

    @classmethod
    def find(cls) -> Workbook:
        """The one of the current folder, or of the nearest folder above it."""
        here = Path.cwd()
        return cls(
            next(
                (folder for folder in (here, *here.parents) if (folder / PROGRESS).is_file()), here
            )
        )

    @classmethod
    def start(cls, where: AnyPath) -> tuple[Workbook, list[str]]:
        """Copy every lesson's file that is not there yet. Returns the names of those that were, and
        were left alone.
        """
        folder = to_path(where)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "pages").mkdir(exist_ok=True)
            kept = [lesson.file for lesson in lessons() if (folder / lesson.file).exists()]
            files = {lesson.file: lesson.read("exercise.py") for lesson in lessons()}
            for name, text in {**files, "README.md": README, PROGRESS: "{}\n"}.items():
                if not (folder / name).exists():
                    save_text(folder / name, text)
            for lesson in lessons():  # their text may be renewed: nobody writes into a page
                shutil.copyfile(
                    lesson.folder / "page.html", folder / "pages" / f"{lesson.name}.html"
                )
        except OSError as error:
            raise DataError(
                "MG914",
                f"the course cannot be put into {os.fspath(folder)!r}: {reason(error)}",
                cause="a folder is made there, and files are written into it",
                remedy="name another folder: minigrad course start my-course",
            ) from None
        return cls(folder), kept

    def path(self, lesson: Lesson) -> Path:
        return self.folder / lesson.file

    def text(self, lesson: Lesson) -> str:
        """What stands in the learner's file. Errors: DataError MG915 where it is gone or is no
        text.
        """
        try:
            return read_text(self.path(lesson))
        except OSError as error:
            raise DataError(
                "MG915",
                f"{lesson.file} cannot be read: {reason(error)}",
                cause="a lesson is checked from its file in this folder, as text in UTF-8",
                remedy=f"if it is gone, minigrad course reset {lesson.number} puts a new one there",
            ) from None

    def passed(self, lesson: Lesson) -> bool:
        return bool(self._entry(lesson).get("passed"))

    def current(self) -> Lesson | None:
        """The first lesson that is not passed."""
        return next((lesson for lesson in lessons() if not self.passed(lesson)), None)

    def next_hint(self, lesson: Lesson) -> int:
        """The index of the next hint; the last one again when all were seen."""
        with self.changed(lesson) as entry:
            index = min(int(entry.get("hints", 0)), len(lesson.hints) - 1)
            entry["hints"] = index + 1
        return index

    def answers(self, lesson: Lesson) -> dict[str, str]:
        """What was answered to the lesson's questions, by their place."""
        return dict(self._entry(lesson).get("answers", {}))

    @contextlib.contextmanager
    def changed(self, lesson: Lesson) -> Iterator[dict[str, Any]]:
        """A lesson's entry, which is written to progress.json when the block ends.

        It is read first, and locked: `watch` may run in another terminal.
        """
        with locked(self.folder):
            self.read()
            yield self.lessons.setdefault(lesson.name, {})
            text = (
                json.dumps(dict(sorted(self.lessons.items())), indent=1, ensure_ascii=False) + "\n"
            )
            save_text(self.folder / PROGRESS, text)

    def reset(self, lesson: Lesson) -> Path | None:
        """Put the exercise back. Returns where the learner's file was copied to, None if there was
        none.
        """
        path, copy = self.path(lesson), None
        if path.exists():
            backups = self.folder / "backups"
            backups.mkdir(exist_ok=True)
            names = (backups / f"{lesson.name}.{number}.py" for number in count(1))
            copy = next(name for name in names if not name.exists())
            shutil.copy2(path, copy)
        save_text(path, lesson.read("exercise.py"))
        with self.changed(lesson) as entry:
            for key in ("passed", "tries", "hints"):
                entry.pop(key, None)
        return copy

    def _entry(self, lesson: Lesson) -> dict[str, Any]:
        return self.lessons.get(lesson.name, {})


def _entry(entry: Any) -> dict[str, Any]:
    """A lesson's entry in progress.json. Errors: ValueError, AttributeError if it cannot be one."""
    for key, kind in (("hints", int), ("tries", dict), ("answers", dict)):
        if not isinstance(entry.get(key, kind()), kind):
            raise ValueError(f"{key}: {entry[key]!r}")
    return dict(entry)


def read_text(path: Path) -> str:
    r"""The text of a file in UTF-8, with line ends \n, and without a byte order mark.

    Errors: OSError, also for a folder or a device, for what is longer than 1 MB, and for what is
    not text in UTF-8.
    """
    with open_file(path) as file:
        data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise OSError(errno.EFBIG, "it is longer than 1 MB", str(path))
    try:
        return io.StringIO(data.decode("utf-8-sig"), newline=None).read()
    except UnicodeDecodeError:
        raise OSError(errno.EINVAL, "it is not text in UTF-8", str(path)) from None


def save_text(path: Path, text: str) -> None:
    """Write a file as a whole. Errors: OSError."""
    write_whole(path, lambda file: file.write(text.encode()))
