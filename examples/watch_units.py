"""Which units of a trained writer follow something in the text? Colours each character by the
memory of one unit.

    python examples/watch_units.py --from runs/writer --out runs/writer

For quotation marks, brackets and the place in a word or sentence it looks for the unit whose memory
(c in an LSTM, h
in a GRU) goes with it most closely, on a text of the learner's own or on a few reviews. It writes
units.html.
"""

from __future__ import annotations

import argparse
import html
import re
from pathlib import Path
from typing import Any

import cli  # isort: skip  # first: it says so if minigrad is not installed
import numpy as np

from layers import outputs
from write_reviews import read, read_text, trained

BLUE, RED = (70, 120, 220), (215, 95, 60)


def main() -> int:
    """Do what the command line says."""
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--from", dest="source", type=Path, default=Path("runs/writer"), help="(runs/writer)"
    )
    parser.add_argument(
        "--text", type=Path, help="a file to read instead of the reviews that were held back"
    )
    parser.add_argument("--shown", type=cli.whole(1), default=600, help="characters to show (600)")
    parser.add_argument("--out", type=Path, help="folder for units.html (that of --from)")
    options = parser.parse_args()
    return cli.finish(lambda: watch(options), options.source)


def watch(options: argparse.Namespace) -> None:
    """Find a unit for each property of the text, and draw the text in its colours."""
    model, characters, config = trained(options.source)
    text = read_text(options.text) if options.text else read(argparse.Namespace(**config))[1]
    text = text[:20_000]
    inner = "model.rnn.cell.c" if config["model"] == "lstm" else "model.rnn.cell.h"
    memory = outputs(model, characters.encode(text)[None], [inner])[inner][0]
    blocks = []
    for name, follows in properties(text).items():
        if follows.std() == 0:
            continue
        unit, r = closest(memory, follows)
        start = busiest(follows, options.shown)
        part, values = (
            text[start : start + options.shown],
            np.tanh(memory[start : start + options.shown, unit]),
        )
        title = f"unit {unit} and {name}: correlation {r:+.2f}"
        print(f"\n{title}")
        blocks.append(f"<h2>{html.escape(title)}</h2>\n<p>{in_html(part, values)}</p>")
    path = (options.out or options.source) / "units.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE + "\n".join(blocks) + "\n</html>\n", encoding="utf-8")
    print(f"\nThe text in colour: {path}")


def properties(text: str) -> dict[str, Any]:
    """{what a unit may follow: its value after each character}."""

    def inside(pattern: str) -> Any:
        found = np.zeros(len(text))
        for match in re.finditer(pattern, text):
            # from the opening mark on, until the closing one
            found[match.start() : match.end() - 1] = 1
        return found

    def since(mark: str) -> Any:
        """How many characters ago the newest mark was, on a scale that saturates."""
        places = np.array([place if one in mark else 0 for place, one in enumerate(text)])
        return np.log1p(np.arange(len(text)) - np.maximum.accumulate(places))

    return {
        "inside quotation marks": inside(r'"[^"\n]{1,200}"'),
        "inside brackets": inside(r"\([^()\n]{1,200}\)"),
        "the length of the word so far": since(" \n"),
        "the length of the sentence so far": since(".!?\n"),
        "the length of the review so far": since("\n"),
    }


def closest(memory: Any, follows: Any) -> tuple[int, float]:
    """The unit with the largest correlation, of either sign, and that correlation."""
    centred = np.tanh(memory) - np.tanh(memory).mean(axis=0)
    follows = follows - follows.mean()
    r = follows @ centred / (np.linalg.norm(follows) * np.linalg.norm(centred, axis=0) + 1e-12)
    unit = int(np.abs(r).argmax())
    return unit, float(r[unit])


def busiest(follows: Any, shown: int) -> int:
    """Where a stretch of the text begins in which the property changes most."""
    change = np.concatenate([[0.0], np.abs(np.diff(follows)).cumsum()])
    return int((change[shown:] - change[:-shown]).argmax()) if len(change) > shown else 0


def colours(values: Any) -> Any:
    """An RGB colour for each value: white at 0, towards red above and blue below."""
    ends = np.where(values[:, None] > 0, RED, BLUE)
    return (255 + np.abs(values)[:, None] * (ends - 255)).astype(int)


def in_html(text: str, values: Any) -> str:
    """A span for each character; the mouse over it shows the value."""
    return "".join(
        "<br>" if one == "\n"
        else f'<span style="background: rgb({r}, {g}, {b})" '
             f'title="{value:+.2f}">{html.escape(one)}</span>'
        for one, value, (r, g, b) in zip(text, values, colours(values), strict=True)
    )  # fmt: skip


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>What units of a character model follow</title>
<style>
  body { font: 1.05rem/1.7 ui-monospace, monospace; max-width: 52rem; margin: 2rem auto; padding: 0 1rem;
         background: #fff; color: #111 }
  h1, h2 { font-family: system-ui, sans-serif; line-height: 1.3 } h2 { font-size: 1.05rem; margin-bottom: 0 }
</style>
<h1>What units of a character model follow</h1>
<p>Each character in the colour of one unit's memory (tanh(c) in an LSTM, tanh(h) in a GRU) after it was read: red
above 0, blue below.</p>
"""

if __name__ == "__main__":
    raise SystemExit(main())
