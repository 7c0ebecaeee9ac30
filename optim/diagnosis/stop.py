"""A run that stopped with an error: the line, and for a number that is not finite, the gate that
computed it.
"""

from __future__ import annotations

import numpy as np

from minigrad.debug.anomaly import strange_node
from minigrad.errors import MinigradError
from minigrad.graph import Node, ancestors

from ..lazy import values
from .evidence import Evidence, Look
from .finding import Finding, number
from .reading import key, name, origin
from .trial import Repeated, Trial
from .watch import raising_line

CAUSES = {
    "Log": "the logarithm of 0 is -inf, and a negative number has none",
    "Divide": "a number is divided by 0",
    "Exp": "e to the power of a large number exceeds the largest number of its dtype",
}
REMEDIES = {
    "Log": "use the losses that take logits, or mg.clip the input from below, for example at 1e-7",
    "Divide": "add a small number such as 1e-7 to the denominator",
    "Exp": "subtract the largest input first, or use mg.softmax and the losses that take logits",
}
GROWN = 100
"""Parameters that have grown by this factor have been thrown out of range by long steps."""


def error_finding(e: Evidence) -> Finding | None:
    """Turn an error of minigrad that stopped the script into a finding."""
    error = e.watch.error
    if e.watch.strange is not None:
        return _not_finite(e, e.watch.strange)
    if not isinstance(error, MinigradError):
        return None
    line = raising_line(error)
    path = ""
    last = e.watch.calls[-1].node if e.watch.calls else None
    if last is not None:
        path, _, made = e.layer(origin(last))
        if made is not None:
            path += f", made in {made}"
    what = f"the run stopped: {error.what} [{error.code}]"
    return Finding("stopped", what, error.cause, error.remedy, line, path)


def _not_finite(e: Evidence, node: Node) -> Finding:
    """Name the gate that computed the first number that is not finite, and its inputs."""
    assert e.watch.failed is not None
    what = strange_node(node)
    effect = CAUSES.get(name(node), "the result is too large, or undefined for this input")
    remedy = REMEDIES.get(name(node), "lower the learning rate, or scale the inputs")
    steep = _steep_gate(e) if node in e.watch.first else None
    if steep is not None:
        node, smallest = steep
        what = (
            f"a parameter is not finite, because the backward rule of {name(node)} returned a gradient "
            f"that is not finite in the step before, for an input of {number(smallest)}"
        )
        effect = "the derivative is infinite there, as of a root, a logarithm or a norm at 0"
        remedy = "keep the input away from this point, for example by adding a small number"
    if _growth(e) > GROWN:
        effect += (
            f", after the parameters have grown to {number(_growth(e))} times their first size"
        )
        remedy = "use a much smaller learning rate, or clip the gradients"
    _, line = e.watch.failed
    step = len(e.losses) + 1
    finding = Finding("not-finite", f"the run stopped in step {step}: {what}", effect, remedy, line)
    for one in e.nodes:
        if one.gate and key(one) == key(node):
            finding.line = e.caller(one)
            finding.layer = e.layer(one).path
            break
    return finding


def _growth(e: Evidence) -> float:
    """Return how many times as large as at the start the parameters are."""
    first = max((np.abs(array).max(initial=0) for array in e.watch.first.values()), default=0)
    now = [np.abs(values(leaf)) for leaf in e.watch.first]
    last = max((array.max(initial=0, where=np.isfinite(array)) for array in now), default=0)
    return float(last / first) if first else 1.0


def _steep_gate(e: Evidence) -> tuple[Node, float] | None:
    """Repeat the run. In the last step, find the first gate whose rule returned a gradient that is
    not finite, although it received a finite one. Return it, and its smallest input.
    """
    looks: list[Look] = []

    def remember(made: Repeated, root: Node) -> float:
        look = Look(root, made)
        assert look.gradients  # computed now, because the next step changes the parameters
        looks.append(look)
        del looks[:-2]
        return made[root].item()

    e.attempt(Trial(measure=remember))
    if len(looks) < 2:
        return None
    look = looks[0]  # the second one is of the pass that failed
    for node in ancestors([look.root]):
        arrived = look.gradients.get(node)
        if arrived is None or not np.isfinite(arrived).all():
            continue
        for one in node.inputs:
            sent = look.gradients.get(one)
            if sent is not None and not np.isfinite(sent).all():
                return node, float(np.abs(look.outputs[node.inputs[0]]).min())
    return None
