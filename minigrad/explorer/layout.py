"""Find the position of each node in a grid. Columns are time steps, bands are layers, and rows are
gates.

Positions are not in pixels, because a column's width depends on which steps are folded in the page.
Gates are always ordered by serial number, so the same program produces the same picture.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from ..context import Scope, step_of
from ..drawing.boxes import shared
from ..drawing.rows import before_steps, longest_chains
from ..graph import Leaf, Node
from .arrays import Json
from .loops import find_loops

MANY = 300
"""If a graph without time steps has more gates than this in a single scope or outside all scopes, it
is divided into parts of `PART` ranks. Each part can be folded.
"""

PART = 50

# Column keys sort from left to right: shared leaves come first, then the nodes before, in and after
# the steps. The second number is a step, or the first rank of a part.
Key = tuple[int, int, str]
SHARED = (0, 0, "shared")
BEFORE = (1, 0, "before")
AFTER = (3, 0, "after")

# (a layer's scope, ""), ((), a title such as "end") for gates outside all scopes, or (the scope around
# a loop, a title such as "loop 2")
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
    """The layout of the page: columns and bands in order, and a cell for each node."""

    columns: list[Json]
    bands: list[Band]
    cells: list[Cell]


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

    columns = [
        {"number": number, "kind": kind, "width": width}
        for (_, number, kind), width in zip(keys, widths, strict=True)
    ]
    return Layout(columns, list(bands), cells)


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
    steps = _steps(gates)
    before = before_steps({*steps}, [(source, cell) for cell in gates for source in cell.sources])
    for cell in gates:
        scope = cell.node.scope
        if cell in steps:
            cell.band_key, step = steps[cell]
            cell.key = (2, step, "step")
        else:
            cell.band_key = scope, "" if scope else title
            if steps and cell not in before:
                cell.key = AFTER
        if scope or cell in steps:
            title = "end"
    sizes = Counter(cell.node.scope for cell in gates)
    largest = max(sizes.values(), default=0)
    if largest > MANY and not steps:
        ranks = longest_chains(cells, {cell: cell.inputs for cell in cells})
        for cell in gates:
            cell.key = (2, (ranks[cell] - 1) // PART * PART + 1, "part")
    for cell in cells:  # put a leaf into the column that uses it
        if isinstance(cell.node, Leaf) and cell.users:
            cell.band_key = cell.users[0].band_key
            keys = {user.key for user in cell.users}
            alone = len(keys) == 1 or cell.node.origin == "cut"
            cell.key = min(keys) if alone else SHARED


def _steps(gates: list[Cell]) -> dict[Cell, tuple[Band, int]]:
    """Return the band and the number of the time step of each gate in a step.

    A step is a scope such as rnn/t07. In a graph without such scopes, it is a step of a loop.
    """
    steps = {}
    for cell in gates:
        if place := step_of(cell.node.scope):
            scope, step, _ = place
            steps[cell] = (scope, "" if scope else "steps"), step
    loops = [] if steps else find_loops(gates)
    for number, loop in enumerate(loops, 1):
        scope = shared(*(cell.node.scope for cells in loop for cell in cells))
        band = scope, "loop" if number == 1 else f"loop {number}"
        for step, cells in enumerate(loop):
            steps |= dict.fromkeys(cells, (band, step))
    return steps


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
    for cell in sorted(stacked, key=lambda cell: cell.users[0].row):
        cell.offset = 0.0
        cell.row = max(cell.users[0].row, free[cell.band])
        free[cell.band] = cell.row + 1
