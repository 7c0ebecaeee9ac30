"""Find the position of each node in a grid. Columns are time steps, bands are layers, and rows are
gates.

Positions are not in pixels, because a column's width depends on which steps are folded in the page.
Gates are always ordered by serial number, so the same program produces the same picture.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from ..context import Scope, step_name, step_of
from ..drawing.boxes import shared
from ..graph import Leaf, Node

MANY = 300
"""If a graph without time steps has more gates than this in a single scope or outside all scopes, it
is divided into parts of `PART` ranks. Each part can be folded.
"""

PART = 50

# Column keys sort from left to right: shared leaves come first, then the nodes before, in and after
# the steps.
Key = tuple[int, int, str]
SHARED, BEFORE, AFTER = (0, 0, "shared"), (1, 0, "before"), (3, 0, "after")

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
    inputs: list["Cell"]
    sources: list["Cell"]
    users: list["Cell"] = field(default_factory=list)
    key: Key = BEFORE
    band_key: Band = ((), "inputs")
    column: int = 0
    band: int = 0
    row: int = 0
    offset: float = 0.0


@dataclass
class Layout:
    """The layout of the page: columns and bands in order, and a cell for each node.

    `states` lists the nodes that carry state from step to step.
    """

    columns: list[dict[str, Any]]
    bands: list[str]
    cells: list[Cell]
    states: list[dict[str, Any]]


def arrange(nodes: list[Node]) -> Layout:
    """Lay out `nodes`, which are in serial order."""
    cells = _cells(nodes)
    gates = [cell for cell in cells if cell.node.gate is not None]
    _set_columns(cells, gates)
    _set_bands(cells, gates)
    columns = sorted({cell.key for cell in cells})
    number_of = {key: number for number, key in enumerate(columns)}
    bands = {
        key: number
        for number, key in enumerate(dict.fromkeys(cell.band_key for cell in [*gates, *cells]))
    }
    for cell in cells:
        cell.column, cell.band = number_of[cell.key], bands[cell.band_key]
    _set_rows(cells)
    widths = _set_offsets(cells, len(columns))
    _set_shared(cells)

    last = max(number for _, number, _ in columns)
    named = [scope for scope, _ in bands if scope]
    common = len(shared(*named)) if len(named) > 1 else 0
    return Layout(
        [
            {"label": _column_label(key, last), "kind": key[2], "width": width}
            for key, width in zip(columns, widths, strict=True)
        ],
        ["/".join(scope[common:] or scope[-1:]) or title for scope, title in bands],
        cells,
        _states(gates),
    )


def _cells(nodes: list[Node]) -> list[Cell]:
    cell_of: dict[Node, Cell] = {}
    for number, node in enumerate(nodes):
        inputs = [cell_of[parent] for parent in node.inputs]
        sources = [
            cell_of[parent.cut_from]
            if isinstance(parent, Leaf) and parent.cut_from
            else cell_of[parent]
            for parent in node.inputs
        ]
        cell = cell_of[node] = Cell(node, number, inputs, sources)
        for parent in inputs:
            parent.users.append(cell)
    return list(cell_of.values())


def _set_columns(cells: list[Cell], gates: list[Cell]) -> None:
    steps = {cell: place[1] for cell in gates if (place := step_of(cell.node.scope)) is not None}
    if steps:
        for cell in gates:  # gates are in serial order, so every input already has a column
            if cell in steps:
                cell.key = (2, steps[cell], "step")
            elif any(source.key >= (2, 0, "") for source in cell.sources):
                cell.key = AFTER
    elif max(Counter(cell.node.scope for cell in gates).values(), default=0) > MANY:
        ranks: dict[Cell, int] = defaultdict(int)
        for cell in gates:
            ranks[cell] = 1 + max(ranks[parent] for parent in cell.inputs)
            cell.key = (2, (ranks[cell] - 1) // PART, "part")
    for cell in cells:  # put a leaf into the column that uses it
        users = {user.key for user in cell.users}
        if cell.node.gate is None and users:
            alone = len(users) == 1 or (isinstance(cell.node, Leaf) and cell.node.origin == "cut")
            cell.key = min(users) if alone else SHARED


def _column_label(key: Key, last: int) -> str:
    _, number, kind = key
    if kind == "part":
        return f"ranks {number * PART + 1} to {(number + 1) * PART}"
    return step_name(number, last + 1) if kind == "step" else kind


def _set_bands(cells: list[Cell], gates: list[Cell]) -> None:
    """Assign a band to each cell. Each scope has a band.

    Gates outside all scopes are in one band before the scopes and one band after them.
    """
    title = "gates"
    for cell in gates:
        place = step_of(cell.node.scope)
        scope = place[0] if place else cell.node.scope
        if place or scope:
            cell.band_key = (scope, "" if scope else "steps")
            title = "end"
        else:
            cell.band_key = ((), title)
    for cell in cells:
        if cell.node.gate is None and cell.users:
            cell.band_key = cell.users[0].band_key


def _set_rows(cells: list[Cell]) -> None:
    """Set each node's row to the length of the longest path to it within its column and band.

    Then move each node to the row directly above its first consumer.
    """

    def near(cell: Cell, others: list[Cell]) -> list[int]:
        return [
            other.row for other in others if (other.column, other.band) == (cell.column, cell.band)
        ]

    for cell in cells:
        cell.row = max(near(cell, cell.inputs), default=-1) + 1
    for cell in reversed(cells):
        cell.row = min(near(cell, cell.users), default=cell.row + 1) - 1


def _set_offsets(cells: list[Cell], columns: int) -> list[int]:
    """Place the nodes of each row side by side, ordered by their inputs and centred in the column.

    Returns the widths of the columns.
    """
    rows: dict[tuple[int, int, int], list[Cell]] = defaultdict(list)
    for cell in cells:
        rows[cell.column, cell.band, cell.row].append(cell)
    widths = [1] * columns
    for (column, _, _), members in rows.items():
        widths[column] = max(widths[column], len(members))

    def from_left(cell: Cell) -> float:
        above = [parent.offset for parent in cell.inputs if parent.column == cell.column]
        return sum(above) / len(above) if above else -1.0

    for (column, _, _), members in sorted(rows.items()):
        for place, cell in enumerate(sorted(members, key=from_left)):
            cell.offset = place + (widths[column] - len(members)) / 2
    return widths


def _set_shared(cells: list[Cell]) -> None:
    """Stack the shared leaves. Each leaf is as close as possible to the row of its first use."""
    free: dict[int, int] = defaultdict(int)  # the first free row of each band
    stacked = [cell for cell in cells if cell.key == SHARED]
    for cell in sorted(stacked, key=lambda cell: cell.users[0].row):
        cell.row, cell.offset = max(cell.users[0].row, free[cell.band]), 0.0
        free[cell.band] = cell.row + 1


def _states(gates: list[Cell]) -> list[dict[str, Any]]:
    """Find the states of each band, one for each step. A state is a node that another step uses.

    The last step does not pass its state on. Its states are the gates at the same positions as
    the states in the other steps. Steps with an unusual structure are left out.
    """
    bands: dict[int, dict[int, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    passed_on: set[Cell] = set()
    for cell in gates:
        if cell.key[2] == "step":
            bands[cell.band][cell.column].append(cell)
            passed_on.update(
                source
                for source in cell.sources
                if source.band == cell.band and source.column != cell.column
            )
    states = []
    for band, columns in sorted(bands.items()):
        steps = [cells for _, cells in sorted(columns.items())]
        builds = [tuple(cell.node.gate.name for cell in cells) for cells in steps]
        usual = Counter(builds).most_common(1)[0][0]
        alike = [cells for cells, build in zip(steps, builds, strict=True) if build == usual]
        found = ([n for n, cell in enumerate(cells) if cell in passed_on] for cells in alike)
        places = next(filter(None, found), [])[::-1]  # newest node first
        # The last gate computes h. The other state of an LSTM is c.
        for place, label in zip(places, ("h", "c", "state 3"), strict=False):
            ids = [cells[place].number for cells in alike]
            states.append({"band": band, "label": label, "ids": ids})
    return states
