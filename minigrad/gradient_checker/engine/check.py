"""Compare an engine with minigrad, and find out which operation is at fault.

1. Each operation alone, also with the same Value twice, and computed twice with a `backward()` each.
2. Each pair of operations that are right alone, one inside the other. If many pairs disagree, the
   operation that most of them have in common is at fault.
3. Random programs of the operations that are right, in which results are used more than once. Here
   a disagreement that cannot be made smaller is the fault of `backward`.

An operation that calls a wrong one is not blamed.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice, product
from typing import Any

import numpy as np
from tqdm import tqdm

from ...errors import OptionError
from ...graph import Array
from .explain import explain, explain_backward
from .operations import Operation, nice
from .programs import NEW, TWICE, Program, random_programs, shrunk
from .report import Disagreement, EngineReport
from .target import Engine, load

BACKWARD = "backward"


def check_engine(
    target: Any, *, count: int = 200, seed: int = 0, progress: bool = False
) -> EngineReport:
    """Compare a class of yours that computes gradients with minigrad.

    - `target`: a class whose objects have operators, a value, `grad` and `backward()`; or its address,
      such as "micrograd.engine:Value" or "my_engine.py:Value"; or an adapter, which is a function
      `value_and_grad(f, *arrays)` that returns f(*arrays) and a list of gradients, one for each array.
    - `count`: how many random programs to try after the operations and pairs of operations.
    - `seed`: the seed of the numbers and programs.
    - `progress`: show a progress bar if the check takes longer than two seconds.

    `bool(report)` is True if nothing disagrees. Print the report for details.

    >>> import math
    >>> import minigrad as mg
    >>> class Value:
    ...     def __init__(self, data, sources=()):
    ...         self.data, self.grad, self.sources = data, 0.0, sources
    ...     def __mul__(self, other):
    ...         return Value(self.data * other.data, [(self, other.data), (other, other.data)])
    ...     def backward(self, dz=1.0):
    ...         self.grad += dz
    ...         for source, slope in self.sources:
    ...             source.backward(dz * slope)
    >>> report = mg.check_engine(Value)
    >>> bool(report), report.wrong
    (False, ['__mul__'])

    Errors: OptionError MG709 if the class has no value, no gradient or no `backward`.
    Source: Claessen and Hughes, QuickCheck (2000), for random programs that are made smaller.

    Since: 0.2.
    """
    if count < 0:
        raise OptionError(
            "MG709",
            f"check_engine cannot use count={count!r}",
            cause="it is the number of random programs",
            remedy="use a number of at least 0",
        )
    engine = Engine(load(target) if isinstance(target, str) else target)
    with np.errstate(all="ignore"):
        return Check(engine, np.random.default_rng(seed), count, progress).report


class Check:
    """Run a check, and store its result in `report`."""

    def __init__(
        self, engine: Engine, rng: np.random.Generator, count: int, progress: bool
    ) -> None:
        self.engine, self.rng, self.progress = engine, rng, progress
        self.report = report = EngineReport(engine)
        self.wrong: dict[str, Disagreement] = dict(engine.failing)
        # The other operations that each method calls, such as __add__ and __neg__ for __sub__.
        self.calls: dict[str, set[str]] = {one.method: set() for one in engine.operations}
        for operation in engine.operations:
            self.calls[operation.method] |= engine.calls[operation] & self.calls.keys()
        self.simple = {method for method, calls in self.calls.items() if not calls}
        if self._new_leaf():
            return
        self._choose_ending()
        self._alone()
        if BACKWARD not in report.found:
            self._pairs()
        if BACKWARD not in report.found:
            self._random(count)
        self._composed()
        if BACKWARD not in report.found:
            self._twice()
            self._deep()

    def _watched(self, items: Iterable[Any], what: str, total: int) -> Iterable[Any]:
        if not self.progress:
            return items
        return tqdm(items, what, total, leave=False, delay=2, disable=None)

    def compare(self, program: Program) -> Disagreement | None:
        """Run a program on the engine and in minigrad, and return the first difference."""
        self.report.compared += 1
        values, gradients = program.reference()
        try:
            value, found, after = self.engine.run(program)
        except RecursionError:
            raise
        except Exception as error:
            stage = "backward " if self.engine.in_backward else ""
            text = f"{stage}raises {type(error).__name__}: {error}"
            return Disagreement(program, text, in_backward=self.engine.in_backward)
        names = program.names
        rows = [("the value", value, values[-1])]
        rows += [
            (f"the value of {n} afterwards", *row)
            for n, *row in zip(names, after, program.leaves, strict=False)
        ]
        rows += [
            (f"the gradient of {n}", *row) for n, *row in zip(names, found, gradients, strict=False)
        ]
        for what, yours, right in rows:
            if yours is None and "gradient" in what:
                yours = np.zeros(right.shape)
            if yours is not None and not right.any() and yours.size == 1 and yours == 0:
                continue  # a gradient of 0 may be a plain 0
            if yours is None or yours.shape != right.shape:
                shape = "no numbers" if yours is None else f"shape {yours.shape}"
                failure = f"{what} has {shape}; it should have shape {right.shape}"
                return Disagreement(program, what, failure=failure, in_backward="gradient" in what)
            error = np.abs(yours - right) / np.maximum(1.0, np.abs(right))
            if not (error <= self.engine.tolerance).all():
                index = np.unravel_index(np.argmax(np.nan_to_num(error, nan=np.inf)), right.shape)
                index = tuple(map(int, index))
                return Disagreement(program, what, float(yours[index]), float(right[index]), index, in_backward="gradient" in what)
        return None

    def fails(self, program: Program) -> bool:
        """Return whether a program fails, each time of three."""
        return all(self.compare(program) for _ in range(3))

    def _new_leaf(self) -> bool:
        """Check what a new Value contains."""
        if not self.engine.is_class:
            return False
        leaf = self.engine.make(np.array(2.5))
        for what, yours, right in (
            ("value", self.engine.value(leaf), 2.5),
            ("gradient", self.engine.gradient(leaf), 0.0),
        ):
            if yours is not None and (np.abs(yours - right) > 1e-6).any():
                text = f"a new {self.engine.name}(2.5) has the {what} {yours}; it should be {right}"
                self.report.add("__init__", Disagreement(Program((np.array(2.5),), ()), text))
        return bool(self.report.found)

    def _choose_ending(self) -> None:
        """Choose how a program with arrays ends: with backward() from an array, or with a sum."""
        if self.engine.scalar or not self.engine.is_class:
            return
        usable = [one for one in self.engine.operations if one.count == 1 or "{1}" in one.text]
        endings = [one for one in usable if one.text in ("{0}.sum()", "{0}.mean()")]
        for ending in (None, *endings):
            self.engine.ending = ending
            programs = [alone(one, self.rng, False) for one in usable]
            if sum(self.compare(one) is not None for one in programs) <= len(programs) / 2:
                return
        self.engine.ending = endings[0] if endings else None

    def _alone(self) -> None:
        """Try each operation alone. What all of them get wrong is the fault of backward."""
        engine = self.engine
        tried: dict[str, set[str]] = {}
        failing: dict[str, dict[str, Disagreement]] = {}
        for operation in self._watched(engine.operations, "operations", len(engine.operations)):
            for how, program in self._of(operation):
                tried.setdefault(how, set()).add(operation.method)
                if found := self.compare(program):
                    failing.setdefault(how, {}).setdefault(operation.method, found)
                    self.wrong.setdefault(operation.method, found)
                    break
        simple = self.simple
        for how, wrong in failing.items():
            gradients = {one for one, found in wrong.items() if found.in_backward}
            if len(simple & tried[how]) > 1 and simple & tried[how] <= gradients:
                first = min(wrong.values(), key=lambda one: len(str(one.program)))
                explain_backward(engine, first, list(wrong.values()))
                self.report.add(BACKWARD, first)
                return
        for method, found in self.wrong.items():
            if not self.calls[method]:
                explain(engine, found, self.rng)
                self.report.add(method, found)

    def _of(self, operation: Operation) -> Iterable[tuple[str, Program]]:
        """Yield the programs that test an operation alone, and how each of them does."""
        samples = [tuple(one) for one in operation.samples(self.rng, self.engine.scalar)]
        steps = ((operation, tuple(range(operation.count))),)
        for arrays in samples:
            yield "alone", Program(arrays, steps)
        for arrays in samples[:3] if self.engine.is_class else ():
            yield NEW, Program(arrays, steps, NEW)
        for arrays in samples:
            if operation.count == 2 and arrays[0].shape == arrays[1].shape:
                yield "the same Value twice", Program(arrays[:1], ((operation, (0, 0)),))
                return

    def _judged(self) -> list[Operation]:
        """Return the operations that are right, and that call no wrong one."""
        wrong = self.wrong.keys() | self.report.found.keys()
        return [
            one
            for one in self.engine.operations
            if one.method not in wrong and not self.calls[one.method] & wrong
        ]

    def _pairs(self) -> None:
        """Try each pair of operations that are right alone, one inside the other."""
        first: dict[str, Operation] = {}
        for operation in self._judged():
            first.setdefault(operation.method, operation)
        pairs = list(product(first.values(), repeat=2))
        failing: dict[tuple[str, str], Disagreement] = {}
        for inner, outer in self._watched(pairs, "pairs of operations", len(pairs)):
            for program in self._nested(inner, outer):
                if found := self.compare(program):
                    failing.setdefault((inner.method, outer.method), found)
        if blamed := self._blame(failing):
            simple = self.simple & first.keys()
            two = {one.method for one in first.values() if one.count == 2} & simple
            if len(two) > 1 and (two <= blamed.keys() or len(blamed) > 0.7 * len(simple)):
                found = min(blamed.values(), key=lambda one: len(str(one.program)))
                found.sentence = (
                    "each operation is right alone, but not all gradients reach the operations before "
                    "it: the order is wrong, or not every input is recorded"
                )
                blamed = {BACKWARD: found}
            for method, found in blamed.items():
                self.report.add(method, found)

    def _nested(self, inner: Operation, outer: Operation) -> Iterable[Program]:
        samples = inner.samples(self.rng, self.engine.scalar)
        arrays = samples[min(1, len(samples) - 1)]
        start = Program(tuple(arrays), ((inner, tuple(range(inner.count))),))
        values, _ = start.reference()
        shape = values[-1].shape
        last = len(arrays)
        if outer.count == 1:
            options: list[tuple[tuple[int, ...], ...]] = [()]
            places: list[tuple[int, ...]] = [(last,)]
        else:
            options = [(shape,)]
            if outer.method == "__matmul__" and shape:
                options += [((shape[-1], 2),), ((2, shape[0]),)]
            places = [(last + 1, last), (last, last + 1)]
        for added, inputs in product(options, places):
            leaves = [*arrays, *(nice(self.rng, one) for one in added)]
            moved = {last + 1: last, last: last + 1} if added else {}
            steps = (*start.steps, (outer, tuple(moved.get(n, n) for n in inputs)))
            program = Program(tuple(leaves), steps)
            if not program.valid():
                leaves = [np.abs(leaf) for leaf in leaves]
                program = Program(tuple(leaves), steps)
            if program.valid():
                yield program

    def _blame(self, failing: dict[tuple[str, str], Disagreement]) -> dict[str, Disagreement]:
        """Blame the operations that most of the failing pairs have in common, one after another."""
        blamed: dict[str, Disagreement] = {}
        while failing:
            votes = Counter(one for pair in failing for one in enumerate(pair))
            # A method is not blamed for one that it calls. In doubt, blame the inner operation.
            place, method = max(
                (one for one in votes if not any((one[0], m) in votes for m in self.calls[one[1]])),
                key=lambda one: (votes[one], -one[0]),
            )
            found = min(
                (one for pair, one in failing.items() if pair[place] == method),
                key=lambda one: len(str(one.program)),
            )
            found.sentence = (
                "its gradient is right for a leaf, but not if the input is a result: it may have the "
                "wrong shape, or the input is not recorded"
                if place
                else "it is right as the last operation, but not before another one: the gradient that "
                "arrives at its result is not used as it should be"
            )
            if place == 0:
                explain(self.engine, found, self.rng)
            blamed[method] = found
            failing = {
                pair: one
                for pair, one in failing.items()
                if method not in pair and not any(method in self.calls[name] for name in pair)
            }
        return blamed

    def _random(self, count: int) -> None:
        """Try random programs of the operations that are right, and make failing ones smaller."""
        judged = self._judged()
        two = [one for one in judged if one.count == 2 and one.method in self.simple]
        programs = random_programs(self.rng, judged, two or judged, self.engine.scalar, 6)
        failing = []
        for program in self._watched(islice(programs, count if judged else 0), "random programs", count):
            if found := self.compare(program):
                small = self.compare(shrunk(program, self.fails, self.rng))
                failing.append(small or found)
                if len(failing) == 5:
                    break
        if failing:
            found = min(failing, key=lambda one: (len(one.program.steps), len(str(one.program))))
            explain_backward(self.engine, found, failing)
            methods = {operation.method for operation in found.program.operations}
            shared = found.program.shared() or len(methods) > 1
            self.report.add(BACKWARD if shared else methods.pop(), found)

    def _composed(self) -> None:
        """Report composed operations that are wrong, unless another fault may be the cause."""
        for method in sorted(self.wrong, key=lambda one: len(self.calls[one])):
            found = self.wrong[method]
            if self.calls[method]:
                causes = self.calls[method] & self.report.found.keys()
                if causes or BACKWARD in self.report.found:
                    self.report.excused[method] = sorted(causes) or [BACKWARD]
                else:
                    explain(self.engine, found, self.rng)
                    self.report.add(method, found)

    def _twice(self) -> None:
        """Try a second backward() on one graph."""
        judged = self._judged()
        if not self.engine.is_class or not judged:
            return
        # A composed operation hides the inner results that it makes.
        simple = [one for one in judged if one.method in self.simple] or judged
        programs = random_programs(self.rng, simple, simple, self.engine.scalar, 4)
        for program in islice(programs, 30):
            again = Program(program.leaves, program.steps, TWICE)
            found = self.compare(again)
            if found and "raises" in found.what:
                self.report.notes.append(f"a second backward() on the same graph {found.what}")
                return
            if found:
                found = self.compare(shrunk(again, self.fails, self.rng))
                assert found is not None
                half = abs(found.yours - found.right / 2) < 1e-6
                found.sentence = (
                    "the second call adds nothing to the gradients"
                    if half
                    else "the gradients of the inner results from the first call are still there, so the "
                    "second call sends them again"
                )
                self.report.add("second backward()", found)
                return

    def _deep(self) -> None:
        """Find out whether a graph may be deeper than Python's recursion limit."""
        step = next((one for one in self._judged() if one.text == "{0} + {1}"), None)
        if not step or not self.engine.is_class or self.engine.slow:
            return
        leaf = np.array(0.5)
        steps = tuple((step, (n, 0)) for n in range(2000))
        program = Program((leaf,), steps)
        try:
            self.engine.run(program)
        except RecursionError:
            self.report.notes.append(
                "a chain of 2,000 operations raises RecursionError, because backward calls itself"
            )
        except Exception:
            return



def alone(operation: Operation, rng: np.random.Generator, scalar: bool) -> Program:
    """Return a program of one operation."""
    arrays = operation.samples(rng, scalar)[0]
    return Program(tuple(arrays), ((operation, tuple(range(operation.count))),))
