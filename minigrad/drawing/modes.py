"""Define the drawing modes. A mode assigns every gate of a graph to a box in the picture.

- `unrolled` gives every gate its own box. With a window, only the steps inside the window are drawn
  in full. The steps before the window share one box, and the steps after it share another.
- `rolled` draws time steps with the same structure, and other repeated scopes, such as the equal
  blocks of a transformer, only once.
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
from .boxes import Box, name_steps

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
Unrolls = dict[Scope, Steps]
Window = tuple[int, int]  # the first and the last step to show


def unrolls(gates: list[Node]) -> Unrolls:
    """Return the gates of each time step, for each scope with more than one time step."""
    found: Unrolls = {}
    for node in gates:
        if place := step_of(node.scope):
            band, step, _ = place
            steps = found.setdefault(band, {})
            steps.setdefault(step, []).append(node)
    return {band: steps for band, steps in found.items() if len(steps) > 1}


def choose(
    gates: list[Node],
    mode: str,
    window: Window | None,
    depth: int | None,
    opened: Collection[str],
) -> tuple[Boxes, str, str]:
    """Return the box of every gate, the chosen mode, and a caption that explains the choice."""
    time = unrolls(gates)
    picked = mode
    if window is not None:
        picked = "window"
    elif mode == "auto" and len(gates) <= IN_FULL:
        picked = "unrolled"
    if picked in ("auto", "rolled"):
        boxes = rolled(gates, time)
        repeated = time or any(box.steps for box in boxes.values())
        picked = "rolled" if repeated else "unrolled"
    else:
        boxes = unrolled(gates, time, window)
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
    boxes: Boxes,
    gates: list[Node],
    time: Unrolls,
    picked: str,
    outer: int,
) -> tuple[Boxes, str, str]:
    """Reduce the number of boxes if the picture is too large to read, and explain this in a
    caption.

    First fold scopes, innermost scopes first. If the picture is still too large, fold the gates in
    the middle.
    """
    full = f"The graph has {len(gates):,} gates"
    # half of the boxes are reserved for leaves
    if 2 * len(gates) <= LARGEST["columns" if time else "graphviz"]:
        full = f'mode="unrolled" draws all {len(gates):,} gates'
    if time:
        steps = {step for unroll in time.values() for step in unroll}
        *_, before, last = sorted(steps)
        full += f"; window=({before}, {last}) draws these steps in full"
    caption = ""
    most = READABLE
    if any(len(box.steps) > 1 for box in boxes.values()):
        what = "time steps" if time else "scopes"
        caption = f"rolled: {what} with the same structure are drawn once. {full}."
        if not time:
            most = ON_A_PAGE
    depths = [len(box.scope) for box in boxes.values()]
    deepest = max(depths, default=0)
    for depth in range(deepest - outer, 0, -1):
        if len(set(boxes.values())) > most:
            boxes = gather(boxes, depth + outer)
            picked = "folded"
            caption = (
                f"folded: depth={depth}, each scope at that depth is one box. {full}; "
                "use depth= to choose another depth, and opened= to open a box."
            )
    if len(set(boxes.values())) > READABLE:
        # This creates no cycles, because every edge leads from an earlier gate to a later gate.
        fold = Box("fold", (), "fold", title="the gates between")
        for box in list(dict.fromkeys(boxes.values()))[12:-12]:
            fold.nodes += box.nodes
        boxes |= dict.fromkeys(fold.nodes, fold)
        picked = "folded"
        caption = (
            f"folded: the gates between the first and last few are one box. {full}. "
            "Record parts of it inside mg.scope to draw each part as a box."
        )
    return boxes, picked, caption


def unrolled(gates: list[Node], time: Unrolls, window: Window | None) -> Boxes:
    """Put every gate in its own box, in the column of its time step.

    The steps before `window` share one box, and the steps after `window` share another.
    """
    numbers = sorted({step for unroll in time.values() for step in unroll})
    first = 0
    last = max(numbers, default=0)
    if window is not None:
        first, last = _checked(window, numbers)
    shown = [step for step in numbers if first <= step <= last]
    columns = {step: column for column, step in enumerate(shown, 1)}
    boxes = {}
    folds: dict[Hashable, Box] = {}
    seen: Counter[Hashable] = Counter()
    for node in gates:
        place = step_of(node.scope)
        if place is None or place[0] not in time:
            boxes[node] = Box("gate", node.scope, node, [node])
            continue
        band, step, inner = place
        if step in columns:
            kind = (band, inner, node.gate.name)
            # the n-th gate of a kind has the same key in every step
            key = (kind, seen[kind, step])
            seen[kind, step] += 1
            column = columns[step]
            boxes[node] = Box(
                "gate",
                node.scope,
                key,
                [node],
                band=band,
                column=column,
            )
            continue
        late = step > last
        column = len(shown) + 1 if late else 0
        new = Box("fold", band, (band, "fold"), band=band, column=column)
        fold = folds.setdefault((band, late), new)
        boxes[node] = fold
        fold.nodes.append(node)
        fold.steps[step] = ""
    for fold in folds.values():
        fold.title = name_steps(fold.steps)
    return boxes


def _checked(window: Window, numbers: list[int]) -> Window:
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


def rolled(gates: list[Node], time: Unrolls) -> Boxes:
    """Draw repeated scopes only once."""
    boxes: Boxes = {}
    for outer, members in repeats(gates, time, boxes):
        depth = len(outer)
        names = {number: nodes[0].scope[depth] for number, nodes in members.items()}
        title = name_steps(names, names)
        if len(names) > 1:
            title += f"  ×{len(names)}"
        for first, *others in zip(*members.values(), strict=True):
            scope = (*outer, title, *first.scope[depth + 1 :])
            box = Box("gate", scope, first, [first, *others])
            if len(names) > 1:
                box.steps = names
                box.framed = depth + 1
            boxes |= dict.fromkeys(box.nodes, box)
    return {node: boxes.get(node) or Box("gate", node.scope, node, [node]) for node in gates}


def repeats(gates: list[Node], time: Unrolls, boxes: Boxes) -> Iterator[tuple[Scope, Steps]]:
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
            build = _build(nodes, len(band))
            alike.setdefault(build, {})[step] = nodes
        for steps in alike.values():
            yield band, steps
    depths = [len(node.scope) for node in gates]
    for depth in range(max(depths, default=0)):
        scopes = {node: () if node in boxes else node.scope[: depth + 1] for node in gates}
        runs = groupby(gates, scopes.__getitem__)
        blocks = [(scope, list(run)) for scope, run in runs]
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
    build = []
    for node in nodes:
        inner = node.scope[outer + 1 :]
        inputs = [number.get(parent, -1) for parent in node.inputs]
        build.append((inner, node.gate.name, *inputs))
    return tuple(build)


def gather(boxes: Boxes, length: int, opened: Collection[str] = ()) -> Boxes:
    """Draw each scope whose path has `length` names as a single box. If `opened` names the scope or
    a scope in it, draw its gates and each scope in it as a box.
    """
    paths = {node.scope[:end] for node in boxes for end in range(1, len(node.scope) + 1)}
    names = sorted({path[-1] for path in paths})
    for name in opened:
        if name not in names:
            raise OptionError(
                "MG614",
                f"cannot open {name!r}, because no scope of this graph has this name",
                cause="opened= takes the names of scopes that would otherwise be drawn as one box",
                remedy=f"choose from {', '.join(map(repr, names[:12])) or 'no names: it has no scopes'}",
            )
    named = [path for path in paths if path[-1] in opened]

    def chosen(path: Scope) -> int:
        return len({*path} & {*opened})

    # norm opens everywhere, but ["block[1]", "norm"] opens only the norm of block[1]
    most = {path[-1]: chosen(path) for path in sorted(named, key=chosen)}
    opens: set[Scope] = set()
    for path in named:
        if chosen(path) == most[path[-1]]:
            opens.update(path[: end + 1] for end in range(len(path)))
    made = {}
    result = {}
    for node, box in boxes.items():
        end = length
        while any(one.scope[:end] in opens for one in box.nodes if len(one.scope) >= end):
            end += 1
        if len(box.scope) < end or box.kind == "fold":
            result[node] = box
            continue
        scope = box.scope[:end]
        if scope not in made:
            group = Box(
                "scope",
                scope[:-1],
                scope,
                title=scope[-1],
                steps=box.steps,
            )
            made[scope] = group
            if end > box.framed:
                group.framed = box.framed
            if box.band is not None and end > len(box.band):  # use the same key in every step
                group.key = (box.band, scope[len(box.band) + 1 :], "scope")
                group.band = box.band
                group.column = box.column
        made[scope].nodes.append(node)
        result[node] = made[scope]
    return result


def _wrapped(gates: list[Node]) -> int:
    """Return 1 if an outermost scope, such as a model's, only contains other scopes, otherwise 0."""
    scopes = {node.scope[:2] for node in gates if node.scope}
    outer = {scope[0] for scope in scopes}
    inside = [name for scope in scopes for name in scope[1:]]
    layers = [name for name in inside if step_number(name) is None]
    return int(len(outer) == 1 < len(layers))
