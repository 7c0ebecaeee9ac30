"""Compare an engine with minigrad, and find out which operation is at fault.

1. Each operation alone, computed twice with a `backward()` each, and with the same Value twice.
2. Each pair of operations that are right alone, one inside the other.
3. Random programs of the operations that are right, in which results are used more than once.
4. A second `backward()` on the same graph, and a deep graph.

If all operations are wrong in the same way, backward is to blame. An operation that calls a wrong
one is not blamed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice, product
from typing import Any, TypeVar

import numpy as np

from ...errors import OptionError
from ...graph import Array
from .explain import explain, explain_backward
from .operations import Operation, nice
from .programs import NEW, TWICE, Disagreement, Program, random_programs
from .report import EngineReport
from .target import Engine, FunctionEngine, load

T = TypeVar("T")

BACKWARD = "backward"


def check_engine(
    target: Any, *, count: int = 200, seed: int = 0, progress: bool = False
) -> EngineReport:
    """Compare a class of yours that computes gradients with minigrad.

    - `target`: a class whose objects have operators, a value, `grad` and `backward()`; or its
      address, such as "micrograd.engine:Value" or "my_engine.py:Value"; or an adapter, which is a
      function `value_and_grad(f, *arrays)` that returns f(*arrays) and a list of the gradients of
      its sum, one for each array.
    - `count`: the number of random programs.
    - `seed`: the seed for numbers and programs.
    - `progress`: show a progress bar if a part of the check takes longer than two seconds.

    `bool(report)` is True if nothing disagrees. Print the report for details.

    >>> import minigrad as mg
    >>> class Value:                        # its product rule has the wrong factor
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

    Errors: OptionError MG709 if `target` is not an engine. Source: Claessen and Hughes, QuickCheck
    (2000), for random programs that are made smaller.

    Since: 0.2.
    """
    if count < 0:
        raise OptionError(
            "MG700",
            f"check_engine cannot use count={count!r}",
            cause="it is a number of random programs",
            remedy="use a number of at least 0",
        )
    if isinstance(target, str):
        target = load(target)
    engine = Engine(target) if isinstance(target, type) else FunctionEngine(target)
    with np.errstate(all="ignore"):
        return Check(engine, np.random.default_rng(seed), count, progress).report


class Check:
    """Run a check, and store its result in `report`.

    `wrong` contains the first disagreement of each method that is wrong alone.
    """

    def __init__(
        self, engine: Engine, rng: np.random.Generator, count: int, progress: bool
    ) -> None:
        self.engine, self.rng, self.progress = (engine, rng, progress)
        self.scalar = engine.scalar
        self.zero_d = True
        self.calls = engine.calls
        self.simple = {method for method, called in engine.calls.items() if not called}
        self.wrong = engine.failing.copy()
        self.report = report = EngineReport(engine)
        self.is_class = not isinstance(engine, FunctionEngine)
        if self.is_class:
            self._new_leaf()
            if report.found:
                return
            self._ending()
        for part in (self._alone, self._pairs, lambda: self._random(count)):
            if BACKWARD not in report.found:
                part()
        self._composed()
        if self.is_class and BACKWARD not in report.found:
            self._helper()
            self._twice()
            self._deep()

    def _watched(self, items: Iterable[T], what: str, total: int) -> Iterable[T]:
        if not self.progress:
            return items
        from tqdm import tqdm  # not on the site's pages

        bar: Iterable[T] = tqdm(items, what, total, leave=False, delay=2, disable=None)
        return bar

    def compare(self, program: Program) -> Disagreement | None:
        """Run a program on the engine and in minigrad, and return the first difference."""
        if not self.zero_d and not all(leaf.ndim for leaf in program.leaves):
            return None
        engine = self.engine
        self.report.compared += 1
        values, gradients = program.reference()
        try:
            value, found, after = engine.run(program)
        except Exception as error:
            stage = "backward() raises" if engine.in_backward else "raises"
            text = f"{stage} {type(error).__name__}: {error}".split("\n")[0]
            return Disagreement(program, text, in_backward=engine.in_backward)
        rows = [("the value", value, values[-1])]
        for n, name in enumerate(program.names[: len(program.leaves)]):
            rows.append(
                (f"the value of {name} afterwards", after[n], program.leaves[n])
            )
        for n, name in enumerate(program.names[: len(program.leaves)]):
            rows.append((f"the gradient of {name}", found[n], gradients[n]))
        for what, yours, right in rows:
            if different := self._difference(program, what, yours, right):
                return replace(different, in_backward="gradient" in what)
        return None

    def _difference(
        self, program: Program, what: str, yours: Array | None, right: Array
    ) -> Disagreement | None:
        if "gradient" in what and (
            yours is None or yours.size == 1 and not yours.any()
        ):
            yours = np.zeros(
                right.shape
            )  # a plain 0 or None is enough where nothing arrives
        if yours is None:
            return Disagreement(program, f"{what} is not a number or an array")
        if yours.shape != right.shape:
            text = f"{what} has shape {yours.shape}; it should have shape {right.shape}"
            return Disagreement(program, text)
        errors = np.abs(yours - right) / np.maximum(1.0, np.abs(right))
        if (errors <= self.engine.tolerance).all():
            return None
        worst = np.argmax(np.nan_to_num(errors, nan=np.inf))
        index = tuple(map(int, np.unravel_index(worst, right.shape)))
        return Disagreement(
            program, what, float(yours[index]), float(right[index]), index
        )

    def fails(self, program: Program) -> bool:
        """Return whether a program fails, each time of three."""
        return all(self.compare(program) for _ in range(3))

    def _new_leaf(self) -> None:
        """Check the value and the gradient of a new Value."""
        engine = self.engine
        leaf = engine.make(np.array(2.5))
        for what, found, right in (
            ("value", engine.value(leaf), 2.5),
            ("gradient", engine.gradient(leaf), 0.0),
        ):
            if found is not None and np.abs(found - right).max() > 1e-6:
                text = f"the {what} of a new {engine.name}(2.5) is {found:g}; it should be {right:g}"
                self.report.add(
                    "__init__", Disagreement(Program((np.array(2.5),)), text)
                )

    def _ending(self) -> None:
        """Choose how programs end: with backward() on an array, or on its sum or mean."""
        usable = [one for one in self.engine.texts if one.count == 1]
        if self.scalar or not usable:
            return
        endings = [one for one in usable if one.text in ("{0}.sum()", "{0}.mean()")]
        failures = {}
        for ending in (None, *endings):
            self.engine.ending = ending
            programs = [self._program(one) for one in usable]
            failures[ending] = sum(self.compare(one) is not None for one in programs)
            if failures[ending] <= len(usable) / 2:
                break
        self.engine.ending = min(failures, key=lambda one: failures[one])
        leaf = np.array(1.5)
        programs = [
            Program.of(one, [leaf]) for one in usable if Program.of(one, [leaf]).valid()
        ]
        self.zero_d = any(self.compare(one) is None for one in programs) or not programs
        if not self.zero_d:
            text = (
                f"a {self.engine.name} of shape () gets no gradient, so none was tried"
            )
            self.report.notes.append(text)

    def _program(self, operation: Operation) -> Program:
        return Program.of(operation, operation.samples(self.rng, self.scalar)[0])

    def _alone(self) -> None:
        """Try each operation alone. If all of them are wrong, backward is to blame."""
        texts = self.engine.texts
        tried: dict[str, set[str]] = {}
        failing: dict[str, dict[str, Disagreement]] = {}
        for operation in self._watched(texts, "operations", len(texts)):
            for how, program in self._of(operation):
                tried.setdefault(how, set()).add(operation.method)
                if found := self.compare(program):
                    failing.setdefault(how, {}).setdefault(operation.method, found)
                    self.wrong.setdefault(operation.method, found)
                    break
        failing["any"], tried["any"] = self.wrong, self.calls.keys() - {""}
        for how, wrong in failing.items():
            needed = self.simple & tried[how]
            gradients = {method for method, found in wrong.items() if found.in_backward}
            if len(needed) > (2 if how == "any" else 1) and needed <= gradients:
                found = min(wrong.values(), key=lambda one: one.size)
                explain_backward(found, list(wrong.values()))
                self.report.add(BACKWARD, found)
                return
        for method, found in self.wrong.items():
            if method in self.simple:
                explain(self.engine, found, self.rng)
                self.report.add(method, found)

    def _of(self, operation: Operation) -> Iterator[tuple[str, Program]]:
        """Yield the programs that test an operation alone, and how each of them does."""
        samples = operation.samples(self.rng, self.scalar)
        for arrays in samples:
            yield "alone", Program.of(operation, arrays)
        for arrays in samples[:3] if self.is_class else ():
            yield NEW, Program.of(operation, arrays, NEW)
        if operation.count == 2:
            first, second = samples[0]
            if first.shape == second.shape:
                yield (
                    "the same Value twice",
                    Program((first,), ((operation, (0, 0)),)),
                )

    def _judged(self) -> list[Operation]:
        """Return the operations that are right, and that call no wrong one."""
        wrong = self.wrong.keys() | self.report.found.keys()
        return [
            one
            for one in self.engine.texts
            if one.method not in wrong and not self.calls[one.method] & wrong
        ]

    def _pairs(self) -> None:
        """Try each pair of operations that are right alone, one inside the other."""
        first = {one.method: one for one in reversed(self._judged())}
        pairs = list(product(first.values(), repeat=2))
        failing: dict[tuple[str, str], Disagreement] = {}
        for inner, outer in self._watched(pairs, "pairs of operations", len(pairs)):
            for program in self._nested(inner, outer):
                if found := self.compare(program):
                    failing.setdefault((inner.method, outer.method), found)
        blamed = self._blame(failing)
        simple = self.simple & first.keys()
        binary = {method for method in simple if first[method].count == 2}
        if len(binary) > 1 and (
            binary <= blamed.keys() or len(blamed) > 0.7 * len(simple)
        ):
            found = min(blamed.values(), key=lambda one: one.size)
            found.sentence = (
                "each operation is right alone, but not all gradients reach "
                "the operations before it: "
                "the order is wrong, or not every input is recorded"
            )
            blamed = {BACKWARD: found}
        for method, found in blamed.items():
            self.report.add(method, found)

    def _nested(self, inner: Operation, outer: Operation) -> Iterator[Program]:
        """Yield programs that use the result of `inner` at each place of `outer`."""
        samples = inner.samples(self.rng, self.scalar)
        start = Program.of(inner, samples[1 % len(samples)])
        shape = start.reference()[0][-1].shape
        last = len(start.leaves)
        shapes = [shape]
        if outer.method == "__matmul__" and len(shape) == 2:
            shapes = [(shape[1], 2), (2, shape[0])]
        for place, other in product(range(outer.count), shapes[: outer.count]):
            leaves, inputs = start.leaves, [last]
            if outer.count == 2:
                leaves = (*leaves, nice(self.rng, other))
                inputs = [last, last]
                inputs[place] = last + 1
            steps = (*start.steps, (outer, tuple(inputs)))
            for signed in (leaves, tuple(np.abs(leaf) for leaf in leaves)):
                program = Program(signed, steps)
                if program.valid():
                    yield program
                    break

    def _blame(
        self, failing: dict[tuple[str, str], Disagreement]
    ) -> dict[str, Disagreement]:
        """Blame the operations that most of the failing pairs have in common, one after another."""
        blamed: dict[str, Disagreement] = {}
        while failing:
            votes = Counter(vote for pair in failing for vote in enumerate(pair))
            # A method is not blamed for one that it calls. In doubt, blame the inner operation.
            basic = [
                (place, method)
                for place, method in votes
                if not any((place, one) in votes for one in self.calls[method])
            ]
            place, method = max(
                basic or votes, key=lambda vote: (votes[vote], -vote[0])
            )
            chosen = [found for pair, found in failing.items() if pair[place] == method]
            found = min(chosen, key=lambda one: one.size)
            found.sentence = (
                "its gradient is right for a leaf, but not if its input is a "
                "result: the gradient may "
                "have the wrong shape, or the input may not be recorded"
            )
            if place == 0:
                found.sentence = "it does not use the gradient that arrives at its result as it should"
                explain(self.engine, found, self.rng)
            blamed[method] = found
            failing = {
                pair: found
                for pair, found in failing.items()
                if method not in pair
                and not any(method in self.calls[one] for one in pair)
            }
        return blamed

    def _programs(self, size: int, simple: bool) -> Iterator[Program]:
        judged = self._judged()
        basic = [one for one in judged if one.method in self.simple] or judged
        binary = [one for one in basic if one.count == 2] or basic
        shapes: list[tuple[int, ...]] = (
            [(), (), ()] if self.scalar else [(2, 3), (3,), (2, 3)]
        )
        if not judged:
            return iter(())
        return random_programs(
            self.rng, basic if simple else judged, binary, shapes, size
        )

    def _random(self, count: int) -> None:
        """Try random programs of the operations that are right, and make failing ones smaller."""
        programs = islice(self._programs(6, simple=False), count)
        failing: list[Disagreement] = []
        for program in self._watched(programs, "random programs", count):
            if found := self.compare(program):
                small = self.compare(program.shrunk(self.fails, self.rng))
                failing.append(small or found)
            if len(failing) == 5:
                break
        if failing:
            found = min(failing, key=lambda one: one.size)
            explain_backward(found, failing)
            methods = {operation.method for operation in found.program.operations}
            alone = len(methods) == 1 and not found.program.shared
            self.report.add(methods.pop() if alone else BACKWARD, found)

    def _composed(self) -> None:
        """Report composed operations that are wrong, unless another fault may be the cause."""
        report = self.report
        for method in sorted(self.wrong, key=lambda one: len(self.calls[one])):
            causes = self.calls[method] & report.found.keys() or report.found.keys() & {
                BACKWARD
            }
            if causes:
                report.excused[method] = sorted(causes)
            elif method not in report.found:
                explain(self.engine, self.wrong[method], self.rng)
                report.add(method, self.wrong[method])

    def _helper(self) -> None:
        """Note which function all wrong methods call, and no right one."""
        wrong, right = (
            self.report.found.keys(),
            {one.method for one in self._judged()},
        )
        if len(wrong) < 2:
            return
        helpers = set.intersection(*map(self.engine.helpers, wrong))
        for name in sorted(helpers.difference(*map(self.engine.helpers, right))):
            text = f"{', '.join(wrong)} call {name}, and no right operation does"
            self.report.notes.append(f"the fault may be in {name}: {text}")

    def _twice(self) -> None:
        """Try a second backward() on the same graph.

        A composed operation would hide inner results, so only simple ones are used.
        """
        for program in islice(self._programs(4, simple=True), 30):
            again = replace(program, calls=TWICE)
            found = self.compare(again)
            if found and np.isnan(found.right):
                self.report.notes.append(f"on the same graph, a second {found.what}")
                return
            if found:
                found = self.compare(again.shrunk(self.fails, self.rng)) or found
                found.sentence = (
                    "the gradients of inner results from the first call are "
                    "still there, so the second "
                    "call sends them again"
                )
                if len(found.program.steps) == 1:
                    found.sentence = (
                        "the gradient of the result from the first call is still "
                        "there: backward "
                        "should set it to 1, not add 1"
                    )
                if abs(found.yours - found.right / 2) < 1e-6:
                    found.sentence = "the second call adds nothing to the gradients"
                self.report.add("second backward()", found)
                return

    def _deep(self) -> None:
        """Find out whether a graph may be deeper than Python's recursion limit."""
        for operation in self._judged():
            if operation.text == "-{0}" or operation.text == "{0} + 2":
                steps = tuple((operation, (n,)) for n in range(2000))
                shape = () if self.scalar or self.zero_d else (1,)
                try:
                    self.engine.run(Program((np.full(shape, 0.5),), steps))
                except RecursionError:
                    text = "a chain of 2,000 operations raises RecursionError: backward calls itself"
                    self.report.notes.append(text)
                except Exception as error:
                    text = f"a chain of 2,000 operations raises {type(error).__name__}"
                    self.report.notes.append(text)
                return
