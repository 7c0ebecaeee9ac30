"""Collect the page's data for a recorded graph, with its values and gradients, as plain JSON.

Every gradient comes from the engine's own backward sweep. The gradient that a gate sends to each of
its inputs is found by applying the gate's rule again to the gradient from the sweep.
"""

from collections import Counter
from typing import Any

import numpy as np

from .. import gates as engine
from ..backward import sweep
from ..derivatives import rule_on_arrays
from ..drawing.boxes import history, leaf_kind
from ..errors import OptionError
from ..gate import Gate
from ..gates.fused.transformer import ScaledDotProductAttention
from ..gates.fused.unfuse import UNFUSED
from ..graph import Array, Leaf, Node
from .arrays import FEW, PIXELS, WEIGHTS, ArrayTable, Json, numbers
from .layout import arrange
from .replay import replay
from .wrong_gates import wrong_gates

LARGEST = 400_000
"""The maximum number of nodes and lines on a page. A browser opens a page of this size in a few
seconds.
"""

BRIEF = 2_000
"""In graphs with more gates than this, fewer arrays are shown in full. Otherwise the page would be
too large to open.
"""

BRIEFLY = (
    f"In a graph of more than {BRIEF:,} gates, arrays of more than {FEW} elements are shown as "
    "a range, mean and norm."
)

LONGEST = 800
"""The maximum length of names and other text, in characters. Longer text is cut off."""


def collect_graph(root: Node, upstream: Array, words: list[str], report: Any = None) -> Json:
    """Return the page's data: nodes in serial order, arrays, gradients, layout and rules.

    With a `report`, the data also contains the measured gradients of the gates that the report
    identifies as wrong.
    """
    nodes = history([root])
    _check_size(nodes)
    index = {node: number for number, node in enumerate(nodes)}
    gates = sum(node.gate is not None for node in nodes)
    arrays = ArrayTable(large_graph=gates > BRIEF)
    gradients = sweep(root, upstream, keep=index)
    parts = {}
    for node in reversed(nodes):
        if node.gate and node in gradients:
            parts[node] = rule_on_arrays(node, gradients[node])
    sends = _sends(parts, arrays)
    measured = {} if report is None else wrong_gates(report, nodes, gradients, parts)
    layout = arrange(nodes)
    rules = {}
    entries = []
    for node, cell in zip(nodes, layout.cells, strict=True):
        gate = node.gate
        entry: Json = {
            "kind": "gate" if gate else leaf_kind(node),
            "value": arrays.add(node.output),
            "column": cell.column,
            "band": cell.band,
            "row": cell.row,
            "offset": cell.offset,
        }
        if gate:
            rule = entry["gate"] = gate.name
            entry["inputs"] = [index[parent] for parent in node.inputs]
            # A user-defined gate may have the same name as one of minigrad's gates.
            if getattr(engine, rule, None) is not type(gate):
                rule = entry["rule"] = f"{rule} of {type(gate).__module__}"
            if rule not in rules:
                rules[rule] = _rule(gate)
            if repr(gate) != f"{gate.name}()":
                entry["settings"] = _short(repr(gate))
        texts = {
            "scope": "/".join(node.scope),
            "name": node.name,
            "source": node.source,
        }
        entry |= {key: _short(str(text)) for key, text in texts.items() if text}
        if isinstance(gate, ScaledDotProductAttention):
            q, k, _, *mask = node.arrays
            weights = gate.weights(q, k, *mask).array
            entry["saved"] = ["A: the attention weights", arrays.add(weights, WEIGHTS)]
        if isinstance(gate, engine.Softmax) and node.shape[-1:] == node.shape[-2:-1]:
            arrays.add(node.output, WEIGHTS)
        if node in gradients:
            entry["grad"] = arrays.add(gradients[node])
        elif node.requires_grad:
            entry["starved"] = True
        if node in sends:
            entry["sends"] = sends[node]
        if isinstance(gate, engine.Windows | engine.Convolve):
            entry["window"] = vars(gate)
            for image in (node, *node.inputs):
                arrays.add(image.output, PIXELS)
                if image in gradients:
                    arrays.add(gradients[image], PIXELS)
        if node in measured:
            entry["measured"] = [
                None if array is None else arrays.add(array) for array in measured[node]
            ]
        if isinstance(node, Leaf):
            if node.cut_from:
                entry["kind"] = "cut"
                entry["cut"] = index[node.cut_from]
            elif node.origin != "created":
                entry["origin"] = node.origin
            # The page shows one backward call, but .grad may be the sum of several calls. If they
            # differ, the page also shows .grad.
            if node.grad is not None and (stored := arrays.add(node.grad)) != entry.get("grad"):
                entry["stored"] = stored
        entries.append(entry)
    upstream = np.asarray(upstream)
    return {
        "title": _short(root.name or (root.gate.name if root.gate else "")),
        "root": index[root],
        "upstream": arrays.add(upstream),
        "notes": [BRIEFLY] if gates > BRIEF else [],
        "nodes": entries,
        "arrays": arrays.entries,
        "rules": rules,
        "columns": layout.columns,
        "bands": [
            {"scope": _short("/".join(scope)), "title": title} for scope, title in layout.bands
        ],
        "words": list(map(_short, words)),
        "replay": replay(nodes, index, numbers(upstream)),
    }


def _check_size(nodes: list[Node]) -> None:
    lines = sum(len(node.inputs) for node in nodes)
    if len(nodes) + lines > LARGEST:
        raise OptionError(
            "MG807",
            f"this graph has {len(nodes):,} nodes and {lines:,} lines between them, but a page "
            f"can show at most {LARGEST:,} in total",
            cause="a browser takes minutes to open a larger page, or cannot open it at all",
            remedy="explore fewer time steps or an intermediate tensor, or use mg.draw, which "
            "folds graphs of any size",
        )


def _sends(parts: dict[Node, Any], arrays: ArrayTable) -> dict[Node, list[dict[str, int] | None]]:
    """Return one entry for each input of each gate, with the gates in the sweep's order.

    - None if the gate sends the input no gradient.
    - An empty dict if the gate is the input's only consumer. The gate then sends the input's whole
      gradient.
    - Otherwise, the gradient that the gate sends ("part") and the running sum at the input ("sum").
    """
    uses = Counter(parent for node in parts for parent in node.inputs if parent.requires_grad)
    sums: dict[Node, Any] = {}
    sends = {}
    for node, given in parts.items():
        sent: list[dict[str, int] | None] = []
        for parent, part in zip(node.inputs, given, strict=True):
            if part is None:
                sent.append(None)
            elif uses[parent] == 1:
                sent.append({})
            else:
                sums[parent] = sums[parent] + part if parent in sums else part
                sent.append({"part": arrays.add(part), "sum": arrays.add(sums[parent])})
        sends[node] = sent
    return sends


def _rule(gate: Any) -> dict[str, str]:
    """Return a gate's symbol and rule.

    The rule is the first part of the class's docstring, which contains the formulas.
    """
    classes = type(gate).__mro__
    own = classes[: classes.index(Gate)]
    text = next((cls.__doc__ for cls in own if cls.__doc__), "")
    opening = " ".join(text.split(">>>")[0].split()).replace("`", "")
    if type(gate) in UNFUSED:
        opening += " (mg.unfuse splits this gate into small gates.)"
    return {
        "symbol": _short(str(getattr(gate, "symbol", ""))),
        "text": _short(opening),
    }


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
