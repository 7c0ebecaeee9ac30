"""Define the drawing modes. A mode assigns every gate of a graph to a box in the picture.

- `unrolled` gives every gate its own box. With a window, only the steps inside the window are drawn
  in full. The steps before the window share one box, and the steps after it share another.
- `rolled` draws time steps with the same structure once, and so with other repeated scopes, such as
  the equal blocks of a transformer.
- `auto` picks a mode and folds the graph until it has few enough boxes to be readable.

In every mode, `depth` draws whole scopes as single boxes.
"""

import re
from collections import Counter
from collections.abc import Collection, Hashable, Iterator
from itertools import groupby

from ..context import Scope, step_number, step_of
from ..errors import OptionError
from ..graph import Node
from .boxes import Box, gate_name, name_steps

MODES = ("auto", "unrolled", "rolled")
IN_FULL = 40  # the maximum number of gates that fit on a page, each in its own box
READABLE = 120  # the maximum number of boxes that a reader can follow by zooming
# The maximum number of boxes around and inside equal blocks, which are drawn below each other: with
# more, the text on an A4 page is too small.
ON_A_PAGE = 20
# The maximum number of boxes in a picture. A larger picture takes minutes to lay out and is
# unreadable. grid.py, which lays out columns, takes time proportional to the number of boxes.
# Graphviz's time grows much faster.
LARGEST = {"columns": 20_000, "graphviz": 2_000}
Boxes = dict[Node, Box]
Steps = dict[int, list[Node]]  # number of a step or block -> its gates in the order of recording


def unrolls(gates: list[Node]) -> dict[Scope, Steps]:
    """Return the gates of each time step, for each scope with more than one time step."""
    found: dict[Scope, Steps] = {}
    for node in gates:
        if place := step_of(node.scope):
            band, step, _ = place
            found.setdefault(band, {}).setdefault(step, []).append(node)
    return {band: steps for band, steps in found.items() if len(steps) > 1}


def choose(
    gates: list[Node],
    mode: str,
    window: tuple[int, int] | None,
    depth: int | None,
    opened: Collection[str],
) -> tuple[Boxes, str, str]:
    """Return the box of every gate, the chosen mode, and a caption that explains the choice."""
    time = unrolls(gates)
    picked = "window" if window is not None else mode
    if picked == "auto" and len(gates) <= IN_FULL:
        picked = "unrolled"
    if picked in ("auto", "rolled"):
        boxes = rolled(gates, time)
        if not time and not any(box.steps for box in boxes.values()):
            picked = "unrolled"
    else:
        boxes = unrolled(gates, time, window)
    picked = picked.replace("auto", "rolled")
    outer = _wrapped(gates)
    if depth is not None or opened:
        return gather(boxes, (depth or 1) + outer, opened), picked, ""
    if mode != "auto" or window is not None:
        return boxes, picked, ""
    return _shrink(boxes, gates, time, picked, outer)


def check_size(boxes: int, timed: bool) -> None:
    """Raise OptionError if a picture has too many boxes to draw.

    `timed` is True if the time steps form columns, which allows more boxes.
    """
    largest = LARGEST["columns" if timed else "graphviz"]
    if boxes <= largest:
        return
    raise OptionError(
        "MG609",
        f"this picture would have {boxes:,} boxes, but at most {largest:,} can be drawn",
        cause="laying out a larger picture takes minutes, and it would be unreadable",
        remedy="choose a shorter window, draw each scope as one box with depth=1, leave out "
        "mode= to fold the picture, or draw an intermediate tensor",
    )


def _shrink(
    boxes: Boxes, gates: list[Node], time: dict[Scope, Steps], picked: str, outer: int
) -> tuple[Boxes, str, str]:
    """Reduce the number of boxes if the picture is too large to read, and explain this in a
    caption.

    First fold scopes, innermost scopes first. If the picture is still too large, fold the gates in
    the middle.
    """
    # half of the boxes are reserved for leaves
    drawable = len(gates) <= LARGEST["columns" if time else "graphviz"] / 2
    full = (
        f'mode="unrolled" draws all {len(gates):,} gates'
        if drawable
        else f"The graph has {len(gates):,} gates"
    )
    steps = sorted({step for numbered in time.values() for step in numbered})
    if steps:
        full += f"; window=({steps[-2]}, {steps[-1]}) draws these steps in full"
    alike = any(len(box.steps) > 1 for box in boxes.values())
    what = "time steps" if time else "scopes"
    caption = f"rolled: {what} with the same structure are drawn once. {full}." if alike else ""
    most = ON_A_PAGE if alike and not time else READABLE
    for depth in range(max((len(box.scope) for box in boxes.values()), default=0) - outer, 0, -1):
        if len(set(boxes.values())) > most:
            boxes, picked = gather(boxes, depth + outer), "folded"
            caption = (
                f"folded: depth={depth}, each scope at that depth is one box. {full}; "
                "use depth= to choose another depth, and opened= to open a box."
            )
    if len(set(boxes.values())) > READABLE:
        boxes, picked = _fold_middle(boxes), "folded"
        caption = f"folded: the gates between the first and last few are one box. {full}. Record parts of it inside "
        caption += "mg.scope to draw each part as a box."
    return boxes, picked, caption


def _fold_middle(boxes: Boxes, ends: int = 12) -> Boxes:
    """Fold all boxes except the first and last few into a single box.

    This creates no cycles, because every edge leads from an earlier gate to a later gate.
    """
    left_out = set(list(dict.fromkeys(boxes.values()))[ends:-ends])
    fold = Box("fold", (), "fold", "the gates between")
    fold.nodes = [node for node, box in boxes.items() if box in left_out]
    return {node: fold if box in left_out else box for node, box in boxes.items()}


def unrolled(gates: list[Node], time: dict[Scope, Steps], window: tuple[int, int] | None) -> Boxes:
    """Put every gate in its own box, in the column of its time step.

    The steps before `window` share one box, and the steps after `window` share another.
    """
    numbers = sorted({step for steps in time.values() for step in steps})
    first, last = (0, max(numbers, default=0)) if window is None else _checked(window, numbers)
    shown = [step for step in numbers if first <= step <= last]
    columns = {step: place + 1 for place, step in enumerate(shown)}
    boxes: Boxes = {}
    folds: dict[Hashable, Box] = {}
    for band, steps in time.items():
        for late in (False, True):
            left_out = tuple(
                sorted(step for step in steps if (step > last if late else step < first))
            )
            fold = Box(
                "fold",
                band,
                (band, "fold"),
                name_steps(left_out),
                band=band,
                steps=dict.fromkeys(left_out, ""),
            )
            fold.column = len(shown) + 1 if late else 0
            folds[band, late] = fold
    seen: Counter[Hashable] = Counter()
    for node in gates:
        place = step_of(node.scope)
        if place is None or place[0] not in time:
            boxes[node] = Box("gate", node.scope, node, nodes=[node])
            continue
        band, step, inner = place
        if step in columns:
            kind = (band, inner, gate_name(node))
            # the n-th gate of a kind has the same key in every step
            key = (*kind, seen[kind, step])
            seen[kind, step] += 1
            boxes[node] = Box(
                "gate", node.scope, key, nodes=[node], band=band, column=columns[step]
            )
        else:
            boxes[node] = folds[band, step > last]
            boxes[node].nodes.append(node)
    return boxes


def _checked(window: tuple[int, int], numbers: list[int]) -> tuple[int, int]:
    """Return the first and the last step to show, or raise OptionError if `window` is invalid."""
    first, last = window
    if not numbers:
        raise OptionError(
            "MG603",
            f"window=({first}, {last}) selects time steps, but this graph has none",
            cause="time steps are scopes named t00, t01, ..., which the recurrent layers open",
            remedy="leave out window, or record each step inside mg.scope(f't{t:02d}')",
        )
    if first > last or first < numbers[0] or last > numbers[-1]:
        raise OptionError(
            "MG603",
            f"window=({first}, {last}) is outside the steps of this graph, {numbers[0]} to "
            f"{numbers[-1]}",
            cause="steps are numbered from 0, both ends are included, and the first must not "
            "come after the last",
            remedy="choose steps of this graph, for example "
            f"window=({max(numbers[0], numbers[-1] - 3)}, {numbers[-1]})",
        )
    return first, last


def rolled(gates: list[Node], time: dict[Scope, Steps]) -> Boxes:
    """Draw repeated scopes only once."""
    boxes: Boxes = {}
    for outer, members in repeats(gates, time, boxes):
        names = {number: nodes[0].scope[len(outer)] for number, nodes in members.items()}
        several = len(names) > 1
        title = name_steps(names, names) + (f"  ×{len(names)}" if several else "")
        first, *_ = members
        for number, gate in enumerate(members[first]):
            scope = (*outer, title, *gate.scope[len(outer) + 1 :])
            box = Box("gate", scope, (outer, names[first], number))
            if several:
                box.steps, box.framed = names, len(outer) + 1
            box.nodes = [nodes[number] for nodes in members.values()]
            boxes |= dict.fromkeys(box.nodes, box)
    return {node: boxes.get(node) or Box("gate", node.scope, node, nodes=[node]) for node in gates}


def repeats(
    gates: list[Node], time: dict[Scope, Steps], boxes: Boxes
) -> Iterator[tuple[Scope, Steps]]:
    """Yield (the scope around them, {number: gates}) for scopes with the same gates and
    connections, which can be drawn once.

    A time step with an unusual structure is yielded alone. Scopes that are not time steps are
    yielded if their names differ only in a number (`block[0]` and `block[1]`, or `block` and
    `block_2`), their arrays have the same shapes, and no other gate was recorded between them.
    Outer scopes come before inner scopes, and gates that already have one of `boxes` are left out.
    """
    for band, numbered in time.items():
        alike: dict[Hashable, Steps] = {}
        for step, nodes in sorted(numbered.items()):
            alike.setdefault(_build(nodes, len(band)), {})[step] = nodes
        for steps in alike.values():
            yield band, steps
    for depth in range(max((len(node.scope) for node in gates), default=0)):
        scopes = [() if node in boxes else node.scope[: depth + 1] for node in gates]
        runs = groupby(zip(scopes, gates, strict=True), lambda pair: pair[0])
        blocks = [(scope, [node for _, node in run]) for scope, run in runs]
        for (outer, _), members in groupby(blocks, lambda block: _block(*block)):
            equal = list(members)
            # a scope that was entered again would be two blocks of the same name
            if len(outer) == depth and len(dict(equal)) == len(equal) > 1:
                yield outer, dict(enumerate(nodes for _, nodes in equal))


def _block(scope: Scope, nodes: list[Node]) -> tuple[Scope, Hashable]:
    """Return what equal blocks have in common: the scope around them, and their names without the
    number, shapes and structure.
    """
    *outer, name = scope or ("",)
    shapes = [parent.shape for node in nodes for parent in node.inputs]
    stem = re.sub(r"\W*_?\d+\W*$", "", name)
    return tuple(outer), (stem, shapes, _build(nodes, len(outer)))


def _build(nodes: list[Node], outer: int) -> Hashable:
    """Return the structure of a scope, which may be a time step. Scopes with equal structures can be
    drawn as one.

    The structure lists the scope's gates in order. For each input of a gate, it contains the index
    of the gate in this scope that computed the input, or -1 if no gate in this scope computed it.
    """
    number = {node: place for place, node in enumerate(nodes)}
    inputs = {node: tuple(number.get(parent, -1) for parent in node.inputs) for node in nodes}
    return tuple((node.scope[outer + 1 :], gate_name(node), inputs[node]) for node in nodes)


def gather(boxes: Boxes, length: int, opened: Collection[str] = ()) -> Boxes:
    """Draw each scope whose path has `length` names as a single box. If `opened` names the scope or
    a scope in it, draw its gates and each scope in it as a box.
    """
    names = {name for node in boxes for name in node.scope}
    if unknown := [name for name in opened if name not in names]:
        raise OptionError(
            "MG614",
            f"cannot open {unknown[0]!r}, because no scope of this graph has this name",
            cause="opened= takes the names of scopes that would otherwise be drawn as one box",
            remedy=f"choose from {', '.join(map(repr, sorted(names)[:12])) or 'no names: it has no scopes'}",
        )
    named = {
        node.scope[: end + 1]
        for node in boxes
        for end, name in enumerate(node.scope)
        if name in opened
    }
    # norm opens everywhere, but ["block[1]", "norm"] opens only the norm of block[1]
    most = {path[-1]: 0 for path in named}
    for path in named:
        most[path[-1]] = max(most[path[-1]], len({*path} & {*opened}))
    inner = [path for path in named if len({*path} & {*opened}) == most[path[-1]]]
    opens = {path[:end] for path in inner for end in range(1, len(path) + 1)}
    made: dict[Hashable, Box] = {}
    result: Boxes = {}
    for node, box in boxes.items():
        end = length
        while any(one.scope[:end] in opens for one in box.nodes if len(one.scope) >= end):
            end += 1
        if len(box.scope) < end or box.kind == "fold":
            result[node] = box
            continue
        scope = box.scope[:end]
        if scope not in made:
            made[scope] = group = Box("scope", scope[:-1], scope, scope[-1], steps=box.steps)
            group.framed = box.framed if end > box.framed else 0
            if box.band is not None and end > len(box.band):  # use the same key in every step
                group.key = (box.band, scope[len(box.band) + 1 :], "scope")
                group.band, group.column = box.band, box.column
        made[scope].nodes.append(node)
        result[node] = made[scope]
    return result


def _wrapped(gates: list[Node]) -> int:
    """Count the outer scopes that only contain other scopes, such as a model's scope."""
    scopes = {node.scope for node in gates if node.scope}
    length = 0
    while len({scope[: length + 1] for scope in scopes}) == 1:
        inside = {scope[length + 1] for scope in scopes if len(scope) > length + 1}
        if len([name for name in inside if step_number(name) is None]) < 2:
            break
        length += 1
    return length
