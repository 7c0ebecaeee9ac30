"""Compare an engine with minigrad, and find out which operation is at fault.

A check tries, in this order:

1. Each operation alone, also computed twice with a `backward()` after each, and with the same Value
   as both inputs.
2. Each pair of operations that are right alone, one inside the other.
3. Random programs of the operations that are right, in which results are used more than once.
4. A second `backward()` on the same graph, and deep graphs.

If all operations are wrong in the same way, backward is blamed, or a function that all of them
call. An operation that only calls a wrong one is not blamed.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice, product
from typing import Any

import numpy as np

from ...errors import OptionError
from ...graph import Array
from .explain import explain, explain_backward
from .limit import TooLong, calls_outside
from .operations import Operation, nice
from .programs import (
    NEW,
    TWICE,
    Disagreement,
    Program,
    Results,
    random_programs,
)
from .report import EngineReport
from .target import LIMIT, Engine, FunctionEngine, cannot, load

BACKWARD = "backward"
SINGLE = "single numbers of an engine of arrays"
SECOND = "second backward()"

ORDER = (
    "each operation is right alone, but not all gradients reach the operations before it: "
    "the order is wrong, or not every input is recorded"
)
INPUT = (
    "its gradient is right for a leaf, but not if its input is a result: the gradient may "
    "have the wrong shape, or the input may not be recorded"
)
REPLACES = (
    "each backward() replaces the gradients of the one before, so gradients of several "
    "calls do not add up"
)


def check_engine(
    target: Any,
    *,
    count: int = 200,
    seed: int = 0,
    accumulates: bool = False,
    limit: float = LIMIT,
    progress: bool = False,
) -> EngineReport:
    """Compare a class of yours that computes gradients with minigrad.

    - `target`: a class whose objects have operators, a value, `grad` and `backward()`; or its
      address, such as "micrograd.engine:Value" or "my_engine.py:Value"; or an adapter, which is a
      function `value_and_grad(f, *arrays)` that returns f(*arrays) and a list of the gradients of
      its sum, one for each array.
    - `count`: the number of random programs.
    - `seed`: the seed for numbers and programs.
    - `accumulates`: whether gradients of repeated calls to `backward()` must add up, also on the same
      graph. By default, an engine may allow only one call for each graph.
    - `limit`: the seconds of processor time after which a program that has not ended is a fault.
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

    Expressions that raise an error are not supported, which is not a fault.

    Errors: OptionError MG709 if `target` is not an engine, or raises an error in each expression.
    Source: Claessen and Hughes, QuickCheck
    (2000), for random programs that are made smaller.

    Since: 0.2.
    """
    if count < 0 or limit <= 0:
        raise OptionError(
            "MG700",
            f"check_engine cannot use count={count!r} and limit={limit!r}",
            cause="count is a number of random programs, and limit a number of seconds",
            remedy="use a count of at least 0 and a limit greater than 0",
        )
    if isinstance(target, str):
        target = load(target)
    with np.errstate(all="ignore"):
        kind = Engine if isinstance(target, type) else FunctionEngine
        engine = kind(target, limit)
        rng = np.random.default_rng(seed)
        if not progress:
            return Check(engine, rng, count, accumulates).report
        from tqdm import tqdm  # not on the site's pages

        with tqdm(unit=" programs", leave=False, delay=2, disable=None) as bar:
            return Check(engine, rng, count, accumulates, bar.update).report


Outcomes = dict[Any, Disagreement | None]
"""The outcome of each method or pair of methods: a difference, an error, or None if it is right."""


def _store(outcomes: Outcomes, key: Any, found: Disagreement | None) -> None:
    """Store an outcome. A difference is more important than an error, and the first one counts."""
    before = outcomes.setdefault(key, found)
    if not before or found and before.raised:
        outcomes[key] = found


def _differing(outcomes: Outcomes) -> dict[Any, Disagreement]:
    return {key: found for key, found in outcomes.items() if found and not found.raised}


class Check:
    """Run a check, and store its result in `report`.

    `wrong` contains the first disagreement of each method that is wrong alone.
    """

    def __init__(
        self,
        engine: Engine,
        rng: np.random.Generator,
        count: int,
        accumulates: bool,
        update: Callable[[], object] = lambda: None,
    ) -> None:
        self.engine, self.rng, self.update = engine, rng, update
        self.accumulates, self.replaces = accumulates, False
        self.scalar = engine.scalar
        self.zero_d = True
        self.wrong: dict[str, Disagreement] = {}
        self.report = report = EngineReport(engine)
        try:
            self._run(count)
        except TooLong as error:
            calls = calls_outside(error)
            methods = [one.name for one in calls if engine.code(one.name)]
            *_, (operation, _) = engine.running.steps.values()
            found = Disagreement(
                engine.running,
                f"it has not ended within {engine.limit:g} s of processor time; the check ends in "
                f"line {calls[-1].lineno} of {calls[-1].filename}: {calls[-1].line}",
            )
            report.add([operation.method, *methods][-1], found)

    def _run(self, count: int) -> None:
        engine, report = self.engine, self.report
        engine.find_operations()
        self.calls = engine.calls
        self.simple = {method for method, called in engine.calls.items() if not called}
        if engine.is_class:
            self._new_leaves()
            if report.found:
                return
            self._ending()
        self._alone()
        if not report.compared:
            raise cannot(
                f"{engine.name} raises an error in each expression",
                next(engine.limits()),
            )
        for part in (self._pairs, lambda: self._random(count)):
            if BACKWARD not in report.found:
                part()
        self._composed()
        if engine.is_class and BACKWARD not in report.found:
            self._deep()
            self._twice()

    def compare(self, program: Program) -> Disagreement | None:
        """Run a program on the engine and in minigrad, and return the first difference.

        If the engine raises an error, the program is not supported, and the result is `raised`. This
        is not a fault, but evidence about the cause if other programs differ.
        """
        if not self.zero_d and not all(leaf.ndim for leaf in program.leaves.values()):
            return None
        self.update()
        try:
            results = self.engine.run(program)
        except Exception as error:
            self.engine.refuse(program, error)
            return Disagreement(
                program,
                "",
                in_backward=self.engine.in_backward,
                raised=True,
            )
        self.report.compared += 1
        for what, right in program.reference().items():
            if found := self._difference(program, what, results[what], right):
                return found
        self.report.agreed |= program.operations
        return None

    def wrong_in(self, program: Program) -> Disagreement | None:
        """Return the first difference, or None if the program agrees or is not supported."""
        found = self.compare(program)
        return None if found and found.raised else found

    def _difference(
        self, program: Program, what: str, yours: Array | None, right: Array
    ) -> Disagreement | None:
        found = Disagreement(program, what, in_backward="gradient" in what)
        plain = yours is None or not yours.shape and not yours.any()
        if found.in_backward and plain:
            yours = np.zeros(right.shape)  # right where no gradient arrives
        if yours is None:
            return replace(found, what=f"{what} is not a number or an array")
        if yours.shape != right.shape:
            text = f"{what} has shape {yours.shape}; it should have shape {right.shape}"
            return replace(found, what=text)
        errors = np.abs(yours - right) / np.maximum(1.0, np.abs(right))
        if (errors <= self.engine.tolerance).all():
            return None
        worst = np.argmax(np.nan_to_num(errors, nan=np.inf))
        index = tuple(map(int, np.unravel_index(worst, right.shape)))
        found.yours, found.right = float(yours[index]), float(right[index])
        found.index = index
        return found

    def _smallest(self, found: Disagreement) -> Disagreement:
        """Make a disagreement's program smaller, as long as it fails in each of three runs."""

        def fails(program: Program) -> bool:
            return all(self.wrong_in(program) for _ in range(3))

        return self.wrong_in(found.program.shrunk(fails)) or found

    def _new_leaves(self) -> None:
        """Check the value and the gradient of new Values."""
        engine = self.engine
        for shape in ((),) if self.scalar else ((), (1,), (1, 1), (2, 3)):
            array = np.full(shape, 2.5)
            made = f"a new {engine.name}({engine.argument(array)})"
            with suppress(Exception):  # not every engine has this shape
                leaf = engine.make(array)
                for what, found, right in (
                    ("value", engine.value(leaf), array),
                    ("gradient", engine.gradient(leaf), 0 * array),
                ):
                    if different := self._difference(
                        Program({"a": array}),
                        f"the {what} of {made}",
                        found,
                        right,
                    ):
                        self.report.add("__init__", different)

    def _ending(self) -> None:
        """Choose how programs end: with backward() on an array, or on its sum or mean."""
        usable = [one for one in self.engine.texts if one.count == 1]
        if self.scalar:
            return
        alone = [Program.of(one, one.samples(self.rng, False)[0]) for one in usable]
        arrays = [one for one in alone if one.arrays()["s1"].ndim]
        for text in ("", "{0}.sum()", "{0}.mean()"):
            endings = [one for one in usable if one.text == text]
            if endings or not text:
                self.engine.ending = endings[0] if endings else None
                if any(map(self._results, arrays)):
                    break
        number = np.array(1.5)
        arrived = [
            self._results(Program.of(one, [number])).get("the gradient of a", 0.0)
            for one in usable
            if one.accepts(number)
        ]
        if arrived and all(one is None for one in arrived):
            self.zero_d = False
            self.report.notes.append(
                f"a {self.engine.name} of shape () gets no gradient, so none was tried"
            )

    def _results(self, program: Program) -> Results:
        """Return the engine's results, or none if it does not support the program."""
        with suppress(Exception):
            return self.engine.run(program)
        return {}

    def _alone(self) -> None:
        """Try each operation alone, and blame backward if all are wrong in the same way."""
        outcomes: dict[str, Outcomes] = {NEW: {}, "": {}}
        for operation in self.engine.texts:
            for how, program in self._of(operation):
                found = self.compare(program)
                for kind in (how, ""):
                    kinds = outcomes.setdefault(kind, {})
                    _store(kinds, operation.method, found)
                if found and not found.raised:
                    break
        self.wrong = _differing(outcomes[""])
        for how, kinds in outcomes.items():
            simple = [kinds[one] for one in self.simple & kinds.keys()]
            everywhere = all(one and one.in_backward for one in simple)
            wrong = [*_differing(kinds).values()]
            enough = len(simple) > (1 if how else 2)
            if not (wrong and enough and everywhere):
                continue
            halves = (np.isclose(2 * one.yours, one.right, 1e-4) for one in wrong)
            if how == NEW and not self.accumulates and all(halves):
                self.report.notes.append(REPLACES)
                self.replaces = True
                self._alone()
                return
            found = min(wrong, key=lambda one: one.size)
            explain_backward(found, wrong)
            self.report.add(BACKWARD, found)
            return
        self._helper()
        for method, found in self.wrong.items():
            if method in self.simple and method not in self.report.excused:
                explain(self.engine, found, self.rng)
                self.report.add(method, found)

    def _of(self, operation: Operation) -> Iterator[tuple[str, Program]]:
        """Yield (kind, program) for programs that test one operation alone. The kind is "same"
        if both inputs are the same Value, SINGLE, NEW, or "".
        """
        samples = operation.samples(self.rng, self.scalar)
        for arrays in samples:
            shaped = self.scalar or any(array.ndim for array in arrays)
            yield "" if shaped else SINGLE, Program.of(operation, arrays)
        if self.engine.is_class and not self.replaces:
            for arrays in samples[:3]:
                yield NEW, Program.of(operation, arrays, NEW)
        first, *others = samples[0]
        if others and operation.accepts(first, first):
            yield "same", Program({"a": first}).then(operation, "a", "a")

    def _judged(self) -> list[Operation]:
        """Return the operations that are right and do not call a wrong one."""
        wrong = self.wrong.keys() | self.report.found.keys()
        return [
            one
            for one in self.engine.texts
            if one in self.report.agreed
            and one.method not in wrong
            and not self.calls[one.method] & wrong
        ]

    def _helper(self) -> None:
        """Blame a function that several wrong methods call and no right method does.

        All of these methods must be wrong for the same pair of different shapes, one of which is
        broadcast.
        """
        engine, report = self.engine, self.report
        right = map(engine.helpers, {one.method for one in self._judged()})
        candidates = {
            method: engine.helpers(method)
            for method, found in self.wrong.items()
            if len(set(found.shapes)) == 2 and method not in report.excused
        }
        common = Counter(name for names in candidates.values() for name in names)
        for name in sorted(common.keys() - set().union(*right)):
            methods = [one for one in candidates if name in candidates[one]]
            shapes = [self.wrong[method].shapes for method in methods]
            if len(methods) > 1 and all(one == shapes[0] for one in shapes):
                found = replace(self.wrong[methods[0]])
                explain(engine, found, self.rng)
                called = f"{' and '.join(methods)} call it, and no right operation does"
                found.sentence = "; ".join(filter(None, [called, found.sentence]))
                report.add(name, found)
                report.excused |= {method: [name] for method in methods}
                return

    def _pairs(self) -> None:
        """Try each pair of operations that are right alone, one inside the other."""
        first = {one.method: one for one in reversed(self._judged())}
        outcomes: Outcomes = {}
        for inner, outer in product(first.values(), repeat=2):
            for program in self._nested(inner, outer):
                pair = inner.method, outer.method
                _store(outcomes, pair, self.compare(program))
        blamed = self._blame(outcomes)
        simple = self.simple & first.keys()
        binary = {method for method in simple if first[method].count == 2}
        most = binary <= blamed.keys() or len(blamed) > 0.7 * len(simple)
        if len(binary) > 1 and most:
            found = min(blamed.values(), key=lambda one: one.size)
            blamed = {BACKWARD: replace(found, sentence=ORDER)}
        for method, found in blamed.items():
            self.report.add(method, found)

    def _nested(self, inner: Operation, outer: Operation) -> Iterator[Program]:
        """Yield programs that use the result of `inner` at each place of `outer`."""
        samples = inner.samples(self.rng, self.scalar)
        start = Program.of(inner, samples[: inner.count][-1])
        shape = start.arrays()["s1"].shape
        for place in range(outer.count):
            for other in (shape, shape[::-1]):
                leaves = start.leaves | {"other": nice(self.rng, other)}
                inputs = ["s1", "other"][: outer.count]
                inputs = inputs[place:] + inputs[:place]
                program = replace(start, leaves=leaves).then(outer, *inputs)
                sizes = {name: np.abs(leaf) for name, leaf in leaves.items()}
                both = [program, replace(program, leaves=sizes)]
                if valid := [one.pruned("s2") for one in both if one.valid()]:
                    yield valid[0]
                    break

    def _blame(self, outcomes: Outcomes) -> dict[str, Disagreement]:
        """Blame the operations that most of the failing pairs have in common, one by one."""
        blamed: dict[str, Disagreement] = {}
        while differing := _differing(outcomes):
            failing = [pair for pair, found in outcomes.items() if found]
            votes = Counter(vote for pair in failing for vote in enumerate(pair))
            # A method is not blamed for one that it calls. In doubt, blame the inner one.
            voted = {method for _, method in votes}
            place, method = max(
                votes,
                key=lambda vote: (
                    not self.calls[vote[1]] & voted,
                    votes[vote],
                    -vote[0],
                ),
            )
            chosen = [found for pair, found in differing.items() if pair[place] == method]
            if chosen:
                found = min(chosen, key=lambda one: one.size)
                blamed[method] = found
                if place == 0:
                    explain(self.engine, found, self.rng)
                else:
                    found.sentence = INPUT
            outcomes = {
                pair: outcomes[pair]
                for pair in failing
                if method not in {*pair}.union(*(self.calls[one] for one in pair))
            }
        return blamed

    def _programs(self, count: int) -> Iterator[Program]:
        """Yield random programs of right operations."""
        judged = self._judged()
        binary = [one for one in judged if one.method in self.simple and one.count == 2]
        shapes: Any = ((), (), ()) if self.scalar else ((2, 3), (3,), (2, 3))
        programs = random_programs(self.rng, judged, binary or judged, shapes, 6)
        return islice(programs, count)

    def _random(self, count: int) -> None:
        """Try random programs of right operations, and make failing ones smaller."""
        failing: list[Disagreement] = []
        for program in self._programs(count):
            if found := self.wrong_in(program):
                failing.append(self._smallest(found))
            if len(failing) == 5:
                break
        if failing:
            found = min(failing, key=lambda one: one.size)
            explain_backward(found, failing)
            methods = {operation.method for operation in found.program.operations}
            alone = len(methods) == 1 and not found.program.shared
            self.report.add(methods.pop() if alone else BACKWARD, found)

    def _composed(self) -> None:
        """Report composed operations that are wrong, unless they call a wrong one."""
        report = self.report
        for method in sorted(self.wrong, key=lambda one: len(self.calls[one])):
            known = report.found.keys() | report.excused.keys()
            causes = self.calls[method] & known or report.found.keys() & {BACKWARD}
            if causes:
                report.excused.setdefault(method, sorted(causes))
            elif method not in known:
                explain(self.engine, self.wrong[method], self.rng)
                report.add(method, self.wrong[method])

    def _twice(self) -> None:
        """Try a second backward() on the same graph."""
        for program in self._programs(30):
            again = replace(program, calls=TWICE)
            if self.replaces or not (found := self.wrong_in(again)):
                continue
            found = self._smallest(found)
            if self.accumulates:
                self.report.add(SECOND, found)
            else:
                self.report.notes.append(
                    f"gradients of a {SECOND} on the same graph do not add up: in {found.program}, {found.numbers}"
                )
            return

    def _deep(self) -> None:
        """Try long sums, whose graphs are deep."""
        if "__add__" not in {one.method for one in self._judged()}:
            return
        shape = () if self.scalar or self.zero_d else (1,)
        for depth in (30, 300, 2000):
            add = Operation(f"sum([{{0}}] * {depth}, {{1}})")
            leaves = [np.full(shape, 0.5), np.full(shape, 1.25)]
            if found := self.wrong_in(Program.of(add, leaves)):
                found.sentence = "the gradients are right in graphs of fewer levels"
                self.report.add(BACKWARD, found)
                return
