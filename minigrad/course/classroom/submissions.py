"""Find lesson files in what students hand in: folders, zip files, notebooks and single files,
including those that Canvas and Moodle have renamed.

Nothing is unpacked to the disk, and no link is followed.
"""

import io
import json
import os
import re
import stat
import time
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from ...errors import DataError, OptionError, reason
from ...support.files import open_file
from ...support.text import printable
from ..checking.lesson import ENGINE, Lesson
from ..checking.registry import PROGRESS, lessons
from ..checking.source import LONGEST, as_text, imported

LARGEST = 50 << 20
"""The maximum size of a submission, after decompression, in bytes."""
MOST = 1000
"""The maximum number of files in a submission."""
DEEPEST = 4
"""The maximum number of zip files that are nested inside each other."""
NUMBER = re.compile(r"les+on[\W_]*0*(\d{1,2})(?!\d)", re.I)
"""A lesson's number in a path, such as `Lesson 3.py`, `lesson-03_final.py` or `lesson3/answer.py`."""
WORD = re.compile(r"[^\W_]+")
VERSION = re.compile(r"(?:v|ver)?\d+", re.I)
OF_VERSIONS = set(
    "final finished new newest old older copy backup draft version fixed corrected done first last "
    "solution answer my mine try attempt working py txt".split()
)
"""Words in a file's name that say which version it is."""
DEFINED = re.compile(r"^(?:(?:def|class) +)?(\w+)(?=[(:]| *=)", re.M)
"""A function, class or variable that a file defines. It must work for a file with syntax errors."""
DOWNLOADED = re.compile(
    r"([^_]+|.+(?=_\d+_assign))(?:_LATE)?_(\d+)_(?:\d+_|assignsubmission_[a-z]+_?)(.*)",
    re.S,
)
"""A name in a download of Canvas or Moodle, with the student's name and number, and the file's name."""
LATE = re.compile(r"_LATE_\d+_\d+_")
"""A mark in the names of files that Canvas received after the deadline."""
OF_TOOLS = {
    "README.md",
    "pages",
    "backups",
    "__pycache__",
    "__MACOSX",
    "venv",
    "node_modules",
}
"""Files and folders that the course and other programs create. They are not read."""
CHECK = "minigrad.course.commands import check"
MAGIC = re.compile(r"\A%%(?!writefile|time|capture)(?s:.*)|^[%!].*\n?", re.M)
"""A command in a notebook's cell, with the whole cell if it is not Python."""
READABLE = {".py", ".ipynb", ".zip", ".json", ".txt", ""}


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

    @property
    def number(self) -> int:
        """The last lesson number in the path, or 0."""
        return int([0, *NUMBER.findall(str(self.where))][-1])

    def share(self, one: Lesson) -> float:
        """Return the share of the names in a lesson's exercise that this file defines, from 0 to 1."""
        names = _defined(one.exercise)
        return len(names & _defined(self.text)) / len(names)


@lru_cache(MOST)
def _defined(text: str) -> frozenset[str]:
    return frozenset(DEFINED.findall(text))


class Submission:
    """What one student handed in."""

    def __init__(
        self,
        name: str,
        files: list[File],
        id: str = "",
    ) -> None:
        self.name, self.files = name, files
        self.id = id
        """The student's number on Canvas, or the participant's number on Moodle."""
        self.late = False
        """True if Canvas put LATE into the name of a file."""
        self.chosen: dict[str, File] = {}
        """The file to grade for each lesson, by the lesson's name."""
        unread = [file for file in files if file.problem]
        self.unread = {file.number for file in unread}
        """The numbers of lessons with a file that cannot be read. All lessons, if nothing can be read."""
        self.notes = [f"{file.where} not graded: {file.problem}" for file in unread]
        """Phrases about the files that are not graded."""
        beside: dict[PurePosixPath, dict[str, str]] = {}
        for file in files:
            beside.setdefault(file.where.parent, {})[file.where.name] = file.text
        self.modules = {folder: imported(texts) for folder, texts in beside.items()}
        """The texts of the student's own modules in each folder, by file name. See `imported`."""
        lesson_of = {
            file: recognized(file)
            for file in files
            if not file.problem and not _is_beside(file.where.name)
        }
        for one in lessons():
            if versions := self._versions(one, lesson_of):
                newest = self.chosen[one.name] = max(versions, key=_age)
                self.notes += _not_newest(one, newest, versions)
        # for example a damaged zip file
        if not self.chosen and self.unread == {0}:
            self.unread = {one.number for one in lessons()}
        left = [
            str(file.where)
            for file, its in lesson_of.items()
            if its is None and not self._is_module(file)
        ]
        if left or not files:
            self.notes.append(f"not graded: {', '.join(left) or 'an empty folder'}")

    def _is_module(self, file: File) -> bool:
        """Return whether another file of the folder imports this file."""
        return file.where.name in self.modules[file.where.parent]

    def _versions(self, one: Lesson, lesson_of: Mapping[File, Lesson | None]) -> list[File]:
        """Return the files that may be graded for a lesson. Each filter applies unless no file passes
        it.
        """

        def belongs(file: File) -> bool:
            return lesson_of[file] == one

        def contains(file: File) -> bool:  # with another lesson
            return file.share(one) > 0.9

        def written(file: File) -> bool:
            return begun(one, file.text)

        def alone(file: File) -> bool:
            return not self._is_module(file)

        versions = list(filter(belongs, lesson_of)) or list(filter(contains, lesson_of))
        for wanted in (written, alone):
            versions = list(filter(wanted, versions)) or versions
        return versions


def _is_beside(name: str) -> bool:
    """Return whether a file belongs to no lesson: the progress, the learner's engine, or a milestone."""
    return name in (PROGRESS, ENGINE) or name.startswith("milestone_")


def begun(one: Lesson, text: str) -> bool:
    """Return whether a file is neither empty nor the unchanged exercise."""
    return text.strip() not in ("", one.exercise.strip())


def _not_newest(one: Lesson, newest: File, versions: list[File]) -> Iterator[str]:
    """Yield a phrase for each version of a lesson's file that differs from the newest one."""
    for file in versions:
        if file.text != newest.text:
            why = "newer than" if newest.time > file.time else "graded instead of"
            yield f"lesson {one.number}: {newest.where} is {why} {file.where}"


def submissions(
    paths: Collection[Path], own: Collection[Path] = (), single: bool = False
) -> list[Submission]:
    """Return the submissions in the given folders and files.

    A folder that directly contains files such as lesson_01_by_hand.py, and no more folders and zip
    files than such files, is one submission. A course folder is one submission too, and with
    `single`, so is each path. In any other folder, each item is a submission, except hidden files
    and the paths in `own`. Canvas and Moodle put the student's name and number into the names of
    files; files of the same student are one submission. Single files with the same student's name
    before or after the lesson number are one submission too.

    Errors: DataError MG919 for a path that does not exist, OptionError MG918 for several paths with
    `single`.
    """
    if single and len(paths) > 1:
        raise OptionError(
            "MG918",
            f"got {len(paths)} submissions for one file of results",
            cause="Gradescope, Classroom 50 and PrairieLearn expect a separate file for each submission",
            remedy="pass a single folder",
        )
    found: dict[Path, tuple[str, list[File]]] = {}  # each student's number and files
    late = set[Path]()
    for given in paths:
        path = Path(os.path.abspath(given))
        if not os.path.lexists(path):
            raise DataError(
                "MG919",
                f"there is no submission {os.fspath(given)!r}",
                cause="no file or folder has this name",
                remedy="pass the folder of one submission, or the folder that contains all of them",
            )
        inside = [one for one in entries(path) if one not in own]
        single_files = [one.name for one in inside if one.is_file()]
        direct = list(filter(NUMBER.match, single_files))
        others = sum(one.is_dir() or one.suffix.lower() == ".zip" for one in inside)
        whose = Counter(map(student, single_files))
        if (
            single
            or not inside
            or (path / PROGRESS).exists()
            or (direct and len(direct) >= others and not _of_several(single_files))
        ):
            inside = [path]
        for one in inside:
            name, id, file = one.name, "", ""
            if one != path and (match := DOWNLOADED.fullmatch(name)):
                who, id, file = match.groups()
                name = f"{who}_{id}"
                if LATE.search(one.name):
                    late.add(one.parent / name)
            elif one != path and one.is_file():
                before, after = student(name)
                if whose[before, after] > 1 or not before:
                    name = "_".join(filter(None, [before, after])) or name
            _, files = found.setdefault(one.parent / name, (id, []))
            files += contents(one, file or one.name)
    above = os.path.commonpath([path.parent for path in found])
    handed_in: dict[str, Submission] = {}
    for path, (id, files) in found.items():
        name = printable(str(path.relative_to(above)))
        while name in handed_in:  # names can look alike after escaping
            name += "'"
        handed_in[name] = Submission(name, files, id)
        handed_in[name].late = path in late
    return list(handed_in.values())


def student(name: str) -> tuple[str, str]:
    """Return the two parts of a file name, before and after the lesson number; either may be the
    student's name. Words of the lesson's name, and words such as `final`, are left out.

    >>> student("eve_lesson_03_gates.py"), student("lesson_03_bob (2).py"), student("a.py")
    (('eve', ''), ('', 'bob'), ('', ''))
    """
    stem = PurePosixPath(name).stem
    match = NUMBER.search(stem)
    if match is None:
        return "", ""
    number = int(match[1])
    names = (f"{one.name} {one.title}" for one in lessons() if one.number == number)
    known = set(WORD.findall(" ".join(names).casefold())) | OF_VERSIONS
    before = stem[: match.start()].strip(" _-.")
    after = list[str]()
    for word in WORD.findall(stem[match.end() :]):
        if word.casefold() not in known and not VERSION.fullmatch(word):
            after.append(word)
    return before, "_".join(after)


def _of_several(names: list[str]) -> bool:
    """Return whether files such as lesson_03_eve.py and lesson_03_bob.py belong to several students.
    They do if a lesson has files of several names before its number. They also do if each file
    has a name after its number, and a lesson has several of these names.
    """
    before_number, after_number = set[tuple[str, str]](), set[tuple[str, str]]()
    numbers = set[str]()
    for name in names:
        if match := NUMBER.search(PurePosixPath(name).stem):
            before, after = student(name)
            numbers.add(match[1])
            before_number.add((match[1], before))
            after_number.add((match[1], after))
    named = Counter(number for number, before in before_number if before)
    if any(count > 1 for count in named.values()):
        return True
    all_named = all(after for _, after in after_number)
    return all_named and len(after_number) > len(numbers)


def entries(folder: Path) -> list[Path]:
    """Return the paths in a folder, except hidden ones and those that programs create. The list is
    empty for a file and a link. Errors: OSError.
    """
    inside = folder.iterdir() if folder.is_dir() and not folder.is_symlink() else ()
    return [path for path in sorted(inside) if not _skipped(path.name)]


def _skipped(name: str) -> bool:
    return name.startswith(".") or name in OF_TOOLS


def contents(path: Path, name: str) -> list[File]:
    """Return the files in a folder or zip file. For another file, return only this file, as `name`.

    A file that cannot be read has a problem. If there are too many files, or too large ones, the
    list contains only `name`, with this problem.
    """
    found, size, whole = list[File](), 0, PurePosixPath(name)
    # a path in the submission, a path on the disk or a member of a zip file, and the number of zip
    # files around it; the loop appends what is in folders and zip files
    waiting: list[tuple[PurePosixPath, Any, int]] = [
        (PurePosixPath() if path.is_dir() else whole, path, 0)
    ]
    for where, source, depth in waiting:
        suffix, on_disk = where.suffix.lower(), isinstance(source, Path)
        try:
            if source.is_symlink() if on_disk else stat.S_ISLNK(source[1].external_attr >> 16):
                raise OSError("a link, which is not followed")
            if on_disk and source.is_dir():
                waiting += [(where / one.name, one, depth) for one in entries(source)]
                continue
            if suffix not in READABLE:
                raise OSError("it is not a Python file, a notebook or a zip file")
            if on_disk:
                opened, changed = open_file(source), source.stat().st_mtime
            else:
                archive, member = source
                if where.is_absolute() or ".." in where.parts:
                    raise OSError(f"its path {member.filename} leads outside")
                if member.compress_type not in (
                    zipfile.ZIP_STORED,
                    zipfile.ZIP_DEFLATED,
                ):
                    raise OSError("its compression method is not supported")  # no limit on its size
                changed = time.mktime((*member.date_time, 0, 0, -1))
                opened = archive.open(member)
            with opened as file:
                data = file.read((LARGEST if suffix == ".zip" else LONGEST) + 1)
            size += len(data)
            if suffix != ".zip":
                text = as_text(data)
                found.append(File(where, changed, _code(text) if suffix == ".ipynb" else text))
            elif depth == DEEPEST:
                raise OSError(f"more than {DEEPEST} zip files are inside each other")
            else:
                waiting += [(where / one, member, depth + 1) for one, member in _members(data)]
        except Exception as error:  # a damaged zip file raises errors of many types
            found.append(File(where if where.parts else whole, problem=reason(error)))
        if size > LARGEST or len(found) > MOST:
            most = f"{MOST:,} files" if len(found) > MOST else f"{LARGEST >> 20} MB"
            return [File(whole, problem=f"it contains more than {most}")]
    return found


def _members(data: bytes) -> Iterator[tuple[str, Any]]:
    """Yield (path, (opened zip file, member)) for each file in a zip file."""
    if data.count(b"PK\1\2") > 100 * MOST:  # each of them takes memory
        raise OSError(f"it contains more than {100 * MOST:,} files")
    archive = zipfile.ZipFile(io.BytesIO(data))
    if not archive.infolist():
        raise OSError("it is empty")
    for member in archive.infolist():
        name = member.filename.replace("\\", "/")
        parts = name.split("/")
        if not name.endswith("/") and (".." in parts or not any(map(_skipped, parts))):
            yield name, (archive, member)


def recognized(file: File) -> Lesson | None:
    """Return the lesson to which a file belongs, or None.

    There are two kinds of evidence: a number in the file's path, and the names that it defines.
    Together they must weigh at least as much as half of the names in an exercise.
    """

    def evidence(one: Lesson) -> float:
        shared = file.share(one)
        named = one.number == file.number or one.name == file.where.stem
        # another text may only mention the lesson
        return shared + 0.6 * named if shared or file.where.suffix == ".py" else 0.0

    best = max(lessons(), key=evidence)
    return best if evidence(best) >= 0.5 else None


def _age(file: File) -> tuple[float, list[int]]:
    """Return the key that sorts versions of a file by age. Canvas, Windows and people number
    versions: lesson_03-1.py, lesson_03 (2).py, lesson_03_v3.py.
    """
    return file.time, [int(number) for number in re.findall(r"\d{1,9}", file.where.stem)]


def _code(notebook: str) -> str:
    """Return the code of a notebook. If the course exported the notebook, and the learner changed
    the cell that saves the lesson's file, this is the code of that cell. Otherwise, it is the code
    of all cells except the lesson's examples.
    Errors: ValueError for a file that is not a notebook.
    """
    try:
        cells = json.loads(notebook)["cells"]
        codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except Exception:
        raise ValueError("it is not a notebook") from None
    codes = [code for code in codes if CHECK not in code]
    exercises = [one.exercise.rstrip() for one in lessons()]
    saved = [code for code in codes if code.startswith("%%writefile")]
    own = [code for code in saved if code.partition("\n")[2] not in exercises] or [
        code for code in codes if not any(code.strip() in one.text for one in lessons())
    ]
    return "\n\n".join(MAGIC.sub("", code) for code in own).strip() + "\n"
