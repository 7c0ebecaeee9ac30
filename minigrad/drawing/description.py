"""Describe a picture in words, for readers who cannot see it."""

from collections import defaultdict

from ..support.text import printable
from .boxes import Box, Link


def description(boxes: list[Box], links: list[Link]) -> str:
    """Return a line about the whole picture, and from the bottom up, a numbered line for each box: its
    name, its scope, its inputs with their numbers, and what else is written in it.
    """
    ordered = sorted(boxes, key=lambda box: box.number)
    numbers = {box: number for number, box in enumerate(ordered, 1)}
    inputs = defaultdict[Box, list[str]](list)
    for link in sorted(links, key=_position):
        inputs[link.head].append(_input(link, numbers[link.tail]))

    counts = f"{len(boxes)} boxes and {len(links)} arrows"
    lines = [f"A graph with {counts}, from the bottom up."]
    for box in ordered:
        name, others = _contents(box)
        words = f"{numbers[box]}. {name}"
        if box.scope and not box.is_leaf:
            scope = "/".join(box.scope)
            words += f" in {scope}"
        if inputs[box]:
            of = " and ".join(inputs[box])
            words += f", of {of}"
        if others:
            rest = ", ".join(others)
            words += f": {rest}"
        lines.append(printable(f"{words}."))
    return "\n".join(lines)


def _position(link: Link) -> int:
    """Return which input of its gate an arrow is."""
    return link.uses[0].position


def _input(link: Link, number: int) -> str:
    """Return the name and number of an input, and what the arrow from it shows."""
    name, _ = _contents(link.tail)
    if link.kind == "data":
        return f"{name} ({number})"
    arrow = link.label or link.kind
    return f"{name} ({number}, {arrow})"


def _contents(box: Box) -> tuple[str, list[str]]:
    """Return a box's name and its other lines. A leaf's name may have two lines, of which the second is
    bold.
    """
    texts = [line.text for line in box.face]
    gate = box.last.gate
    if box.kind == "gate" and gate:
        others = [text for text in texts if text != gate.name]
        return gate.name, others
    end = 1
    bold = [line.bold for line in box.face[:2]]
    if bold == [False, True]:
        end = 2
    name = "".join(texts[:end])
    return name, texts[end:]
