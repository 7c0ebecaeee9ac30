"""The report of an engine check, as text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import wrap

from ...support.text import for_terminal, printable
from .programs import Disagreement
from .target import Engine


@dataclass(repr=False)
class EngineReport:
    """The result of `mg.check_engine`. `bool(report)` is True if nothing disagrees.

    - `found`: a disagreement for each method that is wrong, by the method's name. `backward` and
      `second backward()` are the fault of no single operation.
    - `excused`: the methods that are wrong only because they call another wrong one.
    - `notes`: limits of the engine that are not faults.
    - `compared`: the number of programs that were compared.
    """

    engine: Engine
    found: dict[str, Disagreement] = field(default_factory=dict)
    excused: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    compared: int = 0

    def add(self, method: str, found: Disagreement) -> None:
        """Add a disagreement, unless the method already has one."""
        self.found.setdefault(method, found)

    @property
    def wrong(self) -> list[str]:
        """The methods that are wrong."""
        return list(self.found)

    def __bool__(self) -> bool:
        return not self.found

    def __str__(self) -> str:
        lines = [*self._engine(), *self._table(), *self._untried()]
        for method, found in self.found.items():
            lines += ["", *self._described(method, found)]
        lines += [
            "",
            *(line for note in self.notes for line in wrapped(f"Note: {note}.")),
        ]
        verdict = f"{len(self.found)} faults" if len(self.found) != 1 else "1 fault"
        if not self.found:
            verdict = "no disagreement with minigrad"
        lines.append(f"{self.compared} programs: {verdict}.")
        return for_terminal("\n".join(map(printable, lines)))

    __repr__ = __str__  # a notebook shows the repr

    def _engine(self) -> Iterator[str]:
        engine = self.engine
        kind = "numbers" if engine.scalar else "arrays"
        yield f"{engine.module}:{engine.name} computes with {kind}."
        if engine.is_class:
            end = engine.text(engine.ending).format("y") if engine.ending else "y"
            places = f"value: .{engine.value_name}, gradient: .{engine.grad_name}"
            yield f"  {places}, backward: {end}.backward()"

    def _table(self) -> Iterator[str]:
        rows: dict[str, list[str]] = {
            method: [] for method in ("__init__", *self.engine.calls, *self.found)
        }
        for operation, text in self.engine.texts.items():
            rows[operation.method].append(text.format("a", "b"))
        yield f"  {'method':<18}{'verdict':<10}tried as"
        for method, texts in rows.items():
            verdict = "right"
            if method in self.found:
                verdict = "WRONG"
            elif method in self.excused:
                verdict = "unknown"
                texts = [f"(calls {', '.join(self.excused[method])})", *texts]
            elif not texts:
                continue
            shown = [*texts[:3], "..."] if len(texts) > 4 else texts
            line, *more = wrap(", ".join(shown) or "-", 48)
            yield f"  {method:<18}{verdict:<10}{line}"
            for line in more:
                yield " " * 30 + line

    def _untried(self) -> Iterator[str]:
        reasons: dict[str, list[str]] = {}
        missing: dict[str, None] = {}
        for operation, reason in self.engine.untried.items():
            if reason.endswith(f"has no {operation.method}"):
                missing[operation.method] = None
            else:
                reasons.setdefault(reason, []).append(str(operation))
        for reason, texts in reasons.items():
            yield from wrapped(f"  Not tried: {', '.join(texts)}: {reason}.")
        if missing:
            yield from wrapped(
                f"  Not tried, because it has none: {', '.join(missing)}."
            )

    def _described(self, method: str, found: Disagreement) -> Iterator[str]:
        function = getattr(self.engine.target, method, None)
        code = getattr(function, "__code__", None)
        where = f" (line {code.co_firstlineno} of {code.co_filename})" if code else ""
        yield from wrapped(f"WRONG: {method}{where}")
        if not found.program.steps:
            yield from wrapped(f"  {found.what}.")
            return
        yield from wrapped(f"  {found.program}")
        yield from wrapped(f"  {found.numbers}.")
        if found.sentence:
            yield from wrapped(f"  Likely mistake: {found.sentence}.")
        yield "  To see it again, start Python and paste:"
        for line in self.engine.lines(found.program):
            yield f"    {line}"


def wrapped(text: str) -> list[str]:
    """Return lines of at most 80 characters, indented like the first one."""
    indent = " " * (len(text) - len(text.lstrip()))
    return wrap(text, 80, subsequent_indent=indent + "  ", break_long_words=False)
