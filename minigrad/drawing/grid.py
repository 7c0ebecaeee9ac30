"""The layout of an unrolled picture: a column for each time step, a band of rows for each layer, wires in between.

Graphviz can lay out such graphs too, but not in columns, and beyond a few hundred boxes it is too slow. Here rows and
offsets are found once for all steps that are built alike, and each column is a copy; the work grows with the boxes.

Coordinates are in points, with y upwards; row 0 is the lowest. Wires run in the gaps between rows and the gutters
between columns, so they cross no box. Each producer has its own track there.
"""

from collections.abc import Hashable, Iterable
from itertools import pairwise

from ..context import Scope
from .boxes import Box, Link, View
from .colour import STYLES
from .labels import Words, extent, marked_up, scope_title, shortened, size_of
from .lane import PAD, Lane
from .points import Point, label_at, point, rounded, swinging
from .rows import LEFT, RIGHT, find_columns, find_rows

GAP = 20.0  # between rows, without the tracks
TRACK = 4.5  # between wires
HEAD = 15.0  # for a frame's name


class Grid:
    """The layout of one view. `place`, `route`, `frames` and `bounds` give it in Graphviz's notation."""

    def __init__(self, view: View, words: Words) -> None:
        self.view = view
        self.size = {box: size_of(words.face(box), STYLES[box.style]["shape"]) for box in view.boxes}
        self.column = find_columns(view)
        self.columns = sorted({column for column in self.column.values() if column not in (LEFT, RIGHT)})
        self.rows, self.bands = find_rows(view, self.column)
        self._find_lanes()
        self._find_wires()
        self._find_places()
        self._find_ports()

    # ---- columns ----

    def _key(self, box: Box) -> Hashable:
        return box.key if self.column[box] not in (LEFT, RIGHT) else box

    def _find_lanes(self) -> None:
        """One lane for all columns of steps, one for those of folded steps, one each for the columns left and right."""
        folded = dict.fromkeys(self.columns, True)
        for box in self.view.boxes:
            if not box.is_leaf and box.kind != "fold":
                folded[self.column[box]] = False
        lanes = {"left": Lane(), "right": Lane(), "fold": Lane(), "step": Lane()}
        self.lane = {column: lanes["fold" if folded[column] else "step"] for column in self.columns}
        self.lane |= {LEFT: lanes["left"], RIGHT: lanes["right"]}
        for box in self.view.boxes:
            lane, key = self.lane[self.column[box]], self._key(box)
            width, height = lane.sizes.get(key, (0.0, 0.0))
            lane.rows[key] = self.rows[box]
            lane.sizes[key] = (max(width, self.size[box][0]), max(height, self.size[box][1]))
            lane.groups[key] = self._inner(box)
            lane.widths |= {frame: extent(scope_title(frame[-1]))[0] + 4 for frame in lane.groups[key]}
        spans: dict[Scope, list[int]] = {}
        for box, row in self.rows.items():
            for frame in self._inner(box):
                spans.setdefault(frame, []).append(row)
        for link in self.view.links:
            lane, tail, head = self.lane[self.column[link.head]], self._key(link.tail), self._key(link.head)
            if self.column[link.tail] == self.column[link.head]:
                stops = [tail, *self._passes(link), head]
                for row, key in enumerate(stops[1:-1], self.rows[link.tail] + 1):
                    lane.rows[key], lane.sizes[key] = row, (4.0, 0.0)
                    for frames in (lane.groups[tail], lane.groups[head]):  # within a frame, as far as it reaches
                        crossed = [frame for frame in frames if min(spans[frame]) <= row <= max(spans[frame])]
                        lane.groups[key] = tuple(crossed) or lane.groups.get(key, ())
                lane.edges |= dict.fromkeys(pairwise(stops))
            elif link.kind != "data" and lane is self.lane[self.column[link.tail]]:
                lane.leanings[head] = -3.0
                lane.leanings.setdefault(tail, 1.0)
        for lane in lanes.values():
            lane.arrange()

    def _inner(self, box: Box) -> tuple[Scope, ...]:
        """The frames around a box within its time step, from the outermost inwards; equal for all steps."""
        if box.band is None:
            return ()
        inner = box.scope[len(box.band) + 1 :]
        return tuple((*box.band, *inner[: length + 1]) for length in range(len(inner)))

    def _passes(self, link: Link) -> list[Hashable]:
        """Keys that reserve space in the lane, as a box's key does, in each row that a wire within a column passes."""
        rows = range(self.rows[link.tail] + 1, self.rows[link.head])
        return [(self._key(link.tail), self._key(link.head), row) for row in rows]

    def _rises(self, link: Link) -> bool:
        """Whether a wire goes up within its own column."""
        return self.column[link.tail] == self.column[link.head] and self.rows[link.tail] < self.rows[link.head]

    def _find_places(self) -> None:
        gutter = 2 * PAD + 12 + TRACK * len(self.risers)
        self.left: dict[int, float] = {}
        x = 0.0
        for column in (LEFT, *self.columns, RIGHT):
            self.left[column] = x
            if self.lane[column].rows:
                x += self.lane[column].width + gutter
        self.width = x - gutter

    def x(self, box: Box) -> float:
        """The x coordinate of a box's centre."""
        return self.left[self.column[box]] + self.lane[self.column[box]].offsets[self._key(box)]

    # ---- wires ----

    def _find_wires(self) -> None:
        """Give producers their tracks in the gaps and gutters, and find the heights of gaps and rows."""
        self.tracks: dict[int, dict[Hashable, int]] = {}
        self.risers: dict[Hashable, int] = {}
        for link in self.view.links:
            key = self._key(link.tail)
            if self._rises(link):
                continue
            for gap in self._gaps(link):
                tracks = self.tracks.setdefault(gap, {})
                tracks.setdefault(key, len(tracks))
            if self._riser(link) is None:
                self.risers.setdefault(key, len(self.risers))
        self.heights = dict.fromkeys(range(max(self.rows.values()) + 1), 20.0)
        for box, row in self.rows.items():
            self.heights[row] = max(self.heights[row], self.size[box][1])
        starts = {first for first, _ in self.bands.values()}
        ends = {last for _, last in self.bands.values()}
        inner = [frame for lane in {id(lane): lane for lane in self.lane.values()}.values() for frame in lane.frames]
        self.above = {row: max(f.above for f in inner if f.last == row) * HEAD for row in {f.last for f in inner}}
        self.below = {row: max(f.below for f in inner if f.first == row) * PAD for row in {f.first for f in inner}}
        y = 0.0
        self.gap_at: dict[int, Point] = {}
        self.y: dict[int, float] = {}
        for row in range(-1, len(self.heights)):
            if row >= 0:
                y += self.below.get(row, 0.0)
                self.y[row] = y + self.heights[row] / 2
                y += self.heights[row] + self.above.get(row, 0.0)
            # Wires keep clear of a band's frame, and of its names, which stand just above its last row.
            low = y + (HEAD + 2 * PAD if row in ends else 2.0)
            high = low + GAP + TRACK * len(self.tracks.get(row, ()))
            self.gap_at[row] = (low, high)
            labels = (
                10.0 if any(link.kind == "cut" and self.rows[link.tail] == row for link in self.view.links) else 0.0
            )
            y = high + labels + (2 * PAD + 5 if row + 1 in starts else 2.0)
        self.height = y

    def _find_ports(self) -> None:
        """Where each wire enters the lower side of its head, ordered by where the wires come from."""
        self.ports: dict[Link, float] = {}
        arriving: dict[Box, list[Link]] = {}
        for link in self.view.links:
            arriving.setdefault(link.head, []).append(link)
        for box, links in arriving.items():
            room = self.size[box][0] * (0.55 if box.kind == "gate" else 0.7)
            links.sort(key=lambda link: (self._from(link), link.kind != "data"))
            for number, link in enumerate(links):
                self.ports[link] = self.x(box) + (room * ((number + 0.5) / len(links) - 0.5) if len(links) > 1 else 0.0)

    def _from(self, link: Link) -> float:
        """The x coordinate from which a wire approaches its head."""
        if self._rises(link):
            lane, left = self.lane[self.column[link.head]], self.left[self.column[link.head]]
            return left + lane.offsets[[self._key(link.tail), *self._passes(link)][-1]]
        if len(self._gaps(link)) == 1:
            return self.x(link.tail)
        riser = self._riser(link)
        return self._gutter_x(link) if riser is None else self.left[self.column[link.head]] + riser

    def _gaps(self, link: Link) -> tuple[int, ...]:
        """The gaps that a wire runs along: the one above its tail and, if different, the one below its head."""
        over, under = self.rows[link.tail], self.rows[link.head] - 1
        return (over,) if over == under else (over, under)

    def _riser(self, link: Link) -> float | None:
        """Where in the head's column a wire can go straight up, past rows in between; None if it takes the gutter."""
        over, under = self.rows[link.tail], self.rows[link.head] - 1
        lane, x = self.lane[self.column[link.head]], self.lane[self.column[link.head]].offsets[self._key(link.head)]
        if over == under:
            return x
        if over > under or self.column[link.tail] == LEFT:
            return None  # wires from the left run below the steps, not through them
        blocked = any(
            over < row <= under and abs(x - lane.offsets[key]) < lane.sizes[key][0] / 2 + 4
            for key, row in lane.rows.items()
        )
        return None if blocked else x

    def _gutter_x(self, link: Link) -> float:
        """The x coordinate of the producer's track in the gutter that the wire takes, beside the head's column."""
        tail, head = self.column[link.tail], self.column[link.head]
        offset = PAD + 6 + TRACK * self.risers[self._key(link.tail)]
        if tail == LEFT and head != LEFT:
            return self.left[self.columns[0]] - offset
        if tail > head:
            return self.left[head] + self.lane[head].width + offset
        return self.left[head] - offset

    def _track_y(self, gap: int, link: Link) -> float:
        low, high = self.gap_at[gap]
        tracks = self.tracks[gap]
        return low + (high - low) * (tracks[self._key(link.tail)] + 1) / (len(tracks) + 1)

    def _path(self, link: Link) -> list[Point]:
        start = (self.x(link.tail), self.y[self.rows[link.tail]] + self.size[link.tail][1] / 2)
        end = (self.ports[link], self.y[self.rows[link.head]] - self.size[link.head][1] / 2)
        if self._rises(link):
            path = [start]
            for row, key in enumerate(self._passes(link), self.rows[link.tail] + 1):
                x = self.left[self.column[link.head]] + self.lane[self.column[link.head]].offsets[key]
                path += [(x, self.y[row] - self.heights[row] / 2), (x, self.y[row] + self.heights[row] / 2)]
            return [*path, end]
        gaps = self._gaps(link)
        if len(gaps) == 1:
            y = self._track_y(gaps[0], link)
            return [start, (start[0], y), (end[0], y), end]
        over, under = (self._track_y(gap, link) for gap in gaps)
        riser = self._riser(link)
        x = self._gutter_x(link) if riser is None else self.left[self.column[link.head]] + riser
        return [start, (start[0], over), (x, over), (x, under), (end[0], under), end]

    def has_label(self, link: Link) -> bool:
        """Whether a wire shows its label: one wire of each cut does. For the rest, the columns show the time steps."""
        return link.kind == "cut" and next(other for other in self.view.links if other.label == link.label) is link

    def route(self, link: Link) -> dict[str, str]:
        """The `pos` of an edge: a curve within a column, otherwise straight lines with rounded corners."""
        path = self._path(link)
        tip = path[-1]
        path[-1] = (tip[0], tip[1] - 6)  # the arrow head covers the rest
        points = swinging(path) if self._rises(link) else rounded(path)
        values = {"pos": f"e,{point(tip)} " + " ".join(map(point, points))}
        if self.has_label(link):
            (x0, y0), (x1, _) = path[1], path[2 if len(path) > 2 else 1]
            values["lp"] = point(((x0 + x1) / 2, self.gap_at[self.rows[link.tail]][1] + 4 if len(path) > 2 else y0))
        return values

    # ---- frames and the rest ----

    @property
    def frames(self) -> Iterable[dict[str, str]]:
        """The attributes of the frames: of unrolls, of their time steps, and of scopes within a step."""
        wires: dict[int, list[tuple[Point, Point]]] = {}
        for link in self.view.links:
            for column in {self.column[link.tail], self.column[link.head]}:
                wires.setdefault(column, []).extend(pairwise(self._path(link)))
        everywhere = [wire for found in wires.values() for wire in found]
        cells: dict[tuple[Scope | None, int], list[Box]] = {}
        for box in self.view.boxes:
            cells.setdefault((box.band, self.column[box]), []).append(box)
        for band, (first, last) in self.bands.items():
            low, high = self._side(first, -1) - PAD, self._side(last, 1) + PAD + HEAD - 4
            left = self.left[self.columns[0]] - PAD - 4
            right = self.left[self.columns[-1]] + self.lane[self.columns[-1]].width + PAD + 4
            yield _frame(band, "/".join(band) or "time", (left, low - 5), (right, high + HEAD), everywhere)
            for column in self.columns:
                inside = cells.get((band, column), [])
                scope = max((box.scope for box in inside if not box.is_leaf), key=len, default=band)[: len(band) + 1]
                if scope == band:  # a single box for the step, or for several
                    continue
                pale = all(box.starved for box in inside if not box.is_leaf)
                left, lane, near = self.left[column], self.lane[column], wires[column]
                yield _frame(
                    scope, scope[-1], (left - PAD, low), (left + lane.width + PAD, high), near, pale, "#EFEFEF"
                )
                framed = {frame for box in inside for frame in self._inner(box)}
                for frame in lane.frames:
                    if frame.name in framed:
                        start, end = left + frame.left, left + frame.left + frame.width
                        below = self._side(frame.first, -1, frame.below * PAD)
                        above = self._side(frame.last, 1, frame.above * HEAD)
                        inner = (*scope, *frame.name[len(band) :])
                        fill = "#EFEFEF" if (len(frame.name) - len(band)) % 2 == 0 else "#F7F7F7"
                        yield _frame(inner, inner[-1], (start, below), (end, above), near, pale, fill)

    def _side(self, row: int, way: int, room: float | None = None) -> float:
        """The y coordinate of the upper (`way` 1) or lower (-1) side of a row, with `room` for frames within steps."""
        if room is None:
            room = (self.above if way > 0 else self.below).get(row, 0.0)
        return self.y[row] + way * (self.heights[row] / 2 + room)

    def place(self, box: Box) -> str:
        """The centre of a box."""
        return point((self.x(box), self.y[self.rows[box]]))

    @property
    def longest(self) -> float:
        """The longer side of the picture, in points."""
        return max(self.width, self.height)

    @property
    def bounds(self) -> str:
        """The bounding box."""
        return f"{point((-PAD - 8, 0.0))},{point((self.width + PAD + 8, self.height + 4))}"

    def caption(self, size: Point) -> dict[str, str]:
        """Attributes that put the caption below the lower left."""
        return label_at((size[0] / 2 - PAD, -8 - size[1] / 2), size)

    def corner(self) -> dict[str, str]:
        """Attributes that put the colour scale above the upper left."""
        return {"pos": point((110.0, self.height + 24)), "width": "3.2", "height": "0.6"}

    def legend(self, widths: list[float], frame: dict[str, str]) -> list[dict[str, str]]:
        """Attributes of the legend's samples, in a row above the picture. Adds the legend's position to `frame`."""
        y, x = self.height + 62, 0.0
        spots = []
        for width in widths:
            spot = {"pos": point((x + width / 2 + 14, y)), "width": f"{(width + 28) / 72:.2f}"}
            spots.append({**spot, "height": "0.36", "fixedsize": "true"})
            x += width + 40
        frame |= {"bb": f"{point((-PAD, y - 20))},{point((x, y + 36))}", **label_at((20.0, y + 27), (36, 11))}
        return spots


def _frame(
    scope: Scope, name: str, low: Point, high: Point, wires: list[tuple[Point, Point]], pale: bool = False,
    fill: str = "#F7F7F7",
) -> dict[str, str]:  # fmt: skip
    """The attributes of a frame between two corners.

    Its title is at the first place from the left without a wire, and shorter if there is no such place.
    """
    for shown in (name, *scope[-1:], *(shortened(last, 13) for last in scope[-1:])):
        width, height = extent(scope_title(shown))
        y, x = high[1] - height / 2 - 2, low[0] + 6
        crossing = [
            (min(a[0], b[0]) - 3, max(a[0], b[0]) + 3)
            for a, b in wires
            if min(a[1], b[1]) < y + height / 2 and max(a[1], b[1]) > y - height / 2
        ]
        for begin, end in sorted(crossing):
            if begin < x + width and end > x:
                x = end
        if x + width < high[0]:
            break
    else:
        x = low[0] + 6
    return {
        "label": marked_up(scope_title(shown), "#B0B0B0" if pale else None),
        "style": "rounded,filled",
        "color": "#CFCFCF" if pale else "#9A9A9A",
        "fillcolor": "#F9F9F9" if pale else fill,
        "tooltip": shortened("/".join(scope), 400),
        "bb": f"{point(low)},{point(high)}",
        **label_at((x + width / 2, y), (width, height)),
    }
