"""A layout that many columns share: the order of the boxes in each row, and their offsets from the left.

Time steps are built alike, so their layout is found once, and every column is a copy of it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

SPACE = 8.0  # points between the boxes in a row


@dataclass
class Lane:
    """A layout that columns share: for each key its row, its size, and its offset from the column's left."""

    rows: dict[Hashable, int] = field(default_factory=dict)
    sizes: dict[Hashable, tuple[float, float]] = field(default_factory=dict)
    edges: dict[tuple[Hashable, Hashable], None] = field(default_factory=dict)
    leanings: dict[Hashable, float] = field(default_factory=dict)  # < 0: fed by the column before; > 0: feeds the next
    offsets: dict[Hashable, float] = field(default_factory=dict)
    width: float = 0.0

    def arrange(self) -> None:
        """Order each row by the mean place of its neighbours (barycentre heuristic), then find offsets the same way."""
        rows: dict[int, list[Hashable]] = {}
        for key, row in self.rows.items():
            rows.setdefault(row, []).append(key)
        near: dict[Hashable, list[Hashable]] = {key: [] for key in self.rows}
        for tail, head in self.edges:
            near[tail].append(head)
            near[head].append(tail)
        place = {key: float(number) - len(keys) / 2 for keys in rows.values() for number, key in enumerate(keys)}
        for turn in range(8):
            for row in sorted(rows, reverse=bool(turn % 2)):
                keys = rows[row]
                wish = {
                    key: _mean([place[other] for other in near[key]], place[key]) + self.leanings.get(key, 0)
                    for key in keys
                }
                keys.sort(key=wish.__getitem__)
                for number, key in enumerate(keys):
                    place[key] = number - (len(keys) - 1) / 2
        centre = {key: place[key] * 80 for key in self.rows}
        for turn in range(10):
            for row in sorted(rows, reverse=bool(turn % 2)):
                keys = rows[row]
                wishes = [_mean([centre[other] for other in near[key]], centre[key]) for key in keys]
                for key, spot in zip(keys, _spread(wishes, [self.sizes[key][0] for key in keys]), strict=True):
                    centre[key] = spot
        left = min((centre[key] - self.sizes[key][0] / 2 for key in centre), default=0.0)
        self.offsets = {key: spot - left for key, spot in centre.items()}
        self.width = max((self.offsets[key] + self.sizes[key][0] / 2 for key in centre), default=0.0)


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spread(wishes: list[float], widths: list[float]) -> list[float]:
    """The centres nearest to `wishes` that keep their order without overlap: neighbours that would collide are pooled.

    Source: isotonic regression by pooling adjacent violators, Barlow et al. (1972).
    """
    starts: list[float] = []
    position = 0.0
    for width in widths:
        starts.append(position + width / 2)
        position += width + SPACE
    blocks: list[tuple[float, int]] = []  # (mean shift, members)
    for wish, start in zip(wishes, starts, strict=True):
        shift, members = wish - start, 1
        while blocks and blocks[-1][0] > shift:
            other, count = blocks.pop()
            shift, members = (shift * members + other * count) / (members + count), members + count
        blocks.append((shift, members))
    shifts = [shift for shift, members in blocks for _ in range(members)]
    return [start + shift for start, shift in zip(starts, shifts, strict=True)]
