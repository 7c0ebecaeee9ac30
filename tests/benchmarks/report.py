"""From measurements to rows: medians, ratios, whether all computed the same; and tables for a
terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from roster import LABELS, MINIGRAD
from turns import Result
from workloads import Workload

FAILED = "did not run"
HEAD = ["", "case", "CPU ms", "wall ms", "to minigrad", "difference", "MB", ""]


@dataclass
class Row:
    """One contender in one case: medians over the rounds, in seconds and bytes, and how it
    compares.
    """

    contender: str
    case: str
    cpu: float = 0.0
    wall: float = 0.0
    memory: float = 0.0
    ratio: float | None = None  # to minigrad, by the case's clock
    # between what it computed and what the first contender computed
    difference: float | None = None
    agrees: bool = True
    note: str = ""
    error: str = ""


@dataclass
class Part:
    """One workload: its description with the sizes filled in, its rows, and the results behind
    them.
    """

    workload: Workload
    text: str
    rows: list[Row]
    results: Sequence[Result]


def ratio(one: Result, other: Result) -> float:
    """Time of one to the other's: the median of the rounds' ratios, since what slows a round down
    slows both.
    """
    return median(
        a[one.clock] / b[one.clock] for a, b in zip(one.rounds, other.rounds, strict=False)
    )


def difference(one: Any, other: Any) -> float:
    """The largest difference of two numbers, relative to max(1, the larger of them)."""
    one, other = np.array(one), np.array(other)
    return float(np.max(np.abs(one - other) / np.maximum(1, np.maximum(abs(one), abs(other)))))


def summarise(workload: Workload, sizes: Any, results: Sequence[Result]) -> Part:
    """Medians, ratios to minigrad, and whether everyone computed the same."""
    part = Part(workload, workload.text.format(**vars(sizes)), [], results)
    for case in dict.fromkeys(result.case for result in results):
        here = [result for result in results if result.case == case]
        done = {result.contender: result for result in here if result.rounds}
        base = next((done[name] for name in MINIGRAD if name in done), None)
        for result in here:
            row = Row(result.contender, case, note=result.note, error=result.error)
            part.rows.append(row)
            if not result.rounds:
                continue
            row.cpu, row.wall, row.memory = (
                median(round[what] for round in result.rounds) for what in ("cpu", "wall", "memory")
            )
            if base is not None:
                row.ratio = ratio(result, base)
            first = next(iter(done.values()))
            if result is not first and result.check is not None:
                row.difference = difference(first.check, result.check)
                row.agrees = row.difference <= workload.tolerance
    return part


def table(part: Part) -> list[list[str]]:
    """The rows as text below their heads, without columns in which nobody has anything."""
    lines = [HEAD]
    for row in part.rows:
        start = [LABELS[row.contender], row.case]
        if row.error:
            lines.append([*start, f"{FAILED}: {row.error}", *[""] * (len(HEAD) - 3)])
            continue
        differs = "" if row.agrees else " DIFFERS"
        lines.append([
            *start,
            figure(row.cpu * 1e3),
            figure(row.wall * 1e3),
            "" if row.ratio is None else f"{row.ratio:.2f}",
            "" if row.difference is None else f"{row.difference:.0e}{differs}",
            figure(row.memory / 1e6) if part.workload.letter == "d" else "",
            row.note,
        ])  # fmt: skip
    used = [i for i in range(len(HEAD)) if any(line[i] for line in lines[1:])]
    return [[line[i] for i in used] for line in lines]


def figure(value: float) -> str:
    """Three significant digits: 0.831, 12.3, 1,234."""
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"


def as_text(part: Part) -> str:
    """The table for a terminal, its columns aligned."""
    return "\n".join([f"\n({part.workload.letter}) {part.workload.title}", *aligned(table(part))])


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of cells in columns: the first to the left, the others to the right."""
    fit = [line for line in lines if FAILED not in "".join(line)]
    widths = [max(len(line[i]) for line in fit) for i in range(len(lines[0]))]

    def align(line: Sequence[str]) -> str:
        rest = zip(line[1:], widths[1:], strict=True)
        return "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in rest)]
        ).rstrip()

    return [align(line) for line in lines]
