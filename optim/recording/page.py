"""Write the page: one HTML file with the numbers of the run, and with the style and scripts from web/."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Sequence
from importlib.resources import files

import numpy as np

from minigrad.errors import OptionError
from minigrad.support.files import AnyPath, save_text

from .encode import Json, encode, packed, word
from .recorder import Recorder, Run

OWN = (
    "data.js",
    "curve.js",
    "network.js",
    "pictures.js",
    "panels.js",
    "app.js",
)
POINTS = 1000


def write(path: AnyPath, text: str) -> None:
    """Write a page. Errors: OptionError MG803 if the file cannot be written."""
    try:
        save_text(path, text)
    except OSError as error:
        raise OptionError(
            "MG803",
            f"cannot write the page to {str(path)!r}",
            cause=str(error.strerror or error),
            remedy="choose a folder that exists and is writable, or free some disk space",
        ) from None


def page(
    recorder: Recorder,
    title: str,
    findings: Sequence[Json] = (),
    verdict: str = "",
) -> str:
    """Return the page's HTML. `verdict` is shown if there are no findings."""
    # only here, because the explorer takes a quarter of the time to import optim
    from minigrad.explorer.page import _EXPORT, _IMPORT, _hash

    data = {
        "title": title,
        "runs": [collect(run) for run in recorder.runs if run.records],
        "findings": list(findings),
        "verdict": verdict,
    }
    modules = [_read("minigrad.explorer", "dom.js")]
    modules += [_read(__package__, name) for name in OWN]
    code = "\n".join(
        _EXPORT.sub("", _IMPORT.sub("", one)) for one in modules
    )
    style = _read(__package__, "style.css")
    parts = {
        "title": html.escape(title),
        "style": style,
        "script": code,
        "hashes": f"script-src {_hash(code)}; style-src {_hash(style)}",
        "data": json.dumps(data, separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
    }
    template = _read(__package__, "page.html")
    return re.sub(
        r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template
    )


def _read(package: str, name: str) -> str:
    return (files(package) / "web" / name).read_text(encoding="utf-8")


def collect(run: Run) -> Json:
    """Return the numbers of a run for the page."""
    records = list(run.records.values())
    series: dict[str, Json] = {}
    for kind, name in dict.fromkeys(
        key for one in records for key in one
    ):
        values = [one.get((kind, name)) for one in records]
        series.setdefault(kind, {})[name] = encode(kind, values)
    rows = {
        int(n)
        for one in records
        for k, v in one.items()
        if k[0] == "rows"
        for n in v
    }
    losses = np.array_split(run.losses, min(POINTS, len(run.losses)))
    ends = [
        [one.min() for one in losses],
        [one.max() for one in losses],
    ]
    return {
        "count": len(run.losses),
        "losses": packed(ends),
        "steps": list(run.records),
        "worst": sum(step < run.worst for step in run.records),
        "parts": [
            [
                part.name,
                part.gates,
                sum(math.prod(leaf.shape) for leaf in part.leaves),
            ]
            for part in dict.fromkeys(run.examples.parts.values())
        ],
        "series": series,
        "words": {n: word(run.words, [n]) for n in rows},
        "examples": run.examples.describe(run.words),
        "history": [
            {
                name: value
                for name, value in row.items()
                if np.isfinite(value)
            }
            for row in run.history
        ],
    }
