"""Turn measurements into table rows with medians, ratios and differences, and check minigrad's
targets.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from roster import MINIGRAD

HEAD = ["", "case", "CPU ms", "wall ms", "to minigrad", "difference", "MB", ""]
DIFFERS = "DIFFERS"


def difference(one, other):
    """Return the largest difference between two arrays, relative to max(1, |one|, |other|)."""
    one, other = np.array(one), np.array(other)
    return float(
        np.max(np.abs(one - other) / np.maximum(1, np.maximum(abs(one), abs(other))))
    )


def table(workload, results):
    """Return the header and the rows as text, without empty columns."""
    lines = [HEAD]
    for result in results:
        peers = [one for one in results if one.case == result.case and not one.error]
        lines.append(row(workload, result, peers))
    used = [i for i in range(len(HEAD)) if any(line[i] for line in lines[1:])]
    return [[line[i] for i in used] for line in lines]


def row(workload, result, peers):
    """Return a contender's row, which compares it with the other contenders of the same case."""
    cells = [result.contender.label, result.case, *[""] * 6]
    if result.error:
        cells[-1] = f"did not run: {result.error}"
        return cells
    cells[2:4] = [figure(result.median(clock) * 1e3) for clock in ("cpu", "wall")]
    by_name = {one.contender.name: one for one in peers}
    for name in MINIGRAD:
        if name in by_name:
            cells[4] = f"{result.ratio(by_name[name]):.2f}"
            break
    first, built = peers[0].answers[0], result.answers[0]
    if result is not peers[0] and "check" in built:
        found = difference(first["check"], built["check"])
        cells[5] = f"{found:.0e}" + (
            f" {DIFFERS}" if found > workload.tolerance else ""
        )
    if workload.letter in "di":
        cells[6] = figure(result.median("memory") / 1e6)
    cells[7] = built.get("note", "")
    return cells


def figure(value):
    """Format a number with three significant digits, or as an integer: 0.831, 12.3, 1,234."""
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"


def markdown(lines):
    rule = ["---", *["---:"] * (len(lines[0]) - 1)]
    rows = [
        " | ".join(line).replace("\n", " ") for line in (lines[0], rule, *lines[1:])
    ]
    return "\n".join(f"| {row} |" for row in rows)


PEER = "the fastest peer"


class Target(NamedTuple):
    """Limit a contender's time or memory, divided by another contender's or by its own in another
    case.
    """

    letter: str
    case: str
    one: str
    limit: float
    other: str
    other_case: str = ""
    what: str = ""  # by default, the time


TARGETS = [
    Target("a", "", "minigrad", 1.45, "numpy"),
    Target("a", "", "minigrad", 0.72, "torch"),
    Target("b", "rnn", "minigrad-fused", 0.6, PEER),
    Target("b", "gru", "minigrad-fused", 0.7, PEER),
    Target("b", "lstm", "minigrad-fused", 0.68, PEER),
    Target("b", "rnn", "minigrad", 1, "keras-tf"),
    Target("b", "gru", "minigrad", 1, "keras-tf"),
    Target("b", "lstm", "minigrad", 1, "keras-tf"),
    Target("c", "rnn", "minigrad-fused", 0.7, PEER),
    Target("c", "gru", "minigrad-fused", 0.9, PEER),
    Target("c", "lstm", "minigrad-fused", 0.95, PEER),
    Target("d", "gates=10000", "minigrad", 13, "minigrad", "gates=1000"),
    Target("d", "gates=100000", "minigrad", 13, "minigrad", "gates=10000"),
    Target("d", "gates=1000000", "minigrad", 12, "minigrad", "gates=100000"),
    Target("d", "gates=1000000", "minigrad", 0.85, "torch"),
    Target("e", "import", "minigrad", 1.3, "numpy"),
    Target("f", "10,000 rows", "minigrad", 0.35, "numpy"),
    Target("f", "200,000 rows", "minigrad", 2, "minigrad", "10,000 rows"),
    Target("g", "rnn", "trainer", 1.03, "bare-loop"),
    Target("h", "char", "minigrad-fused", 0.65, PEER),
    Target("h", "word", "minigrad-fused", 0.5, PEER),
    Target("h", "char, two threads", "minigrad-fused", 0.95, PEER),
    Target("i", "context 64", "minigrad-fused", 0.9, PEER),
    Target("i", "context 256", "minigrad-fused", 0.9, PEER),
    Target("i", "context 64, two threads", "minigrad-fused", 0.95, PEER),
    Target("i", "context 256, two threads", "minigrad-fused", 0.95, PEER),
    Target("i", "context 64", "minigrad-fused", 1.0, "torch", what="memory"),
    Target("i", "context 256", "minigrad-fused", 1.0, "torch", what="memory"),
    Target("j", "256 characters", "minigrad-fused", 0.2, "minigrad-uncached"),
    Target("k", "8x8, 1 to 8 channels, 3x3", "minigrad-fused", 0.5, "torch"),
    Target("k", "28x28, 1 to 6, 5x5", "minigrad-fused", 1.1, "torch"),
    Target("k", "12x12, 6 to 16, 5x5", "minigrad-fused", 1.2, "torch"),
    Target("k", "28x28, 16 to 32, 3x3", "minigrad-fused", 2.0, "torch"),
    Target("k", "max pooling 2x2 of 6x24x24", "minigrad-fused", 0.5, "torch"),
    Target("k", "LeNet step", "minigrad-fused", 1.1, "torch"),
    Target("l", "stacked GRU", "minigrad-fused", 0.95, PEER),
    Target("l", "stacked GRU, two threads", "minigrad-fused", 0.95, PEER),
    Target("l", "MLP", "minigrad-fused", 0.95, PEER),
    Target("l", "MLP, two threads", "minigrad-fused", 0.95, PEER),
    Target("l", "character LSTM", "minigrad-fused", 0.95, PEER),
    Target("l", "character LSTM, two threads", "minigrad-fused", 0.95, PEER),
    Target("m", "rnn program", "minigrad-fused", 0.45, PEER),
    Target("m", "gru program", "minigrad-fused", 0.5, PEER),
    Target("m", "lstm program", "minigrad-fused", 0.55, PEER),
]


def targets(workload, results):
    """Yield a row for each target that this run measured: the ratio's name, its limit, the
    measured value, and whether the target is met.
    """
    done = {(one.contender.name, one.case): one for one in results if not one.error}
    for target in TARGETS:
        case = target.other_case or target.case
        other = done.get((target.other, case))
        if target.other == PEER:
            peers = [
                one for (_, of), one in done.items() if of == case and is_peer(one)
            ]
            other = min(peers, key=lambda peer: peer.median(peer.clock), default=None)
        one = done.get((target.one, target.case))
        if target.letter == workload.letter and one and other:
            measured = one.ratio(other, target.what)
            who = [
                f"{side.contender.label} {side.case}".strip() for side in (one, other)
            ]
            asked = f"({target.letter}) {' / '.join(who)}{target.what and ': ' + target.what}"
            reached = "yes" if measured <= target.limit else "NO"
            yield [asked, f"{target.limit:g}", f"{measured:.2f}", reached]


def is_peer(result):
    return result.contender.module not in ("numpy_by_hand", "minigrad_")
