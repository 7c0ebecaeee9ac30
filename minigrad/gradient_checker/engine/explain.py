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
from .operations import Operation, nice
from .programs import NEW, Disagreement, Program
from .target import Engine

SCALED = ("{0} * {1}", "{1} * {0}", "{0} / {1}")
"""Expressions that pass dz, or 1 / dz, to {0} as its upstream gradient."""

RESULTS = (
    "a", "b", "-a", "a + b", "a - b", "b - a", "a * b", "a / b", "b / a", "a * a", "abs(a)",
    "3 + a", "3 - a", "a - 3", "3 * a", "3 / a", "a / 3",
)  # fmt: skip
"""Results that an operation may have by mistake."""


def explain(engine: Engine, found: Disagreement, rng: np.random.Generator) -> None:
    """Set the sentence of a disagreement to the mistake that explains the first operation."""
    operation, _ = found.program.steps[0]
    leaves = found.program.leaves[: operation.count]
    if found.program.calls == NEW:
        found.kind = "= where += belongs"
        found.sentence = "the rule uses = instead of +=, so earlier gradients are lost"
        return
    if (
        operation.method == "__matmul__"
    ):  # square matrices fit, even if one is transposed
        leaves = tuple(nice(rng, (3, 3)) for _ in leaves)
    with suppress(Exception):  # an engine may fail in any way
        if not found.in_backward:
            found.sentence = _other_result(engine, operation, rng) or found.sentence
            return
        rule = _Rule(engine, operation, _scaling(engine, operation, leaves))
        tensors = [Tensor(leaf, requires_grad=True) for leaf in leaves]
        check = NodeCheck(rule(*tensors).node, rng)
        mistake = check.slip()
        if mistake:
            recognise(check, mistake)
        if mistake and mistake.kind not in ("unrecognised", "error in the rule"):
            found.kind, found.sentence = mistake.kind, mistake.sentence


def _other_result(
    engine: Engine, operation: Operation, rng: np.random.Generator
) -> str:
    """Return which other expression the operation computes."""
    points = [
        one for _ in range(2) for one in operation.samples(rng, engine.scalar)[:3]
    ]
    results = [
        np.asarray(engine.run(Program.of(operation, arrays))[0]) for arrays in points
    ]
    for text in RESULTS:
        with suppress(TypeError):  # an operation of one input has no b
            f = eval(f"lambda a, b=None: {text}")
            pairs = zip(points, results, strict=True)
            if all(np.array_equal(f(*arrays), result) for arrays, result in pairs):
                return f"it computes {text}"
    return ""


class _Rule(Gate):
    """An operation as a gate: minigrad's result, and the gradients that the engine finds."""

    def __init__(
        self, engine: Engine, operation: Operation, scale: Operation | None
    ) -> None:
        self.engine, self.operation, self.scale = engine, operation, scale

    def forward(self, *arrays: Array) -> Array:
        tensors = [Tensor(array) for array in arrays]
        return np.asarray(self.operation(*tensors).array)

    def backward(self, dz: Any, z: Any, *arrays: Any) -> Any:
        program = Program.of(self.operation, arrays)
        if (
            self.scale is None
        ):  # dz is 1, so only elementwise operations can be explained
            _, gradients, _ = self.engine.run(program)
            return tuple(dz * (0.0 if one is None else one) for one in gradients)
        count = len(arrays)
        factor = 1 / dz if "/" in self.scale.text else dz
        steps = (*program.steps, (self.scale, (count + 1, count)))
        _, gradients, _ = self.engine.run(Program((*arrays, factor), steps))
        whole = []
        for gradient, array in zip(gradients, arrays, strict=False):
            nothing = gradient is None or not gradient.any()
            whole.append(np.zeros(array.shape) if nothing else gradient)
        return tuple(whole)


def _scaling(
    engine: Engine, operation: Operation, leaves: Sequence[Array]
) -> Operation | None:
    """Return an operation that multiplies by dz, and whose gradient is right for these shapes."""
    z = operation(*(Tensor(leaf) for leaf in leaves)).array
    dz = np.linspace(1.5, 0.5, z.size).reshape(z.shape)
    for text in SCALED:
        scale = Operation(text, "", shapes=((z.shape, z.shape),))
        factor = 1 / dz if "/" in text else dz
        with suppress(Exception):
            _, (first, _), _ = engine.run(Program.of(scale, [z, factor]))
            if (
                first is not None
                and np.allclose(first, dz, rtol=1e-4)
                and first.shape == z.shape
            ):
                return scale
    return None


def explain_backward(found: Disagreement, others: Sequence[Disagreement]) -> None:
    """Set the sentence of a disagreement that is the fault of backward."""
    program = found.program
    ratios = {round(one.yours / one.right, 6) for one in others if one.right}
    larger = abs(found.yours) > abs(found.right)
    if program.calls == NEW:
        found.sentence = (
            "backward replaces the gradients of an earlier call; it should add to them"
        )
    elif ratios == {0.0}:
        found.sentence = "no gradient arrives: backward should start at the result, with the gradient 1"
    elif not program.shared and len(program.steps) == 1:
        found.sentence = "backward should start with 1 at the result"
        if len(ratios) == 1:
            found.sentence += f"; all gradients are multiplied by {ratios.pop():g}"
    elif program.shared and len(program.steps) == 1:
        found.sentence = "an input that is used twice counts once: = where += belongs, or the inputs are a set"
    elif program.shared and larger:
        found.sentence = (
            "the gradient of a result that is used twice is passed on more than once"
        )
    elif program.shared:
        found.sentence = (
            "a value that is used twice passes its gradient on before "
            "both parts have arrived, or one "
            "part replaces the other"
        )
