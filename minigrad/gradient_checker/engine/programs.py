"""Expressions as short programs: run them, print them, draw random ones, and make them smaller."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...graph import Array
from ...tensor import Tensor
from .operations import Operation, nice

Step = tuple[Operation, tuple[int, ...]]
"""An operation, and the positions of its inputs: first the leaves, then the results of earlier
steps."""

TWICE = "twice"
"""backward() is called twice on the same graph."""
NEW = "new graph"
"""The expression is computed twice from the same leaves, with a backward() after each."""


@dataclass(frozen=True)
class Program:
    """Leaves, and steps that compute values from them. The last value is the result.

    `calls` is "", TWICE or NEW.
    """

    leaves: tuple[Array, ...]
    steps: tuple[Step, ...]
    calls: str = ""

    @property
    def operations(self) -> set[Operation]:
        return {operation for operation, _ in self.steps}

    @property
    def names(self) -> list[str]:
        """The names of the leaves and of the steps' results."""
        letters = "abcdefghijklmnopqrstuvw"[: len(self.leaves)]
        results = [f"s{n}" for n in range(1, len(self.steps))]
        return [*letters, *results, "y"][: len(self.leaves) + len(self.steps)]

    def values(self, leaves: Sequence[Any], call: Callable[[Operation], Any]) -> list[Any]:
        """Return the leaves and the result of each step."""
        values = [*leaves]
        for operation, inputs in self.steps:
            values.append(call(operation)(*(values[n] for n in inputs)))
        return values

    def reference(self) -> tuple[list[Array], list[Array]]:
        """Return every value, and the leaves' gradients, as minigrad computes them."""
        leaves = [Tensor(array.astype(float), requires_grad=True) for array in self.leaves]
        values = self.values(leaves, lambda operation: operation)
        values[-1].backward(upstream=np.ones(values[-1].shape))
        times = 2 if self.calls else 1
        gradients = [
            np.zeros(leaf.shape) if leaf.grad is None else times * np.asarray(leaf.grad)
            for leaf in leaves
        ]
        return [value.array for value in values], gradients

    def valid(self) -> bool:
        """Return whether each operation's inputs are in its domain, and no number is large."""
        with np.errstate(all="ignore"):
            try:
                values, _ = self.reference()
            except Exception:  # shapes that do not fit
                return False
        for operation, inputs in self.steps:
            if not operation.domain(*(values[n] for n in inputs)):
                return False
        return all(np.abs(value).max(initial=0.0) < 100 for value in values)

    def shared(self) -> bool:
        """Return whether a value is used more than once."""
        uses = [n for _, inputs in self.steps for n in inputs]
        return len(uses) > len(set(uses))

    def statements(self, text: Callable[[Operation], str]) -> list[str]:
        """Return an assignment for each step. A result that is used once becomes part of a line."""
        uses = [n for _, inputs in self.steps for n in inputs]
        written, lines = list(self.names), []
        for position, (operation, inputs) in enumerate(self.steps, len(self.leaves)):
            expression = text(operation).format(*(written[n] for n in inputs))
            if uses.count(position) == 1:
                written[position] = f"({expression})"
            else:
                lines.append(f"{self.names[position]} = {expression}")
        return lines

    def __str__(self) -> str:
        return "; ".join(self.statements(lambda operation: operation.text))


def random_programs(
    rng: np.random.Generator,
    operations: Sequence[Operation],
    frequent: Sequence[Operation],
    scalar: bool,
    size: int,
) -> Iterator[Program]:
    """Yield random programs with up to `size` steps, in which results are often used again.

    Half of the programs contain only the `frequent` operations.
    """
    while True:
        chosen = frequent if rng.random() < 0.5 else operations
        shape: Sequence[tuple[int, ...]] = [(), (), ()] if scalar else [(2, 3), (3,), (2, 3)]
        program = Program(tuple(nice(rng, one) for one in shape), ())
        tries = 0
        while len(program.steps) < size and tries < 20 * size:
            tries += 1
            operation = chosen[rng.integers(len(chosen))]
            count = len(program.names)
            # Half of the time, choose the newest values, so that the graph becomes deep.
            low = max(0, count - 2) if rng.random() < 0.5 else 0
            inputs = tuple(int(n) for n in rng.integers(low, count, operation.count))
            longer = replace(program, steps=(*program.steps, (operation, inputs)))
            if longer.valid():
                program = longer
        if program.steps and (program := pruned(program)).steps:
            yield program


def pruned(program: Program) -> Program:
    """Remove what the result does not depend on, except one leaf if nothing else is left."""
    first = len(program.leaves)
    needed = {first + len(program.steps) - 1}
    for position in range(first + len(program.steps) - 1, first - 1, -1):
        if position in needed:
            needed.update(program.steps[position - first][1])
    kept = sorted(needed)
    where = {old: new for new, old in enumerate(kept)}
    leaves = tuple(leaf for n, leaf in enumerate(program.leaves) if n in needed)
    steps = tuple(
        (operation, tuple(where[n] for n in inputs))
        for n, (operation, inputs) in enumerate(program.steps, first)
        if n in needed
    )
    return replace(program, leaves=leaves, steps=steps)


def smaller(program: Program, rng: np.random.Generator) -> Iterator[Program]:
    """Yield smaller programs: a shorter one, or one with a leaf or an input in place of a step."""
    first, count = len(program.leaves), len(program.steps)
    for end in range(1, count):
        yield pruned(replace(program, steps=program.steps[:end]))
    values, _ = program.reference()
    for n in range(count - 1):
        new = nice(rng, values[first + n].shape)
        yield _without(program, n, (*program.leaves, new), first)
        for source in program.steps[n][1]:
            if values[source].shape == values[first + n].shape:
                yield _without(program, n, program.leaves, source)


def _without(program: Program, n: int, leaves: tuple[Array, ...], instead: int) -> Program:
    """Replace the result of step n by the leaf or the earlier result at `instead`."""
    first, added = len(program.leaves), len(leaves) - len(program.leaves)

    def moved(position: int) -> int:
        if position == first + n:
            return instead if instead < first or added else moved(instead)
        if position < first:
            return position
        return position + added - (position > first + n)

    steps = tuple(
        (operation, tuple(map(moved, inputs)))
        for k, (operation, inputs) in enumerate(program.steps)
        if k != n
    )
    return pruned(replace(program, leaves=leaves, steps=steps))


def shrunk(program: Program, fails: Callable[[Program], bool], rng: np.random.Generator) -> Program:
    """Return a program that still fails, and of which no smaller program fails."""
    for one in smaller(program, rng):
        if one.steps and one.valid() and fails(one):
            return shrunk(one, fails, rng)
    return program
