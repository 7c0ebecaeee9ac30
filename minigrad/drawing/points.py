"""Points and paths in Graphviz's notation."""

from itertools import pairwise

Point = tuple[float, float]  # in points of 1/72 inch, y upwards


def rounded(path: list[Point], radius: float = 5.0) -> list[Point]:
    """Bezier points of a path of straight lines with rounded corners."""
    path = [point for number, point in enumerate(path) if number == 0 or point != path[number - 1]]
    points = [path[0]]
    for before, corner, after in zip(path, path[1:], path[2:], strict=False):
        enter, leave = _towards(corner, before, radius), _towards(corner, after, radius)
        points += [points[-1], enter, enter, corner, corner, leave]
    return [*points, points[-1], path[-1], path[-1]]


def swinging(path: list[Point]) -> list[Point]:
    """Bezier points of an upward curve that passes through every point of `path` vertically."""
    points = [path[0]]
    for (x0, y0), (x1, y1) in pairwise(path):
        points += [(x0, y0 + 0.55 * (y1 - y0)), (x1, y1 - 0.55 * (y1 - y0)), (x1, y1)]
    return points


def _towards(start: Point, end: Point, distance: float) -> Point:
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])
    share = min(distance / length, 0.5) if length else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def point(place: Point) -> str:
    """A point as Graphviz writes it."""
    return f"{place[0]:.2f},{place[1]:.2f}"


def label_at(centre: Point, size: Point) -> dict[str, str]:
    """The attributes that put the label of a graph or of a cluster at a place."""
    return {"lp": point(centre), "lwidth": f"{size[0] / 72:.2f}", "lheight": f"{size[1] / 72:.2f}"}
