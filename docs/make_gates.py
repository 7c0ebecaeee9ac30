"""Writes docs/gates.md from the gates' own docstrings, so that the page cannot say what the code does not.

Run `python docs/make_gates.py` after changing a gate.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs/site")]

from docstrings import describe, gate_of, link_to_error, markdown  # noqa: E402

import minigrad as mg  # noqa: E402
from minigrad import gates  # noqa: E402
from minigrad.numpy_api import FUNCTIONS  # noqa: E402

PAGE = ROOT / "docs" / "gates.md"
ORDER = (
    "basic", "elementwise", "activation", "shape", "reduction", "indexing", "contraction", "rows", "loss", "recurrent",
)  # fmt: skip
OPERATORS = {
    np.add: "a + b", np.subtract: "a - b", np.multiply: "a * b", np.divide: "a / b", np.power: "a ** b",
    np.negative: "-x", np.matmul: "a @ b", np.abs: "abs(x)", np.ndarray.__getitem__: "x[key]", np.transpose: "x.T",
    np.reshape: "x.reshape(...)", np.swapaxes: "x.swapaxes(...)", np.clip: "x.clip(...)",
    np.ndarray.astype: "x.astype(...)",
}  # fmt: skip
INTRODUCTION = """# Gates

Every operation that minigrad records, in the words of its class (`python docs/make_gates.py` writes this page).
`z` is a gate's output, `dz` the upstream gradient dL/dz, and `da` stands for dL/da. Where shapes are broadcast, the
engine sums a gradient back to its input's shape. What is listed here records the gate when one of its inputs requires a
gradient; any other NumPy function on a Tensor raises MG118, and never drops a gradient silently.

Comparisons (`t > 0`, `np.argmax(t)`, `np.isfinite(t)`) give plain arrays: their results have no gradient to lose.
The examples run after `import numpy as np` and `from minigrad import *`.

| gate | symbol | recorded by |
|---|---|---|
"""
COMPOSITIONS = """
## What is composed of other gates

In a picture these show as the gates that they record, and not as a gate of their own:

| you write | it records |
|---|---|
| `np.square(x)` | Hadamard |
| `x.squeeze()` | Reshape |
| `mg.expand_dims(x, 0)` | Reshape |
| `x.swapaxes(0, 1)` | Transpose |
| `x.cumsum()` | Reshape, CumSum |
| `mg.take_along_axis(x, indices)` | Slice |
| `mg.split(x, 2)` | Slice, Slice |

All other functions and methods of the first table record one gate, also those that could be built from smaller ones,
such as softmax, var and logsumexp. A second derivative records what the rules are made of, gate by gate.
"""
OWN = """
## A gate of your own

One class is one operation: from it come the value, the gradient, the box in a drawing and the checks. `mg.gradcheck`
says whether its rule is right.

"""


def page() -> str:
    """The whole page as Markdown."""
    modules = [getattr(gates, name) for name in ORDER]
    parts = [INTRODUCTION, *(_row(gate) for module in modules for gate in _gates(module)), COMPOSITIONS]
    for module in modules:
        first, _, rest = (inspect.getdoc(module) or "").partition("\n\n")
        parts.append(f"\n## {re.split(r'[.] ?', first)[0]}\n" + (f"\n{markdown(rest)}\n" if rest else ""))
        parts += [_section(gate) for gate in _gates(module)]
    return "".join([*parts, OWN, markdown(inspect.getdoc(mg.Gate) or ""), "\n"])


def _gates(module: Any) -> list[type[mg.Gate]]:
    """The public gates of a module, in the order in which they stand there."""
    found: list[type[mg.Gate]] = [getattr(gates, name) for name in gates.__all__ if name in mg.GATES]
    return sorted((one for one in found if one.__module__ == module.__name__),
                  key=lambda one: inspect.getsourcelines(one)[1])  # fmt: skip


def recorders(gate: type[mg.Gate]) -> Iterator[str]:
    """All that a user can write to record a gate: functions of minigrad, operators, functions of NumPy."""
    for name in gates.__all__:
        function = getattr(gates, name)
        if not inspect.isclass(function) and gate_of(function) == gate.__name__:
            yield f"mg.{name}"
    mine = [known for known, function in FUNCTIONS.items() if gate_of(function) == gate.__name__]
    yield from (OPERATORS[known] for known in mine if known in OPERATORS)
    names = {"abs" if known is np.abs else known.__name__: known for known in mine}
    yield from (f"x.{name}()" for name, known in names.items() if known not in OPERATORS and hasattr(mg.Tensor, name))
    yield from (f"np.{name}" for name, known in names.items() if getattr(np, name, None) is known)


def _row(gate: type[mg.Gate]) -> str:
    by = ", ".join(f"`{one}`" for one in recorders(gate)) or f"`mg.{gate.__name__}`"
    return f"| [{gate.__name__}](#{gate.__name__.lower()}) | {gate.symbol} | {by} |\n"


def _section(gate: type[mg.Gate]) -> str:
    names = [re.sub(r": .*?(?= = |$)", "", str(one)) for one in inspect.signature(gate).parameters.values()]
    settings = ", ".join(names).replace(" = ", "=")
    facts = [f"`mg.{gate.__name__}({settings})`"]
    if gate.constant_inputs:
        places = " and ".join(str(place) for place in gate.constant_inputs)
        facts.append(f"no gradient for input {places}, counted from 0")
    if not gate.differentiable_twice:
        facts.append("no second derivative: `mg.opened` gives the same from smaller gates")
    parts = describe(gate)
    blocks = [f"### {gate.__name__}", f"{'; '.join(facts)}.", *map(markdown, parts.blocks)]
    labels = [label for label in ("Shapes", "Errors", "Source") if label in parts.labelled]
    shared = "\n".join(f"**{label}:** {markdown(parts.labelled[label])}" for label in labels)
    blocks.append(re.sub(r"MG\d{3}", lambda hit: link_to_error(hit[0], "errors.md"), shared))
    return "\n" + "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {sum(len(_gates(getattr(gates, name))) for name in ORDER)} gates")
