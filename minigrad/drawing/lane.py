"""A layout that many columns share: the order of the boxes in each row, and their offsets from the
left.

Time steps are built alike, so their layout is found once, and every column is a copy of it.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from ..context import Scope
from .labels import extent, scope_title

SPACE = 8.0  # points between the boxes in a row
PAD = 7.0  # between boxes and their frame
APART = 80.0  # between the centres of neighbours while their order is sought


@dataclass(eq=False)
class Slot:
    """A place in a lane, which boxes with the same key take in their columns, or which a wire
    passes.
    """

    row: int
    width: float = 4.0
    frames: tuple[Scope, ...] = ()  # from the outermost inwards
    x: float = 0.0  # the centre, from the left of the lane


@dataclass
class Frame:
    """A frame within a column: its name, its place, its first and last row.

    `above` and `below` count the frames whose last or first row is the same, from the innermost to
    this one.
    """

    name: Scope
    left: float
    width: float
    first: int
    last: int
    above: int = 1
    below: int = 1


Edges = list[tuple[Slot, Slot]]


@dataclass
class Lane:
    """Slots by the keys of boxes, and lines between them. `arrange` finds the rest."""

    slots: dict[Hashable, Slot] = field(default_factory=dict)
    edges: dict[tuple[Slot, Slot], None] = field(default_factory=dict)
    width: float = 0.0
    frames: list[Frame] = field(default_factory=list)

    def arrange(self) -> None:
        """Set the x coordinates of all slots, the width, and the frames."""
        self.width, self.frames = _arrange(list(self.slots.values()), list(self.edges))


def _arrange(slots: list[Slot], edges: Edges, level: int = 0) -> tuple[float, list[Frame]]:
    """Set the slots' x. Returns the width and the frames from the nesting depth `level` inwards.

    Order each row by the mean place of its neighbours (barycentre heuristic), then find offsets in
    the same way. The rows that frames take are laid out first.
    """
    frames, arranged = _arrange_frames(slots, edges, level)
    rows: dict[int, list[Slot]] = {}
    near: dict[Slot, list[Slot]] = {}
    for slot in slots:
        near[slot] = []
        if slot not in arranged:
            rows.setdefault(slot.row, []).append(slot)
    for tail, head in edges:
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
    lefts = [slot.x - slot.width / 2 for slot in slots] + [frame.left for frame in frames]
    _shift(slots, frames, -min(lefts, default=0.0))
    rights = [slot.x + slot.width / 2 for slot in slots]
    rights += [frame.left + frame.width for frame in frames]
    return max(rights, default=0.0), frames


def _arrange_frames(slots: list[Slot], edges: Edges, level: int) -> tuple[list[Frame], set[Slot]]:
    """The frames, and the slots in the rows that they take, arranged.

    Each frame is a lane of its own. They stand side by side, beside whatever else is in these rows,
    which makes a lane without a frame.
    """
    lanes: dict[Scope | None, list[Slot]] = {}
    for slot in slots:
        if len(slot.frames) > level:
            lanes.setdefault(slot.frames[level], []).append(slot)
    taken: set[int] = set()
    for members in lanes.values():
        taken.update(_rows(members))
    framed = set().union(*lanes.values())
    if unframed := [slot for slot in slots if slot.row in taken and slot not in framed]:
        lanes[None] = unframed
    arranged = framed.union(unframed)
    frames: list[Frame] = []
    used: dict[int, float] = {}
    for name, members in lanes.items():
        own = set(members)
        width, inner = _arrange(
            members, [edge for edge in edges if own.issuperset(edge)], level + 1
        )
        rows = _rows(members)
        left = max(used.get(row, 0.0) for row in rows)
        if name is not None:
            _shift(members, inner, PAD)
            width = max(width, extent(scope_title(name[-1]))[0] + 4) + 2 * PAD
            above = max((one.above for one in inner if one.last == rows[-1]), default=0)
            below = max((one.below for one in inner if one.first == rows[0]), default=0)
            inner.insert(0, Frame(name, 0.0, width, rows[0], rows[-1], above + 1, below + 1))
        _shift(members, inner, left)
        used |= dict.fromkeys(rows, left + width + SPACE)
        frames += inner
    _shift(arranged, frames, -max(used.values(), default=0.0) / 2)
    return frames, arranged


def _rows(slots: list[Slot]) -> range:
    """The rows from the first to the last slot's."""
    taken = [slot.row for slot in slots]
    return range(min(taken), max(taken) + 1)


def _shift(slots: Iterable[Slot], frames: list[Frame], by: float) -> None:
    for slot in slots:
        slot.x += by
    for frame in frames:
        frame.left += by


def _spread(wishes: list[float], widths: list[float]) -> list[float]:
    """The centres nearest to `wishes` that keep their order without overlap: neighbours that would
    collide are pooled.

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
