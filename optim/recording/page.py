"""Write the page: one HTML file with the numbers of the run, and with the style and scripts from web/."""

from __future__ import annotations

import html
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from importlib.resources import files
from itertools import chain

import numpy as np

from minigrad.errors import OptionError
from minigrad.support.files import AnyPath, save_text

from .encode import Json, encode, packed, word
from .parts import LOSS
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
    text = json.dumps(data, separators=(",", ":"))
    modules = [_read("minigrad.explorer", "dom.js")]
    modules += [_read(__package__, name) for name in OWN]
    code = _EXPORT.sub("", _IMPORT.sub("", "\n".join(modules)))
    style = _read(__package__, "style.css")
    parts = {
        "title": html.escape(title),
        "style": style,
        "script": code,
        "hashes": f"script-src {_hash(code)}; style-src {_hash(style)}",
        # "</script>" would end the element even inside a string
        "data": text.replace("<", "\\u003c"),
    }
    template = _read(__package__, "page.html")
    found = re.split(r"\{\{(\w+)\}\}", template)
    found[1::2] = [parts[name] for name in found[1::2]]
    return "".join(found)


def _read(package: str, name: str) -> str:
    return (files(package) / "web" / name).read_text(encoding="utf-8")


def collect(run: Run) -> Json:
    """Return the numbers of a run for the page."""
    records = list(run.records.values())
    series: dict[str, Json] = defaultdict(dict)
    parts: dict[str, tuple[list[str], int]] = {}
    rows: set[int] = set()
    for key in dict.fromkeys(chain.from_iterable(records)):
        kind, name = key
        values = [one.get(key) for one in records]
        known = [one for one in values if one is not None]
        if kind == "part":
            parts[name] = known[0]
            continue
        if kind == "rows":
            rows.update(np.concatenate(known).tolist())
        series[kind][name] = encode(kind, values)
    for part in run.examples.parts.values():
        # a copy of a table has only the rows that a step reads
        parts[part.name] = part.gates, part.size
    parts[LOSS] = parts.pop(LOSS)  # below all others
    losses = np.array_split(run.losses, min(POINTS, len(run.losses)))
    curves = [[part.min(), part.max(), part.mean()] for part in losses]
    return {
        "count": len(run.losses),
        "failed": run.failed,
        "settings": run.settings,
        "losses": packed(np.transpose(curves)),
        "steps": list(run.records),
        "jump": run.jump,
        "parts": [[name, *facts] for name, facts in parts.items()],
        "series": series,
        "words": {row: word(run.words, [row]) for row in rows},
        "examples": run.examples.describe(run.words),
        "history": [finite(row) for row in run.history],
    }


def finite(row: Json) -> Json:
    """Leave out the numbers that JSON cannot store."""
    return {name: one for name, one in row.items() if np.isfinite(one)}
