"""Expressions as short programs: print them, draw random ones, and make them smaller."""

from __future__ import annotations

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
    steps: tuple[Step, ...] = ()
    calls: str = ""

    @staticmethod
    def of(operation: Operation, arrays: Sequence[Array], calls: str = "") -> Program:
        """Return the program of one operation."""
        inputs = tuple(range(operation.count))
        return Program(tuple(arrays), ((operation, inputs),), calls)

    @property
    def operations(self) -> set[Operation]:
        return {operation for operation, _ in self.steps}

    @property
    def names(self) -> list[str]:
        """The names of the leaves and of the steps' results."""
        leaves = list("abcdefgh"[: len(self.leaves)])
        results = [f"s{n}" for n in range(1, len(self.steps))]
        return [*leaves, *results, "y"]

    @property
    def uses(self) -> list[int]:
        """The positions of all inputs of all steps."""
        return [n for _, inputs in self.steps for n in inputs]

    @property
    def shared(self) -> bool:
        """True if a value is used more than once."""
        return len(self.uses) > len(set(self.uses))

    def values(
        self, leaves: Sequence[Any], of: Callable[[Operation], Callable[..., Any]]
    ) -> list[Any]:
        """Return the leaves and the result of each step. `of` returns an operation's function."""
        values = [*leaves]
        for operation, inputs in self.steps:
            values.append(of(operation)(*(values[n] for n in inputs)))
        return values

    def reference(self) -> tuple[list[Array], list[Array]]:
        """Return every value, and the leaves' gradients, as minigrad computes them."""
        leaves = [
            Tensor(array.astype(float), requires_grad=True) for array in self.leaves
        ]
        values = self.values(leaves, lambda operation: operation)
        ones = np.ones(values[-1].shape)
        values[-1].backward(upstream=ones)
        times = 2 if self.calls else 1
        gradients = []
        for leaf in leaves:
            grad = leaf.grad
            gradients.append(
                np.zeros(leaf.shape) if grad is None else times * np.asarray(grad)
            )
        return [value.array for value in values], gradients

    def valid(self) -> bool:
        """Return whether each operation's inputs are in its domain, and no number is large."""
        try:
            values, _ = self.reference()
        except Exception:  # shapes that do not fit
            return False
        for operation, inputs in self.steps:
            if not operation.domain(*(values[n] for n in inputs)):
                return False
        return all(np.abs(value).max(initial=0.0) < 100 for value in values)

    def statements(self, text: Callable[[Operation], str]) -> list[str]:
        """Return an assignment for each step. A result that is used once becomes part of a line."""
        written, lines = list(self.names), []
        for position, (operation, inputs) in enumerate(self.steps, len(self.leaves)):
            expression = text(operation).format(*(written[n] for n in inputs))
            if self.uses.count(position) == 1:
                written[position] = f"({expression})"
            else:
                lines.append(f"{self.names[position]} = {expression}")
        return lines

    def __str__(self) -> str:
        return "; ".join(self.statements(lambda operation: operation.text))

    def pruned(self) -> Program:
        """Return the program without anything that its result does not depend on."""
        first = len(self.leaves)
        last = first + len(self.steps) - 1
        needed = {last}
        for position in range(last, first - 1, -1):
            if position in needed:
                needed.update(self.steps[position - first][1])
        where = {old: new for new, old in enumerate(sorted(needed))}
        leaves = [leaf for n, leaf in enumerate(self.leaves) if n in needed]
        steps = []
        for n, (operation, inputs) in enumerate(self.steps, first):
            if n in needed:
                steps.append((operation, tuple(where[one] for one in inputs)))
        return replace(self, leaves=tuple(leaves), steps=tuple(steps))

    def without(self, n: int, source: int | Array) -> Program:
        """Return the program with an earlier value, or a new leaf, in place of step n's result."""
        gone = len(self.leaves) + n
        leaves = self.leaves
        added = 0
        if not isinstance(source, int):
            added = 1
            leaves, source = (*leaves, source), len(leaves)

        def moved(position: int) -> int:
            if position == gone:
                return source
            if position < len(self.leaves):
                return position
            return position + added - (position > gone)

        steps = [
            (operation, tuple(map(moved, inputs)))
            for k, (operation, inputs) in enumerate(self.steps)
            if k != n
        ]
        return replace(self, leaves=leaves, steps=tuple(steps)).pruned()

    def smaller(self, rng: np.random.Generator) -> Iterator[Program]:
        """Yield shorter programs, and programs with a leaf or an input in place of a step."""
        for end in range(1, len(self.steps)):
            yield replace(self, steps=self.steps[:end]).pruned()
        values, _ = self.reference()
        for n, (_, inputs) in enumerate(self.steps[:-1]):
            shape = values[len(self.leaves) + n].shape
            yield self.without(n, nice(rng, shape))
            for source in inputs:
                if values[source].shape == shape:
                    yield self.without(n, source)

    def shrunk(
        self, fails: Callable[[Program], bool], rng: np.random.Generator
    ) -> Program:
        """Return a program that still fails, and of which no smaller program fails."""
        for one in self.smaller(rng):
            if one.valid() and fails(one):
                return one.shrunk(fails, rng)
        return self


def random_programs(
    rng: np.random.Generator,
    operations: Sequence[Operation],
    frequent: Sequence[Operation],
    shapes: Sequence[tuple[int, ...]],
    size: int,
) -> Iterator[Program]:
    """Yield random programs with up to `size` steps, in which results are often used again.

    Half of the programs contain only the `frequent` operations.
    """
    while True:
        chosen = frequent if rng.random() < 0.5 else operations
        program = Program(tuple(nice(rng, shape) for shape in shapes))
        for _ in range(10 * size):
            operation = chosen[int(rng.integers(len(chosen)))]
            count = len(program.leaves) + len(program.steps)
            # Half of the time, use the newest values, so that the graph becomes deep.
            low = max(0, count - 2) if rng.random() < 0.5 else 0
            inputs = rng.integers(low, count, operation.count).tolist()
            longer = replace(
                program, steps=(*program.steps, (operation, tuple(inputs)))
            )
            if longer.valid():
                program = longer
            if len(program.steps) == size:
                break
        if program.steps:
            yield program.pruned()


@dataclass
class Disagreement:
    """A program on which the engine and minigrad differ.

    - `what`: "the value", "the gradient of a", or how the engine fails.
    - `yours`, `right`: the two numbers, at `index`. They are NaN if nothing could be compared.
    - `in_backward`: True if a gradient is wrong, or if backward fails.
    - `kind`, `sentence`: the probable mistake, if it is known.
    """

    program: Program
    what: str
    yours: float = np.nan
    right: float = np.nan
    index: tuple[int, ...] = ()
    in_backward: bool = False
    kind: str = "unrecognised"
    sentence: str = ""

    @property
    def size(self) -> tuple[int, int]:
        return len(self.program.steps), len(str(self.program))

    @property
    def numbers(self) -> str:
        """The two numbers in a sentence."""
        if np.isnan(self.right):
            return self.what
        at = f" at {list(self.index)}" if self.index else ""
        return f"{self.what}{at} is {self.yours:.6g}; it should be {self.right:.6g}"
