"""Find lesson files in what students hand in: folders, zip files, notebooks and single files, also with
the names that Canvas and Moodle give them.

Nothing is unpacked to the disk, and no link is followed out of a submission.
"""

from __future__ import annotations

import io
import json
import os
import re
import stat
import time
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
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
CANVAS = re.compile(r"(?P<student>[^_]+)(?:_LATE)?_(?P<id>\d+)_\d+_(?P<file>.+)", re.S)
MOODLE = re.compile(r"(?P<student>.+)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<file>.*)", re.S)
OF_TOOLS = {"README.md", "pages", "backups", "__pycache__", "__MACOSX", "venv", "node_modules"}
"""Files and folders that the course and other programs create. They are not read."""
READABLE = {".py", ".ipynb", ".txt", ""}
DAMAGED = (
    OSError,
    ValueError,
    RuntimeError,
    OverflowError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
)
"""The errors of files that cannot be read."""


class TooMuch(Exception):
    """A submission with too many files, or too large ones."""


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

    def __post_init__(self) -> None:
        known = {one.read("exercise.py"): one for one in lessons()}
        of_lesson: dict[Lesson, list[File]] = {}
        for file in self.files:
            if not file.problem and (one := recognized(file)):
                of_lesson.setdefault(one, []).append(file)
        for one, files in of_lesson.items():
            helpers = {name for file in files for name in self.modules(file)}
            files = [file for file in files if file.where.name not in helpers] or files
            written = [file for file in files if file.text not in known] or files
            newest = self.chosen[one.name] = max(written, key=_age)
            for file in written:
                if file.text != newest.text:
                    why = "newer than" if newest.time > file.time else "graded instead of"
                    self.notes.append(f"lesson {one.number}: {newest.where} is {why} {file.where}")
        graded = {file.text for files in of_lesson.values() for file in files}
        helpers = {name for file in self.chosen.values() for name in self.modules(file)}
        for file in self.files:
            if file.problem:
                self.notes.append(f"{file.where} not graded: {file.problem}")
                self.unread |= set(map(int, NUMBER.findall(str(file.where))[-1:]))
        if self.notes and not (self.chosen or self.unread):  # for example a damaged zip file
            self.unread = {one.number for one in lessons()}
        others = [
            str(file.where) for file in self.files
            if not (file.problem or file.text in graded or file.where.name in {*helpers, PROGRESS})
        ]  # fmt: skip
        if others:
            more = f" and {len(others) - 5} more" if len(others) > 5 else ""
            self.notes.append(f"not graded: {', '.join(others[:5])}{more}")
        if not self.files:
            self.notes.append("not graded: an empty folder")

    def modules(self, file: File) -> dict[str, str]:
        """Return the student's own modules that a file imports. See `imported`."""
        beside = {f.where.name: f.text for f in self.files if f.where.parent == file.where.parent}
        return imported(file.text, beside)


def imported(text: str, beside: Mapping[str, str]) -> dict[str, str]:
    """Return the Python files that `text` imports, directly or through each other. Both dicts
    contain the texts of files by name; `beside` contains the files in the same folder.

    >>> imported("import numpy, a", {"a.py": "from b import c", "b.py": "", "c.py": ""})
    {'a.py': 'from b import c', 'b.py': ''}
    """
    found, texts = dict[str, str](), [text]
    for one in texts:  # grows
        new = (_imports(one) & beside.keys()) - found.keys()
        found |= {file: beside[file] for file in sorted(new)}
        texts += map(beside.__getitem__, sorted(new))
    return found


@lru_cache(LARGEST // 1000)
def _imports(text: str) -> frozenset[str]:
    """The names of the files that a file would import if they exist."""
    lines = re.findall(r"^[ \t]*(?:from|import) +(\w+(?: *, *\w+)*)", text, re.M)
    return frozenset(f"{name.strip()}.py" for names in lines for name in names.split(","))


def submissions(paths: Collection[Path], own: Collection[str] = ()) -> list[Submission]:
    """Return the submissions in the given folders and files.

    A folder that directly contains files such as lesson_01_by_hand.py, and not more folders and zip
    files, is one submission. So is a course folder. In any other folder, each item is a submission,
    except hidden files and the paths in `own`. Canvas and
    Moodle put the student's name and number into the names of files; files of the same student are
    one submission.

    Errors: DataError MG919 for a path that does not exist.
    """
    # the files of each submission, each with the name that the student gave it
    found: dict[Path, list[tuple[Path, str]]] = {}
    numbers: dict[Path, str] = {}
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
            found[path] = [(path, path.name)]
            continue
        for one in inside:
            match = MOODLE.fullmatch(one.name) or CANVAS.fullmatch(one.name)
            whose = path / (f"{match['student']}_{match['id']}" if match else one.name)
            name = match["file"] if match and one.is_file() else one.name
            numbers[whose] = match["id"] if match else ""
            if (one, name) not in found.setdefault(whose, []):
                found[whose].append((one, name))
    above = os.path.commonpath([path.parent for path in found])
    handed_in: dict[str, Submission] = {}
    for whose, files in found.items():
        name = printable(os.path.relpath(whose, above))
        while name in handed_in:  # names can look alike after escaping
            name += "'"
        read = [file for path, given in files for file in contents(path, given)]
        handed_in[name] = Submission(name, read, numbers.get(whose, ""))
    return list(handed_in.values())


def entries(folder: Path) -> list[Path]:
    """Return the paths in a folder, except hidden ones and those that programs create. The list is
    empty for a link, a file, and a folder that cannot be read.
    """
    try:
        inside = [] if folder.is_symlink() else sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in inside if not _skipped(path.name)]


def contents(path: Path, name: str) -> list[File]:
    """Return the files in a folder or zip file. For another file, return only this file, as `name`."""
    where = PurePosixPath(name)
    try:
        found = list(_Reader(Path(os.path.realpath(path))).path(path, where))
    except TooMuch as error:
        found = [File(where, problem=str(error))]
    # the row already has the name of the folder or zip file
    return [
        replace(file, where=file.where.relative_to(where)) if where in file.where.parents else file
        for file in found
    ]


def recognized(file: File) -> Lesson | None:
    """Return the lesson to which a file belongs, or None.

    There are three kinds of evidence: a number in the file's path, a number in its text, and the
    names that it defines. Together they must weigh at least as much as half of the names in an
    exercise.
    """
    numbers = NUMBER.findall(str(file.where))
    in_name = int(numbers[-1]) if numbers else 0
    said = re.search(r"Lesson (\d{1,2})[:,.]|minigrad course check (\d{1,2})", file.text)
    in_text = int(said[1] or said[2]) if said else 0
    defined = set(DEFINED.findall(file.text))

    def evidence(one: Lesson) -> float:
        shared = len(defined & _names(one)) / len(_names(one))
        if not shared and not (in_name == one.number and file.where.suffix == ".py"):
            return 0.0  # a text that only mentions the lesson
        return shared + 0.6 * (in_name == one.number) + 0.5 * (in_text == one.number)

    best = max(lessons(), key=evidence)
    return best if evidence(best) >= 0.5 else None


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
    cell that saves the lesson's file. Errors: ValueError for a file that is not a notebook.
    """
    try:
        cells = json.loads(notebook)["cells"]
        codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("it is not a notebook") from None
    saved = [code.partition("\n")[2] for code in codes if code.startswith("%%writefile")]
    lines = "\n\n".join(saved or codes).splitlines()
    return "".join(f"{line}\n" for line in lines if saved or not line.startswith(("%", "!")))


class _Reader:
    """Reads the submission `top`, a folder or a file. Errors: TooMuch."""

    def __init__(self, top: Path) -> None:
        self.top, self.files, self.bytes = top, 0, 0

    def path(self, path: Path, where: PurePosixPath) -> Iterator[File]:
        """Yield the files in a folder, or the file itself."""
        try:
            if len(where.parts) > MOST // 10:
                raise OSError("it is in too many folders inside each other")
            target = Path(os.path.realpath(path))
            if path.is_symlink() and (path.is_dir() or target == self.top):
                raise OSError("a link, which is not followed")
            if not target.is_relative_to(self.top):
                raise OSError("a link to a file outside the submission")
            if not path.is_dir():
                with open_file(path) as file:
                    yield from self.file(file, where, path.stat().st_mtime, 1)
                return
            next(path.iterdir(), None)  # raises an error if it cannot be read
        except OSError as error:
            yield self.counted(File(where, problem=reason(error)))
            return
        for one in entries(path):
            yield from self.path(one, where / one.name)

    def file(
        self, file: IO[bytes], where: PurePosixPath, time: float, depth: int
    ) -> Iterator[File]:
        """Yield the files in a zip file, or the file itself."""
        suffix = where.suffix.lower()
        try:
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
                        yield from self.member(archive, member, where, depth)
                return
            if suffix not in READABLE and where.name != PROGRESS:
                raise OSError("it is not a Python file, a notebook or a zip file")
            text = as_text(self.read(file, LONGEST))
            yield self.counted(File(where, time, _code(text) if suffix == ".ipynb" else text))
        except DAMAGED as error:
            yield self.counted(File(where, time, problem=reason(error)))

    def member(
        self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: PurePosixPath, depth: int
    ) -> Iterator[File]:
        """Yield the files in a member of a zip file, or the member itself."""
        name = member.filename.replace("\\", "/")
        inside = PurePosixPath(name)
        if name.endswith("/") or any(map(_skipped, inside.parts)) and ".." not in inside.parts:
            return
        try:
            if inside.is_absolute() or ".." in inside.parts or re.match(r"\w:", name):
                raise OSError(f"its path {inside} leads outside")
            if stat.S_ISLNK(member.external_attr >> 16):
                raise OSError("a link, which is not followed")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise OSError("its compression method is not supported")  # no limit on its size
            changed = time.mktime((*member.date_time, 0, 0, -1))
            with archive.open(member) as file:
                yield from self.file(file, where / inside, changed, depth + 1)
        except DAMAGED as error:
            yield self.counted(File(where / inside.name, problem=reason(error)))

    def read(self, file: IO[bytes], most: int) -> bytes:
        """Return at most one byte more than `most`."""
        data = file.read(most + 1)
        self.bytes += len(data)
        if self.bytes > LARGEST:
            raise TooMuch(f"it contains more than {LARGEST >> 20} MB")
        return data

    def counted(self, file: File) -> File:
        self.files += 1
        if self.files > MOST:
            raise TooMuch(f"it contains more than {MOST:,} files")
        return file
