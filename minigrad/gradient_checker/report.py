"""The report of a gradient check, as text and as an error."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import GradientError
from ..support.text import for_terminal, printable
from .curve import StepCurve
from .mistake import Mistake
from .rules import Kink


@dataclass
class InputReport:
    """The comparison of one input's gradient with finite differences.

    - `compared`, `wrong`: the number of comparisons, and the number that disagree.
    - `kinks`: the number of elements at a kink, which are not compared.
    - `error`: the largest |recorded - numeric| / max(1, |recorded|, |numeric|).
    - `index`: the index of the element with the largest error, or None if directions are compared.
    - `recorded`, `numeric`: the two values with the largest error.
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
    """The result of a check. `bool(report)` is True if the gradient is right. Print it for details.

    - `inputs`: a row for each input.
    - `rules`: the number of gates that were checked.
    - `slip`: the mistake. It is the first wrong rule in the backward pass or, if all rules are
      right, another cause.
    - `kinks`: the output elements without a derivative.
    - `slope`: the order of the Taylor remainder.
    """

    inputs: list[InputReport] = field(default_factory=list)
    rules: int = 0
    slip: Mistake | None = None
    kinks: list[Kink] = field(default_factory=list)
    slope: float | None = None
    order: int = 1
    failed: str = ""
    _curve: Callable[[], StepCurve] | None = None

    @property
    def right(self) -> bool:
        """True if no mistake was found."""
        return not (self.slip or self.failed or any(row.wrong for row in self.inputs))

    def __bool__(self) -> bool:
        return self.right

    @property
    def kind(self) -> str | None:
        """The kind of the slip, such as "sign" or "transposed"; None if there is no slip."""
        return self.slip.kind if self.slip else None

    def step_curve(self) -> StepCurve:
        """Measure the error for many step sizes, along a random direction."""
        if self._curve is None:
            raise GradientError(
                "MG703",
                "there is no step curve, because nothing was compared",
                cause="the check stopped before the first comparison",
                remedy="print the report, and fix the first problem that it names",
            )
        return self._curve()

    def raise_if_wrong(self) -> None:
        """Raise GradientError with the whole report if the gradient is wrong.

        The code is MG701 for a wrong gradient, and MG702 if two forward passes differ.
        """
        if self.right:
            return
        first, *rest = str(self).split("\n")
        if self.kind == "nondeterministic":
            raise GradientError(
                "MG702",
                f"the gradient cannot be checked: {self.slip}",
                cause="the check compares forward passes, which must agree when their inputs are "
                "the same",
                remedy="switch off dropout with model.eval(), or call mg.seed inside the function",
            )
        remedy = "make sure that every step of the computation is recorded"
        if self.slip and self.slip.is_rule:
            remedy = "compare the gate's rule with its formula"
        mistake = (
            self.slip.sentence if self.slip else "the gradient does not match finite differences"
        )
        raise GradientError(
            "MG701",
            first,
            lines=[line.removeprefix("  ") for line in rest],
            cause=mistake,
            remedy=remedy + "; report.step_curve() shows the error for each step size",
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
            rule = "first wrong gate in the backward pass"
            lines += _indented(rule if rules else "every rule is right, but", str(self.slip))
        if self.kinks:
            kinks = "\n".join(map(str, self.kinks[:5]))
            lines += _indented("not checked, because of a kink", kinks)
            if len(self.kinks) > 5:
                lines.append(f"    and {len(self.kinks) - 5} more gates")
        lines += self._table()
        if self.slope is not None:
            lines.append(f"  Taylor remainder: order {self.slope:.2f} in h (right: 2, wrong: 1)")
            lines.append(
                "    the remainder is |L(x + h u) - L(x) - h ∇L · u|, along a random direction u"
            )
        return for_terminal("\n".join(map(printable, lines)))

    __repr__ = __str__  # a notebook shows the repr

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
