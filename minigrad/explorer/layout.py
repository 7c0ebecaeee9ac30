"""The position of each node in a grid: columns are time steps, bands are layers, rows are gates.

Positions are not in pixels, because the width of a column depends on what the page has folded or opened. Gates are
ordered by serial number throughout, so that the same program gives the same picture.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from ..context import Scope
from ..drawing.boxes import shared
from ..graph import Leaf, Node
from ..timesteps import step_of

MANY = 300
"""A graph with more gates than this and no time steps is divided into parts of `PART` ranks, which can be folded."""

PART = 50

MOST_BANDS = 100
"""With more scopes than this, scopes are cut off at the depth where there are fewer."""

Band = tuple[Scope, str]


@dataclass
class Cell:
    """A node's place: the numbers of its column and band, its row within the band, its offset within the column."""

    column: int
    band: int
    row: int = 0
    offset: float = 0.0


@dataclass
class Layout:
    """Columns and bands in order, a cell for each node, and the nodes that carry state from step to step.

    `depth` is the depth at which scopes were cut off, or None.
    """

    columns: list[dict[str, Any]]
    bands: list[dict[str, Any]]
    cells: list[Cell]
    states: list[dict[str, Any]]
    depth: int | None


def arrange(nodes: list[Node], index: dict[Node, int]) -> Layout:
    """Lay out `nodes`, which are in serial order; `index` gives the position of each in that list."""
    consumers: dict[int, list[int]] = defaultdict(list)
    for number, node in enumerate(nodes):
        for parent in node.inputs:
            consumers[index[parent]].append(number)
    columns = _columns_of(nodes, index, consumers)
    bands, depth = _bands_of(nodes, consumers)

    order = sorted(set(columns))
    number_of = {key: number for number, key in enumerate(order)}
    band_order: dict[Band, int] = {}
    for number, node in enumerate(nodes):
        if node.gate is not None:
            band_order.setdefault(bands[number], len(band_order))
    for band in bands:
        band_order.setdefault(band, len(band_order))
    cells = [Cell(number_of[column], band_order[band]) for column, band in zip(columns, bands, strict=True)]
    _set_rows(nodes, index, cells)
    widths = _set_offsets(nodes, index, cells, len(order))
    _set_shared(nodes, consumers, cells, [number for number, key in enumerate(columns) if key == SHARED])

    digits = max([2, *(len(str(number)) for _, number, kind in order if kind == "step")])
    named = [scope for scope, _ in band_order if scope]
    common = len(shared(*named)) if len(named) > 1 else 0
    return Layout(
        [
            {"label": _column_label(key, digits), "kind": key[2], "width": width}
            for key, width in zip(order, widths, strict=True)
        ],
        [{"label": "/".join(scope[common:] or scope[-1:]) or title} for scope, title in band_order],
        cells,
        _states(nodes, index, cells, {number for key, number in number_of.items() if key[2] == "step"}),
        depth,
    )


# The keys of columns, which sort from left to right: shared leaves, then what comes before, in and after the steps.
Key = tuple[int, int, str]
SHARED, BEFORE, AFTER = (0, 0, "shared"), (1, 0, "before"), (3, 0, "after")


def _columns_of(nodes: list[Node], index: dict[Node, int], consumers: dict[int, list[int]]) -> list[Key]:
    keys: list[Key] = [BEFORE] * len(nodes)
    places = [step_of(node.scope) for node in nodes]
    steps = [place and place[1] for place in places]
    gates = [number for number, node in enumerate(nodes) if node.gate is not None]
    if any(steps[number] is not None for number in gates):
        for number in gates:  # in serial order: every input has its column already
            if (step := steps[number]) is not None:
                keys[number] = (2, step, "step")
            elif any(keys[index[source]] >= (2, 0, "") for source in _data_from(nodes[number])):
                keys[number] = AFTER
    elif len(gates) > MANY:
        ranks = [0] * len(nodes)
        for number in gates:
            ranks[number] = 1 + max(ranks[index[parent]] for parent in nodes[number].inputs)
            keys[number] = (2, (ranks[number] - 1) // PART, "part")
    for number in range(len(nodes) - 1, -1, -1):  # a leaf goes where it is used
        node = nodes[number]
        if not isinstance(node, Leaf):
            continue
        users = {keys[user] for user in consumers[number]}
        if len(users) == 1 or (users and node.origin == "cut"):
            keys[number] = min(users)
        elif users:
            keys[number] = SHARED
    return keys


def _data_from(node: Node) -> list[Node]:
    """A node's inputs, each state behind a cut replaced by the node that it was cut from."""
    return [parent.cut_from if isinstance(parent, Leaf) and parent.cut_from else parent for parent in node.inputs]


def _column_label(key: Key, digits: int) -> str:
    _, number, kind = key
    if kind == "part":
        return f"ranks {number * PART + 1} to {(number + 1) * PART}"
    return f"t{number:0{digits}d}" if kind == "step" else kind


def _bands_of(nodes: list[Node], consumers: dict[int, list[int]]) -> tuple[list[Band], int | None]:
    """Each node's band: (its layer's scope, "") or, outside all scopes, ((), a title such as "start" or "end").

    Also returns the depth at which scopes were cut off because there are too many, or None.
    """
    places = {node: step_of(node.scope) for node in nodes if node.gate is not None}
    scopes = {node: place[0] if place else node.scope for node, place in places.items()}
    different = set(scopes.values())
    deepest = max(map(len, different), default=0)
    depths = range(deepest + 1)
    depth = bisect_right(depths, MOST_BANDS, key=lambda depth: len({scope[:depth] for scope in different})) - 1
    scoped = [node.serial for node, scope in scopes.items() if scope[:depth] or places[node]]
    first, last = (scoped[0], scoped[-1]) if scoped else (0, 0)
    bands: list[Band] = [((), "inputs")] * len(nodes)
    for number, node in enumerate(nodes):
        if node.gate is None:
            continue
        place, scope = places[node], scopes[node][:depth]
        if scope:
            bands[number] = (scope, "")
        elif place is not None:
            bands[number] = ((), "steps")
        elif not scoped:
            bands[number] = ((), "all gates")
        else:
            bands[number] = ((), "start" if node.serial < first else "end" if node.serial > last else "between")
    for number in range(len(nodes) - 1, -1, -1):
        if nodes[number].gate is None and consumers[number]:
            bands[number] = bands[consumers[number][0]]
    return bands, depth if depth < deepest else None


def _set_rows(nodes: list[Node], index: dict[Node, int], cells: list[Cell]) -> None:
    """Rows are longest paths within a column and band; then each node moves down to just above its first consumer."""

    def together(a: int, b: int) -> bool:
        return cells[a].column == cells[b].column and cells[a].band == cells[b].band

    below: dict[int, int] = {}
    for number, node in enumerate(nodes):
        rows = [cells[index[parent]].row for parent in node.inputs if together(index[parent], number)]
        cells[number].row = max(rows, default=-1) + 1
    for number in range(len(nodes) - 1, -1, -1):
        cell = cells[number]
        if number in below:
            cell.row = below[number] - 1
        for parent in nodes[number].inputs:
            if together(index[parent], number):
                below[index[parent]] = min(below.get(index[parent], cell.row), cell.row)


def _set_offsets(nodes: list[Node], index: dict[Node, int], cells: list[Cell], columns: int) -> list[int]:
    """Put the nodes of a row side by side, ordered by their inputs and centred in the column. Returns the widths."""
    rows: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for number, cell in enumerate(cells):
        rows[cell.column, cell.band, cell.row].append(number)
    widths = [1] * columns
    for (column, _, _), members in rows.items():
        widths[column] = max(widths[column], len(members))
    for (column, _, _), members in sorted(rows.items()):
        parents = {number: [cells[index[parent]] for parent in nodes[number].inputs] for number in members}
        above = {number: [cell.offset for cell in parents[number] if cell.column == column] for number in members}
        members.sort(key=lambda number: (sum(above[number]) / len(above[number]) if above[number] else -1.0, number))
        for place, number in enumerate(members):
            cells[number].offset = place + (widths[column] - len(members)) / 2
    return widths


def _set_shared(nodes: list[Node], consumers: dict[int, list[int]], cells: list[Cell], shared: list[int]) -> None:
    """Stack the shared leaves, each as near as possible to the row where it is first used."""
    free: dict[int, int] = defaultdict(int)  # in each band the first row below those that are taken
    for number in sorted(shared, key=lambda number: (cells[consumers[number][0]].row, number)):
        cell = cells[number]
        cell.row, cell.offset = max(cells[consumers[number][0]].row, free[cell.band]), 0.0
        free[cell.band] = cell.row + 1


def _states(nodes: list[Node], index: dict[Node, int], cells: list[Cell], steps: set[int]) -> list[dict[str, Any]]:
    """The states of each band: nodes whose values are used in another step, one node for each step.

    The last step passes nothing on. Its states are the gates in the same places as those of a step with the same gates.
    A step for which there is no such step is left out.
    """
    units: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, node in enumerate(nodes):
        if node.gate is not None and cells[number].column in steps:
            units[cells[number].band, cells[number].column].append(number)
    passed_on: dict[tuple[int, int], set[int]] = defaultdict(set)
    for number, node in enumerate(nodes):
        here = cells[number]
        for source in map(index.__getitem__, _data_from(node)):
            there = cells[source]
            onward = there.band == here.band and there.column != here.column and {there.column, here.column} <= steps
            if onward and nodes[source].gate is not None:
                passed_on[there.band, there.column].add(source)
    states = []
    for band in sorted({band for band, _ in passed_on}):
        count = Counter(len(found) for (other, _), found in passed_on.items() if other == band).most_common(1)[0][0]
        columns = sorted(column for other, column in units if other == band)
        gates = {column: tuple(nodes[number].gate.name for number in units[band, column]) for column in columns}
        places: dict[tuple[str, ...], list[int]] = {}  # of the states, by the gates of a step
        for column in columns:
            found = sorted(passed_on[band, column], reverse=True)
            if len(found) == count:
                places[gates[column]] = [units[band, column].index(number) for number in found]
        known = [column for column in columns if gates[column] in places]
        # Newest first: the last gate makes h; the other state of an LSTM is c.
        labels = ["h", "c"][:count] if count <= 2 else [f"state {number + 1}" for number in range(count)]
        for state, label in enumerate(labels):
            ids = [units[band, column][places[gates[column]][state]] for column in known]
            states.append({"band": band, "label": label, "ids": ids})
    return states
