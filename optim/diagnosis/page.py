"""The findings as a self-contained page."""

from __future__ import annotations

from html import escape

import numpy as np

from minigrad.graph import Array

from .evidence import final
from .finding import Finding, number
from .report import Diagnosis

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
code { font-size: .9em; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; }
.run { stroke: #c2410c; } .trial { stroke: #2563eb; stroke-dasharray: 6 3; }
polyline { fill: none; stroke-width: 2; }
text { fill: currentColor; font-size: 13px; }
@media (prefers-color-scheme: dark) { .run { stroke: #fb923c; } .trial { stroke: #93c5fd; } }
"""


def page(result: Diagnosis, script: str) -> str:
    """Return the page's HTML."""
    found = "".join(map(_section, result.findings)) or f"<p>{escape(str(result))}</p>"
    title = f"Why does {escape(script)} not learn?"
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n<main>\n<h1>{title}</h1>\n{found}</main>\n</html>\n"
    )


def _section(finding: Finding) -> str:
    what = finding.what[:1].upper() + finding.what[1:]
    parts = [f"<h2>{escape(what)}</h2>", f"<p>This is {finding.certainty}."]
    if finding.line is not None:
        text = escape(finding.line.text)
        parts.append(
            f" It is in <code>{escape(str(finding.line))}</code>: <code>{text}</code>"
        )
    effect, remedy = escape(finding.effect), escape(finding.remedy)
    parts.append(f"</p><p><b>Why it matters:</b> {effect}.</p>")
    parts.append(f"<p><b>What to change:</b> {remedy}.</p>")
    if finding.trial:
        parts.append(_curves(finding))
    return "<section>" + "".join(parts) + "</section>\n"


def _curves(finding: Finding) -> str:
    curves = [np.asarray(values, float) for values in (finding.run, finding.trial)]
    finite = np.concatenate([values[np.isfinite(values)] for values in curves])
    low, high = float(finite.min()), float(np.quantile(finite, 0.98))
    longest = max(map(len, curves))
    words = (
        f"{finding.curve.capitalize()} ends at {number(final(finding.run))}; repeated {finding.changed}, "
        f"it ends at {number(final(finding.trial))}."
    )
    lines = "".join(
        f'<polyline class="{name}" points="{_points(values, longest, low, high)}"/>'
        for name, values in zip(("run", "trial"), curves, strict=True)
    )
    return (
        f'<figure><svg viewBox="0 0 640 230" role="img" aria-label="{escape(words)}">{lines}'
        f'<text x="0" y="12">{number(high)}</text><text x="0" y="208">{number(low)}</text>'
        f'<text x="640" y="226" text-anchor="end">{longest:,} steps</text></svg>'
        f"<figcaption>{escape(words)} Your run is the solid line.</figcaption></figure>"
    )


def _points(values: Array, longest: int, low: float, high: float) -> str:
    shares = (np.clip(values, low, high) - low) / ((high - low) or 1)
    return " ".join(
        f"{56 + 580 * step / max(longest - 1, 1):.1f},{200 - 190 * share:.1f}"
        for step, share in enumerate(shares)
        if np.isfinite(share)
    )
