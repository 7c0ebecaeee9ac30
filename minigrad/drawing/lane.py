"""Compute a layout that several columns share.

A layout consists of the order of the boxes in each row, and their offsets from the left. It is
computed once for all time steps with the same structure and copied to each column.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field

SPACE = 8.0  # points between the boxes in a row
PAD = 7.0  # points between boxes and their frame
APART = 80.0  # points between the centres of neighbours while `arrange` finds their order


@dataclass(eq=False)
class Slot:
    """A position in a lane, for boxes with the same key or for a wire that passes through."""

    row: int
    width: float = 4.0
    x: float = 0.0  # the distance of the centre from the left edge of the lane


@dataclass
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
        rows: dict[int, list[Slot]] = {}
        near: dict[Slot, list[Slot]] = {slot: [] for slot in slots}
        for slot in slots:
            rows.setdefault(slot.row, []).append(slot)
        for tail, head in self.edges:
            near[tail].append(head)
            near[head].append(tail)
        for line in rows.values():
            for number, slot in enumerate(line):
                slot.x = APART * (number - len(line) / 2)

        def wish(slot: Slot) -> float:
            return sum(other.x for other in near[slot]) / len(near[slot]) if near[slot] else slot.x

        for turn in range(8):
            for row in sorted(rows, reverse=bool(turn % 2)):
                line = rows[row] = sorted(rows[row], key=wish)
                for number, slot in enumerate(line):
                    slot.x = APART * (number - (len(line) - 1) / 2)
        for turn in range(10):
            for row in sorted(rows, reverse=bool(turn % 2)):
                line = rows[row]
                centres = _spread([wish(slot) for slot in line], [slot.width for slot in line])
                for slot, centre in zip(line, centres, strict=True):
                    slot.x = centre
        left = min((slot.x - slot.width / 2 for slot in slots), default=0.0)
        for slot in slots:
            slot.x -= left
        self.width = max((slot.x + slot.width / 2 for slot in slots), default=0.0)


def _spread(wishes: list[float], widths: list[float]) -> list[float]:
    """Return the centres nearest to `wishes` that keep their order and do not overlap.

    Neighbours that would overlap are pooled into a block, which moves as a unit.

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
