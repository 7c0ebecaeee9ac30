"""Expressions as short programs: print them, draw random ones, and make them smaller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...graph import Array
from ...tensor import Tensor
from .operations import Operation, nice

TWICE = "twice"
"""backward() is called twice on the same graph."""
NEW = "new graph"
"""The expression is computed twice, with a backward() after each."""

Results = dict[str, Any]
"""The numbers to compare, as {description: array}, such as "the value" or "the gradient of a"."""


@dataclass(frozen=True)
class Program:
    """Leaves, and steps that compute values from them. The last value is the result.

    A step contains an operation, and the names of its inputs: leaves, or earlier steps. `calls` is
    "", TWICE or NEW.
    """

    leaves: dict[str, Array]
    steps: dict[str, tuple[Operation, tuple[str, ...]]] = field(default_factory=dict)
    calls: str = ""

    @staticmethod
    def of(operation: Operation, arrays: Sequence[Array], calls: str = "") -> Program:
        """Return the program of one operation."""
        leaves = dict(zip("ab", arrays, strict=False))
        return Program(leaves, calls=calls).then(operation, *leaves)

    def then(self, operation: Operation, *inputs: str) -> Program:
        """Return the program with one more step."""
        name = f"s{len(self.steps) + 1}"
        return replace(self, steps=self.steps | {name: (operation, inputs)})

    @property
    def names(self) -> dict[str, str]:
        """The leaves' names in texts: a, b, c, ..."""
        return dict(zip(self.leaves, "abcdefgh", strict=False))

    @property
    def operations(self) -> set[Operation]:
        return {operation for operation, _ in self.steps.values()}

    @property
    def uses(self) -> Counter[str]:
        """How often each value is used."""
        return Counter(one for _, inputs in self.steps.values() for one in inputs)

    @property
    def shared(self) -> bool:
        """True if a value is used more than once."""
        return max(self.uses.values()) > 1

    def values(
        self,
        leaves: dict[str, Any],
        of: Callable[[Operation], Callable[..., Any]] = lambda operation: operation,
    ) -> dict[str, Any]:
        """Return the leaves and each step's result. `of` returns an operation's function."""
        values = leaves.copy()
        for name, (operation, inputs) in self.steps.items():
            values[name] = of(operation)(*(values[one] for one in inputs))
        return values

    def results(
        self,
        value: Array | None,
        after: Iterable[Any],
        gradients: Iterable[Any],
    ) -> Results:
        """Return the numbers to compare, as {description: array}."""
        found = {"the value": value}
        for what, numbers in (
            ("the value of {} afterwards", after),
            ("the gradient of {}", gradients),
        ):
            texts = map(what.format, self.names.values())
            found |= zip(texts, numbers, strict=True)
        return found

    def reference(self) -> Results:
        """Return the results as minigrad computes them."""
        leaves = {
            name: Tensor(array.astype(float), requires_grad=True)
            for name, array in self.leaves.items()
        }
        *_, last = self.values(leaves).values()
        last.backward(upstream=np.ones(last.shape))
        times = 2 if self.calls else 1
        gradients = [
            times * np.asarray(np.zeros(leaf.shape) if leaf.grad is None else leaf.grad)
            for leaf in leaves.values()
        ]
        return self.results(last.array, self.leaves.values(), gradients)

    def arrays(self) -> dict[str, Array]:
        """Return each value as minigrad computes it."""
        leaves = {name: Tensor(array) for name, array in self.leaves.items()}
        return {name: value.array for name, value in self.values(leaves).items()}

    def valid(self) -> bool:
        """Return whether each operation accepts its inputs, and no number is large."""
        with suppress(Exception):  # shapes that do not fit
            values = self.arrays()
            return all(np.abs(x).max() < 100 for x in values.values()) and all(
                operation.domain(*(values[one] for one in inputs))
                for operation, inputs in self.steps.values()
            )
        return False

    def statements(
        self,
        text: Callable[[Operation], str] = lambda operation: operation.text,
    ) -> list[str]:
        """Return an assignment for each result that is used more than once, and for y."""
        written = self.names
        lines: list[str] = []
        for name, (operation, inputs) in self.steps.items():
            expression = text(operation).format(*(written[one] for one in inputs))
            if self.uses[name] == 1:
                written[name] = f"({expression})"
            else:
                last = name not in self.uses
                written[name] = "y" if last else f"s{len(lines) + 1}"
                lines.append(f"{written[name]} = {expression}")
        return lines

    def __str__(self) -> str:
        return "; ".join(self.statements())

    @property
    def inputs(self) -> str:
        """The leaves in words: numbers, or the shapes of arrays."""
        return ", ".join(
            f"{name} of shape {leaf.shape}" if leaf.ndim else f"{name} = {leaf:g}"
            for name, leaf in zip(self.names.values(), self.leaves.values(), strict=True)
        )

    def pruned(self, last: str) -> Program:
        """Return the program of an earlier result, with all that it depends on."""
        needed = {last}
        for name in reversed(self.steps):
            if name in needed:
                needed.update(self.steps[name][1])
        leaves = {name: one for name, one in self.leaves.items() if name in needed}
        steps = {name: one for name, one in self.steps.items() if name in needed}
        return replace(self, leaves=leaves, steps=steps)

    def smaller(self) -> Iterator[Program]:
        """Yield programs with a leaf or an input in place of a step, or without the last steps."""
        values = self.arrays()
        *inner, last = self.steps
        for name in inner:
            yield self.pruned(name)
            steps = self.steps.copy()
            _, inputs = steps.pop(name)
            leaves = self.leaves | {name: np.round(values[name], 3)}
            yield replace(self, leaves=leaves, steps=steps).pruned(last)
            for source in inputs:
                if values[source].shape == values[name].shape:
                    moved = {
                        one: (
                            operation,
                            tuple(source if n == name else n for n in old),
                        )
                        for one, (operation, old) in steps.items()
                    }
                    yield replace(self, steps=moved).pruned(last)

    def shrunk(self, fails: Callable[[Program], bool]) -> Program:
        """Make the program smaller as long as it still fails, and return the result."""
        for one in self.smaller():
            if one.valid() and fails(one):
                return one.shrunk(fails)
        return self


def random_programs(
    rng: np.random.Generator,
    operations: Sequence[Operation],
    frequent: Sequence[Operation],
    shapes: Sequence[tuple[int, ...]],
    size: int,
) -> Iterator[Program]:
    """Yield random programs of up to `size` steps, in which results are often used again.

    Half of the programs contain only the `frequent` operations.
    """
    while operations:
        chosen = frequent if rng.random() < 0.5 else operations
        program = Program(
            {name: nice(rng, shape) for name, shape in zip("abc", shapes, strict=False)}
        )
        for _ in range(10 * size):
            operation = chosen[int(rng.integers(len(chosen)))]
            names = [*program.leaves, *program.steps]
            # Half of the time, use the newest values, so that the graph becomes deep.
            recent = names[-2:] if rng.random() < 0.5 else names
            longer = program.then(operation, *rng.choice(recent, operation.count))
            if longer.valid():
                program = longer
            if len(program.steps) == size:
                break
        if program.steps:
            yield program.pruned([*program.steps][-1])


@dataclass
class Disagreement:
    """A program on which the engine and minigrad differ.

    - `what`: "the value", "the gradient of a", or a sentence.
    - `yours`, `right`: the two numbers, at `index`. They are NaN if nothing could be compared.
    - `in_backward`: True if a gradient is wrong, or backward raises an error.
    - `raised`: True if nothing is wrong, but the engine raises an error.
    - `sentence`: the probable mistake, if it is known.
    """

    program: Program
    what: str
    yours: float = np.nan
    right: float = np.nan
    index: tuple[int, ...] = ()
    in_backward: bool = False
    raised: bool = False
    sentence: str = ""

    @property
    def size(self) -> tuple[int, int]:
        return len(self.program.steps), len(str(self.program))

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of the leaves."""
        return [leaf.shape for leaf in self.program.leaves.values()]

    @property
    def numbers(self) -> str:
        """The two numbers in a sentence."""
        if np.isnan(self.right):
            return self.what
        at = f" at {list(self.index)}" if self.index else ""
        return f"{self.what}{at} is {self.yours:.6g}; it should be {self.right:.6g}"
