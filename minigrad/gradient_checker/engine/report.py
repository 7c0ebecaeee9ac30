"""The report of an engine check, as text."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import wrap

from ...support.text import for_terminal, printable
from .operations import Operation
from .programs import Disagreement
from .target import Engine


@dataclass(repr=False)
class EngineReport:
    """The result of `mg.check_engine`. `bool(report)` is True if nothing disagrees.

    - `found`: {method's name: disagreement}, for each method that is wrong. The names `backward`
      and `second backward()` stand for faults that no single operation causes.
    - `excused`: the methods that are wrong only because they call another wrong one.
    - `notes`: limits of the engine that are not faults.
    - `agreed`: the operations that agree with minigrad in a program.
    - `compared`: the number of programs that were compared.
    """

    engine: Engine
    found: dict[str, Disagreement] = field(default_factory=dict)
    excused: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    agreed: set[Operation] = field(default_factory=set)
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
        lines = [*self._engine(), *self._table()]
        for method, found in self.found.items():
            lines += ["", *self._described(method, found)]
        lines += ["", *(f"Note: {note}." for note in self.notes)]
        faults = len(self.found)
        verdict = "no disagreement with minigrad"
        if faults:
            verdict = f"{faults} fault{'s' * (faults > 1)}"
        limits = sum(map(len, self.engine.unsupported.values()))
        lines.append(
            f"{self.compared:,} programs: {verdict}; expressions not supported: {limits:,}."
        )
        return for_terminal("\n".join(printable(row) for one in lines for row in wrapped(one)))

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
        wrong = {*self.found, *self.excused}
        for operation, text in self.engine.texts.items():
            if operation in self.agreed or operation.method in wrong:
                rows[operation.method].append(text.format("a", "b"))
        yield f"  {'method':<18}{'verdict':<10}tried as"
        for method, texts in rows.items():
            verdict, more = "right", ", ..." if len(texts) > 3 else ""
            tried = ", ".join(texts[:3]) + more
            if method in self.found:
                verdict = "WRONG"
            elif method in self.excused:
                verdict = "unknown"
                tried = f"(calls {', '.join(self.excused[method])}) {tried}"
            elif not texts:
                continue
            yield f"  {method:<18}{verdict:<10}{tried}"
        for text in self.engine.limits():
            yield f"  {text}."

    def _described(self, method: str, found: Disagreement) -> Iterator[str]:
        code = self.engine.code(method)
        where = f" (line {code.co_firstlineno} of {code.co_filename})" if code else ""
        yield f"WRONG: {method}{where}"
        if not found.program.steps:
            yield f"  {found.numbers}."
            return
        yield f"  {found.program}"
        yield f"  {found.numbers}."
        if found.sentence:
            yield f"  Likely mistake: {found.sentence}."
        yield "  To see it again, start Python and paste:"
        for line in self.engine.lines(found.program):
            yield f"    {line}"


def wrapped(text: str) -> list[str]:
    """Return lines of at most 80 characters. Code to paste is not changed."""
    if not text or text.startswith("    "):
        return [text]
    rest = "    " if text.startswith(" ") else "  "
    return wrap(
        text,
        80,
        subsequent_indent=rest,
        replace_whitespace=False,
        break_long_words=False,
    )
