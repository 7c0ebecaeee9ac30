"""docs/benchmarks.md and its plots, from the rows of a run. Knows Markdown and Matplotlib, and measures nothing."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from report import LABELS, Part, Row, figure, table
from targets import Target

INTRODUCTION = """# Benchmarks

Written by `{command}`; `make bench` installs the contenders and runs all of it. Compare ratios from one run: machines
differ, and are noisy.

{machine}

## How it is measured

Each contender runs in a process of its own with one thread, all of them pinned to one core, in turn (A B C A B C ...),
with the same start weights and the same batches of real reviews. Figures are medians over the rounds, CPU time of the
whole process and time on the wall; *to minigrad* is the median of each round's ratio of CPU times to minigrad's (fused,
where there is a fused form). A case with two threads may use all cores, and its ratios are of times on the wall.
*Difference* is the largest difference between what a contender computed and what the first one did, so that none gets
by with less work. *Reference* figures were measured beforehand on another machine.

So that all follow one rule: Adam's eps is 1e-16, since Keras adds eps at another place than the others and the usual
1e-7 would make that visible; PyTorch's second bias of nn.RNN and nn.LSTM stays at zero, as the sum of two trained
biases moves twice as fast; and on TensorFlow Keras's Adam is given the embedding's gradient as a whole array, because
given (row, value) pairs it squares them before it adds up those of one row.

torch.compile takes no part: it leaves nn.RNN, nn.GRU and nn.LSTM as they are.
"""


def write(
    out: Path, parts: Sequence[Part], aims: Sequence[Target], absent: dict[str, str], command: str, loads: Sequence[str]
) -> None:
    """The page and the plots beside it, each whole or not at all."""
    pictures = out.parent / "images"
    pictures.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for part in parts:
        draw = {"b": draw_bars, "c": draw_bars, "d": draw_growth}.get(part.workload.LETTER)
        if draw is not None:
            name = "benchmarks.png" if part.workload.LETTER == "b" else f"benchmarks_{part.workload.NAME}.png"
            drawn[part.workload.LETTER] = f"![{part.workload.TITLE}](images/{name})"
            unfinished = pictures / f".{name}"
            draw(part, unfinished)
            os.replace(unfinished, pictures / name)
    lines = [INTRODUCTION.format(command=command, machine=machine(parts, loads))]
    lines += [f"{name} did not take part: {reason}\n" for name, reason in absent.items()]
    if aims:
        lines += ["## What is asked, and what came out\n", markdown(aims_table(aims))]
    for part in parts:
        lines += [f"\n## ({part.workload.LETTER}) {part.workload.TITLE}\n", part.text, ""]
        lines += [drawn[part.workload.LETTER], ""] if part.workload.LETTER in drawn else []
        lines += [growth_tables(part) if part.workload.LETTER == "d" else markdown(table(part))]
    unfinished = out.with_name(f".{out.name}")
    unfinished.write_text("\n".join(lines) + "\n")
    os.replace(unfinished, out)


def aims_table(aims: Sequence[Target]) -> list[list[str]]:
    return [
        ["", "at most", "measured", ""],
        *([text, f"{limit:g}", f"{value:.2f}", "yes" if value <= limit else "NO"] for text, limit, value in aims),
    ]


def machine(parts: Sequence[Part], loads: Sequence[str]) -> str:
    """The processor, the system, the versions, and how busy the machine was."""
    cpu = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists() and (found := re.search(r"model name\s*: (.*)", info.read_text())):
        cpu = found[1]
    versions = {"Python": platform.python_version()}
    for part in parts:
        versions |= part.versions
    return (
        f"{date.today()}, {cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}. "
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}. "
        f"Load average, this run's own process included, before and after: {' and '.join(loads)}."
    )


def markdown(lines: Sequence[Sequence[str]]) -> str:
    head, *rows = lines
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in (head, rule, *rows)
    )


def by_axis(part: Part) -> dict[str, dict[str, list[tuple[int, Row]]]]:
    """{what grows: {contender: [(size, row)]}} of what ran."""
    axes: dict[str, dict[str, list[tuple[int, Row]]]] = {}
    for row in part.rows:
        name, size = row.case.split("=")
        if not row.error:
            axes.setdefault(name, {}).setdefault(row.contender, []).append((int(size), row))
    return axes


def growth_tables(part: Part) -> str:
    """For each size that grows a table: a line for each contender, a column for each size."""
    texts = []
    for name, contenders in by_axis(part).items():
        sizes = sorted({size for points in contenders.values() for size, _ in points})
        lines = [[name, *(f"{size:,}" for size in sizes)]]
        for contender, points in contenders.items():
            cells = {
                size: f"{figure(row.cpu * 1e3)} ms, {figure(row.cpu * 1e6 / size)} µs, {figure(row.memory / 1e6)} MB"
                for size, row in points
            }
            lines.append([LABELS[contender], *(cells.get(size, "") for size in sizes)])
        texts.append(markdown(lines))
    failed = [f"{LABELS[row.contender]}, {row.case}: {row.error}" for row in part.rows if row.error]
    return "\n\n".join(["CPU time, the same for each unit of the size that grows, memory:", *texts, *failed])


def short(size: int) -> str:
    """10, 400, 1k, 200k, 1M."""
    return next((f"{size // n}{unit}" for n, unit in ((10**6, "M"), (1000, "k")) if size >= n), str(size))


COLOURS = {  # minigrad stands out; the rest can be told apart by colour-blind eyes (Okabe and Ito)
    "numpy": "#999999", "minigrad": "#e69f00", "minigrad-fused": "#d55e00", "torch": "#56b4e9",
    "torch-fused": "#0072b2", "jax": "#009e73", "keras-tf": "#cc79a7", "keras-tf-xla": "#a0527f",
    "keras-jax": "#f0e442",
}  # fmt: skip


def draw_bars(part: Part, path: Path) -> None:
    """CPU time of each contender, a panel for each case."""
    from matplotlib.figure import Figure

    cases = list(dict.fromkeys(row.case for row in part.rows))
    names = list(dict.fromkeys(row.contender for row in part.rows))
    drawing = Figure(figsize=(11, 0.36 * len(names) + 1.4), layout="constrained")
    panels = np.atleast_1d(drawing.subplots(1, len(cases), sharey=True))
    for axes, case in zip(panels, cases, strict=True):
        rows = {row.contender: row for row in part.rows if row.case == case and not row.error}
        for place, name in enumerate(names):
            if name in rows:
                milliseconds = rows[name].cpu * 1e3
                axes.barh(place, milliseconds, color=COLOURS.get(name, "#bbbbbb"), edgecolor="black", linewidth=0.5)
                axes.text(milliseconds, place, f" {figure(milliseconds)}", va="center", fontsize=9)
        axes.set_title(case.upper(), fontsize=11)
        axes.margins(x=0.18)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("CPU ms, one core", fontsize=9)
    panels[0].set_yticks(range(len(names)), [LABELS[name] for name in names], fontsize=9)
    panels[0].invert_yaxis()
    drawing.suptitle(part.workload.TITLE, fontsize=12)
    drawing.savefig(path, dpi=110, format="png")


def draw_growth(part: Part, path: Path) -> None:
    """CPU time and memory against each size, both axes logarithmic. Dotted: what grows in proportion to the size."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

    growing = by_axis(part)
    drawing = Figure(figsize=(3.1 * len(growing) + 1, 6.2), layout="constrained")
    grid = np.atleast_2d(drawing.subplots(2, len(growing), sharex="col", squeeze=False))
    shown: dict[str, Any] = {}
    for column, (name, contenders) in enumerate(growing.items()):
        panels: list[tuple[Any, Callable[[Row], float], float]] = [
            (grid[0, column], lambda row: row.cpu * 1e3, 1e-3),
            (grid[1, column], lambda row: row.memory / 1e6, 0.1),
        ]
        ticks = sorted({size for points in contenders.values() for size, _ in points})
        for contender, points in contenders.items():
            sizes = [size for size, _ in points]
            style = {"color": COLOURS.get(contender, "#bbbbbb"), "marker": "o", "markersize": 4}
            time, memory = (
                axes.plot(sizes, [max(value(row), floor) for _, row in points], **style)[0]
                for axes, value, floor in panels
            )
            shown.setdefault(LABELS[contender], time)
        for axes in grid[:, column]:
            axes.set(xscale="log", yscale="log")
            axes.set_xticks(ticks, [short(size) for size in ticks])
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))  # 1, 3, 10, 30: some panels span one decade
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_minor_formatter(NullFormatter())
                axis.set_minor_locator(NullLocator())
            axes.grid(alpha=0.3, which="major")
            axes.spines[["top", "right"]].set_visible(False)
            low, high = axes.get_ylim()
            middle = (low * high) ** 0.5 / (ticks[0] * ticks[-1]) ** 0.5
            axes.plot(ticks, [middle * size for size in ticks], ":", color="black", linewidth=1, zorder=0)
            axes.set_ylim(low, high)
        grid[0, column].set_title(name, fontsize=11)
    grid[0, 0].set_ylabel("CPU ms")
    grid[1, 0].set_ylabel("memory, MB")
    drawing.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=len(shown), fontsize=9)
    drawing.savefig(path, dpi=110, format="png")
