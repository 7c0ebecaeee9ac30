"""Finds the gates of a page whose rule a gradient check convicted, and measures what they should
have sent.

Each convicted gate is measured alone: its forward by central differences in float64, weighted with
the gradient that arrives at it on the page. So a number that differs is this gate's own doing, not
that of a gate before it.
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
"""Of an input: a larger one is not measured, for each element takes two calls of the gate."""


def convicted(
    report: GradientReport,
    nodes: Sequence[Node],
    gradients: Mapping[Node, Any],
    sent: Mapping[Node, Sequence[Array | None]],
) -> dict[Node, list[Array | None]]:
    """The measured gradients of each convicted gate, one for each input; None where nothing is sent
    or measured.

    `gradients` are those that arrive, `sent` what each gate's rule makes of them.

    Errors: OptionError MG808 for a report whose wrong gate is not in this graph.
    """
    slip = report.slip
    if slip is None or not slip.is_rule:
        return {}
    wrong = {_kind(node) for node in (slip.node, *slip.others)}
    suspects = [node for node in nodes if node in sent and _kind(node) in wrong]
    if not suspects:
        raise OptionError(
            "MG808",
            f"the report convicts {title(slip.node)}, and this graph has no such gate",
            cause="it is a report on another computation",
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
    """A gate's class by name: a function that defines a class makes a new one at each call."""
    return type(node.gate).__module__, type(node.gate).__qualname__


def _measured(node: Node, number: int, dz: Array, part: Array) -> Array | None:
    """The gradient of one input by central differences; None if `part` agrees, or if it is too
    large to measure.
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
