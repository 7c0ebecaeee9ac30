"""Graphs to explore, and what a page was told of them."""

import json
import re
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.explorer import Page


def data_of(page: Page) -> dict[str, Any]:
    """The data in a page."""
    (text,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', page.html, re.S
    )
    data: dict[str, Any] = json.loads(text)
    return data


def explored(output: mg.Tensor, **options: Any) -> dict[str, Any]:
    """The data in the page of `output`."""
    return data_of(mg.explore(output, **options))


def array_at(data: dict[str, Any], number: int) -> np.ndarray:
    """An array of the page that is stored in full."""
    entry = data["arrays"][number]
    return np.array([float(x) for x in entry["values"]], entry["dtype"]).reshape(
        entry["shape"]
    )


def expression() -> tuple[mg.Tensor, list[mg.Tensor]]:
    """tanh(a b + c), and its leaves."""
    a, b, c = (
        mg.Tensor(x, requires_grad=True, name=name)
        for x, name in [(2.0, "a"), (-3.0, "b"), (6.5, "c")]
    )
    return mg.tanh(a * b + c), [a, b, c]
