"""From measurements to rows: medians, ratios, whether all computed the same; and tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from roster import CONTENDERS, MINIGRAD, REFERENCE
from turns import Result

LABELS = {contender.name: contender.label for contender in CONTENDERS}
FAILED = "did not run"
HEAD = ["", "case", "CPU ms", "wall ms", "to minigrad", "difference", "MB", "", "reference ms"]


@dataclass
class Row:
    """One contender in one case: medians over the rounds, in seconds and bytes, and how it compares."""

    contender: str
    case: str
    cpu: float = 0.0
    wall: float = 0.0
    memory: float = 0.0
    ratio: float | None = None  # to minigrad, by the case's clock
    difference: float | None = None  # of what it computed, to the first contender's
    agrees: bool = True
    note: str = ""
    error: str = ""


@dataclass
class Part:
    """One workload: its description with the sizes filled in, its rows, and what they were made of."""

    workload: Any
    text: str
    rows: list[Row]
    results: Sequence[Result]
    versions: dict[str, str] = field(default_factory=dict)


def ratio(one: Result, other: Result) -> float:
    """Time of one to the other's: the median of the rounds' ratios, since what slows a round down slows both."""
    return median(a[one.clock] / b[one.clock] for a, b in zip(one.rounds, other.rounds, strict=False))


def summarise(workload: Any, sizes: Any, results: Sequence[Result]) -> Part:
    """Medians, ratios to minigrad, and whether everyone computed the same."""
    part = Part(workload, workload.TEXT.format(**vars(sizes)), [], results)
    for case in dict.fromkeys(result.case for result in results):
        here = [result for result in results if result.case == case]
        done = {result.contender: result for result in here if result.rounds}
        base = next((done[name] for name in MINIGRAD if name in done), None)
        first = next(iter(done.values()), None)
        for result in here:
            part.versions.update(result.versions)
            if not result.rounds:
                part.rows.append(Row(result.contender, case, error=result.error))
                continue
            cpu, wall, memory = (median(round[what] for round in result.rounds) for what in ("cpu", "wall", "memory"))
            row = Row(result.contender, case, cpu, wall, memory, note=result.note, error=result.error)
            if base is not None:
                row.ratio = ratio(result, base)
            if first is not None and result is not first and result.check is not None:
                row.difference = workload.difference(first.check, result.check)
                row.agrees = row.difference <= workload.TOLERANCE
            part.rows.append(row)
    return part


def table(part: Part) -> list[list[str]]:
    """The rows as text, under their heads, without the columns in which nobody has anything."""
    with_memory = hasattr(part.workload, "MEMORY")
    lines = [HEAD]
    for row in part.rows:
        if row.error:
            lines.append([LABELS[row.contender], row.case, f"{FAILED}: {row.error}", *[""] * (len(HEAD) - 3)])
            continue
        reference = REFERENCE.get(f"{part.workload.LETTER} {row.case}".strip(), {}).get(row.contender)
        lines.append([
            LABELS[row.contender],
            row.case,
            figure(row.cpu * 1e3),
            figure(row.wall * 1e3),
            "" if row.ratio is None else f"{row.ratio:.2f}",
            "" if row.difference is None else f"{row.difference:.0e}" + ("" if row.agrees else " DIFFERS"),
            figure(row.memory / 1e6) if with_memory else "",
            row.note,
            "" if reference is None else f"{reference:g}",
        ])  # fmt: skip
    used = [i for i in range(len(HEAD)) if any(line[i] for line in lines[1:])]
    return [[line[i] for i in used] for line in lines]


def figure(value: float) -> str:
    """Three significant digits: 0.831, 12.3, 1,234."""
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"


def as_text(part: Part) -> str:
    """The table for a terminal, its columns aligned."""
    return "\n".join([f"\n({part.workload.LETTER}) {part.workload.TITLE}", *aligned(table(part))])


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of cells with the columns under one another: the first to the left, the others to the right."""
    widths = [max(len(line[i]) for line in lines if FAILED not in "".join(line)) for i in range(len(lines[0]))]

    def align(line: Sequence[str]) -> str:
        rest = zip(line[1:], widths[1:], strict=True)
        return "  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in rest)]).rstrip()

    return [align(line) for line in lines]
