"""The drawing modes: each assigns every gate of a graph to a box of the picture.

`unrolled` gives every gate its own box; `rolled` draws one body for all time steps that are built alike. A window shows
its steps in full, and the steps before and after in one box each. With any of them, `depth` and `collapse` put whole
scopes into single boxes. `auto` picks what leaves few enough boxes to read.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import index
from typing import Any

from ..context import STEP_PATTERN, Scope, step_number, step_of
from ..errors import OptionError
from ..graph import Node
from .boxes import Box, gate_name, name_steps

MODES = ("auto", "unrolled", "rolled")
IN_FULL = 40  # gates that fit on a page, each in its own box
READABLE = 120  # boxes that a reader can still follow when zooming
# The most boxes in a picture: with more, layout takes minutes and nobody can read the result. grid.py, which lays out
# columns, takes time in proportion to the boxes; Graphviz's time grows much faster.
LARGEST = {"columns": 20_000, "graphviz": 2_000}
Boxes = dict[Node, Box]


class Unroll:
    """A scope that is unrolled in time: its steps by number, each with its gates in the order of recording."""

    def __init__(self, band: Scope) -> None:
        self.band = band
        self.steps: dict[int, list[Node]] = {}
        self.width = 2

    def name(self, *steps: int) -> str:
        return name_steps(steps, self.width)


def unrolls(gates: list[Node]) -> dict[Scope, Unroll]:
    """The scopes that hold more than one time step."""
    found: dict[Scope, Unroll] = {}
    for node in gates:
        if place := step_of(node.scope):
            band, step, _ = place
            unroll = found.setdefault(band, Unroll(band))
            unroll.steps.setdefault(step, []).append(node)
            unroll.width = len(node.scope[len(band)]) - 1
    return {band: unroll for band, unroll in found.items() if len(unroll.steps) > 1}


def choose(
    gates: list[Node], mode: str, window: tuple[int, int] | None, depth: int | None, collapse: Sequence[str]
) -> tuple[Boxes, str, str]:
    """(the box of every gate, the mode that was picked, a caption that explains the choice)."""
    time = unrolls(gates)
    picked = "window" if window is not None else mode
    if picked == "auto":
        picked = "rolled" if time and len(gates) > IN_FULL else "unrolled"
    boxes = rolled(gates, time) if picked == "rolled" else unrolled(gates, time, window)
    if collapse:
        boxes = gather(boxes, _named(gates, collapse))
    if depth is not None:
        boxes = gather(boxes, _at(depth + _wrapped(gates)))
    if mode != "auto" or window is not None:
        return boxes, picked, ""
    return _shrink(boxes, gates, time, picked, explicit=depth is not None or bool(collapse))


def check_size(boxes: int, timed: bool) -> None:
    """OptionError if a picture has more boxes than can be drawn; `timed` says that time steps form columns."""
    largest = LARGEST["columns" if timed else "graphviz"]
    if boxes <= largest:
        return
    raise OptionError(
        "MG609",
        f"this picture would have {boxes:,} boxes, and {largest:,} are the most that are drawn",
        cause="laying out more takes minutes, and nobody could read the result",
        remedy="choose a shorter window, draw each scope as one box with depth=1, leave out mode= so that the picture "
        "is folded, or draw a tensor from further inside the graph",
    )


def _shrink(
    boxes: Boxes, gates: list[Node], time: dict[Scope, Unroll], picked: str, explicit: bool
) -> tuple[Boxes, str, str]:
    """What `auto` does about a picture that is too large: fold scopes, then the middle, and say so in the caption."""
    drawable = len(gates) <= LARGEST["columns" if time else "graphviz"] / 2  # leaves get boxes too
    full = f'mode="unrolled" draws all {len(gates):,} gates' if drawable else f"The graph has {len(gates):,} gates"
    steps = sorted({step for unroll in time.values() for step in unroll.steps})
    if steps:
        full += f"; window=({steps[-2]}, {steps[-1]}) draws these steps in full"
    alike = any(box.kind == "gate" and len(box.steps) > 1 for box in boxes.values())
    said = f"rolled: time steps that are built alike are drawn once. {full}." if alike else ""
    count = len(set(boxes.values()))
    outer = _wrapped(gates)
    depth = max((len(box.scope) for box in boxes.values()), default=0) - outer
    while count > READABLE and depth > 0 and not explicit:
        boxes = gather(boxes, _at(depth + outer))
        count = len(set(boxes.values()))
        picked = "folded"
        said = (
            f"folded: depth={depth}, each scope at that depth is one box. {full}; depth= and collapse= choose others."
        )
        depth -= 1
    if count > READABLE:
        boxes, picked = _fold_middle(boxes), "folded"
        said = f"folded: the gates between the first and last few are one box. {full}; a scope around each part of it"
        said += " (mg.scope) would be drawn as a box instead."
    return boxes, picked, said


def unrolled(gates: list[Node], time: dict[Scope, Unroll], window: tuple[int, int] | None) -> Boxes:
    """Every gate in its own box, in the column of its step; the steps before and after `window` in one box each."""
    numbers = sorted({step for unroll in time.values() for step in unroll.steps})
    first, last = (0, max(numbers, default=0)) if window is None else _checked(window, numbers)
    shown = [step for step in numbers if first <= step <= last]
    columns = {step: place + 1 for place, step in enumerate(shown)}
    boxes: Boxes = {}
    folds: dict[Hashable, Box] = {}
    for band, unroll in time.items():
        for late in (False, True):
            left_out = [step for step in unroll.steps if (step > last if late else step < first)]
            fold = folds[band, late] = Box("fold", band, (band, "fold"), band=band, steps=tuple(sorted(left_out)))
            fold.title = unroll.name(*left_out)
            fold.column = len(shown) + 1 if late else 0
    seen: Counter[Hashable] = Counter()
    for node in gates:
        place = step_of(node.scope)
        if place is None or place[0] not in time:
            boxes[node] = Box("gate", node.scope, node, nodes=[node])
            continue
        band, step, inner = place
        if step in columns:
            kind = (band, inner, gate_name(node))
            key = (*kind, seen[kind, step])  # so the second product of every step has the same key
            seen[kind, step] += 1
            boxes[node] = Box("gate", node.scope, key, nodes=[node], band=band, column=columns[step])
        else:
            boxes[node] = folds[band, step > last]
            boxes[node].nodes.append(node)
    return boxes


def _checked(window: tuple[int, int], numbers: list[int]) -> tuple[int, int]:
    """The first and the last step to show, if `window` is valid."""
    try:
        first, last = map(index, window)
    except (TypeError, ValueError):
        raise OptionError(
            "MG603",
            f"window={window!r} is not two steps",
            cause="a window is two numbers of time steps",
            remedy="give the first and the last step: window=(36, 39)",
        ) from None
    if not numbers:
        raise OptionError(
            "MG603",
            f"window=({first}, {last}) asks for time steps, and this graph has none",
            cause="steps are scopes named t00, t01, ..., as the recurrent layers open them",
            remedy="leave window out, or record each step in mg.scope(f't{t:02d}')",
        )
    if first > last or first < numbers[0] or last > numbers[-1]:
        raise OptionError(
            "MG603",
            f"window=({first}, {last}) is outside the steps of this graph, {numbers[0]} to {numbers[-1]}",
            cause="the first step is after the last" if first > last else "both ends are included, and counted from 0",
            remedy=f"for example window=({max(numbers[0], numbers[-1] - 3)}, {numbers[-1]})",
        )
    return first, last


def rolled(gates: list[Node], time: dict[Scope, Unroll]) -> Boxes:
    """One body for all steps of an unroll whose gates are the same and connected in the same way."""
    boxes: Boxes = {
        node: Box("gate", node.scope, node, nodes=[node])
        for node in gates
        if (place := step_of(node.scope)) is None or place[0] not in time
    }
    for band, unroll in time.items():
        alike: dict[Hashable, list[int]] = {}
        for step, nodes in sorted(unroll.steps.items()):
            alike.setdefault(_build(nodes, len(band)), []).append(step)
        for steps in alike.values():
            title = unroll.name(*steps) + (f"  ×{len(steps)}" if len(steps) > 1 else "")
            body: list[Box] = []
            for step in steps:
                for number, node in enumerate(unroll.steps[step]):
                    if number == len(body):
                        scope = (*band, title, *node.scope[len(band) + 1 :])
                        several = tuple(steps) if len(steps) > 1 else ()
                        body.append(Box("gate", scope, (band, steps[0], number), steps=several))
                    body[number].nodes.append(node)
                    boxes[node] = body[number]
    return boxes


def _build(nodes: list[Node], outer: int) -> Hashable:
    """How a step is built: its gates in order and, for each of their inputs, which gate of the step made it (or -1)."""
    number = {node: place for place, node in enumerate(nodes)}
    inputs = {node: tuple(number.get(parent, -1) for parent in node.inputs) for node in nodes}
    return tuple((node.scope[outer + 1 :], gate_name(node), inputs[node]) for node in nodes)


def gather(boxes: Boxes, fold_at: Callable[[Scope], int | None]) -> Boxes:
    """Put whole scopes into single boxes. `fold_at(scope)` is the length at which to fold a scope, or None."""
    made: dict[Hashable, Box] = {}
    result: Boxes = {}
    for node, box in boxes.items():
        length = fold_at(box.scope)
        if length is None or box.kind == "fold":
            result[node] = box
            continue
        scope = box.scope[:length]
        group = made.get(scope)
        if group is None:
            group = made[scope] = Box("scope", scope[:-1], scope, scope[-1], steps=box.steps)
            if box.band is not None and length > len(box.band):  # the same place in every step
                group.key = (box.band, scope[len(box.band) + 1 :], "scope")
                group.band, group.column = box.band, box.column
        group.nodes.append(node)
        result[node] = group
    return result


def _at(limit: int) -> Callable[[Scope], int | None]:
    """The `fold_at` of `gather` for every scope of that length."""
    return lambda scope: limit if len(scope) >= limit else None


def _wrapped(gates: list[Node]) -> int:
    """How many of the outermost scopes only wrap others, as a model's scope wraps those of its layers."""
    scopes = {node.scope for node in gates if node.scope}
    length = 0
    while len({scope[: length + 1] for scope in scopes}) == 1:
        inside = {scope[length + 1] for scope in scopes if len(scope) > length + 1}
        if len([name for name in inside if step_number(name) is None]) < 2:
            break
        length += 1
    return length


def _named(gates: list[Node], collapse: Any) -> Callable[[Scope], int | None]:
    """The `fold_at` of `gather` for scopes by path: "rnn", "rnn/t07", or "rnn/cell" for the cell of every step."""
    paths = collapse if isinstance(collapse, Iterable) and not isinstance(collapse, str) else [collapse]
    wanted = dict.fromkeys(tuple(str(path).split("/")) for path in paths)
    scopes = {scope[:length] for scope in {node.scope for node in gates} for length in range(1, len(scope) + 1)}
    for path in wanted:
        if not any(path in (scope, _timeless(scope)) for scope in scopes):
            known = sorted({"/".join(_timeless(scope)) for scope in scopes if _timeless(scope)})
            some = ", ".join(known[:12]) + (f", and {len(known) - 12} more" if len(known) > 12 else "")
            raise OptionError(
                "MG604",
                f"collapse names the scope {'/'.join(path)!r}, and the graph has none of that path",
                cause="a path starts at the outermost scope; time steps may be left out of it",
                remedy=f"one of: {some}" if known else "this graph has no scopes: use mg.scope(name)",
            )

    def fold_at(scope: Scope) -> int | None:
        return next(
            (n for n in range(1, len(scope) + 1) if scope[:n] in wanted or _timeless(scope[:n]) in wanted), None
        )

    return fold_at


def _timeless(scope: Scope) -> Scope:
    """A scope without the name of its time step, or of a rolled body that stands for several."""
    return tuple(name for name in scope if not re.match(rf"{STEP_PATTERN}(,? |$)", name))


def _fold_middle(boxes: Boxes, ends: int = 12) -> Boxes:
    """Fold all boxes but the first and the last few into one. Edges run with time, so no loop can arise."""
    order = list(dict.fromkeys(boxes.values()))
    left_out = set(order[ends:-ends])
    fold = Box("fold", (), "fold", "the gates between")
    fold.nodes = [node for node, box in boxes.items() if box in left_out]
    return {node: fold if box in left_out else box for node, box in boxes.items()}
