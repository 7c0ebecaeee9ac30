"""Faults of backward rules that the user wrote: each rule is compared with finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from minigrad.errors import MinigradError
from minigrad.graph import Node

from .evidence import Evidence
from .finding import Finding, Findings, number
from .watch import Line

HARMLESS = ("ties not shared", "nothing for ties", "state kept between calls")
"""Mistakes that the checker finds by calling the gate in ways in which a run rarely calls it."""


def wrong_rule(e: Evidence) -> Findings:
    """A wrong backward rule often still trains, but along another direction than the gradient.

    The rule of each of the program's own gates is checked on the values that the first pass had.
    """
    checked = set()
    for node in e.nodes:
        kind = type(node.gate)
        use = kind, tuple(one.requires_grad for one in node.inputs)
        own = node.gate is not None and not kind.__module__.startswith("minigrad.")
        if not own or use in checked:
            continue
        checked.add(use)
        mistake = _mistake(e, node)
        if mistake is None:
            continue
        rule = kind.backward.__code__
        found = mistake.failure
        if not found:
            found = (
                f"the rule gives {number(mistake.recorded)} where finite differences give "
                f"{number(mistake.numeric)}"
            )
        if mistake.kind != "unrecognised":
            found += f" ({mistake.sentence})"
        yield Finding(
            "wrong-rule",
            f"the backward rule of {kind.__name__} is wrong: for input {mistake.input or 0}, {found}",
            "all parameters before this gate follow a direction that is not the gradient",
            f"correct {kind.__name__}.backward; mg.gradcheck({kind.__name__}(), ...) checks it",
            Line(rule.co_filename, rule.co_firstlineno),
            e.layer(node).path,
        )


def _mistake(e: Evidence, node: Node) -> Any:
    """Return the mistake in a gate's rule, or None if the rule is right or cannot be checked."""
    arrays = [e.first.outputs[one] for one in node.inputs]
    places = [n for n, one in enumerate(node.inputs) if one.requires_grad]

    def call(*tensors: mg.Tensor) -> mg.Tensor:
        inputs: list[Any] = list(arrays)
        for place, tensor in zip(places, tensors, strict=True):
            inputs[place] = tensor
        output: mg.Tensor = node.gate(*inputs)
        return output

    tensors = [mg.Tensor(arrays[n].astype(np.float64), requires_grad=True) for n in places]
    try:
        once, twice = call(*tensors).array, call(*tensors).array
        if not np.array_equal(once, twice) or _on_purpose(call, tensors, once):
            return None
        mistake = mg.gradcheck(call, *tensors, fast=True).slip
    except MinigradError:
        return None
    return None if mistake is None or mistake.kind in HARMLESS else mistake


def _on_purpose(call: Any, tensors: list[mg.Tensor], output: Any) -> bool:
    """Return whether a gate may have another rule than its derivative on purpose: it passes its input
    on, and may reverse or clip gradients, or it is a step function, whose derivative is 0.
    """
    if any(np.array_equal(output, tensor.array) for tensor in tensors):
        return True
    moved = [mg.Tensor(tensor.array * (1 + 1e-9)) for tensor in tensors]
    return np.array_equal(call(*moved).array, output)


SUSPECTS = (wrong_rule,)
