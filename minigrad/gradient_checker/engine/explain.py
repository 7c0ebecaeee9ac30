"""Name the probable mistake: in an operation's rule, or in the order and the sums of backward."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ...gate import Gate
from ...graph import Array
from ...tensor import Tensor
from ..guess import recognise
from ..rules import NodeCheck
from .disagreement import Disagreement
from .operations import PAIRS, Operation, function, nice
from .programs import NEW, Program
from .target import Engine

SCALED = ("{0} * {1}", "{1} * {0}", "{0} / {1}")
"""Expressions with the gradient dz for z, or 1 / dz."""

RESULTS = ("{0}", "-{0}", "{1}", "{0} + {1}", "{0} - {1}", "{1} - {0}", "{0} * {1}", "{0} / {1}", "{1} / {0}")
"""Results that an operation may have by mistake."""


def explain(engine: Engine, found: Disagreement, rng: np.random.Generator) -> None:
    """Set the sentence of a disagreement to the mistake that explains the operation's rule."""
    operation, _ = found.program.steps[0]
    if found.program.calls == NEW:
        found.kind = "= where += belongs"
        found.sentence = "the rule uses = instead of +=, so earlier gradients are lost"
    elif found.in_backward:
        leaves = found.program.leaves[: operation.count]
        if operation.method == "__matmul__":
            leaves = tuple(nice(rng, (3, 3)) for _ in leaves)
        with suppress(Exception):  # an engine may fail in any way
            gate = _Rule(engine, operation, _scaling(engine, operation, leaves))
            tensors = [Tensor(array.astype(float), requires_grad=True) for array in leaves]
            check = NodeCheck(gate(*tensors).node, rng)
            mistake = check.slip()
            if mistake:
                recognise(check, mistake)
                if mistake.kind != "unrecognised":
                    found.kind, found.sentence = mistake.kind, mistake.sentence


class _Rule(Gate):
    """An operation as a gate: minigrad's result, and the gradients that the engine finds."""

    def __init__(self, engine: Engine, operation: Operation, scale: Operation | None) -> None:
        self.engine, self.operation, self.scale = engine, operation, scale

    def forward(self, *arrays: Array) -> Array:
        return np.asarray(self.operation(*map(Tensor, arrays)).array)

    def backward(self, dz: Any, z: Any, *arrays: Any) -> Any:
        count = len(arrays)
        steps: list[Any] = [(self.operation, tuple(range(count)))]
        leaves = [*arrays]
        if self.scale:
            leaves.append(1 / dz if "/" in self.scale.text else dz)
            steps.append((self.scale, (count + 1, count)))
        _, found, _ = self.engine.run(Program(tuple(leaves), tuple(steps)))
        gradients = [np.zeros(()) if one is None else one for one in found[:count]]
        if self.scale is None:  # then only elementwise operations can be explained
            return tuple(gradient * dz for gradient in gradients)
        return tuple(
            np.broadcast_to(gradient, array.shape) if gradient.size == 1 else gradient
            for gradient, array in zip(gradients, arrays, strict=True)
        )


def _scaling(engine: Engine, operation: Operation, leaves: Sequence[Array]) -> Operation | None:
    """Return an operation that multiplies by dz, and whose gradient is right for these shapes."""
    z = operation(*(Tensor(leaf.astype(float)) for leaf in leaves)).array
    dz = np.linspace(1.5, 0.5, z.size).reshape(z.shape)
    for text in SCALED:
        scale = Operation(text, "", PAIRS)
        engine.functions[scale] = function(text, {})
        with suppress(Exception):
            factor = 1 / dz if "/" in text else dz
            _, (first, _), _ = engine.run(Program((z, factor), ((scale, (0, 1)),)))
            if first is not None and first.shape == z.shape and np.allclose(first, dz, rtol=1e-4):
                return scale
    return None


def explain_backward(engine: Engine, found: Disagreement, others: Sequence[Disagreement]) -> None:
    """Set the sentence of a disagreement that is the fault of backward."""
    ratios = {round(one.yours / one.right, 6) for one in others if one.right and one.in_backward}
    if found.program.calls == NEW:
        found.sentence = "backward replaces the gradients of an earlier call; it should add to them"
    elif len(ratios) == 1 and len(found.program.steps) == 1 and not found.program.shared():
        ratio = ratios.pop()
        found.sentence = f"every gradient is multiplied by {ratio:g}: backward should start with 1"
        if not ratio:
            found.sentence = "no gradient arrives: backward should start with 1 at the result"
    elif found.program.shared():
        found.sentence = (
            "a value that is used more than once passes its gradient on too early, or one of its "
            "gradients is lost or counted twice"
        )
