"""Find the position of each node in a grid. Columns are time steps, bands are layers, and rows are
gates.

Positions are not in pixels, because a column's width depends on which steps are folded in the page.
Gates are always ordered by serial number, so the same program produces the same picture.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter, itemgetter

from ..context import Scope, step_name, step_of
from ..drawing.boxes import shared
from ..drawing.rows import before_steps, longest_chains
from ..graph import Leaf, Node
from .arrays import Json

MANY = 300
"""If a graph without time steps has more gates than this in a single scope or outside all scopes, it
is divided into parts of `PART` ranks. Each part can be folded.
"""

PART = 50

# Column keys sort from left to right: shared leaves come first, then the nodes before, in and after
# the steps.
Key = tuple[int, int, str]
SHARED = (0, 0, "shared")
BEFORE = (1, 0, "before")
AFTER = (3, 0, "after")

# (a layer's scope, ""), or ((), a title such as "end") for gates outside all scopes
Band = tuple[Scope, str]


@dataclass(eq=False, repr=False)  # cells refer to each other, so a full repr would never end
class Cell:
    """A node's position in the grid.

    - `column`, `band`: the indices of the node's column and band.
    - `row`: the row within the band.
    - `offset`: the offset within the column.
    - `sources`: the node's inputs. A state behind a cut is replaced by the node before the cut.
    """

    node: Node
    number: int
    inputs: list["Cell"] = field(default_factory=list)
    sources: list["Cell"] = field(default_factory=list)
    users: list["Cell"] = field(default_factory=list)
    key: Key = BEFORE
    band_key: Band = ((), "inputs")
    column: int = 0
    band: int = 0
    row: int = 0
    offset: float = 0.0

    @property
    def place(self) -> tuple[int, int]:
        return self.band, self.column


@dataclass
class Layout:
    """The layout of the page: columns and bands in order, and a cell for each node.

    `states` lists the nodes that carry state from step to step.
    """

    columns: list[Json]
    bands: list[str]
    cells: list[Cell]
    states: list[Json]


def arrange(nodes: list[Node]) -> Layout:
    """Lay out `nodes`, which are in serial order."""
    cells = _cells(nodes)
    gates = [cell for cell in cells if cell.node.gate is not None]
    _set_keys(cells, gates)
    keys = sorted({cell.key for cell in cells})
    ordered = [*gates, *cells]
    bands = dict.fromkeys(cell.band_key for cell in ordered)
    column_of = {key: number for number, key in enumerate(keys)}
    band_of = {key: number for number, key in enumerate(bands)}
    for cell in cells:
        cell.column = column_of[cell.key]
        cell.band = band_of[cell.band_key]
    _set_rows(cells)
    widths = _set_offsets(cells, len(keys))
    _set_shared(cells)

    last = max(number for _, number, _ in keys)
    columns = []
    for key, width in zip(keys, widths, strict=True):
        label = _column_label(key, last)
        _, _, kind = key
        columns.append({"label": label, "kind": kind, "width": width})
    named = [scope for scope, _ in bands if scope]
    common = 0
    if len(named) > 1:
        common = len(shared(*named))
    labels = []
    for scope, title in bands:
        path = scope[common:] or scope[-1:]
        labels.append("/".join(path) or title)
    return Layout(columns, labels, cells, _states(gates))


def _cells(nodes: list[Node]) -> list[Cell]:
    cell_of: dict[Node, Cell] = {}
    for number, node in enumerate(nodes):
        cell = Cell(node, number)
        for parent in node.inputs:
            cell.inputs.append(cell_of[parent])
            cell_of[parent].users.append(cell)
            source = getattr(parent, "cut_from", None)
            cell.sources.append(cell_of[source or parent])
        cell_of[node] = cell
    return list(cell_of.values())


def _set_keys(cells: list[Cell], gates: list[Cell]) -> None:
    """Assign a column and a band to each cell. Each scope has a band.

    Gates outside all scopes are in one band before the scopes and one band after them.
    """
    title = "gates"
    steps = {cell for cell in gates if step_of(cell.node.scope)}
    before = before_steps(steps, [(source, cell) for cell in gates for source in cell.sources])
    for cell in gates:
        scope = cell.node.scope
        place = step_of(scope)
        if place:
            scope, step, _ = place
            cell.key = (2, step, "step")
        elif steps and cell not in before:
            cell.key = AFTER
        outside = "steps" if place else title
        cell.band_key = (scope, "" if scope else outside)
        if scope or place:
            title = "end"
    sizes = Counter(cell.node.scope for cell in gates)
    largest = max(sizes.values(), default=0)
    if largest > MANY and not steps:
        ranks = longest_chains(cells, {cell: cell.inputs for cell in cells})
        for cell in gates:
            cell.key = (2, (ranks[cell] - 1) // PART, "part")
    for cell in cells:  # put a leaf into the column that uses it
        if isinstance(cell.node, Leaf) and cell.users:
            cell.band_key = cell.users[0].band_key
            keys = {user.key for user in cell.users}
            alone = len(keys) == 1 or cell.node.origin == "cut"
            cell.key = min(keys) if alone else SHARED


def _column_label(key: Key, last: int) -> str:
    _, number, kind = key
    if kind == "part":
        return f"ranks {number * PART + 1} to {(number + 1) * PART}"
    if kind == "step":
        return step_name(number, last + 1)
    return kind


def _set_rows(cells: list[Cell]) -> None:
    """Set each node's row to the length of the longest path to it within its column and band.

    Then move each node to the row directly above its first consumer.
    """

    def near(cell: Cell, others: list[Cell]) -> list[Cell]:
        return [other for other in others if other.place == cell.place]

    rows = longest_chains(cells, {cell: near(cell, cell.inputs) for cell in cells})
    for cell in reversed(cells):
        users = [user.row for user in near(cell, cell.users)]
        cell.row = min(users, default=rows[cell] + 1) - 1


def _set_offsets(cells: list[Cell], columns: int) -> list[int]:
    """Place the nodes of each row side by side, ordered by their inputs and centred in the column.

    Returns the widths of the columns.
    """
    rows = defaultdict(list)
    for cell in cells:
        row = cell.column, cell.band, cell.row
        rows[row].append(cell)
    widths = [1] * columns
    for (column, _, _), members in rows.items():
        widths[column] = max(widths[column], len(members))

    def from_left(cell: Cell) -> float:
        above = [parent.offset for parent in cell.inputs if parent.column == cell.column]
        if not above:
            return -1.0
        return sum(above) / len(above)

    for (column, _, _), members in sorted(rows.items()):
        margin = (widths[column] - len(members)) / 2
        members.sort(key=from_left)
        for number, cell in enumerate(members):
            cell.offset = number + margin
    return widths


def _set_shared(cells: list[Cell]) -> None:
    """Stack the shared leaves. Each leaf is as close as possible to the row of its first use."""
    free: dict[int, int] = defaultdict(int)  # the first free row of each band
    stacked = [cell for cell in cells if cell.key == SHARED]
    for cell in stacked:
        cell.row = cell.users[0].row
        cell.offset = 0.0
    for cell in sorted(stacked, key=attrgetter("row")):
        cell.row = max(cell.row, free[cell.band])
        free[cell.band] = cell.row + 1


def _states(gates: list[Cell]) -> list[Json]:
    """Find the states of each band, one for each step. A state is a node that another step uses.

    The last step does not pass its state on. Its states are the gates at the same positions as
    the states in the other steps. Steps with an unusual structure are left out.
    """
    steps = defaultdict(list)
    passed_on = set()
    for cell in gates:
        if cell.key[2] == "step":
            steps[cell.place].append(cell)
            for source in cell.sources:
                if source.place != cell.place and source.band == cell.band:
                    passed_on.add(source)
    states = []
    for band, places in groupby(sorted(steps), itemgetter(0)):
        builds = defaultdict(list)
        for place in places:
            step = steps[place]
            build = tuple(cell.node.gate.name for cell in step)
            builds[build].append(step)
        alike = max(builds.values(), key=len)
        found: list[int] = []
        for step in alike:
            found = found or [n for n, cell in enumerate(step) if cell in passed_on]
        # The last gate computes h. The other state of an LSTM is c.
        labels = ("h", "c", "state 3")
        for n, label in zip(reversed(found), labels, strict=False):
            ids = [step[n].number for step in alike]
            states.append({"band": band, "label": label, "ids": ids})
    return states
