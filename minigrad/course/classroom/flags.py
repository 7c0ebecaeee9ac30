"""Point out what a teacher has to look at: files that are alike, files that read the solution, and
late files. A flag changes no mark, and no student sees it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from ...errors import OptionError
from ...support.text import printable
from ..checking.lesson import Lesson
from .alike import alike, ranges
from .marks import Row
from .solutions import reads_solution
from .submissions import Submission, begun

REFUSED = "may not read the solution"
"""A part of the message of an error in child.py."""


def flagged(
    handed_in: list[Submission],
    lessons: list[Lesson],
    rows: list[Row],
    deadline: datetime | None,
) -> list[Row]:
    """Return the rows with their flags."""
    flags: dict[str, list[str]] = defaultdict(list)
    marks = {row.name: row.marks for row in rows}
    for number, one in enumerate(lessons):
        files = {
            whose.name: whose.chosen[one.name]
            for whose in handed_in
            if one.name in whose.chosen and begun(one, whose.chosen[one.name].text)
        }
        begins = f"lesson {one.number}:"
        texts = {name: file.text for name, file in files.items()}
        for name, text in texts.items():
            lines = reads_solution(text)
            if lines or REFUSED in marks[name][number].said:
                place = f" in line {ranges(lines)}" if lines else ""
                flags[name].append(f"{begins} {files[name].where} reads the solution{place}")
        identical: dict[str, list[str]] = defaultdict(list)
        for pair in alike(one, texts):
            sides = list(zip((pair.one, pair.other), pair.lines, strict=True))
            for (mine, lines_of_mine), (other, lines_of_other) in (sides, sides[::-1]):
                where = files[other].where
                path = str(where if str(where) == other else f"{other}/{where}")
                if texts[mine] == texts[other]:
                    identical[mine].append(path)
                    continue
                flags[mine].append(
                    f"{begins} {files[mine].where}, lines {lines_of_mine}: nearly "
                    f"identical to lines {lines_of_other} of {path}"
                )
        for name, others in identical.items():
            flags[name].append(f"{begins} {files[name].where}: identical to {', '.join(others)}")
    for whose in handed_in:
        flags[whose.name] += late_files(whose, lessons, deadline)
    return [replace(row, flags=tuple(map(printable, flags[row.name]))) for row in rows]


def late_files(
    whose: Submission, lessons: list[Lesson], deadline: datetime | None
) -> Iterator[str]:
    """Yield a flag if a submission is late: if Canvas marked it as late, or if a graded file was changed
    after the deadline.
    """
    if whose.late:
        yield "late: marked LATE by Canvas"
        return
    graded = [whose.chosen[one.name] for one in lessons if one.name in whose.chosen]
    newest = max(graded, key=lambda file: file.time, default=None)
    if newest and (when := late(datetime.fromtimestamp(newest.time), deadline)):
        yield f"late: {newest.where} was changed {when}"


def late(time: datetime, deadline: datetime | None) -> str:
    """Return when something was late, or '' if it was not.

    >>> late(datetime(2026, 11, 27, 18, 5), datetime(2026, 11, 27, 18))
    '2026-11-27 18:05, 5 minutes after the deadline'
    """
    if deadline is None or time <= deadline:
        return ""
    minutes = int((time - deadline).total_seconds() // 60)
    days, hours = minutes // 1440, minutes // 60
    if days > 1:
        after = f"{days} days"
    elif hours > 1:
        after = f"{hours} hours"
    else:
        after = f"{minutes} minute{'s' * (minutes != 1)}"
    return f"{time:%Y-%m-%d %H:%M}, {after} after the deadline"


def as_deadline(text: str) -> datetime:
    """Return the deadline in local time. Errors: OptionError MG933."""
    try:
        time = datetime.fromisoformat(text)
        if ":" not in text:
            raise ValueError("only a date")
        return time.astimezone().replace(tzinfo=None)
    except ValueError:
        raise OptionError(
            "MG933",
            f"{text!r} is not a date and a time",
            cause="the deadline is compared with the times of the files",
            remedy='write it as in --deadline "2026-11-27 18:00"',
        ) from None
