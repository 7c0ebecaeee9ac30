"""Find lesson files in what students hand in: folders, zip files, notebooks and single files, also with
the names that Canvas and Moodle give them.

Nothing is unpacked to the disk, and no link is followed.
"""

from __future__ import annotations

import io
import json
import os
import re
import stat
import time
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import DataError, reason
from ..support.files import open_file
from ..support.text import printable
from .lesson import Lesson, lessons

PROGRESS = "progress.json"
LONGEST = 1 << 20
"""The maximum size of a file to read, in bytes."""
LARGEST = 50 << 20
"""The maximum size of a submission, after decompression, in bytes."""
MOST = 1000
"""The maximum number of files in a submission."""
DEEPEST = 4
"""The maximum number of zip files inside each other."""
NUMBER = re.compile(r"les+on[\W_]*0*(\d{1,2})(?!\d)", re.I)
"""A lesson's number in a path, such as `Lesson 3.py`, `lesson-03_final.py` or `lesson3/answer.py`."""
DEFINED = re.compile(r"^(?:(?:def|class) +)?(\w+)(?=[(:]| *=)", re.M)
"""A function, class or variable that a file defines. It must work for a file with syntax errors."""
IMPORTED = r"^[ \t]*(?:from|import) +(\w+(?: *, *\w+)*)"
CANVAS = re.compile(r"(?P<student>[^_]+)(?:_LATE)?_(?P<id>\d+)_\d+_(?P<file>.+)", re.S)
MOODLE = re.compile(r"(?P<student>.+)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<file>.*)", re.S)
OF_TOOLS = {"README.md", "pages", "backups", "__pycache__", "__MACOSX", "venv", "node_modules"}
"""Files and folders that the course and other programs create. They are not read."""
CHECK = "minigrad.course.commands import check"
READABLE = {".py", ".ipynb", ".txt", ""}


class TooMuch(BaseException):
    """A submission with too many files, or too large ones. It ends the reading of all files."""


@dataclass(frozen=True)
class File:
    """A file in a submission, or a folder or link that cannot be read."""

    where: PurePosixPath
    """Its path in the submission. A zip file counts as a folder."""
    time: float = 0.0
    """When it was last changed, in seconds since 1970."""
    text: str = ""
    problem: str = ""
    """The reason why it cannot be read, or ''."""


@dataclass
class Submission:
    """What one student handed in."""

    name: str
    files: list[File]
    id: str = ""
    """The student's number on Canvas, or the participant's number on Moodle."""
    chosen: dict[str, File] = field(default_factory=dict)
    """The file to grade for each lesson, by the lesson's name."""
    unread: set[int] = field(default_factory=set)
    """The numbers of lessons with a file that cannot be read. All lessons, if nothing can be read."""
    notes: list[str] = field(default_factory=list)
    """Phrases about the files that are not graded."""
    modules: dict[PurePosixPath, dict[str, str]] = field(default_factory=dict)
    """The texts of the student's own modules in each folder, by file name. See `imported`."""

    def __post_init__(self) -> None:
        of_lesson: dict[Lesson, list[File]] = {}
        beside: dict[PurePosixPath, dict[str, str]] = {}
        others = []
        for file in self.files:
            beside.setdefault(file.where.parent, {})[file.where.name] = file.text
            if file.problem:
                self.notes.append(f"{file.where} not graded: {file.problem}")
                self.unread |= set(map(int, NUMBER.findall(str(file.where))[-1:]))
            elif one := recognized(file):
                of_lesson.setdefault(one, []).append(file)
            elif file.where.name != PROGRESS:
                others.append(file)
        for one in set(lessons()) - of_lesson.keys():  # one file may contain several lessons
            holds = [file for file in self.files if _share(file, one) > 0.9]
            of_lesson |= {one: holds} if holds else {}
        self.modules = {folder: imported(files) for folder, files in beside.items()}

        def helps(file: File) -> bool:
            return file.where.name in self.modules[file.where.parent]

        for one, files in of_lesson.items():
            exercise = one.read("exercise.py")
            files = [file for file in files if not helps(file)] or files
            written = [file for file in files if file.text != exercise] or files
            newest = self.chosen[one.name] = max(written, key=_age)
            for file in written:
                if file.text != newest.text:
                    why = "newer than" if newest.time > file.time else "graded instead of"
                    self.notes.append(f"lesson {one.number}: {newest.where} is {why} {file.where}")
        if self.notes and not (self.chosen or self.unread):  # for example a damaged zip file
            self.unread = {one.number for one in lessons()}
        if left := [str(file.where) for file in others if not helps(file)]:
            self.notes.append(f"not graded: {', '.join(left)}")
        if not self.files:
            self.notes.append("not graded: an empty folder")


def imported(files: Mapping[str, str]) -> dict[str, str]:
    """Return the Python files that any of the files imports, from the texts of a folder's files.

    >>> imported({"a.py": "from b import c", "b.py": "import numpy, d", "c.py": "", "d.py": ""})
    {'b.py': 'import numpy, d', 'd.py': ''}
    """
    found = re.findall(IMPORTED, "\n".join(files.values()), re.M)
    used = {f"{name.strip()}.py" for names in found for name in names.split(",")}
    return {name: text for name, text in files.items() if name in used}


def submissions(paths: Collection[Path], own: Collection[str] = ()) -> list[Submission]:
    """Return the submissions in the given folders and files.

    A folder that directly contains files such as lesson_01_by_hand.py, and not more folders and zip
    files, is one submission. So is a course folder. In any other folder, each item is a submission,
    except hidden files and the paths in `own`. Canvas and
    Moodle put the student's name and number into the names of files; files of the same student are
    one submission.

    Errors: DataError MG919 for a path that does not exist.
    """
    # for each submission: the files with the names that the student gave them, and the student's id
    found: dict[Path, tuple[dict[Path, str], str]] = {}
    for path in paths:
        if not os.path.lexists(path):
            raise DataError(
                "MG919",
                f"there is no submission {os.fspath(path)!r}",
                cause="no file or folder has this name",
                remedy="pass the folder of one submission, or the folder that contains all of them",
            )
        path = Path(os.path.abspath(path) if path.is_symlink() else os.path.realpath(path))
        inside = [one for one in entries(path) if os.path.realpath(one) not in own]
        direct = sum(one.is_file() and bool(NUMBER.match(one.name)) for one in inside)
        others = sum(one.is_dir() or one.suffix.lower() == ".zip" for one in inside)
        if not inside or direct and (direct >= others or (path / PROGRESS).exists()):
            found[path] = {path: path.name}, ""
            continue
        for one in inside:
            match = MOODLE.fullmatch(one.name) or CANVAS.fullmatch(one.name)
            whose, id = (
                (f"{match['student']}_{match['id']}", match["id"]) if match else (one.name, "")
            )
            files, _ = found.setdefault(path / whose, ({}, id))
            files[one] = match["file"] if match and one.is_file() else one.name
    above = os.path.commonpath([path.parent for path in found])
    handed_in: dict[str, Submission] = {}
    for path, (files, id) in found.items():
        name = printable(os.path.relpath(path, above))
        while name in handed_in:  # names can look alike after escaping
            name += "'"
        read = [file for one, given in files.items() for file in contents(one, given)]
        handed_in[name] = Submission(name, read, id)
    return list(handed_in.values())


def entries(folder: Path) -> list[Path]:
    """Return the paths in a folder, except hidden ones and those that programs create. The list is
    empty for a file and a link. Errors: OSError.
    """
    inside = folder.iterdir() if folder.is_dir() and not folder.is_symlink() else ()
    return [path for path in sorted(inside) if not _skipped(path.name)]


def contents(path: Path, name: str) -> list[File]:
    """Return the files in a folder or zip file. For another file, return only this file, as `name`."""
    where = PurePosixPath(name)
    try:
        found = list(islice(_or_problem(where, _Reader().path(path, where)), MOST + 1))
        if len(found) > MOST:
            raise TooMuch(f"it contains more than {MOST:,} files")
    except TooMuch as error:
        found = [File(where, problem=str(error))]
    # the row already has the name of the folder or zip file
    return [
        replace(file, where=file.where.relative_to(where)) if where in file.where.parents else file
        for file in found
    ]


def recognized(file: File) -> Lesson | None:
    """Return the lesson to which a file belongs, or None.

    There are two kinds of evidence: a number in the file's path, and the names that it defines.
    Together they must weigh at least as much as half of the names in an exercise.
    """
    number = next(reversed(NUMBER.findall(str(file.where))), "0")

    def evidence(one: Lesson) -> float:
        shared = _share(file, one)
        named = one.number == int(number) or one.name == file.where.stem
        # another text may only mention the lesson
        return shared + 0.6 * named if shared or file.where.suffix == ".py" else 0.0

    best = max(lessons(), key=evidence)
    return best if evidence(best) >= 0.5 else None


def _share(file: File, one: Lesson) -> float:
    """Return which part of the exercise's names a file defines, from 0 to 1."""
    return len(_names(one).intersection(DEFINED.findall(file.text))) / len(_names(one))


@lru_cache
def _names(one: Lesson) -> frozenset[str]:
    """The names that a lesson's exercise defines."""
    return frozenset(DEFINED.findall(one.read("exercise.py")))


def _age(file: File) -> tuple[float, list[int]]:
    """Return the key that sorts versions of a file by age. Canvas, Windows and people number
    versions: lesson_03-1.py, lesson_03 (2).py, lesson_03_v3.py.
    """
    return file.time, [int(number) for number in re.findall(r"\d{1,9}", file.where.stem)]


def _skipped(name: str) -> bool:
    return name.startswith(".") or name in OF_TOOLS


def as_text(data: bytes) -> str:
    r"""Return a file's contents as text, with \n line endings and without a byte order mark.

    Errors: OSError if they are longer than 1 MB or are not UTF-8 text.
    """
    if len(data) > LONGEST:
        raise OSError("it is longer than 1 MB")
    try:
        return io.StringIO(data.decode("utf-8-sig"), newline=None).read()
    except UnicodeDecodeError:
        utf_16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        raise OSError(f"it is {'UTF-16' if utf_16 else 'not UTF-8'} text") from None


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file. See `as_text`.

    Errors: OSError also if the path cannot be read or is a folder or a device.
    """
    with open_file(path) as file:
        return as_text(file.read(LONGEST + 1))


def _code(notebook: str) -> str:
    """Return the code of a notebook. In a notebook that the course exported, it is the text of the
    cell that saves the lesson's file, or of all cells if this cell has not been changed. Errors:
    ValueError for a file that is not a notebook.
    """
    try:
        cells = json.loads(notebook)["cells"]
        codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except Exception:
        raise ValueError("it is not a notebook") from None
    saved = [code.partition("\n")[2] for code in codes if code.startswith("%%writefile")]
    exercises = {one.read("exercise.py").rstrip() for one in lessons()}
    if exercises.issuperset(saved):
        # without the examples, and the cells that run and check the lesson
        codes = [code for code in codes if not code.startswith("%") and CHECK not in code]
        codes = [code for code in codes if not any(code.strip() in one.text for one in lessons())]
        saved = [*saved, *codes]
    lines = "\n\n".join(saved or codes).splitlines()
    return "".join(f"{line}\n" for line in lines if saved or not line.startswith(("%", "!")))


def _or_problem(where: PurePosixPath, files: Iterator[File]) -> Iterator[File]:
    """Yield the files, and a file with a problem if reading them raises an error."""
    try:
        yield from files
    except Exception as error:  # a damaged zip file raises errors of many types
        yield File(where, problem=reason(error))


class _Reader:
    """Reads one submission. Errors: TooMuch; others for a damaged file."""

    size = 0

    def path(self, path: Path, where: PurePosixPath) -> Iterator[File]:
        """Yield the files in a folder, or the file itself."""
        if len(where.parts) > MOST // 10:
            raise OSError("it is in too many folders inside each other")
        if path.is_symlink():
            raise OSError("a link, which is not followed")
        if path.is_dir():
            for one in entries(path):
                yield from _or_problem(where / one.name, self.path(one, where / one.name))
            return
        with open_file(path) as file:
            yield from self.file(file, where, path.stat().st_mtime, 1)

    def file(
        self, file: IO[bytes], where: PurePosixPath, time: float, depth: int
    ) -> Iterator[File]:
        """Yield the files in a zip file, or the file itself."""
        suffix = where.suffix.lower()
        if suffix == ".zip":
            if depth > DEEPEST:
                raise OSError(f"more than {DEEPEST} zip files are inside each other")
            data = self.read(file, LARGEST)
            if data.count(b"PK\1\2") > 100 * MOST:  # each of them takes memory
                raise TooMuch(f"it contains more than {100 * MOST:,} files")
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if not archive.infolist():
                    raise OSError("it is empty")
                for member in archive.infolist():
                    name = member.filename.replace("\\", "/")
                    parts = PurePosixPath(name).parts
                    if not name.endswith("/") and (".." in parts or not any(map(_skipped, parts))):
                        files = self.member(archive, member, where / name, depth)
                        yield from _or_problem(where / name, files)
            return
        if suffix not in READABLE and where.name != PROGRESS:
            raise OSError("it is not a Python file, a notebook or a zip file")
        text = as_text(self.read(file, LONGEST))
        yield File(where, time, _code(text) if suffix == ".ipynb" else text)

    def member(
        self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: PurePosixPath, depth: int
    ) -> Iterator[File]:
        """Yield the files in a member of a zip file, or the member itself."""
        if where.is_absolute() or ".." in where.parts:
            raise OSError(f"its path {member.filename} leads outside")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise OSError("a link, which is not followed")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise OSError("its compression method is not supported")  # no limit on its size
        changed = time.mktime((*member.date_time, 0, 0, -1))
        with archive.open(member) as file:
            yield from self.file(file, where, changed, depth + 1)

    def read(self, file: IO[bytes], most: int) -> bytes:
        """Return at most one byte more than `most`."""
        data = file.read(most + 1)
        self.size += len(data)
        if self.size > LARGEST:
            raise TooMuch(f"it contains more than {LARGEST >> 20} MB")
        return data
