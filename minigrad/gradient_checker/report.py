"""The report of a gradient check: what was compared and what was found, as a table and as an
error.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import GradientError
from ..support.text import for_terminal, printable
from .curve import StepCurve
from .rules import Kink
from .slip import Slip


@dataclass
class InputReport:
    """One input's gradient against differences: how many comparisons, and the worst of them.

    `index` is the worst element; in fast mode, where directions are compared, it is None. `error`
    is |recorded - numeric| / max(1, |recorded|, |numeric|). Elements at a kink are counted in
    `kinks` and not compared.
    """

    name: str
    shape: tuple[int, ...]
    compared: int = 0
    wrong: int = 0
    kinks: int = 0
    error: float = 0.0
    index: tuple[int, ...] | None = None
    recorded: float = 0.0
    numeric: float = 0.0


@dataclass(repr=False)
class GradientReport:
    """What a check found. It is true if the gradient is right; printed it says what is wrong and
    where.

    `inputs` has a row for each input, `slip` the mistake: the first wrong rule on the way back or,
    if all rules are right, another cause. `kinks` are the places without a derivative, `slope` is
    the order of the Taylor remainder.
    """

    inputs: list[InputReport] = field(default_factory=list)
    rules: int = 0
    slip: Slip | None = None
    kinks: list[Kink] = field(default_factory=list)
    slope: float | None = None
    order: int = 1
    failed: str = ""
    _curve: Callable[[], StepCurve] | None = None

    @property
    def right(self) -> bool:
        """Whether nothing was found wrong: no rule, no gradient, nothing else."""
        return not (self.slip or self.failed or any(row.wrong for row in self.inputs))

    def __bool__(self) -> bool:
        return self.right

    @property
    def kind(self) -> str | None:
        """The kind of the slip: "sign", "transposed", "upstream gradient forgotten", ...; None if
        there is none.
        """
        return self.slip.kind if self.slip else None

    def step_curve(self) -> StepCurve:
        """The error against the step size, along a random direction; measured when this is
        called.
        """
        if self._curve is None:
            raise GradientError(
                "MG703",
                "there is no curve: nothing was compared",
                cause="the check ended before the first comparison",
                remedy="print the report, and fix what it names first",
            )
        return self._curve()

    def raise_if_wrong(self) -> None:
        """Raise GradientError with the whole report: MG701 for a wrong gradient, MG702 if two
        forward passes differ.
        """
        if self.right:
            return
        first, *rest = str(self).split("\n")
        if self.kind == "nondeterministic":
            raise GradientError(
                "MG702",
                f"the gradient cannot be checked: {self.slip}",
                cause="differences compare forward passes, and these differ for another reason",
                remedy="switch dropout off with model.eval(), or call mg.seed inside the function",
            )
        remedy = "keep every step of the computation recorded"
        if self.slip and self.slip.is_rule:
            remedy = "compare the gate's rule with its formula"
        looks_like = self.slip.sentence if self.slip else "the gradient does not fit the function"
        raise GradientError(
            "MG701",
            first,
            lines=[line.removeprefix("  ") for line in rest],
            cause=f"it looks like: {looks_like}",
            remedy=remedy + "; report.step_curve() shows the error against the step",
        )

    def __str__(self) -> str:
        second = "second derivatives: " if self.order == 2 else ""
        if self.kind == "nondeterministic":
            return f"{second}cannot be checked: {self.slip}"
        compared = sum(row.compared for row in self.inputs)
        wrong = sum(row.wrong for row in self.inputs)
        rules = 1 + len(self.slip.others) if self.slip and self.slip.is_rule else 0
        lines = [f"{second}WRONG: {wrong} of {compared} comparisons, {rules} of {self.rules} gates"]
        if self.right:
            lines = [f"{second}right: {compared} comparisons, {self.rules} gates"]
        if self.failed:
            lines += _indented("backward failed", self.failed)
        if self.slip:
            rule = "first wrong on the way back"
            lines += _indented(rule if rules else "every rule is right, but", str(self.slip))
        if self.kinks:
            kinks = "\n".join(map(str, self.kinks[:5]))
            lines += _indented("not checked, at a kink", kinks)
            if len(self.kinks) > 5:
                lines.append(f"    and {len(self.kinks) - 5} more gates")
        lines += self._table()
        if self.slope is not None:
            lines.append(f"  Taylor remainder: order {self.slope:.2f} in h (2: right, 1: wrong)")
            lines.append(
                "    this is how |L(x + h u) - L(x) - h ∇L · u| shrinks with h, along a "
                "random direction u"
            )
        return for_terminal("\n".join(map(printable, lines)))

    __repr__ = __str__  # which a notebook shows

    def _table(self) -> list[str]:
        if not self.inputs:
            return []
        names = [printable(row.name) for row in self.inputs]
        width = max(5, *map(len, names))
        lines = [
            f"  {'input':<{width}}  {'shape':<14} {'compared':>8} {'wrong':>6} {'error':>8}  "
            "worst at: recorded, numeric"
        ]
        for name, row in zip(names, self.inputs, strict=True):
            kinks = f" ({row.kinks} at a kink)" if row.kinks else ""
            place = "a random direction" if row.index is None else list(row.index)
            lines.append(
                f"  {name:<{width}}  {row.shape!s:<14} {row.compared:>8} {row.wrong:>6} "
                f"{row.error:>8.1e}  {place}: {row.recorded:.6g}, {row.numeric:.6g}{kinks}"
            )
        return lines


def _indented(title: str, text: str) -> list[str]:
    return [f"  {title}:", *(f"    {line}" for line in text.split("\n"))]
