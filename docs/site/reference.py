"""A Sphinx extension for the reference. It makes an entry for each listed public name from its
docstring.

    ```{reference} calculates
    minigrad.grad
    ```

This block becomes a table with one row for each name, followed by the entries. docstrings.py
generates the content of the entries.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import docstrings
from docstrings import (
    Docstring,
    describe,
    gate_of,
    lookup,
    markdown,
    members,
    parse,
    public_names,
    recorded_by,
    signature,
)
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import minigrad as mg


class Reference(SphinxDirective):
    """The directive `reference`: a table of the names in its body, and an entry for each name."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        names = [name for name in self.content if name]
        lines = [*_table(names), *(block for name in names for block in _entry(name))]
        found = self.parse_text_to_nodes("\n\n".join(lines))
        for signature_ in (one for node in found for one in node.findall(addnodes.desc_signature)):
            signature_["ids"] += sorted(_other_places(signature_["module"], signature_["fullname"]))
        return found


def _other_places(module: str, name: str) -> set[str]:
    """Return the additional anchors that viewcode needs to link back to an entry if its source file
    defines names of several public modules.
    """
    source = _source(lookup(f"{module}.{name.partition('.')[0]}"))
    others = {
        path.rpartition(".")[0] for path, one in public_names().items() if _source(one) == source
    }
    return {f"{other}.{name}" for other in others - {module}}


def _source(one: Any) -> str:
    """Return the name of the module that defines an object."""
    return mg.Gate.__module__ if one is mg.GATES else inspect.unwrap(one).__module__


def _table(names: list[str]) -> Iterator[str]:
    rows = "\n".join(
        f"* - {{py:obj}}`~{name}`\n  - {markdown(describe(lookup(name)).summary, name)}"
        for name in names
    )
    yield f"````{{list-table}}\n:width: 100%\n\n{rows}\n````"


def _entry(name: str) -> Iterator[str]:
    one = lookup(name)
    module, _, short = name.rpartition(".")
    error = inspect.isclass(one) and issubclass(one, Exception)
    kind = "function"
    if one is mg.GATES:
        kind = "data"
    elif inspect.isclass(one):
        kind = "exception" if error else "class"
    yield f"``````{{py:{kind}}} {short}{signature(one)}\n:module: {module}\n"
    if gate := gate_of(one):
        yield _records(gate)
    yield from _body(describe(one), name)
    if error:
        titles = docstrings.error_titles()
        yield "\n".join(
            f"- {docstrings.link_to_error(code)} {titles[code]}" for code in docstrings.codes(one)
        )
    elif inspect.isclass(one):
        for member, value in members(one):
            yield from _member(member, value, name)
    yield "``````"


def _member(member: str, value: Any, name: str) -> Iterator[str]:
    function = getattr(value, "fget", None) or getattr(value, "__func__", value)
    kind, arguments = (
        ("property", "") if isinstance(value, property) else ("method", signature(function))
    )
    flag = f"\n:{type(value).__name__}:\n" if isinstance(value, classmethod | staticmethod) else ""
    yield f"`````{{py:{kind}}} {member}{arguments}{flag}"
    if function.__doc__:
        yield from _body(parse(inspect.getdoc(function) or ""), name)
    else:
        gate = recorded_by(value)
        yield _records(gate) if gate else f"As `np.ndarray.{member}`."
    yield "`````"


def _body(parts: Docstring, name: str) -> Iterator[str]:
    yield from (markdown(block, name) for block in parts.blocks)
    for label in ("Shapes", "Errors", "Source", "Since"):
        if label in parts.labelled:
            yield f"**{label}:** {markdown(parts.labelled[label], name, names=label == 'Errors')}"


def _records(gate: str) -> str:
    return f"Records {{py:obj}}`{gate} <minigrad.{gate}>`."


def defining_module(app: Sphinx, module: str, name: str) -> str:
    """Return the module that defines a name, for viewcode. The package only re-exports the name."""
    return _source(lookup(f"{module}.{name.partition('.')[0]}"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Set up the extension. Called by Sphinx."""
    app.setup_extension("sphinx.ext.viewcode")
    app.add_directive("reference", Reference)
    app.connect("viewcode-follow-imported", defining_module)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
