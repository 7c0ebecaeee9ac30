"""Measure the gradients that a page's wrong gates should send.

A gradient check found these gates. Each gate is measured separately, by central differences of its
forward pass in float64, weighted with the gradient that arrives at the gate on the page. A
difference is therefore caused by this gate and not by a gate that sent it a wrong gradient.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..debug.anomaly import title
from ..errors import OptionError
from ..gradient_checker import GradientReport
from ..gradient_checker.numeric import central
from ..gradient_checker.rules import NodeCheck
from ..graph import Array, Node

MOST_ELEMENTS = 2_000
"""The maximum size of an input to measure. Each element requires two calls to the gate."""


def wrong_gates(
    report: GradientReport,
    nodes: Sequence[Node],
    gradients: Mapping[Node, Any],
    sent: Mapping[Node, Sequence[Array | None]],
) -> dict[Node, list[Array | None]]:
    """Return the measured gradients of each wrong gate, one for each input.

    An entry is None if the gate sends the input no gradient, if the gradient was not measured, or
    if it agrees with the measurement.

    `gradients` are the gradients that arrive at the nodes. `sent` are the gradients that each
    gate's rule returns.

    Errors: OptionError MG808 if the report's wrong gate is not in this graph.
    """
    slip = report.slip
    if slip is None or not slip.is_rule:
        return {}
    wrong = {_kind(node) for node in (slip.node, *slip.others)}
    suspects = [node for node in nodes if node in sent and _kind(node) in wrong]
    if not suspects:
        raise OptionError(
            "MG808",
            f"the report finds an error in {title(slip.node, inside=True)}, but this graph has no such gate",
            cause="the report is for a different computation",
            remedy="check and explore the same function: mg.explore(f(*inputs), "
            "report=mg.gradcheck(f, *inputs))",
        )
    found = {}
    for node in suspects:
        dz = np.asarray(gradients[node])
        measured = [
            None if part is None else _measured(node, number, dz, part)
            for number, part in enumerate(sent[node])
        ]
        if any(array is not None for array in measured):
            found[node] = measured
    return found


def _kind(node: Node) -> tuple[str, str]:
    """Identify a gate's class by name, because a function may define a new class at each call."""
    return type(node.gate).__module__, type(node.gate).__qualname__


def _measured(
    node: Node,
    number: int,
    dz: Array,
    part: Array,
) -> Array | None:
    """Measure the gradient of one input by central differences.

    Returns None if the measurement agrees with `part`, or if the input is too large to measure.
    """
    if part.size > MOST_ELEMENTS:
        return None
    given = node.arrays[: len(node.inputs)]
    arrays = [array.astype(np.float64) if array.dtype.kind == "f" else array for array in given]
    check = NodeCheck(node, np.random.default_rng(0), arrays)
    with np.errstate(all="ignore"):
        slopes = [central(check.element(number, index), dz) for index in np.ndindex(part.shape)]
    measured = np.reshape(slopes, part.shape)
    tolerance = 1e-5 if part.dtype == np.float64 else 1e-3
    agrees = np.allclose(part, measured, rtol=tolerance, atol=tolerance)
    return None if agrees else measured.astype(part.dtype)
