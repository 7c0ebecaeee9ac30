"""From measurements to tables, a page and a plot. Knows no framework and measures nothing itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from roster import CONTENDERS, REFERENCE
from turns import Result

LABELS = {contender.name: contender.label for contender in CONTENDERS}


@dataclass
class Row:
    """One contender in one case: medians over the rounds, in seconds, and how it compares."""

    contender: str
    case: str
    cpu: float = 0.0
    wall: float = 0.0
    memory: float = 0.0
    ratio: float | None = None  # to minigrad, CPU time, the median of the rounds' ratios
    difference: float | None = None  # of what it computed, to the first contender's
    agrees: bool = True
    error: str = ""


@dataclass
class Part:
    """One workload's rows."""

    workload: Any
    text: str
    rows: list[Row]
    versions: dict[str, str] = field(default_factory=dict)


def summarise(workload: Any, sizes: Any, results: Sequence[Result]) -> Part:
    """Medians, ratios to minigrad, and whether everyone computed the same."""
    part = Part(workload, workload.TEXT.format(**vars(sizes)), [])
    for case in dict.fromkeys(result.case for result in results):
        here = [result for result in results if result.case == case]
        done = {result.contender: result for result in here if result.rounds}
        base = done.get("minigrad-fused") or done.get("minigrad")
        first = next(iter(done.values()), None)
        for result in here:
            part.versions.update(result.versions)
            if not result.rounds:
                part.rows.append(Row(result.contender, case, error=result.error))
                continue
            row = Row(result.contender, case, *(middle(result, what) for what in ("cpu", "wall", "memory")))
            if base is not None:
                pairs = zip(result.rounds, base.rounds, strict=False)
                row.ratio = median(a["cpu"] / b["cpu"] for a, b in pairs)
            if result is not first:
                row.difference = workload.difference(first.check, result.check)
                row.agrees = row.difference <= workload.TOLERANCE
            part.rows.append(row)
    return part


def middle(result: Result, what: str) -> float:
    return median(round[what] for round in result.rounds)


FAILED = "did not run"
HEAD = ["", "case", "CPU ms", "wall ms", "to minigrad", "difference", "reference ms"]


def table(part: Part) -> list[list[str]]:
    """The rows as text, without the columns in which nobody has anything."""
    lines = [HEAD]
    for row in part.rows:
        reference = REFERENCE.get(f"{part.workload.LETTER} {row.case}".strip(), {}).get(row.contender)
        if row.error:
            lines.append([LABELS[row.contender], row.case, f"{FAILED}: {row.error}", "", "", "", ""])
            continue
        lines.append([
            LABELS[row.contender],
            row.case,
            figure(row.cpu * 1e3),
            figure(row.wall * 1e3),
            "" if row.ratio is None else f"{row.ratio:.2f}",
            "" if row.difference is None else f"{row.difference:.0e}" + ("" if row.agrees else " DIFFERS"),
            "" if reference is None else f"{reference:g}",
        ])  # fmt: skip
    used = [i for i in range(len(HEAD)) if any(line[i] for line in lines[1:])]
    return [[line[i] for i in used] for line in lines]


def figure(value: float) -> str:
    """Three significant digits.

    >>> figure(0.8312), figure(12.345), figure(1234.5)
    ('0.831', '12.3', '1,234')
    """
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def as_text(part: Part) -> str:
    """The table for a terminal, its columns aligned."""
    lines = table(part)
    widths = [max(len(line[i]) for line in lines if FAILED not in "".join(line)) for i in range(len(lines[0]))]

    def align(line: list[str]) -> str:
        rest = zip(line[1:], widths[1:], strict=True)
        return "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in rest)]).rstrip()

    return "\n".join([f"\n({part.workload.LETTER}) {part.workload.TITLE}", *map(align, lines)])


def write(out: Path, parts: Sequence[Part], absent: dict[str, str], arguments: Sequence[str]) -> None:
    """The page, whole or not at all."""
    unfinished = out.with_name(out.name + ".part")
    unfinished.write_text(page(parts, absent, arguments))
    os.replace(unfinished, out)


def page(parts: Sequence[Part], absent: dict[str, str], arguments: Sequence[str]) -> str:
    return "\n".join(as_text(part) for part in parts)
