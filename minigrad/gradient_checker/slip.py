"""What a check convicts: the Slip, with the node, the kind of mistake and the numbers that
disagree.
"""

from dataclasses import dataclass, field

import numpy as np

from ..debug.anomaly import source_line, title
from ..graph import Node
from ..support.text import printable


@dataclass
class Slip:
    """A mistake that a check found: in the rule of `node` or, if `is_rule` is False, around a node
    whose rule is right.

    >>> import minigrad as mg
    >>> class Cube(mg.Gate):
    ...     def forward(self, x): return x**3
    ...     def backward(self, dz, z, x): return (3 * x**2,)
    >>> slip = mg.gradcheck(Cube(), np.array([1.0, 2.0])).slip
    >>> slip.kind, slip.input, slip.index, slip.recorded, round(slip.numeric, 4)
    ('upstream gradient forgotten', 0, (1,), 12.0, -17.6033)
    """

    node: Node
    kind: str
    """The mistake in a few words, always the same for the same mistake; "unrecognised" if it is
    none of the usual."""
    sentence: str
    """The mistake in a sentence, which may give the right formula away."""
    input: int | None = None
    """Which input's gradient is wrong. None if no input can be named: the rule failed, or `is_rule`
    is False."""
    index: tuple[int, ...] = ()
    """The element of that gradient which is furthest off, with the two values that disagree:
    `recorded`, `numeric`."""
    recorded: float = np.nan
    numeric: float = np.nan
    failure: str = ""
    """Why there are no two numbers to compare: the rule's own error, or the shape that came out."""
    at: str = ""
    """Where the two numbers come from, if not from one element at the inputs that the gate was
    called with."""
    others: list[Node] = field(default_factory=list)
    """Further nodes with a wrong rule, as backward meets them."""
    is_rule: bool = True

    @property
    def rule_line(self) -> str:
        """The file and line where the backward rule of the node is written."""
        rule = getattr(self.node.gate, "backward", None)
        code = getattr(getattr(rule, "__func__", rule), "__code__", None)
        return (
            "an unknown place"
            if code is None
            else source_line(code.co_filename, code.co_firstlineno)
        )

    def __str__(self) -> str:
        if not self.is_rule:
            return printable(self.sentence)
        which = "its inputs"
        if self.input is not None:
            name = self.node.inputs[self.input].name
            name = f" ({printable(name)})" if name else ""
            which = f"input {self.input}{name} {self.node.arrays[self.input].shape}"
        found = f"its rule gives no gradient of {which}: {self.failure}"
        if not self.failure:
            found = (
                f"gradient of {which} at {self.at or list(self.index)}: the rule says "
                f"{self.recorded:.6g}, differences say {self.numeric:.6g}"
            )
        lines = [title(self.node), *found.split("\n"), f"its rule is at {self.rule_line}"]
        if self.kind != "unrecognised" and self.sentence != self.failure:
            lines.append(f"looks like: {self.sentence}")
        if self.others:
            names = sorted({node.gate.name for node in self.others if node.gate})
            lines.append(
                f"also wrong: {len(self.others)} more ({', '.join(names)}), the last "
                f"{title(self.others[-1])}"
            )
        return "\n".join(map(printable, lines))
