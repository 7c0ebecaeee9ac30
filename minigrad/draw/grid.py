"""Places for a picture with time: each step a column, each layer a row of frames, wires in the gaps between. Knows no DOT.

Graphviz lays out such graphs too, but neither in columns nor, past a few hundred boxes, in bearable time. Here the
steps, which are built alike, share one plan: rows and offsets are found once, and each column is a copy. The work
grows with the number of boxes and nothing else. Boxes before time stand to the left, boxes after it to the right.

Coordinates are points, y upwards; row 0 is the lowest. Wires run in the gaps between rows and the gutters between
columns, where no box stands, each producer in a track of its own; so no wire crosses a box.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from ..graph import Scope
from .boxes import Box, Link, View
from .colour import STYLES
from .labels import Line, Words, extent, marked_up, printable, scope_label

LEFT, RIGHT = -1, 10**9  # the columns before and after time
SPACE = 12.0  # between boxes of a row
GAP = 24.0  # between rows, beside the tracks
TRACK = 5.0  # between wires
PAD = 9.0  # between boxes and their frame
HEAD = 15.0  # for a frame's name
Point = tuple[float, float]


@dataclass
class Lane:
    """A plan that columns share: for each key its row, size and offset from the column's left."""

    rows: dict[Hashable, int] = field(default_factory=dict)
    sizes: dict[Hashable, tuple[float, float]] = field(default_factory=dict)
    edges: set[tuple[Hashable, Hashable]] = field(default_factory=set)
    leanings: dict[Hashable, float] = field(default_factory=dict)  # -1: fed from the column before; +1: feeds the next
    offsets: dict[Hashable, float] = field(default_factory=dict)
    width: float = 0.0

    def arrange(self) -> None:
        """Order each row by the mean place of its neighbours, a few times over, then give offsets the same way."""
        rows: dict[int, list[Hashable]] = {}
        for key, row in self.rows.items():
            rows.setdefault(row, []).append(key)
        near: dict[Hashable, list[Hashable]] = {key: [] for key in self.rows}
        for tail, head in sorted(self.edges, key=lambda edge: (list(near).index(edge[0]), list(near).index(edge[1]))):
            near[tail].append(head)
            near[head].append(tail)
        place = {key: float(number) - len(keys) / 2 for keys in rows.values() for number, key in enumerate(keys)}
        for turn in range(8):
            for row in sorted(rows, reverse=bool(turn % 2)):
                keys = rows[row]
                wish = {key: _mean([place[other] for other in near[key]], place[key]) + self.leanings.get(key, 0) for key in keys}
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
    """The centres nearest to the wishes, in order and without overlap: pooling of neighbours that would collide.

    Source: isotonic regression by pooling adjacent violators, Barlow et al. (1972).
    """
    starts: list[float] = []
    position = 0.0
    for number, width in enumerate(widths):
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


class Grid:
    """The layout of one view. `place`, `route`, `frames`, `bounds` are attributes in Graphviz's notation."""

    def __init__(self, view: View, words: Words) -> None:
        self.view = view
        self.size = {box: _size(box, words) for box in view.boxes}
        self.column = _sides(view)
        self.columns = sorted({column for column in self.column.values() if column not in (LEFT, RIGHT)})
        self.rows: dict[Box, int] = {}
        self.bands: dict[Scope, tuple[int, int]] = {}  # first and last row of each unroll
        self._find_rows()
        self.lanes = self._find_lanes()
        self._find_places()
        self._find_frames()
        self._find_tracks()

    # ---- rows ----

    def _find_rows(self) -> None:
        inside: dict[Box, list[Box]] = {box: [] for box in self.view.boxes}  # what feeds a box within its own column
        heads: dict[Box, list[Box]] = {box: [] for box in self.view.boxes}
        for link in self.view.links:
            if self.column[link.tail] == self.column[link.head] and link.tail is not link.head and link.kind == "data":
                heads[link.tail].append(link.head)
                if link.tail.band == link.head.band:
                    inside[link.head].append(link.tail)
        level: dict[Box, int] = {}
        for box in self.view.boxes:  # in the order of recording, so that what feeds a box comes before it
            if not box.is_leaf:
                level[box] = max((level.get(other, 0) + 1 for other in inside[box]), default=0)
        highest: dict[Hashable, int] = {}
        bands: dict[Scope, int] = {}
        for box, height in level.items():
            if box.band is not None:
                highest[box.key] = max(highest.get(box.key, 0), height)
        for box in self.view.boxes:
            if box.is_leaf:
                used = [highest.get(head.key, level[head]) for head in heads[box] if head.band == box.band and not head.is_leaf]
                level[box] = max(min(used, default=1) - 1, 0)
                if box.band is not None:
                    highest[box.key] = max(highest.get(box.key, 0), level[box])
            if box.band is not None:
                bands[box.band] = max(bands.get(box.band, 0), highest[box.key])
        base = 0
        for band in bands:
            bands[band] = max([bands[band], *(highest[box.key] for box in self.view.boxes if box.band == band)])
            self.bands[band] = (base, base + bands[band])
            base += bands[band] + 1
        for box in self.view.boxes:
            self.rows[box] = self.bands[box.band][0] + highest[box.key] if box.band is not None else level[box]
        self._raise_right()

    def _raise_right(self) -> None:
        """What comes after time stands above what feeds it, its leaves just below it."""
        feeding: dict[Box, list[Box]] = {box: [] for box in self.view.boxes}
        for link in self.view.links:
            if self.column[link.head] == RIGHT and link.tail is not link.head:
                feeding[link.head].append(link.tail)
        for box in self.view.boxes:
            if self.column[box] == RIGHT and not box.is_leaf:
                self.rows[box] = max((self.rows[other] + 1 for other in feeding[box] if not other.is_leaf), default=1)
        for box in self.view.boxes:
            if self.column[box] == RIGHT and not box.is_leaf:
                for leaf in feeding[box]:
                    if leaf.is_leaf and self.column[leaf] == RIGHT:
                        self.rows[leaf] = self.rows[box] - 1

    # ---- columns ----

    def _lane_of(self, box: Box) -> tuple[Lane, Hashable]:
        column = self.column[box]
        return self.lanes[0 if column == LEFT else 2 if column == RIGHT else 1], self._key(box)

    def _key(self, box: Box) -> Hashable:
        return box.key if self.column[box] not in (LEFT, RIGHT) else box

    def _find_lanes(self) -> tuple[Lane, Lane, Lane]:
        self.lanes = (Lane(), Lane(), Lane())
        for box in self.view.boxes:
            lane, key = self._lane_of(box)
            width, height = lane.sizes.get(key, (0.0, 0.0))
            lane.rows[key] = self.rows[box]
            lane.sizes[key] = (max(width, self.size[box][0]), max(height, self.size[box][1]))
        for link in self.view.links:
            (lane, tail), (other, head) = self._lane_of(link.tail), self._lane_of(link.head)
            if self.column[link.tail] == self.column[link.head] and lane is other and tail != head:
                lane.edges.add((tail, head))
            elif link.kind != "data" and lane is self.lanes[1] is other:
                lane.leanings[head] = -1.0
                lane.leanings.setdefault(tail, 1.0)
        for lane in self.lanes:
            lane.arrange()
        return self.lanes

    def _find_places(self) -> None:
        left, time, right = self.lanes
        tracks = {self._key(link.tail) for link in self.view.links if self.column[link.tail] != self.column[link.head]}
        self.gutter = 2 * PAD + 16 + TRACK * min(len(tracks), 12)
        self.left: dict[int, float] = {LEFT: 0.0}
        x = left.width + self.gutter if left.rows else 0.0
        for column in self.columns:
            self.left[column] = x
            x += time.width + self.gutter
        self.left[RIGHT] = x
        self.width = x + right.width if right.rows else x - self.gutter
        heights: dict[int, float] = {}
        for box, row in self.rows.items():
            heights[row] = max(heights.get(row, 0.0), self.size[box][1])
        for row in range(max(heights) + 1):
            heights.setdefault(row, 20.0)
        self.heights = heights

    def x(self, box: Box) -> float:
        """The centre of a box."""
        lane, key = self._lane_of(box)
        return self.left[self.column[box]] + lane.offsets[key]

    # ---- wires ----

    def _find_tracks(self) -> None:
        """Which producers have a wire in each gap; with them the height of each gap, and the rows' places."""
        self.tracks: dict[int, dict[Hashable, int]] = {}
        self.risers: dict[Hashable, int] = {}
        self.ports: dict[Link, float] = {}
        for link in self.view.links:
            key = self._key(link.tail)
            for gap in self._gaps(link):
                tracks = self.tracks.setdefault(gap, {})
                tracks.setdefault(key, len(tracks))
            if self._riser(link) is None:
                self.risers.setdefault(key, len(self.risers))
        extra = {first - 1: HEAD + PAD for first, _ in self.bands.values()}
        for _, last in self.bands.values():
            extra[last] = extra.get(last, 0.0) + HEAD + 2 * PAD
        y = 0.0
        self.gap_at: dict[int, Point] = {}
        self.y: dict[int, float] = {}
        for row in range(-1, max(self.heights) + 1):
            if row >= 0:
                self.y[row] = y + self.heights[row] / 2
                y += self.heights[row]
            size = GAP + TRACK * len(self.tracks.get(row, ())) + extra.get(row, 0.0)
            # Wires keep clear of the frames' names, which stand just above a band's last row.
            top_band = any(last == row for _, last in self.bands.values())
            self.gap_at[row] = (y + (HEAD + PAD if top_band else 0.0), y + size - (PAD if row + 1 in {f for f, _ in self.bands.values()} else 0.0))
            y += size
        self.height = y
        arriving: dict[Box, list[Link]] = {}
        for link in self.view.links:
            arriving.setdefault(link.head, []).append(link)
        for box, links in arriving.items():
            room = self.size[box][0] * (0.5 if box.kind == "gate" else 0.7)
            links.sort(key=lambda link: (self._from(link), link.kind != "data"))
            for number, link in enumerate(links):
                self.ports[link] = self.x(box) + (room * ((number + 0.5) / len(links) - 0.5) if len(links) > 1 else 0.0)

    def _from(self, link: Link) -> float:
        """Where a wire comes from, as its head sees it."""
        if self._gaps(link)[0] == self.rows[link.head] - 1:
            return self.x(link.tail)
        riser = self._riser(link)
        return self._gutter_x(link) if riser is None else riser

    def _gaps(self, link: Link) -> tuple[int, ...]:
        """The gaps that a wire runs along: over its tail, and under its head if that is another one."""
        over, under = self.rows[link.tail], self.rows[link.head] - 1
        return (over,) if over == under else (over, under)

    def _riser(self, link: Link) -> float | None:
        """Where a wire can go straight up to its head, past rows in between; None where it must take the gutter."""
        over, under = self.rows[link.tail], self.rows[link.head] - 1
        if over == under:
            return self.x(link.head)
        if over > under:
            return None
        if not hasattr(self, "_taken"):
            self._taken: dict[tuple[int, int], list[tuple[float, float]]] = {}
            for box, row in self.rows.items():
                half = self.size[box][0] / 2 + 4
                self._taken.setdefault((self.column[box], row), []).append((self.x(box) - half, self.x(box) + half))
        for box in (link.head, link.tail):
            x, column = self.x(box), self.column[box]
            rows = range(over + 1, under + 1)
            if not any(low < x < high for row in rows for low, high in self._taken.get((column, row), ())):
                return x
        return None

    def _gutter_x(self, link: Link) -> float:
        """The gutter beside the head's column, on the side that the wire comes from, in the producer's own track."""
        column = self.column[link.head]
        number = self.risers[self._key(link.tail)] % 12
        if self.x(link.tail) > self.x(link.head) and self.column[link.tail] != column:
            return self.left[column] + self._width(column) + PAD + 6 + TRACK * number
        return self.left[column] - PAD - 8 - TRACK * number

    def _width(self, column: int) -> float:
        return self.lanes[0 if column == LEFT else 2 if column == RIGHT else 1].width

    def _track_y(self, gap: int, link: Link) -> float:
        low, high = self.gap_at[gap]
        tracks = self.tracks[gap]
        return low + (high - low) * (tracks[self._key(link.tail)] + 1) / (len(tracks) + 1)

    def _path(self, link: Link) -> list[Point]:
        start = (self.x(link.tail), self.y[self.rows[link.tail]] + self.size[link.tail][1] / 2)
        end = (self.ports[link], self.y[self.rows[link.head]] - self.size[link.head][1] / 2)
        gaps = self._gaps(link)
        if len(gaps) == 1:
            if self.column[link.tail] == self.column[link.head]:
                return [start, end]
            y = self._track_y(gaps[0], link)
            return [start, (start[0], y), (end[0], y), end]
        over, under = (self._track_y(gap, link) for gap in gaps)
        riser = self._riser(link)
        x = self._gutter_x(link) if riser is None else riser
        return [start, (start[0], over), (x, over), (x, under), (end[0], under), end]

    def route(self, link: Link) -> dict[str, str]:
        """`pos` of an edge: a curve to a neighbour in the row above, rounded corners otherwise."""
        path = self._path(link)
        tip = path[-1]
        path[-1] = (tip[0], tip[1] - 6)  # the arrow head covers the rest
        if len(path) == 2:
            (x0, y0), (x1, y1) = path
            points = [(x0, y0), (x0, y0 + 0.55 * (y1 - y0)), (x1, y1 - 0.55 * (y1 - y0)), (x1, y1)]
        else:
            points = _rounded(path)
        values = {"pos": f"e,{_point(tip)} " + " ".join(map(_point, points))}
        if link.label:
            width, height = extent([Line(printable(link.label, 60), 8)])
            low, _ = self.gap_at[self.bands[link.head.band][0] - 1] if link.head.band else (path[0][1], 0.0)
            values |= {"lp": _point((self._gutter_x(link) if link.head.band else tip[0], low + height / 2 - 2))}
        return values

    # ---- frames and the rest ----

    def _find_frames(self) -> None:
        self._framed: list[tuple[Scope, int, int, int | None, str]] = []
        for band, (first, last) in self.bands.items():
            self._framed.append((band, first, last, None, ""))
            for column in self.columns:
                inside = [box for box in self.view.boxes if box.band == band and self.column[box] == column]
                if inside and not all(box.kind == "fold" for box in inside):
                    pale = all(box.starved for box in inside if not box.is_leaf)
                    self._framed.append((inside[-1].scope[: len(band) + 1], first, last, column, "pale" if pale else ""))

    @property
    def frames(self) -> Iterable[dict[str, str]]:
        """Attributes of a frame for each unroll, and of one for each of its time steps."""
        for scope, first, last, column, look in self._framed:
            low = self.y[first] - self.heights[first] / 2 - PAD
            high = self.y[last] + self.heights[last] / 2 + PAD + HEAD - 4
            name = [Line("", 9.5, scope_label(scope[-1] if scope else "time"))]
            color, fill = ("#9A9A9A", "#EFEFEF") if look != "pale" else ("#CFCFCF", "#F9F9F9")
            if column is None:
                left, right = self.left[self.columns[0]] - PAD - 4, self.left[self.columns[-1]] + self.lanes[1].width + PAD + 4
                low, high, fill = low - 5, high + HEAD, "#F7F7F7"
                name = [Line("", 9.5, scope_label("/".join(scope) or "time"))]
            else:
                left, right = self.left[column] - PAD, self.left[column] + self.lanes[1].width + PAD
            width, height = extent(name)
            yield {
                "label": marked_up(name, "#B0B0B0" if look == "pale" else None), "style": "rounded,filled", "color": color,
                "fillcolor": fill, "tooltip": printable("/".join(scope), 400), "bb": f"{_point((left, low))},{_point((right, high))}",
                "lp": _point((left + width / 2 + 6, high - height / 2 - 2)), "lwidth": f"{width / 72:.2f}", "lheight": f"{height / 72:.2f}",
            }  # fmt: skip

    def place(self, box: Box) -> dict[str, str]:
        """Attributes that pin a box."""
        width, height = self.size[box]
        return {
            "pos": _point((self.x(box), self.y[self.rows[box]])), "width": f"{width / 72:.3f}", "height": f"{height / 72:.3f}",
            "fixedsize": "true",
        }  # fmt: skip

    @property
    def bounds(self) -> str:
        """The bounding box."""
        return f"{_point((-PAD - 8, -44.0))},{_point((self.width + PAD + 8, self.height + 4))}"

    def caption(self, size: Point) -> dict[str, str]:
        """Attributes that put the caption at the lower left."""
        return {"lp": _point((size[0] / 2 - PAD, -40 + size[1] / 2)), "lwidth": f"{size[0] / 72:.2f}", "lheight": f"{size[1] / 72:.2f}"}

    def corner(self) -> dict[str, str]:
        """Attributes that put the colour scale above the upper left."""
        return {"pos": _point((110.0, self.height + 24)), "width": "3.2", "height": "0.6"}

    def legend(self, widths: list[float], frame: dict[str, str]) -> list[dict[str, str]]:
        """Attributes of the legend's samples, in a row above the picture; `frame` is completed."""
        y, x = self.height + 62, 0.0
        spots = []
        for width in widths:
            spots.append({"pos": _point((x + width / 2 + 14, y)), "width": f"{(width + 28) / 72:.2f}", "height": "0.36", "fixedsize": "true"})
            x += width + 40
        frame |= {"bb": f"{_point((-PAD, y - 20))},{_point((x, y + 36))}", "lp": _point((20.0, y + 27)), "lwidth": "0.5", "lheight": "0.15"}
        return spots


def _size(box: Box, words: Words) -> tuple[float, float]:
    width, height = extent(words.face(box))
    kind = STYLES[box.role if box.role and box.kind == "gate" else box.kind]["shape"]
    if kind == "ellipse":
        return width * 1.25 + 8, height * 1.3 + 4
    if kind == "octagon":
        return width + 26, height + 12
    return width + 14, height + 8 + (4 if kind == "box3d" else 0)


def _sides(view: View) -> dict[Box, int]:
    """The column of each box: that of its step; else LEFT if it only leads into time, RIGHT otherwise."""
    side = {box: box.column for box in view.boxes if box.column is not None}
    into: dict[Box, list[Box]] = {box: [] for box in view.boxes}
    out: dict[Box, list[Box]] = {box: [] for box in view.boxes}
    for link in view.links:
        into[link.head].append(link.tail)
        out[link.tail].append(link.head)
    after, before = set(side), set(side)
    for reached, onward in ((after, out), (before, into)):
        stack = list(reached)
        while stack:
            for other in onward[stack.pop()]:
                if other not in reached:
                    reached.add(other)
                    stack.append(other)
    return {box: side.get(box, LEFT if box in before and box not in after else RIGHT) for box in view.boxes}


def _rounded(path: list[Point], radius: float = 5.0) -> list[Point]:
    """Bezier points of a path of straight lines with its corners rounded."""
    path = [point for number, point in enumerate(path) if number == 0 or point != path[number - 1]]
    points = [path[0]]
    for before, corner, after in zip(path, path[1:], path[2:], strict=False):
        enter, leave = _towards(corner, before, radius), _towards(corner, after, radius)
        points += [points[-1], enter, enter, corner, corner, leave]
    return [*points, points[-1], path[-1], path[-1]]


def _towards(start: Point, end: Point, distance: float) -> Point:
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])
    share = min(distance / length, 0.5) if length else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _point(point: Point) -> str:
    return f"{point[0]:.2f},{point[1]:.2f}"
