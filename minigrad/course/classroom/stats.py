"""Count what a class did not understand: `minigrad course report --statistics`."""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterator
from html import escape
from pathlib import Path
from string import Template

from ...support.text import table
from ..checking.feedback import wrapped
from ..checking.lesson import Lesson
from .marks import Row

MOST = 5
"""The number of mistakes to list for each lesson."""
STATES = "passed", "stuck", "not begun"
Groups = dict[tuple[str, str], list[str]]
"""The names of the students for each function or mistake, and the mistake's hint."""


def counted(
    rows: list[Row],
) -> Iterator[tuple[Lesson, tuple[int, ...], dict[str, Groups]]]:
    """Yield each lesson with three numbers of students, and with the lists to show. Each list starts
    with its largest group.

    The numbers count the students who have passed, those with a problem that the check found, and
    those who have not begun or whose file cannot be read.
    """
    for marks in zip(*(row.marks for row in rows), strict=True):
        functions: Groups = defaultdict(list)
        mistakes: Groups = defaultdict(list)
        for row, mark in zip(rows, marks, strict=True):
            if mark.kind:
                place = mark.function or "the file cannot be run"
                functions[place, ""].append(row.name)
            if mark.mistake:
                mistakes[mark.mistake, mark.hint].append(row.name)
        passed = sum(mark.passed for mark in marks)
        stuck = sum(map(len, functions.values()))
        lists = {
            "Where the others are stuck": _largest(functions, len(functions)),
            "The most frequent mistakes": _largest(mistakes, MOST),
        }
        counts = passed, stuck, len(rows) - passed - stuck
        yield marks[0].lesson, counts, lists


def _largest(groups: Groups, most: int) -> Groups:
    largest = sorted(groups.items(), key=lambda group: -len(group[1]))
    return dict(largest[:most])


def statistics(rows: list[Row], options: argparse.Namespace) -> str:
    """Return the counts as a table, or as an HTML page if the file to write ends with .html."""
    cells = list[list[str]]()
    lines = list[str]()
    picture = sections = ""
    for one, counts, lists in counted(rows):
        name = f"{one.number:>2}  {one.title}"
        cells.append([name, *map(str, counts)])
        bars = ""
        for n, state in zip(counts, STATES, strict=True):
            bars += f'<i style="flex: {n}">{n} {state}</i>'
        head = f"<th>{escape(name)}</th>"
        picture += f"<tr>{head}<td><div>{bars}</div></td></tr>\n"
        if counts[1]:
            sections += f"<h2>{escape(name)}</h2>\n"
        for title, groups in lists.items():
            if groups:
                lines += ["", f"Lesson {one.number}, {one.title}. {title}:"]
                sections += f"<h3>{title}</h3>\n"
            for (thing, hint), names in groups.items():
                share = len(names) / counts[1]
                who = ", ".join(names) if options.names else ""
                lines.append(f"  {len(names):>4}  {thing}")
                lines += wrapped(f"        {hint}", 100)
                lines += wrapped(f"        {who}", 100)
                sections += (
                    f'<div class="group" style="--share: {share:.3f}">'
                    f"<b>{len(names)}</b> {marked(thing)}"
                    f"<p>{marked(hint)}</p><p>{escape(who)}</p></div>\n"
                )
    if options.out and options.out.suffix.lower() == ".html":
        text = Path(__file__).with_name("stats.html").read_text("utf-8")
        page = Template(text)
        return page.substitute(
            count=len(rows),
            picture=picture,
            sections=sections,
        )
    names = ["lesson", *STATES]
    total = [f"{len(rows)} submissions", "", "", ""]
    return "\n".join([table(names, cells, total), *lines, ""])


def marked(text: str) -> str:
    """Return text as HTML, with `code` as an element."""
    return re.sub("`(.+?)`", r"<code>\1</code>", escape(text))
