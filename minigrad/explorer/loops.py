"""Find loops that a program wrote without scopes, such as a recurrent network of plain gates.

A loop uses the same leaf, such as a weight, at the same place of every step. So gates of the same kind
that use a leaf at regular distances mark the steps.
"""

from collections import defaultdict
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from ..drawing.boxes import shared

FEWEST = 4
"""The minimum number of steps of a loop."""

SMALLEST = 20
"""The minimum number of gates of a loop. A smaller loop is easy to read in one column."""

Cells = list[Any]


def find_loops(gates: Cells) -> list[list[Cells]]:
    """Return the steps of each loop among `gates`, which are Cells in the order of recording.

    The first step may have fewer gates, for example because there is no state yet. The result is
    empty if the loops contain less than half of the gates. It is also empty unless at least one
    loop has a state, which each step takes from the step before, and contains at least a tenth of
    the gates. These conditions exclude the heads of attention and the sums in a network of scalars.
    """
    kinds = []
    for cell in gates:
        node = cell.node
        kinds.append(f"{node.gate.name} in {node.scope}")
    loops = []
    left = set(gates)
    longest = 0
    for _, period, places in _marks(gates, kinds):
        *_, before, last = places
        end = last + period
        inside = gates[places[0] : end]
        if not left.issuperset(inside):
            continue
        # Each step may begin the same number of gates before its mark. If so, the gates after the
        # last mark differ from those after the mark before it.
        usual = kinds[before:last]
        ending = shared(usual, kinds[last:end])
        shift = len(usual) - len(ending)
        starts = [max(place - shift, 0) for place in places]
        bounds = [*starts, end - shift]
        loop = [gates[start:stop] for start, stop in pairwise(bounds)]
        loops.append(loop)
        left.difference_update(*loop)
        if all(_uses(later, step) for step, later in pairwise(loop)):
            longest = max(longest, len(inside))
    most = len(gates) / 2
    if len(left) > most or longest < most / 5:
        return []
    return sorted(loops, key=lambda loop: loop[0][0].number)


def _uses(step: Cells, before: Cells) -> bool:
    sources = {source for cell in step for source in cell.sources}
    return not sources.isdisjoint(before)


def _marks(gates: Cells, kinds: list[str]) -> list[Any]:
    """Return (rank, period, places) of gates that may mark the steps of a loop, the best rank first."""
    used = defaultdict(list)
    for place, cell in enumerate(gates):
        leaves = {one for one in cell.inputs if one.node.gate is None}
        for leaf in (None, *leaves):
            used[kinds[place], leaf].append(place)
    marks = []
    for key, places in used.items():
        _, leaf = key
        first = 0
        before = 0
        gaps = [later - place for place, later in pairwise(places)]
        for period, run in groupby(gaps):
            last = first + len(list(run))
            steps = last - first + 1
            size = steps * period
            if steps >= FEWEST and size >= SMALLEST:
                # the first step may be short
                short = period / 2 < before < period
                found = places[first - short : last + 1]
                rank = leaf is not None, len(found)
                marks.append((rank, period, found))
            first = last
            before = period
    # A weight is a better mark than a gate without leaves, of which a step may contain several.
    return sorted(marks, key=itemgetter(0), reverse=True)
