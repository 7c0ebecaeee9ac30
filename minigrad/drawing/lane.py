"""A layout that many columns share: the order of the boxes in each row, and their offsets from the left.

Time steps are built alike, so their layout is found once, and every column is a copy of it.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

from ..context import Scope

SPACE = 8.0  # points between the boxes in a row
PAD = 7.0  # between boxes and their frame


@dataclass
class Frame:
    """A frame within a column: its name, its place, its first and last row.

    `above` and `below` count the frames whose last or first row is the same, from the innermost to this one.
    """

    name: Scope
    left: float
    width: float
    first: int
    last: int
    above: int = 1
    below: int = 1


@dataclass
class Lane:
    """A layout that columns share: for each key its row, its size, and its offset from the column's left."""

    rows: dict[Hashable, int] = field(default_factory=dict)
    sizes: dict[Hashable, tuple[float, float]] = field(default_factory=dict)
    edges: dict[tuple[Hashable, Hashable], None] = field(default_factory=dict)
    groups: dict[Hashable, tuple[Scope, ...]] = field(default_factory=dict)  # for each key its frames, outer first
    widths: dict[Scope, float] = field(default_factory=dict)  # for each frame the width of its title
    leanings: dict[Hashable, float] = field(default_factory=dict)  # < 0: fed by the column before; > 0: feeds the next
    offsets: dict[Hashable, float] = field(default_factory=dict)
    width: float = 0.0
    frames: list[Frame] = field(default_factory=list)

    def arrange(self) -> None:
        """Order each row by the mean place of its neighbours (barycentre heuristic), then find offsets the same way.

        Frames are laid out first, each as a lane of its own. In the rows that they take they stand side by side, beside
        whatever else is in these rows, which makes a lane without a frame.
        """
        centre = self._arrange_frames()
        rows: dict[int, list[Hashable]] = {}
        for key, row in self.rows.items():
            if key not in centre:
                rows.setdefault(row, []).append(key)
        near: dict[Hashable, list[Hashable]] = {key: [] for key in self.rows}
        for tail, head in self.edges:
            near[tail].append(head)
            near[head].append(tail)
        place = {key: spot / 80 for key, spot in centre.items()}
        place |= {key: float(number) - len(keys) / 2 for keys in rows.values() for number, key in enumerate(keys)}
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
        centre = {key: centre.get(key, place[key] * 80) for key in self.rows}
        for turn in range(10):
            for row in sorted(rows, reverse=bool(turn % 2)):
                keys = rows[row]
                wishes = [_mean([centre[other] for other in near[key]], centre[key]) for key in keys]
                for key, spot in zip(keys, _spread(wishes, [self.sizes[key][0] for key in keys]), strict=True):
                    centre[key] = spot
        lefts = [centre[key] - self.sizes[key][0] / 2 for key in centre] + [frame.left for frame in self.frames]
        left = min(lefts, default=0.0)
        self.offsets = {key: spot - left for key, spot in centre.items()}
        for frame in self.frames:
            frame.left -= left
        rights = [spot + self.sizes[key][0] / 2 for key, spot in self.offsets.items()]
        self.width = max(rights + [frame.left + frame.width for frame in self.frames], default=0.0)

    def _arrange_frames(self) -> dict[Hashable, float]:
        """Lay out the frames. Returns the centres of all keys in the rows that frames take."""
        ends: dict[Scope, list[int]] = {}
        for key, path in self.groups.items():
            if path:
                ends.setdefault(path[0], []).append(self.rows[key])
        taken = {row for found in ends.values() for row in range(min(found), max(found) + 1)}
        inside: dict[Scope | None, Lane] = {name: Lane(widths=self.widths) for name in ends}
        owner: dict[Hashable, Lane] = {}
        for key, row in self.rows.items():
            path = self.groups.get(key, ())
            if path or row in taken:
                lane = owner[key] = inside.setdefault(path[0] if path else None, Lane())
                lane.rows[key], lane.sizes[key], lane.groups[key] = row, self.sizes[key], path[1:]
        for tail, head in self.edges:
            if tail in owner and owner[tail] is owner.get(head):
                owner[tail].edges[tail, head] = None
        centre: dict[Hashable, float] = {}
        used: dict[int, float] = {}
        for name, lane in inside.items():
            lane.arrange()
            rows = range(min(lane.rows.values()), max(lane.rows.values()) + 1)
            left, pad = max(used.get(row, 0.0) for row in rows), PAD if name else 0.0
            width = max(lane.width, self.widths[name] if name else 0.0) + 2 * pad
            used |= dict.fromkeys(rows, left + width + SPACE)
            centre |= {key: left + pad + offset for key, offset in lane.offsets.items()}
            if name:
                above = max((one.above for one in lane.frames if one.last == rows[-1]), default=0)
                below = max((one.below for one in lane.frames if one.first == rows[0]), default=0)
                self.frames.append(Frame(name, left, width, rows[0], rows[-1], above + 1, below + 1))
            self.frames += [replace(one, left=one.left + left + pad) for one in lane.frames]
        middle = max(used.values(), default=0.0) / 2
        for frame in self.frames:
            frame.left -= middle
        return {key: spot - middle for key, spot in centre.items()}


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
