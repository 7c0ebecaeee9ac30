"""What minigrad asks of itself, as ratios within one run. Knows the rows, and no way to measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from report import Part, ratio
from roster import LABELS, NOT_PEERS
from turns import Result
from workloads import KINDS

PEER = "the fastest peer"


class Target(NamedTuple):
    """The time of one contender, at most so many times that of another; or of one case that of
    another case.
    """

    letter: str
    text: str
    limit: float
    one: str
    other: str
    case: str
    other_case: str = ""


def growth(small: int, large: int) -> Target:
    """Time from one size to the next, ten times larger: no cliff."""
    text = f"{large:,} gates to {small:,}"
    return Target("d", text, 13, "minigrad", "minigrad", f"gates={large}", f"gates={small}")


TARGETS = [
    Target("a", "minigrad to NumPy by hand", 1.5, "minigrad", "numpy", ""),
    Target("a", "minigrad to PyTorch", 0.72, "minigrad", "torch", ""),
    *(Target("b", f"{kind.upper()}, fused, to", limit, "minigrad-fused", PEER, kind)
      for kind, limit in zip(KINDS, (0.7, 0.8, 0.75), strict=True)),
    *(Target("b", f"{kind.upper()}, gate by gate, to Keras on TensorFlow", 1, "minigrad", "keras-tf", kind)
      for kind in KINDS),
    *(Target("c", f"{kind.upper()}, fused, to", 1, "minigrad-fused", PEER, kind) for kind in KINDS),
    *(growth(size, 10 * size) for size in (1_000, 10_000, 100_000)),
    Target("e", "import minigrad to import numpy", 1.3, "minigrad", "numpy", "import"),
    Target("f", "minigrad to dense NumPy, 10,000 rows", 0.35, "minigrad", "numpy", "10,000 rows"),
    Target("f", "minigrad, 200,000 rows to 10,000", 2, "minigrad", "minigrad", "200,000 rows", "10,000 rows"),
    Target("g", "a Trainer to a bare loop", 1.03, "trainer", "bare-loop", "rnn"),
    *(Target("h", f"{case}, fused, to", limit, "minigrad-fused", PEER, case)
      for case, limit in (("char", 0.95), ("word", 1.0), ("char, two threads", 1.1))),
]  # fmt: skip


def measured(parts: Sequence[Part]) -> Iterator[tuple[str, float, float]]:
    """(what is asked, at most how much, what came out) for every target that this run can speak
    of.
    """
    for part in parts:
        results = {
            (result.contender, result.case): result for result in part.results if result.rounds
        }
        for target in TARGETS:
            if target.letter != part.workload.letter:
                continue
            other, text = target.other, f"({target.letter}) {target.text}"
            if other == PEER:
                other = fastest_peer(results, target.case)
                text += f" the fastest peer ({LABELS.get(other)})"
            pair = [
                results.get((target.one, target.case)),
                results.get((other, target.other_case or target.case)),
            ]
            if pair[0] is not None and pair[1] is not None:
                yield text, target.limit, ratio(pair[0], pair[1])


def fastest_peer(results: dict[tuple[str, str], Result], case: str) -> str:
    """The peer with the least time; "" if there is none."""
    times = {
        name: median(round[result.clock] for round in result.rounds)
        for (name, of_case), result in results.items()
        if of_case == case and name not in NOT_PEERS
    }
    return min(times, key=times.__getitem__, default="")
