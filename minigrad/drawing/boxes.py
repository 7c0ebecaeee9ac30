"""Build the contents of a picture: boxes and the links between them.

Each box shows one or more nodes. A drawing mode assigns each gate to a box (see modes.py).
`connect` then adds boxes for the leaves, and links that follow the recorded edges.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from operator import attrgetter
from typing import NamedTuple

from ..context import Scope, step_number, step_of
from ..graph import Leaf, Node, ancestors
from ..support.text import printable
from .colour import FIRST
from .lane import Slot

LEFT = -1  # the column before the time steps
RIGHT = 10**9  # the column after them
Point = tuple[float, float]  # in points (1/72 inch), with y pointing up
MANY = 24  # if a gate has more leaves than this as inputs, leaves of the same kind share a box


@dataclass
class Line:
    """A line of text. `size` is in points."""

    text: str
    size: float = 8.0
    bold = False

    def __post_init__(self) -> None:
        self.text = printable(self.text)


class Bold(Line):
    """A line of bold text."""

    bold = True


@dataclass(eq=False, repr=False)
class Box:
    """A shape in a picture.

    - `kind`: "gate", "scope" (all gates of a scope), "fold" (gates left out), "parameter", "input"
      or "constant".
    - `scope`: the scope whose frame contains the box.
    - `key`: an identifier within a time step. Corresponding boxes have the same key in every step.
    - `column`: the column of the box's time step, or LEFT or RIGHT.
    """

    kind: str
    scope: Scope
    key: Hashable
    nodes: list[Node] = field(default_factory=list)
    title: str = ""
    # the scope whose time step the box belongs to, or None
    band: Scope | None = None
    column: int = RIGHT
    # the time steps or blocks that the box represents: {number: name}; empty for a single gate
    steps: dict[int, str] = field(default_factory=dict)
    # the length of the path of the frame that names these steps; 0 without a frame
    framed: int = 0
    role: str = ""  # "output" or "loss"
    starved: bool = False
    note: str = ""  # the position of a cut inside the box
    number: int = 0  # in the order of recording
    face: list[Line] = field(default_factory=list)
    size: Point = (0.0, 0.0)  # width and height
    # set only in a picture with columns: the row, counted from the bottom, the place in the row,
    # which boxes of several columns share, and the centre
    row: int = 0
    slot: Slot = field(init=False)
    place: Point = (0.0, 0.0)

    @property
    def last(self) -> Node:
        """The newest node in the box. Its output is the output of the box."""
        return self.nodes[-1]

    @property
    def shown(self) -> list[Node]:
        """The nodes whose values the box shows. A scope or fold shows only its last node."""
        return self.nodes if self.kind == "gate" or self.is_leaf else [self.last]

    @property
    def style(self) -> str:
        """The key of the box's style in STYLES."""
        return self.role if self.kind == "gate" and self.role or self.role == FIRST else self.kind

    @property
    def is_leaf(self) -> bool:
        return self.kind in ("parameter", "input", "constant")


class Use(NamedTuple):
    """A recorded edge: `producer` is the input at index `position` of `consumer`.

    `kind` is "data" or "cut".
    """

    producer: Node
    consumer: Node
    position: int
    kind: str


@dataclass(eq=False)
class Link:
    """An arrow from one box to another.

    `kind` is "data", "state" (from one time step or block to another) or "cut".
    """

    tail: Box
    head: Box
    kind: str
    uses: list[Use] = field(default_factory=list)
    # the numbers of the time steps or blocks at both ends
    tails: set[int] = field(default_factory=set)
    heads: set[int] = field(default_factory=set)
    label: str = ""


def history(roots: Iterable[Node]) -> list[Node]:
    """Return all ancestors of `roots` and the roots themselves, oldest first, including the nodes
    before cuts.
    """
    return ancestors(roots, attrgetter("predecessors"))[::-1]


def name_steps(steps: Collection[int], names: Mapping[int, str] | None = None) -> str:
    """Format time steps as text, with consecutive steps as a range. Steps without a name are called
    t00, t01, ....

    >>> name_steps([0, 1, 2, 3, 7])
    't00 … t03, t07'
    >>> name_steps([0, 1], {0: "block", 1: "block_2"})
    'block … block_2'
    """
    ranges = []
    for step in sorted(steps):
        name = (names or {}).get(step) or f"t{step:02d}"
        if step - 1 not in steps:
            ranges.append(name)
        elif step + 1 not in steps:
            ranges[-1] += f" … {name}"
    return ", ".join(ranges)


def connect(
    nodes: list[Node], roots: list[Node], boxes: dict[Node, Box]
) -> tuple[list[Box], list[Link]]:
    """Return all boxes, in the order of recording, and the links between them. Each gate is in the
    box that `boxes` assigns to it. Text and positions are set later.
    """
    links: dict[Hashable, Link] = {}
    leaves: dict[Hashable, tuple[Box, list[Use]]] = {}
    for consumer in nodes:
        crowded = sum(parent.gate is None for parent in consumer.inputs) > MANY
        for position, producer in enumerate(consumer.inputs):
            head = boxes[consumer]
            kind = "data"
            while isinstance(producer, Leaf) and producer.cut_from:
                producer = producer.cut_from
                kind = "cut"
            use = Use(producer, consumer, position, kind)
            if producer.gate is not None:
                _link(links, boxes[producer], head, use)
                continue
            place: Hashable = producer
            if head.kind == "gate":
                place = leaf_kind(producer) if crowded else position
            leaves.setdefault((head, place), (head, []))[1].append(use)
    found = dict.fromkeys(boxes.values())
    for box, head, uses in _leaf_boxes(leaves.values()):
        found[box] = None
        for use in uses:
            _link(links, box, head, use)
    for root in roots:  # a root that is a leaf has no box yet, unless it also feeds a gate
        if isinstance(root, Leaf) and not any(root in box.nodes for box in found):
            alone = Box(leaf_kind(root), root.scope, root, [root])
            found[alone] = None
            if root.cut_from in boxes:
                _link(
                    links,
                    boxes[root.cut_from],
                    alone,
                    Use(root.cut_from, root, 0, "cut"),
                )
    for box in found:
        box.nodes.sort(key=attrgetter("serial"))
    ordered = sorted(found, key=lambda box: box.nodes[0].serial)
    # The same graph must always produce the same DOT text. Serial numbers cannot serve as ids,
    # because they depend on all earlier recordings.
    for number, box in enumerate(ordered):
        box.number = number
    for link in links.values():
        link.label = _describe(link)
    arrows = sorted(links.values(), key=attrgetter("head.number", "tail.number", "kind"))
    _mark(ordered, arrows, roots)
    return ordered, arrows


def _link(
    links: dict[Hashable, Link],
    tail: Box,
    head: Box,
    use: Use,
) -> None:
    before = _place(use.producer, tail)
    after = _place(use.consumer, head)
    kind = use.kind
    lag = 0
    if before and after and before[0] == after[0]:
        lag = after[1] - before[1]
    if lag and kind == "data" and not tail.is_leaf:
        kind = "state"
    if tail is head and (kind == "data" or tail.kind != "gate"):
        if kind == "cut":
            tail.note = _cut_before(use.consumer)
        return  # do not draw links inside a box
    if kind != "state" or not tail.steps:
        lag = 0
    link = links.setdefault((tail, head, kind, lag), Link(tail, head, kind))
    link.uses.append(use)
    if before:
        link.tails.add(before[1])
    if after:
        link.heads.add(after[1])


def _place(node: Node, box: Box) -> tuple[Hashable, int] | None:
    """Return (what repeats, the number of the time step or block) for a node in a repeated scope."""
    if place := step_of(node.scope):
        return place[:2]
    if not box.framed:
        return None
    *outer, name = node.scope[: box.framed]
    names = tuple(box.steps.values())
    return (*outer, names), names.index(name)


def leaf_kind(leaf: Node) -> str:
    """Classify a leaf as "parameter", "input" or "constant".

    A parameter requires a gradient. An input has a name or was created as an array. All other
    leaves are constants.
    """
    if leaf.requires_grad:
        return "parameter"
    origin = getattr(leaf, "origin", "")
    named = bool(leaf.name) and origin in ("created", "constants")
    return "input" if named or (origin == "created" and leaf.output.ndim) else "constant"


def _leaf_boxes(
    leaves: Collection[tuple[Box, list[Use]]],
) -> Iterator[tuple[Box, Box, list[Use]]]:
    """Yield (a leaf's box, the box that uses the leaf, the edges) for each use of a leaf.

    A parameter is drawn in each scope that uses it. A single box with arrows to forty steps would
    be unreadable, and `dot` would take a minute to lay it out. An input is drawn only once. It is
    drawn inside a time step if no other step uses it.
    """
    made = {}
    count: Counter[Hashable] = Counter()
    columns_of = defaultdict(set)
    for head, uses in leaves:
        for use in uses:
            columns_of[use.producer].add(head.column)
    for head, uses in leaves:
        group = tuple(dict.fromkeys(use.producer for use in uses))
        first = group[0]
        kind = leaf_kind(first)
        alone = len(columns_of[first]) == 1
        if head.kind != "gate":
            path = (*head.scope, head.title)
            inside = first.scope[: len(path)] == path or (alone and head.kind == "fold")
            if inside or kind != "input":
                continue  # do not draw this leaf; the box's label counts its parameters
        scope = head.scope
        column = head.column
        band = head.band
        if kind == "input" and len(group) == 1:
            if alone and band is not None:
                scope = scope[: len(band) + 1]
            else:
                scope, column, band = shared(first.scope, scope), RIGHT, None
        if (scope, group) not in made:
            position = uses[0].position
            owner = head if band is None else None
            key = ("leaf", head.key, position, count[head, position], owner)
            count[head, position] += 1
            made[scope, group] = Box(kind, scope, key, list(group), band=band, column=column)
        yield made[scope, group], head, uses


def shared(*scopes: Sequence[str]) -> Scope:
    """Return the names that all of these scopes begin with."""
    alike = takewhile(
        lambda names: len(set(names)) == 1,
        zip(*scopes, strict=False),
    )
    return tuple(names[0] for names in alike)


def _mark(boxes: list[Box], links: list[Link], roots: list[Node]) -> None:
    """Set the role of the roots' boxes, and mark boxes that receive no gradient from the roots."""
    root, *others = roots
    role = "output"
    if root.gate and root.output.size == 1 and not others:
        role = "loss"
    fed = set(ancestors(roots, lambda node: [one for one in node.inputs if one.requires_grad]))
    for box in boxes:
        if box.last in roots:
            box.role = role
        box.starved = not box.is_leaf and fed.isdisjoint(box.nodes)
    # A leaf's box is starved if all boxes that use it are starved.
    feeding = {link.tail for link in links}
    alive = {link.tail for link in links if link.kind != "cut" and not link.head.starved}
    for box in feeding - alive:
        box.starved |= box.is_leaf


def _cut_before(consumer: Node) -> str:
    scope = consumer.scope
    if place := step_of(scope):
        scope = scope[: len(place[0]) + 1]
    return f"cut before {'/'.join(scope)}" if scope else "cut"


def _describe(link: Link) -> str:
    """Return a link's label.

    The label of a cut names the scope after the cut. Other labels name the time steps or blocks of
    the link, if the link does not cover all that its boxes represent.
    """
    if link.kind == "cut":
        return _cut_before(link.uses[0].consumer)
    tail = link.tail
    head = link.head
    before = name_steps(link.tails, tail.steps)
    after = name_steps(link.heads, head.steps)
    if link.kind == "state" and tail.steps and tail.steps == head.steps:
        first = min(link.tails)
        lag = min(link.heads) - first
        t = "n" if step_number(tail.steps[first]) is None else "t"
        return f"{t}−{lag} → {t}" if lag > 0 else f"{t}+{-lag} → {t}"
    if link.kind == "state" and (tail.steps or head.steps):
        return f"{before} → {after}"
    same = head.steps and link.tails == link.heads
    if tail.framed and not same and link.tails != set(tail.steps):
        return before
    if head.framed and link.heads != set(head.steps):
        return after
    return ""
