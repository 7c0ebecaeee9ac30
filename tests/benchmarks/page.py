"""Save a run's results as docs/benchmarks/<processor>.json with a plot, and write docs/benchmarks.md
from the files of all processors, without measuring anything.
"""

import json
import os
import platform
import re
from contextlib import suppress
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from instructions import processor
from results import markdown, spread, table, target_table
from turns import Result, instruction_sets
from workloads import WORKLOADS

INTRODUCTION = """# Benchmarks

This page compares the speed of minigrad with hand-written NumPy code ("NumPy by hand" in the
tables), PyTorch, JAX, Keras and autograd. `make bench` installs the other libraries, runs all
benchmarks on your machine, and adds your processor to this page or replaces its figures. Machines
differ and timings are noisy, so compare only ratios from the same run.

## minigrad and the fastest other library

The table shows minigrad's time divided by the time of the fastest other library, on each processor
on which it was measured. Below 1, minigrad is faster. In brackets are the lower and the upper
quartile over the rounds. The fastest library differs from case to case. The section of each
processor names it, and says what its run left out.

Processors are named by their family and model (see /proc/cpuinfo on Linux), because the brand says
too little. On another processor called AMD EPYC, the ratio of the small GPT with context 64 was
1.05, not 0.68, and the ratio of the MLP 1.22, not 0.87. Its model was not recorded either.

{ratios}

## Method

Each contender runs in its own process with one thread. All processes are pinned to the same core
and take turns (A B C A B C ...). They use the same initial weights and the same batches of real
reviews. Times and ratios are medians over all rounds. The tables have these columns:

- *CPU ms* is the CPU time of the process, in milliseconds.
- *wall ms* is the elapsed time, in milliseconds.
- *to minigrad* is the contender's CPU time divided by minigrad's CPU time in the same round. If a
  benchmark includes a fused version of minigrad, this version's time is used. A case with two
  threads and a whole program may use all cores, and their ratios use elapsed times.
- *difference* is the largest difference between a contender's results and the first contender's
  results. For numbers larger than 1, it is a relative difference. A small value shows that both
  contenders do the same work.

The following three settings ensure that all contenders use the same update rules:

- Adam's eps is 1e-16. Keras adds eps in a different place, so the results would differ with the
  usual 1e-7.
- The second bias of PyTorch's nn.RNN and nn.LSTM remains zero. The sum of two trained biases would
  change twice as fast as a single bias.
- On TensorFlow, Keras's Adam receives the embedding's gradient as a dense array. If it received
  (row, value) pairs, it would square a row's values before it adds them.

"PyTorch, compiled" uses torch.compile for the model and its loss. It takes part in (i), in (k), and
with the MLP of (l). The other models contain nn.RNN, nn.GRU or nn.LSTM, which torch.compile does not
change. "JAX, one compiled step" compiles the whole training step, including clipping and the
optimizer. In (k), it takes part only with LeNet.
"""


def write(out, sizes):
    """Write the page to `out` from the JSON files in the folder next to it."""
    files = sorted(out.with_suffix("").glob("*.json"))
    found = [json.loads(file.read_text()) for file in files]
    lines = [INTRODUCTION.format(ratios=markdown(ratios(found)))]
    for one in found:
        lines += [f"## {one['processor']}\n", f"{one['machine']}\n"]
        lines += [markdown([["library", "instruction set"], *one["sets"]]), ""]
        if one["remarks"]:
            lines += [one["remarks"], ""]
        lines += [markdown(target_table(one["targets"])), ""]
    for workload in WORKLOADS:
        done = [one for one in found if workload.letter in one["tables"]]
        if done:
            text = workload.text.format(**vars(sizes)).strip()
            lines += [f"## {heading(workload)}\n", f"{text}\n"]
        for one in done:
            lines.append(f"**{one['processor']}**\n")
            name = f"{stem(one['processor'])}.png"
            if workload.letter == "d":
                alternative = f"{workload.title} on {one['processor']}"
                lines.append(f"![{alternative}]({out.stem}/{name})\n")
            if earlier := one.get("earlier", {}).get(workload.letter):
                lines.append(f"{earlier}\n")
            lines += [*one["tables"][workload.letter], ""]
    out.write_text("\n".join(lines).rstrip() + "\n")


def heading(workload):
    return f"({workload.letter}) {workload.title}"


def stem(name):
    return re.sub(r"\W+", "-", name.lower()).strip("-")


def ratios(found):
    """Return the rows of the first table, with a column for each processor."""
    lines = [["", *(one["processor"] for one in found)]]
    for workload in WORKLOADS:
        cells: dict[str, list[str]] = {}
        for column, one in enumerate(found):
            for target in one["targets"]:
                if target["letter"] == workload.letter and target["peer"]:
                    row = cells.setdefault(target["case"], [""] * len(found))
                    row[column] = spread(target["quartiles"])
        if cells:
            link = f"[{workload.title}](#{stem(heading(workload))})"
            lines.append([link, *[""] * len(found)])
        lines += [[case, *row] for case, row in cells.items()]
    return lines


def save(out, parts, targets):
    """Save a run's results for this processor, in the folder next to the page `out`. The results of
    sections that the run did not measure are kept, with the machine line of their own run.
    """
    name = processor()
    file = out.with_suffix("") / f"{stem(name)}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    here = machine()
    tables = {}
    for workload, results in parts:
        tables[workload.letter] = markdown(table(workload, results)).splitlines()
        done = [result for result in results if not result.error]
        if done and workload.letter == "d":
            curves(done).savefig(file.with_suffix(".png"), dpi=110)
    old = json.loads(file.read_text()) if file.exists() else {}
    kept = {
        letter: lines for letter, lines in old.get("tables", {}).items() if letter not in tables
    }
    earlier = {letter: old.get("earlier", {}).get(letter, old["machine"]) for letter in kept}
    targets = [one for one in old.get("targets", []) if one["letter"] in kept] + targets
    content = {
        "processor": name,
        "machine": here,
        "earlier": {letter: line for letter, line in earlier.items() if line != here},
        "sets": instruction_sets(),
        # written by hand; a run of all sections begins without remarks
        "remarks": old["remarks"] if kept else "",
        "targets": sorted(targets, key=lambda one: one["letter"]),
        "tables": kept | tables,
    }
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


LIBRARIES = {
    "minigrad-edu": "minigrad", "numpy": "NumPy", "torch": "PyTorch", "jax": "JAX",
    "autograd": "autograd", "keras": "Keras", "tensorflow-cpu": "TensorFlow", "tensorflow": "TensorFlow",
}  # fmt: skip


def machine():
    """Describe the system and the versions of the libraries."""
    system = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}"
    versions = [f"Python {platform.python_version()}"]
    for package, name in LIBRARIES.items():
        with suppress(PackageNotFoundError):
            versions.append(f"{name} {version(package)}")
    return f"Measured on {date.today()} on {system}, with {', '.join(versions)}."


COLOURS = {  # minigrad stands out; colour-blind readers can distinguish the others (Okabe and Ito)
    "numpy": "#999999", "minigrad": "#e69f00", "minigrad-fused": "#d55e00", "torch": "#56b4e9",
    "torch-fused": "#0072b2", "jax": "#009e73",
}  # fmt: skip


def grouped(results, key):
    groups: dict[Any, list[Result]] = {}
    for result in results:
        groups.setdefault(key(result), []).append(result)
    return groups


def curves(results):
    """Plot the CPU time against each size, with logarithmic axes."""
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
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
        axes.minorticks_off()
        axes.set(title=name)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("CPU ms")
    drawing.legend(lines.values(), lines, loc="outside lower center", ncols=len(lines))
    return drawing
