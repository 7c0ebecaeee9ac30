"""Turn measurements into table rows with medians, ratios and differences, and check minigrad's
targets.
"""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

import numpy as np
from instructions import processor
from roster import MINIGRAD

HEAD = ["", "case", "CPU ms", "wall ms", "to minigrad", "difference", "MB", ""]
DIFFERS = "DIFFERS"


def difference(one, other):
    """Return the largest difference between two arrays, relative to max(1, |one|, |other|)."""
    one, other = np.array(one), np.array(other)
    scale = np.maximum(1, np.maximum(abs(one), abs(other)))
    return float(np.max(np.abs(one - other) / scale))


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
    cells = dict.fromkeys(range(len(HEAD)), "")
    cells |= {0: result.contender.label, 1: result.case}
    if result.error:
        cells[7] = f"did not run: {result.error}"
        return list(cells.values())
    for column, clock in ((2, "cpu"), (3, "wall")):
        cells[column] = figure(result.median(clock) * 1e3)
    by_name = {one.contender.name: one for one in peers}
    for name in MINIGRAD:
        if name in by_name:
            # a clock may show 0 for the tiny sizes of a smoke test
            if ratios := result.ratios(by_name[name]):
                cells[4] = f"{median(ratios):.2f}"
            break
    first, built = peers[0].answers[0], result.answers[0]
    if result is not peers[0] and "check" in built:
        found = difference(first["check"], built["check"])
        cells[5] = f"{found:.0e}"
        if found > workload.tolerance:
            cells[5] += f" {DIFFERS}"
    if workload.letter in "di":
        cells[6] = figure(result.median("memory") / 1e6)
    cells[7] = built.get("note", "")
    return list(cells.values())


def figure(value):
    """Format a number with three significant digits, or as an integer: 0.831, 12.3, 1,234."""
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"


def markdown(lines):
    head, *rows = lines
    rule = ["---", *["---:"] * (len(head) - 1)]
    text = (" | ".join(row).replace("\n", " ") for row in (head, rule, *rows))
    return "\n".join(f"| {row} |" for row in text)


PEER = "the fastest peer"


class Ratio(NamedTuple):
    """A contender's time or memory, divided by another contender's."""

    letter: str
    one: str
    other: str
    other_case: str = ""  # by default, the same case
    what: str = ""  # by default, the time


TARGETS: dict[Ratio, dict[str, float]] = {
    Ratio("a", "minigrad", "numpy"): {"": 1.45},
    Ratio("a", "minigrad", "torch"): {"": 0.72},
    Ratio("b", "minigrad-fused", PEER): {
        "rnn": 0.6,
        "gru": 0.7,
        "lstm": 0.7,
    },
    Ratio("b", "minigrad", "keras-tf"): {
        "rnn": 1,
        "gru": 1,
        "lstm": 1,
    },
    Ratio("c", "minigrad-fused", PEER): {
        "rnn": 0.7,
        "gru": 0.9,
        "lstm": 0.95,
    },
    Ratio("d", "minigrad", "minigrad", "gates=1000"): {"gates=10000": 13},
    Ratio("d", "minigrad", "minigrad", "gates=10000"): {"gates=100000": 13},
    Ratio("d", "minigrad", "minigrad", "gates=100000"): {"gates=1000000": 12},
    Ratio("d", "minigrad", "torch"): {"gates=1000000": 0.85},
    Ratio("e", "minigrad", "numpy"): {"import": 1.3},
    Ratio("f", "minigrad", "numpy"): {"10,000 rows": 0.35},
    Ratio("f", "minigrad", "minigrad", "10,000 rows"): {"200,000 rows": 2},
    Ratio("g", "trainer", "bare-loop"): {"rnn": 1.03},
    Ratio("h", "minigrad-fused", PEER): {
        "char": 0.65,
        "word": 0.5,
        "char, two threads": 1,
    },
    Ratio("i", "minigrad-fused", PEER): {
        "context 64": 0.6,
        "context 256": 0.6,
        "context 64, two threads": 1,
        "context 256, two threads": 1,
    },
    Ratio("i", "minigrad-fused", "torch", what="memory"): {
        "context 64": 1,
        "context 256": 1,
    },
    Ratio("j", "minigrad-fused", "minigrad-uncached"): {"256 characters": 0.2},
    Ratio("k", "minigrad-fused", PEER): {
        "8x8, 1 to 8 channels, 3x3": 0.5,
        "28x28, 1 to 6, 5x5": 1.1,
        "12x12, 6 to 16, 5x5": 1.2,
        "28x28, 16 to 32, 3x3": 2,
        "max pooling 2x2 of 6x24x24": 0.5,
        "LeNet step": 1.1,
    },
    Ratio("l", "minigrad-fused", PEER): {
        "stacked GRU": 0.95,
        "stacked GRU, two threads": 1,
        "MLP": 0.8,
        "MLP, two threads": 1,
        "character LSTM": 0.95,
        "character LSTM, two threads": 1,
    },
    Ratio("m", "minigrad-fused", PEER): {
        "rnn program": 0.45,
        "gru program": 0.5,
        "lstm program": 0.55,
    },
}
"""The highest allowed ratio in each case."""

INTEL = {
    "b gru": 0.75,
    "b lstm": 0.8,
    "c rnn": 0.75,
    "c gru": 0.8,
    "c lstm": 0.98,
    "i context 64": 1.25,
    "i context 256": 1.25,
    "l MLP": 1.2,
}
"""Other limits for the ratio to the fastest peer on Intel's processors, where PyTorch's libraries
are faster.
"""


def targets(workload, results):
    """Yield a dict for each target that this run measured. Its "quartiles" are the measured ratio's
    quartiles over the rounds.
    """
    done = {(one.contender.name, one.case): one for one in results if not one.error}
    for ratio, limits in TARGETS.items():
        if ratio.letter != workload.letter:
            continue
        for case, limit in limits.items():
            one = done.get((ratio.one, case))
            other = done.get((ratio.other, ratio.other_case or case))
            if ratio.other == PEER:
                other = fastest_peer(done.values(), case)
                if processor().startswith("Intel"):
                    limit = INTEL.get(f"{ratio.letter} {case}", limit)
            if not one or not other:
                continue
            if ratios := one.ratios(other, ratio.what):
                label = f"{case}: {ratio.what}" if ratio.what else case
                pair = f"{one.contender.label} / {other.contender.label}"
                yield {
                    "letter": ratio.letter,
                    "case": label,
                    "pair": f"{pair} {ratio.other_case}".strip(),
                    "peer": ratio.other == PEER,
                    "limit": limit,
                    "quartiles": np.quantile(ratios, (0.25, 0.5, 0.75)).tolist(),
                }


def target_table(found):
    lines = [["ratio", "at most", "measured", "met"]]
    for one in found:
        lines.append(
            [
                f"({one['letter']}) {one['case']}".strip() + f": {one['pair']}",
                f"{one['limit']:g}",
                spread(one["quartiles"]),
                "yes" if middle(one["quartiles"]) <= one["limit"] else "NO",
            ]
        )
    return lines


def middle(quartiles):
    return quartiles[len(quartiles) // 2]


def spread(quartiles):
    """Format a ratio, with its lower and upper quartile if they are known: 0.71 (0.70 to 0.74)."""
    text = f"{middle(quartiles):.2f}"
    if len(quartiles) > 1:
        between = f"{quartiles[0]:.2f} to {quartiles[-1]:.2f}"
        # a narrow screen keeps the brackets on one line
        text += f" ({between})".replace(" to ", "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}")
    return text


def fastest_peer(results, case):
    own = ("numpy_by_hand", "minigrad_")
    peers = [one for one in results if one.case == case and one.contender.module not in own]
    return min(peers, key=lambda peer: peer.median(peer.clock), default=None)
