"""Collects what the page shows of a recorded graph, its values and gradients included, as plain JSON data.

Every gradient comes from the engine's own backward sweep. What a gate sends to each of its inputs is found by running
its rule once more, on the gradient from the sweep.
"""

import inspect
from collections import Counter
from operator import attrgetter
from typing import Any

import numpy as np

from .. import gates as engine
from ..backward import sweep
from ..derivatives import rule_on_arrays
from ..drawing.boxes import leaf_kind
from ..errors import OptionError
from ..fast.kernels import Array
from ..gate import Gate
from ..graph import Leaf, Node, ancestors
from .arrays import FEW, ArrayTable, numbers
from .convict import convicted
from .layout import Layout, arrange
from .replay import replay

LARGEST = 400_000
"""The most nodes and lines between them on a page: a browser opens that many in a few seconds."""

BRIEF = 2_000
"""In graphs of more gates than this arrays are shown more briefly: the page would be too large to open."""

MOST_SUMS = 20_000_000
"""The running sums of a gradient are stored if (its elements x its consumers) is at most this."""

LONGEST = 500
"""Names and other texts are cut off after this many characters."""


class _All:
    """Contains everything: tells the sweep to keep the gradient of each node."""

    def __contains__(self, node: object) -> bool:
        return True


def collect_graph(root: Node, upstream: Array, words: list[str], report: Any = None) -> dict[str, Any]:
    """All that the page shows of the graph behind `root`: nodes in serial order, arrays, gradients, layout, rules.

    With a `report`, also what the gates that it convicts should have sent.
    """
    nodes = ancestors([root], attrgetter("predecessors"))[::-1]
    _check_size(nodes)
    index = {node: number for number, node in enumerate(nodes)}
    gates = sum(node.gate is not None for node in nodes)
    arrays = ArrayTable(large_graph=gates > BRIEF)
    gradients = sweep(root, upstream, keep=_All())
    parts = {node: rule_on_arrays(node, gradients[node]) for node in reversed(nodes) if node.gate and node in gradients}
    sends = _sends(parts, arrays)
    measured = {} if report is None else convicted(report, nodes, gradients, parts)
    layout = arrange(nodes, index)
    rules: dict[str, dict[str, str]] = {}
    entries = []
    for number, node in enumerate(nodes):
        cell = layout.cells[number]
        entry: dict[str, Any] = {
            "kind": _kind(node),
            "value": arrays.add(node.output),
            "column": cell.column,
            "band": cell.band,
            "row": cell.row,
            "offset": cell.offset,
        }
        if node.gate is not None:
            entry["gate"] = node.gate.name
            entry["inputs"] = [index[parent] for parent in node.inputs]
            rule = node.gate.name
            if getattr(engine, rule, None) is not type(node.gate):  # a gate of the reader's own, whatever its name
                rule = entry["rule"] = f"{rule} of {type(node.gate).__module__}"
            if rule not in rules:
                rules[rule] = _rule(node.gate)
            if settings := _settings(node.gate):
                entry["settings"] = settings
        if node.scope:
            entry["scope"] = _short("/".join(node.scope))
        if node.name:
            entry["name"] = _short(node.name)
        if node.source:
            entry["source"] = _short(str(node.source))
        if node in gradients:
            entry["grad"] = arrays.add(gradients[node])
        elif node.requires_grad:
            entry["starved"] = True
        if node in sends:
            entry["sends"] = sends[node]
        if node in measured:
            entry["measured"] = [None if array is None else arrays.add(array) for array in measured[node]]
        if isinstance(node, Leaf):
            _describe_leaf(node, entry, index, gradients, arrays)
        entries.append(entry)
    return {
        "title": _short(root.name or (root.gate.name if root.gate else "")),
        "root": index[root],
        "upstream": arrays.add(np.asarray(upstream)),
        "gates": gates,
        "notes": _notes(gates, layout),
        "nodes": entries,
        "arrays": arrays.entries,
        "rules": rules,
        "columns": layout.columns,
        "bands": [{"label": _short(band["label"])} for band in layout.bands],
        "states": layout.states,
        "words": [_short(word) for word in words],
        "replay": replay(nodes, index, gradients, numbers(np.asarray(upstream))),
    }


def _check_size(nodes: list[Node]) -> None:
    lines = sum(len(node.inputs) for node in nodes)
    if len(nodes) + lines > LARGEST:
        raise OptionError(
            "MG807",
            f"this graph has {len(nodes):,} nodes and {lines:,} lines between them, more than the {LARGEST:,} in all "
            "that a page can show",
            cause="a browser takes minutes to open a larger page, or fails to",
            remedy="explore a part: fewer time steps, or a tensor from further inside the graph; mg.draw folds graphs "
            "of any size",
        )


def _notes(gates: int, layout: Layout) -> list[str]:
    """What the page leaves out because the graph is large, a sentence for each."""
    notes = []
    if gates > BRIEF:
        notes.append(
            f"In a graph of more than {BRIEF:,} gates, arrays of more than {FEW} elements are shown as range, mean and "
            "norm, without a heat map."
        )
    if layout.depth is not None:
        notes.append(f"There are too many scopes for a band each: those below depth {layout.depth} share one.")
    return notes


def _sends(parts: dict[Node, Any], arrays: ArrayTable) -> dict[Node, list[dict[str, int] | None]]:
    """For each gate, in the sweep's order: for each input what its rule sends ("part"), and the input's sum after it.

    None if an input gets no gradient. A dict is empty if the gate is the input's only consumer, so that the part is the
    input's gradient, or if the sums would be too large (MOST_SUMS).
    """
    uses = Counter(parent for node in parts for parent in node.inputs if parent.requires_grad)
    sums: dict[Node, Any] = {}
    result: dict[Node, list[dict[str, int] | None]] = {}
    for node, given in parts.items():
        sent: list[dict[str, int] | None] = []
        for parent, part in zip(node.inputs, given, strict=True):
            if part is None:
                sent.append(None)
                continue
            entry: dict[str, int] = {}
            sent.append(entry)
            if uses[parent] == 1:
                continue
            if part.size * uses[parent] > MOST_SUMS:
                continue
            sums[parent] = part if parent not in sums else sums[parent] + part
            entry["part"] = arrays.add(part)
            entry["sum"] = arrays.add(sums[parent])
        result[node] = sent
    return result


def _describe_leaf(
    leaf: Leaf, entry: dict[str, Any], index: dict[Node, int], gradients: dict[Node, Any], arrays: ArrayTable
) -> None:
    if leaf.cut_from is not None:
        entry["cut"] = index[leaf.cut_from]
    if leaf.origin not in ("created", "cut"):
        entry["origin"] = leaf.origin
    if leaf.grad is not None:
        stored = arrays.add(leaf.grad)
        # Several backward calls add up in .grad; the page shows only one of them, and says so.
        if stored != entry.get("grad"):
            entry["stored"] = stored


def _kind(node: Node) -> str:
    if not isinstance(node, Leaf):
        return "gate"
    return "cut" if node.origin == "cut" else leaf_kind(node)


def _rule(gate: Any) -> dict[str, str]:
    """Symbol and rule of a gate: the rule is the opening of the class's docstring, where the formulas are."""
    documented = next((base for base in type(gate).__mro__ if base is not Gate and base.__doc__), object)
    text = "" if documented is object else inspect.cleandoc(documented.__doc__ or "")
    opening = text.split(">>>")[0].split()
    return {"symbol": _short(str(getattr(gate, "symbol", ""))), "text": _short(" ".join(opening).replace("`", ""), 600)}


def _settings(gate: Any) -> str:
    text = repr(gate)
    return "" if text == f"{gate.name}()" else _short(text, 200)


def _short(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
