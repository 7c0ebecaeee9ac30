"""A Sphinx extension that adds two lists to docs/gates.md. It makes the lists from the gates'
docstrings.

The comments `<!-- every gate in a line -->` and `<!-- every gate in a section -->` on that page
mark where the lists are inserted.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import numpy as np
from docstrings import describe, gate_of, link_to_error, markdown, recorded_by, signature
from sphinx.application import Sphinx

import minigrad as mg
from minigrad import gates
from minigrad.numpy_api import FUNCTIONS, ArrayMethods

ORDER = (
    "basic", "elementwise", "activation", "shape", "reduction", "indexing", "contraction", "convolution", "rows",
    "loss", "fused",
)  # fmt: skip
OPERATORS = {
    np.add: "a + b", np.subtract: "a - b", np.multiply: "a * b", np.divide: "a / b", np.power: "a ** b",
    np.negative: "-x", np.matmul: "a @ b", np.abs: "abs(x)", np.transpose: "x.T",
}  # fmt: skip
METHODS = {"__getitem__": "x[key]"} | {
    name: f"x.{name}({'...' if name in ('reshape', 'swapaxes', 'clip', 'astype') else ''})"
    for name in ArrayMethods.__annotations__
    if not name.startswith("_")
    and callable(getattr(mg.Tensor, name, None))
    and name not in ("abs", "transpose")
}


def public_gates() -> dict[str, list[type[mg.Gate]]]:
    """Return {module or folder: its public gates}, in the order of the source code."""
    public = [getattr(gates, name) for name in gates.__all__ if name in mg.GATES]
    public.sort(key=lambda gate: inspect.getsourcelines(gate)[1])
    return {
        name: [gate for gate in public if gate.__module__.split(".")[2] == name] for name in ORDER
    }


def recorders(gate: type[mg.Gate]) -> Iterator[str]:
    """Yield the expressions that record a gate: minigrad functions, operators, methods and NumPy
    functions.
    """
    for name in gates.__all__:
        function = getattr(gates, name)
        if not inspect.isclass(function) and gate_of(function) == gate.__name__:
            yield f"mg.{name}"
    mine = [known for known, function in FUNCTIONS.items() if gate_of(function) == gate.__name__]
    yield from (OPERATORS[known] for known in mine if known in OPERATORS)
    methods = ((recorded_by(getattr(mg.Tensor, name)), call) for name, call in METHODS.items())
    yield from (call for recorded, call in methods if recorded == gate.__name__)
    names = {"abs" if known is np.abs else known.__name__: known for known in mine}
    yield from (f"np.{name}" for name, known in names.items() if getattr(np, name, None) is known)


def lines() -> str:
    """Return a table with one row for each gate."""
    rows = ["| gate | symbol | recorded by |", "|---|---|---|"]
    for gate in (gate for found in public_gates().values() for gate in found):
        by = ", ".join(f"`{one}`" for one in recorders(gate)) or f"`mg.{gate.__name__}`"
        rows.append(f"| [{gate.__name__}](#{gate.__name__.lower()}) | {gate.symbol} | {by} |")
    return "\n".join(rows)


def sections() -> str:
    """Return a chapter for each module, with a section for each gate. Links can point to a gate's
    entry.
    """
    parts = []
    for name, found in public_gates().items():
        title, _, rest = (inspect.getdoc(getattr(gates, name)) or "").partition("\n\n")
        parts += [
            f"## {re.split(r'[.] ?', title)[0]}",
            markdown(rest),
            *map(section, found),
        ]
    return "\n\n".join(parts)


def section(gate: type[mg.Gate]) -> str:
    """Return the section of a gate, which contains its signature and its docstring."""
    facts = []
    if gate.constant_inputs:
        places = " and ".join(str(place) for place in gate.constant_inputs)
        facts.append(f"No gradient for input {places} (counted from 0).")
    if not gate.differentiable_twice:
        facts.append(
            "No second derivative. To compute one, replace this gate by smaller gates with `mg.unfuse`."
        )
    entry = f"```{{py:class}} {gate.__name__}{signature(gate)}\n:module: minigrad\n```"
    parts = describe(gate)
    labels = [label for label in ("Shapes", "Errors", "Source", "Since") if label in parts.labelled]
    shared = "\n".join(f"**{label}:** {markdown(parts.labelled[label])}" for label in labels)
    shared = re.sub(
        r"MG\d{3}",
        lambda code: link_to_error(code[0], "errors.md"),
        shared,
    )
    return "\n\n".join(
        [
            f"### {gate.__name__}",
            entry,
            *facts,
            *map(markdown, parts.blocks),
            shared,
        ]
    )


def page(text: str) -> str:
    """Insert the lists into the page."""
    text = text.replace("<!-- every gate in a line -->", lines())
    return text.replace("<!-- every gate in a section -->", sections())


def add_lists(
    app: Sphinx,
    document: str,
    source: list[str],
) -> None:
    """Insert the lists when Sphinx reads the page."""
    if document == "gates":
        source[0] = page(source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Set up the extension. Called by Sphinx."""
    app.connect("source-read", add_lists)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
