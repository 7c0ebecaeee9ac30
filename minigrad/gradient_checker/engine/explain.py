"""Name the probable mistake: in an operation, or in the order and the sums of backward."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ...gate import Gate
from ...graph import Array
from ...tensor import Tensor
from ..guess import recognise
from ..rules import NodeCheck
from .operations import Operation, function, nice
from .programs import NEW, Disagreement, Program
from .target import Engine

SCALED = ("{0} * {1}", "{1} * {0}", "{0} / {1}")
"""Expressions that pass dz, or 1 / dz, to {0} as its upstream gradient."""

RESULTS = (
    "{0}",
    "{1}",
    "-{0}",
    "{0} + {1}",
    "{0} - {1}",
    "{1} - {0}",
    "{0} * {1}",
    "{0} / {1}",
    "{1} / {0}",
    "{0} * {0}",
    "abs({0})",
    "2 + {0}",
    "2 - {0}",
    "{0} - 2",
    "2 * {0}",
    "2 / {0}",
    "{0} / 2",
)
"""Results that an operation may have by mistake."""

KEPT = "the rule uses = instead of +=, so earlier gradients are lost"
REPLACED = "backward replaces the gradients of an earlier call; it should add to them"
NOTHING = "no gradient arrives: backward should start at the result, with the gradient 1"
ONCE = "an input that is used twice counts once: = where += belongs, or the inputs are a set"
TOO_OFTEN = "the gradient of a result that is used twice is passed on more than once"
TOO_EARLY = (
    "a value that is used twice passes its gradient on before both parts have arrived, "
    "or one part replaces the other"
)


def explain(engine: Engine, found: Disagreement, rng: np.random.Generator) -> None:
    """If a known mistake explains the disagreement's first operation, store its description in
    `found.sentence`.
    """
    program = found.program
    if program.calls == NEW:
        found.sentence = KEPT
        return
    operation, inputs = next(iter(program.steps.values()))
    leaves = [program.leaves[name] for name in inputs]
    if operation.method == "__matmul__":  # square matrices fit even if transposed
        leaves = [nice(rng, (3, 3)) for _ in leaves]
    if engine.scalar:  # explain several points
        leaves = [*np.array(operation.samples(rng, True)).T]
    with suppress(Exception):  # an engine may fail in any way
        if not found.in_backward:
            found.sentence = _other_result(engine, operation, rng) or found.sentence
            return
        points = [one[:1].reshape(()) for one in leaves] if engine.scalar else leaves
        rule = _Rule(engine, operation, _scaling(engine, operation, points))
        tensors = [Tensor(leaf, requires_grad=True) for leaf in leaves]
        check = NodeCheck(rule(*tensors).node, rng)
        if mistake := check.slip():
            recognise(check, mistake)
            if mistake.kind not in ("unrecognised", "error in the rule"):
                found.sentence = mistake.sentence


def _other_result(engine: Engine, operation: Operation, rng: np.random.Generator) -> str:
    """Return which other expression the operation computes."""
    points = operation.samples(rng, engine.scalar)[:3]
    points += operation.samples(rng, engine.scalar)[:3]
    results = [engine.run(Program.of(operation, arrays))["the value"] for arrays in points]
    for text in RESULTS:
        with suppress(TypeError):  # an operation of one input has no b
            pairs = zip(points, results, strict=True)
            call = function(text, {})
            if all(np.array_equal(call(*one), z) for one, z in pairs):
                return f"it computes {text.format('a', 'b')}"
    return ""


class _Rule(Gate):
    """An operation as a gate: minigrad's result, and the gradients that the engine finds."""

    def __init__(self, engine: Engine, operation: Operation, scale: Operation | None) -> None:
        self.engine, self.operation, self.scale = engine, operation, scale

    def forward(self, *arrays: Array) -> Array:
        return np.asarray(self.operation(*map(Tensor, arrays)).array)

    def backward(self, dz: Any, z: Any, *arrays: Any) -> Any:
        if self.engine.scalar and arrays[0].ndim:
            points = np.array([dz, z, *arrays]).T
            return tuple(np.array([self.backward(*point) for point in points]).T)
        program = Program.of(self.operation, [*map(np.asarray, arrays)])
        if self.scale:
            factor = 1 / dz if "/" in self.scale.text else dz
            program.leaves["dz"] = np.asarray(factor)
            program, dz = program.then(self.scale, "s1", "dz"), 1.0
        results = self.engine.run(program)
        gradients = []
        for name, array in zip("ab", arrays, strict=False):
            gradient = results[f"the gradient of {name}"]
            nothing = gradient is None or not gradient.any()
            gradients.append(np.zeros(array.shape) if nothing else dz * gradient)
        return tuple(gradients)


def _scaling(engine: Engine, operation: Operation, leaves: Sequence[Array]) -> Operation | None:
    """Return an operation that multiplies by dz and whose gradient is right for these shapes."""
    z = operation(*map(Tensor, leaves)).array
    dz = np.linspace(1.5, 0.5, z.size).reshape(z.shape)
    for text in SCALED:
        scale = Operation(text)
        factor = 1 / dz if "/" in text else dz
        with suppress(Exception):
            gradient = engine.run(Program.of(scale, [z, factor]))["the gradient of a"]
            if np.shape(gradient) == z.shape and np.allclose(gradient, dz, rtol=1e-4):
                return scale
    return None


def explain_backward(found: Disagreement, others: Sequence[Disagreement]) -> None:
    """Store the probable mistake in `found.sentence` if backward is to blame."""
    program = found.program
    ratios = {round(one.yours / one.right, 6) for one in others if one.right}
    single = len(program.steps) == 1
    if program.calls == NEW:
        found.sentence = REPLACED
    elif ratios == {0.0}:
        found.sentence = NOTHING
    elif program.shared and single:
        found.sentence = ONCE
    elif single:
        found.sentence = "backward should start with 1 at the result"
        if len(ratios) == 1:
            found.sentence += f"; all gradients are multiplied by {ratios.pop():g}"
    elif program.shared:
        larger = abs(found.yours) > abs(found.right)
        found.sentence = TOO_OFTEN if larger else TOO_EARLY
