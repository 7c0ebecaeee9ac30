"""docs/benchmarks.md and its plots, from the rows of a run. Knows Markdown and Matplotlib, and
measures nothing.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from report import Part, Row, figure, table
from roster import LABELS

Aims = Sequence[tuple[str, float, float]]

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
by with less work.

So that all follow one rule: Adam's eps is 1e-16, since Keras adds eps at another place than the others and the usual
1e-7 would make that visible; PyTorch's second bias of nn.RNN and nn.LSTM stays at zero, as the sum of two trained
biases moves twice as fast; and on TensorFlow Keras's Adam is given the embedding's gradient as a whole array, because
given (row, value) pairs it squares them before it adds up those of one row.

torch.compile takes no part: it leaves nn.RNN, nn.GRU and nn.LSTM as they are.
"""


def write(
    out: Path,
    parts: Sequence[Part],
    aims: Aims,
    absent: dict[str, str],
    command: str,
    loads: Sequence[str],
) -> None:
    """The page and the plots beside it."""
    (out.parent / "images").mkdir(parents=True, exist_ok=True)
    lines = [INTRODUCTION.format(command=command, machine=machine(parts, loads))]
    lines += [f"{name} did not take part: {reason}\n" for name, reason in absent.items()]
    if aims:
        lines += ["## What is asked, and what came out\n", markdown(aims_table(aims))]
    for part in parts:
        workload = part.workload
        lines += [f"\n## ({workload.letter}) {workload.title}\n", part.text.strip(), ""]
        if workload.letter in DRAWN:
            name, draw = DRAWN[workload.letter]
            draw(part).savefig(out.parent / "images" / name, dpi=110)
            lines += [f"![{workload.title}](images/{name})", ""]
        lines.append(markdown(table(part)))
    out.write_text("\n".join(lines) + "\n")


def aims_table(aims: Aims) -> list[list[str]]:
    rows = [
        [text, f"{limit:g}", f"{value:.2f}", "yes" if value <= limit else "NO"]
        for text, limit, value in aims
    ]
    return [["", "at most", "measured", ""], *rows]


def machine(parts: Sequence[Part], loads: Sequence[str]) -> str:
    """The processor, the system, the versions, and how busy the machine was."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    processor = found[1] if found else platform.processor() or platform.machine()
    versions = {"Python": platform.python_version()}
    for result in (result for part in parts for result in part.results):
        versions |= result.versions
    return (
        f"{date.today()}, {processor}, {os.cpu_count()} cores, {platform.system()} "
        f"{platform.release()}. "
        f"{', '.join(f'{name} {version}' for name, version in versions.items())}. Load average, "
        f"this run's own process included, before and after: {' and '.join(loads)}."
    )


def markdown(lines: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(lines[0]) - 1)]
    return "\n".join(
        "| " + " | ".join(line).replace("\n", " ") + " |" for line in (lines[0], rule, *lines[1:])
    )


def by_axis(part: Part) -> dict[str, dict[str, dict[int, Row]]]:
    """{what grows: {contender: {size: row}}} of what ran."""
    axes: dict[str, dict[str, dict[int, Row]]] = {}
    for row in part.rows:
        name, size = row.case.split("=")
        if not row.error:
            axes.setdefault(name, {}).setdefault(row.contender, {})[int(size)] = row
    return axes


COLOURS = {  # minigrad stands out; the rest can be told apart by colour-blind eyes (Okabe and Ito)
    "numpy": "#999999", "minigrad": "#e69f00", "minigrad-fused": "#d55e00", "torch": "#56b4e9",
    "torch-fused": "#0072b2", "jax": "#009e73", "keras-tf": "#cc79a7", "keras-tf-xla": "#a0527f",
    "keras-jax": "#f0e442",
}  # fmt: skip


def bars(part: Part) -> Any:
    """CPU time of each contender, a panel for each case."""
    from matplotlib.figure import Figure

    cases = list(dict.fromkeys(row.case for row in part.rows))
    names = list(dict.fromkeys(row.contender for row in part.rows))
    drawing = Figure(figsize=(11, 0.36 * len(names) + 1.4), layout="constrained")
    panels = drawing.subplots(1, len(cases), sharey=True, squeeze=False)[0]
    for axes, case in zip(panels, cases, strict=True):
        rows = {
            row.contender: row.cpu * 1e3 for row in part.rows if row.case == case and not row.error
        }
        drawn = axes.barh(
            [names.index(name) for name in rows],
            list(rows.values()),
            color=[COLOURS[name] for name in rows],
        )
        axes.bar_label(drawn, [figure(value) for value in rows.values()], padding=3, fontsize=9)
        axes.set(title=case.upper(), xlabel="CPU ms, one core")
        axes.margins(x=0.18)
    panels[0].set_yticks(range(len(names)), [LABELS[name] for name in names])
    panels[0].invert_yaxis()
    drawing.suptitle(part.workload.title)
    return drawing


def curves(part: Part) -> Any:
    """CPU time and memory against each size, both axes logarithmic. Dotted: what grows in
    proportion to the size.
    """
    from matplotlib.figure import Figure

    growing = by_axis(part)
    drawing = Figure(figsize=(3.1 * len(growing) + 1, 6.2), layout="constrained")
    grid = drawing.subplots(2, len(growing), sharex="col", squeeze=False)
    shown = {}
    for column, (name, contenders) in enumerate(growing.items()):
        time, memory = grid[:, column]
        for contender, rows in contenders.items():
            style = {"color": COLOURS[contender], "marker": "o", "markersize": 4}
            sizes = list(rows)
            shown[LABELS[contender]] = time.loglog(
                sizes, [row.cpu * 1e3 for row in rows.values()], **style
            )[0]
            memory.loglog(sizes, [max(row.memory / 1e6, 0.1) for row in rows.values()], **style)
        for axes in (time, memory):
            low, high = axes.get_ylim()
            ends = [min(sizes), max(sizes)]
            middle = (low * high / ends[0] / ends[1]) ** 0.5
            axes.plot(ends, [middle * size for size in ends], ":", color="black", linewidth=1)
            axes.set_ylim(low, high)
            axes.grid(alpha=0.3)
        time.set_title(name)
    grid[0, 0].set_ylabel("CPU ms")
    grid[1, 0].set_ylabel("memory, MB")
    drawing.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=len(shown))
    return drawing


DRAWN = {
    "b": ("benchmarks.png", bars),
    "c": ("benchmarks_inference.png", bars),
    "d": ("benchmarks_growth.png", curves),
}
