"""A mistake that a check found: the node, the kind of mistake, and the values that disagree."""

from dataclasses import dataclass, field

import numpy as np

from ..debug.anomaly import source_line, title
from ..graph import Node
from ..support.text import printable


@dataclass
class Mistake:
    """A mistake that a check found.

    The mistake is in the rule of `node` or, if `is_rule` is False, in the code around the node.

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
    """The kind of mistake, in a few fixed words, or "unrecognised"."""
    sentence: str
    """A sentence that describes the mistake, often with the right formula."""
    input: int | None = None
    """The position of the input whose gradient is wrong. None if the rule failed as a whole, or if
    `is_rule` is False."""
    index: tuple[int, ...] = ()
    """The index of the element with the largest error. `recorded` and `numeric` are its two values."""
    recorded: float = np.nan
    numeric: float = np.nan
    failure: str = ""
    """The reason why no values were compared, such as an error in the rule or a wrong shape."""
    at: str = ""
    """The point where the two values were measured, if not at element `index` of the recorded
    inputs.
    """
    others: list[Node] = field(default_factory=list)
    """The other nodes with a wrong rule, in the order of the backward pass."""
    is_rule: bool = True

    @property
    def rule_line(self) -> str:
        """The file and line of the node's backward rule."""
        rule = getattr(self.node.gate, "backward", None)
        code = getattr(rule, "__code__", None)
        if code is None:
            return "an unknown location"
        return source_line(code.co_filename, code.co_firstlineno)

    def __str__(self) -> str:
        if not self.is_rule:
            return printable(self.sentence)
        which = "any input"
        if self.input is not None:
            name = self.node.inputs[self.input].name
            name = f" ({printable(name)})" if name else ""
            which = f"input {self.input}{name} {self.node.arrays[self.input].shape}"
        found = f"the rule returns no usable gradient for {which}: {self.failure}"
        if not self.failure:
            found = (
                f"gradient of {which} at {self.at or list(self.index)}: the rule gives "
                f"{self.recorded:.6g}, finite differences give {self.numeric:.6g}"
            )
        lines = [title(self.node), *found.split("\n"), f"the rule is at {self.rule_line}"]
        if self.kind != "unrecognised" and self.sentence != self.failure:
            lines.append(f"likely mistake: {self.sentence}")
        if self.others:
            names = sorted({node.gate.name for node in self.others if node.gate})
            lines.append(
                f"also wrong: {len(self.others)} more ({', '.join(names)}); the last is "
                f"{title(self.others[-1])}"
            )
        return "\n".join(map(printable, lines))
