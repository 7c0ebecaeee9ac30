"""The report of an engine check, as text."""

from dataclasses import dataclass, field

import numpy as np

from ...support.text import for_terminal, printable
from .disagreement import Disagreement
from .target import Engine


@dataclass(repr=False)
class EngineReport:
    """The result of `mg.check_engine`. `bool(report)` is True if nothing disagrees.

    - `found`: the first disagreement of each method that is wrong, by the method's name.
    - `excused`: methods that call a wrong one, so nothing is known about them.
    - `notes`: what else was noticed.
    """

    engine: Engine
    found: dict[str, Disagreement] = field(default_factory=dict)
    excused: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    compared: int = 0

    def add(self, method: str, disagreement: Disagreement) -> None:
        self.found.setdefault(method, disagreement)

    @property
    def wrong(self) -> list[str]:
        """The methods that are wrong, and "backward" or "second backward()"."""
        return list(self.found)

    def __bool__(self) -> bool:
        return not self.found

    def __str__(self) -> str:
        engine = self.engine
        kind = "scalar" if engine.scalar else "array"
        lines = [f"{engine.name}: a {kind} engine"]
        if engine.is_class:
            end = f"{engine.texts[engine.ending].format('y')}." if engine.ending else "y."
            lines.append(f"  value: .{engine.value_name}; gradient: .{engine.grad_name}; gradients from {end}backward()")
        rows = {}
        for op in engine.operations:
            rows.setdefault(op.method, []).append(str(op))
        for method, texts in rows.items():
            verdict = "right"
            if method in self.found: verdict = "WRONG"
            elif method in self.excused: verdict = "not judged: it calls " + ", ".join(self.excused[method])
            lines.append(f"  {method:14} {', '.join(texts):30} {verdict}")
        for op, reason in engine.untried.items():
            lines.append(f"  not tried: {op}: {reason}")
        for name, one in self.found.items():
            lines += ["", f"{name}: {one.program}", f"  {one.numbers}"]
            if one.sentence: lines.append(f"  likely mistake: {one.sentence}")
            if one.program.steps:
                lines.append("  To see it again, paste into Python:")
                lines += [f"    {line}" for line in engine.lines(one.program)]
        lines += self.notes
        lines.append(f"{self.compared} comparisons, {len(self.found)} wrong")
        return "\n".join(map(printable, lines))

    __repr__ = __str__
