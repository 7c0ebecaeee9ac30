"""Count what a class did not understand: `minigrad course report --statistics`."""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from ..support.text import table
from .feedback import wrapped
from .lesson import Lesson
from .marks import Row

MOST = 5
"""The number of mistakes to list for each lesson."""
Counts = tuple[Lesson, tuple[int, ...], dict[str, Any]]
"""A lesson, its numbers of students, and its lists: {title: {(thing, hint): students' names}}."""


def counted(rows: list[Row]) -> Iterator[Counts]:
    """Yield each lesson with its numbers of students and the lists to show, the largest group first.

    The numbers count the students who have passed, those with a problem that the check found, and
    those who have not begun or whose file cannot be read.
    """
    for marks in zip(*(row.marks for row in rows), strict=True):
        functions, mistakes = defaultdict[Any, list[str]](list), defaultdict[Any, list[str]](list)
        for row, mark in zip(rows, marks, strict=True):
            if mark.kind:
                functions[mark.function or "the file cannot be run", ""].append(row.name)
            if mark.mistake:
                mistakes[mark.mistake, mark.hint].append(row.name)
        passed, stuck = sum(mark.passed for mark in marks), sum(map(len, functions.values()))
        yield marks[0].lesson, (passed, stuck, len(rows) - passed - stuck), {
            "Where the others are stuck": ranked(functions, len(rows)),
            "The most frequent mistakes": ranked(mistakes, MOST),
        }  # fmt: skip


def ranked(groups: dict[Any, list[str]], most: int) -> dict[Any, list[str]]:
    """Return the largest groups.

    >>> ranked({"f": ["ada"], "g": ["bob", "eve"]}, 1)
    {'g': ['bob', 'eve']}
    """
    return dict(sorted(groups.items(), key=lambda group: -len(group[1]))[:most])


def statistics(rows: list[Row], options: argparse.Namespace) -> str:
    """Return the counts as a table, or as an HTML page if the file to write ends with .html."""
    lessons = list(counted(rows))
    if options.out and options.out.suffix.lower() == ".html":
        return page(lessons, len(rows), options.names)
    cells = [[f"{one.number:>2}  {one.title}", *map(str, counts)] for one, counts, _ in lessons]
    head, total = ["lesson", "passed", "stuck", "not begun"], f"{len(rows)} submissions"
    lines = [table(head, cells, [total, "", "", ""])]
    for one, _, parts in lessons:
        for title, groups in parts.items():
            lines += ["", f"Lesson {one.number}, {one.title}. {title}:"] * bool(groups)
            for (thing, hint), names in groups.items():
                lines.append(f"  {len(names):>4}  {thing}")
                for text in (hint, ", ".join(names * options.names)):
                    lines += wrapped(f"        {text}", 100)
    return "\n".join(lines) + "\n"


def page(lessons: list[Counts], count: int, shown: bool) -> str:
    """Return the counts as an HTML page for a lecture. `shown`: with the students' names."""
    picture = sections = ""
    for one, counts, parts in lessons:
        name = f"{one.number}. {escape(one.title)}"
        bars = (f'<i style="flex: {number}">{number}</i>' for number in counts)
        picture += f"<tr><th>{name}</th><td><div>{''.join(bars)}</div></td></tr>\n"
        sections += f"<h2>{name}</h2>\n" * (counts[1] > 0)
        for title, groups in parts.items():
            sections += f"<h3>{title}</h3>\n" * bool(groups)
            for (thing, hint), names in groups.items():
                who = ", ".join(names * shown)
                sections += (
                    f'<div class="group" style="--share: {len(names) / counts[1]:.3f}"><b>{len(names)}</b>'
                    f" {marked(thing)}<p>{marked(hint)}</p><p>{escape(who)}</p></div>\n"
                )
    template = Path(__file__).with_name("stats.html").read_text("utf-8")
    texts = {"COUNT": str(count), "PICTURE": picture, "SECTIONS": sections}
    return re.sub("COUNT|PICTURE|SECTIONS", lambda name: texts[name[0]], template)


def marked(text: str) -> str:
    """Return text as HTML, with `code` as an element."""
    return re.sub("`(.+?)`", r"<code>\1</code>", escape(text))
