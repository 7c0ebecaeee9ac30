"""Write docs/benchmarks.md and its plots from the results of a run. Measures nothing itself."""

import os
import platform
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from results import figure, markdown, table
from turns import Result
from workloads import Workload

Part = tuple[Workload, Sequence[Result]]

INTRODUCTION = """# Benchmarks

This page compares the speed of minigrad with NumPy by hand, PyTorch, JAX, Keras and autograd.
`{command}` generated it. `make bench` installs the other libraries and runs all benchmarks on your
machine. Compare only ratios from the same run, because machines differ and timings are noisy.

{machine}

## Method

Each contender runs in its own process with one thread. All processes are pinned to the same core
and take turns (A B C A B C ...). They use the same initial weights and the same batches of real
reviews. The tables show medians over the rounds: *CPU ms* is the CPU time of the process, and *wall
ms* the elapsed time. *To minigrad* is the CPU time divided by that of minigrad in the same round
(with fused gates, where they exist). A case with two threads may use all cores, and its ratio
compares elapsed times. *Difference* is the largest difference between the numbers that a contender
and the first contender computed. It shows that all of them do the same work.

Three settings make the update rules equal:

- Adam's eps is 1e-16. Keras adds eps in a different place, and the usual 1e-7 would make results
  differ.
- The second bias of PyTorch's nn.RNN and nn.LSTM stays zero. Two trained biases would change twice
  as fast as one.
- On TensorFlow, Keras's Adam receives the embedding's gradient as a dense array. With (row, value)
  pairs, it would square the values of a row before it adds them up.

torch.compile is not included, because it does not change nn.RNN, nn.GRU and nn.LSTM.
"""


def write(out, parts, sizes, reached, command):
    """Write the page to `out`, and its plots to the folder `images` next to it."""
    (out.parent / "images").mkdir(parents=True, exist_ok=True)
    lines = [INTRODUCTION.format(command=command, machine=machine())]
    lines += ["## Targets\n", markdown(reached)]
    for workload, results in parts:
        text = workload.text.format(**vars(sizes)).strip()
        lines += [f"\n## ({workload.letter}) {workload.title}\n", f"{text}\n"]
        done = [result for result in results if not result.error]
        if done and workload.letter in DRAWN:
            name, draw = DRAWN[workload.letter]
            drawing = draw(done)
            drawing.suptitle(workload.title)
            drawing.savefig(out.parent / "images" / name, dpi=110)
            lines.append(f"![{workload.title}](images/{name})\n")
        lines.append(markdown(table(workload, results)))
    out.write_text("\n".join(lines) + "\n")


LIBRARIES = "minigrad-edu numpy torch jax autograd keras tensorflow-cpu tensorflow".split()


def machine():
    """The processor, the system and the versions."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    processor = found[1] if found else platform.processor()
    system = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}"
    versions = [f"Python {platform.python_version()}"]
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            versions.append(f"{name} {version(name)}")
    return f"{date.today()}, {processor}, {system}. {', '.join(versions)}."


COLOURS = {  # minigrad stands out; the rest can be told apart by colour-blind eyes (Okabe and Ito)
    "numpy": "#999999", "minigrad": "#e69f00", "minigrad-fused": "#d55e00", "torch": "#56b4e9",
    "torch-fused": "#0072b2", "jax": "#009e73", "keras-tf": "#cc79a7", "keras-tf-xla": "#a0527f",
    "keras-jax": "#f0e442",
}  # fmt: skip


def grouped(results, key):
    groups: dict[Any, list[Result]] = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    return groups


def bars(results):
    """CPU time of each contender, a panel for each case."""
    from matplotlib.figure import Figure

    cases = grouped(results, lambda result: result.case)
    drawing = Figure(figsize=(11, 4.6), layout="constrained")
    panels = drawing.subplots(1, len(cases), sharey=True, squeeze=False)[0]
    for axes, (case, rows) in zip(panels, cases.items(), strict=True):
        times = [result.median("cpu") * 1e3 for result in rows]
        labels = [result.contender.label for result in rows]
        drawn = axes.barh(labels, times, color=[COLOURS[one.contender.name] for one in rows])
        axes.bar_label(drawn, map(figure, times), padding=3, fontsize=9)
        axes.set(title=case.upper(), xlabel="CPU ms, one core")
        axes.margins(x=0.18)
    panels[0].invert_yaxis()
    return drawing


def curves(results):
    """CPU time against each size, both axes logarithmic."""
    from matplotlib.figure import Figure

    growing = grouped(results, lambda result: result.case.partition("=")[0])
    drawing = Figure(figsize=(3.1 * len(growing) + 1, 3.6), layout="constrained")
    panels = drawing.subplots(1, len(growing), squeeze=False)[0]
    lines = {}
    for axes, (name, of_size) in zip(panels, growing.items(), strict=True):
        for contender, rows in grouped(of_size, lambda result: result.contender).items():
            sizes = [int(result.case.partition("=")[2]) for result in rows]
            times = [result.median("cpu") * 1e3 for result in rows]
            color = COLOURS[contender.name]
            (lines[contender.label],) = axes.loglog(sizes, times, "o-", color=color)
        axes.set(title=name)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("CPU ms")
    drawing.legend(lines.values(), lines, loc="outside lower center", ncols=len(lines))
    return drawing


DRAWN = {
    "b": ("benchmarks.png", bars),
    "c": ("benchmarks_inference.png", bars),
    "d": ("benchmarks_growth.png", curves),
}
