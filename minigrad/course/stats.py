"""Count what a class did not understand: `minigrad course report --statistics`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from ..support.text import table
from .feedback import wrapped
from .lesson import Lesson
from .marks import Row

MOST = 5
"""The number of mistakes to list for each lesson."""
Groups = list[tuple[tuple[str, str], list[str]]]
"""Things that students have in common: a short text, a hint, and the students' names."""
Counts = tuple[Lesson, tuple[int, ...], dict[str, Groups]]


def counted(rows: list[Row]) -> Iterator[Counts]:
    """Yield each lesson with its numbers of students and the lists to show.

    The numbers count the students who have passed, those with a problem that the check found, and
    those who have not begun or whose file cannot be read.
    """
    for marks in zip(*(row.marks for row in rows), strict=True):
        passed = sum(mark.passed for mark in marks)
        stuck = [(mark, row.name) for row, mark in zip(rows, marks, strict=True) if mark.kind]
        functions = [
            ((mark.function or "the file cannot be run", ""), name) for mark, name in stuck
        ]
        mistakes = [((mark.mistake, mark.hint), name) for mark, name in stuck if mark.mistake]
        yield marks[0].lesson, (passed, len(stuck), len(rows) - passed - len(stuck)), {
            "Where the others are stuck": grouped(functions),
            "The most frequent mistakes": grouped(mistakes)[:MOST],
        }  # fmt: skip


def grouped(pairs: Iterable[tuple[tuple[str, str], str]]) -> Groups:
    """Return the names in pairs of (thing, name) by thing, the largest group first.

    >>> grouped([(("f", ""), "ada"), (("g", ""), "bob"), (("g", ""), "eve")])
    [(('g', ''), ['bob', 'eve']), (('f', ''), ['ada'])]
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for thing, name in pairs:
        groups.setdefault(thing, []).append(name)
    return sorted(groups.items(), key=lambda group: -len(group[1]))


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
            for (thing, hint), names in groups:
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
            for (thing, hint), names in groups:
                who = ", ".join(names * shown)
                sections += (
                    f'<div class="group" style="--share: {len(names) / counts[1]:.3f}"><b>{len(names)}</b>'
                    f" {escape(thing)}<p>{escape(hint)}</p><p>{escape(who)}</p></div>\n"
                )
    template = Path(__file__).with_name("stats.html").read_text("utf-8")
    texts = {"COUNT": str(count), "PICTURE": picture, "SECTIONS": sections}
    return re.sub("COUNT|PICTURE|SECTIONS", lambda name: texts[name[0]], template)
