"""Compute a layout that several columns share.

A layout consists of the order of the boxes in each row, and their offsets from the left. It is
computed once for all time steps with the same structure and copied to each column.
"""

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import islice

SPACE = 8.0  # points between the boxes in a row
PAD = 7.0  # points between boxes and their frame
APART = 80.0  # points between the centres of neighbours while `arrange` finds their order
# the passes of `arrange` over all rows
ORDERING = 8
MOVING = 10


@dataclass(eq=False)
class Slot:
    """A position in a lane, for boxes with the same key or for a wire that passes through."""

    row: int
    width: float = 4.0
    x: float = 0.0  # the distance of the centre from the left edge of the lane


@dataclass(eq=False)
class Lane:
    """Slots, keyed by box key, and the edges between them. `arrange` computes the layout."""

    slots: dict[Hashable, Slot] = field(default_factory=dict)
    edges: dict[tuple[Slot, Slot], None] = field(default_factory=dict)
    width: float = 0.0

    def arrange(self) -> None:
        """Set the x coordinates of all slots, and the lane's width.

        First sort each row by the mean position of each slot's neighbours (the barycentre
        heuristic). Then compute the offsets from the same means.
        """
        slots = self.slots.values()
        rows = defaultdict(list)
        for slot in slots:
            rows[slot.row].append(slot)
        near = defaultdict(list)
        for tail, head in self.edges:
            near[tail].append(head)
            near[head].append(tail)

        def wish(slot: Slot) -> float:
            others = near[slot]
            return sum(other.x for other in others) / len(others) if others else slot.x

        for line in rows.values():
            for number, slot in enumerate(line):
                slot.x = APART * (number - len(line) / 2)
        for turn in range(ORDERING + MOVING):
            for row in sorted(rows, reverse=turn % 2 == 1):
                line = rows[row]
                if turn >= ORDERING:
                    _spread(line, list(map(wish, line)))
                    continue
                line.sort(key=wish)
                middle = (len(line) - 1) / 2
                for number, slot in enumerate(line):
                    slot.x = APART * (number - middle)
        left = min((slot.x - slot.width / 2 for slot in slots), default=0.0)
        for slot in slots:
            slot.x -= left
            self.width = max(self.width, slot.x + slot.width / 2)


def _spread(line: list[Slot], wishes: list[float]) -> None:
    """Move the slots of a row as near to `wishes` as possible, so that they keep their order and do
    not overlap.

    Neighbours that would overlap are pooled into a block, which moves as a unit.

    Source: isotonic regression by pooling adjacent violators, Barlow et al. (1972).
    """
    blocks: list[tuple[float, int]] = []  # (mean shift, members)
    position = 0.0
    for slot, wish in zip(line, wishes, strict=True):
        slot.x = position + slot.width / 2
        position += slot.width + SPACE
        shift = wish - slot.x
        members = 1
        while blocks and blocks[-1][0] > shift:
            other, count = blocks.pop()
            shift = (shift * members + other * count) / (members + count)
            members += count
        blocks.append((shift, members))
    slots = iter(line)
    for shift, members in blocks:
        for slot in islice(slots, members):
            slot.x += shift
