"""Find units of a trained character model that track a property of the text, and colour each
character by one unit's memory.

    python examples/watch_units.py --from runs/writer --out runs/writer

The properties are quotation marks, brackets, and the position in a word, sentence or review. For
each property, the script finds the unit whose memory (c in an LSTM, h in a GRU) has the strongest
correlation with the property. It reads your own text or some held-out reviews, and writes
units.html.
"""

from __future__ import annotations

import argparse
import html
import re
from pathlib import Path
from typing import Any

import cli  # isort: skip  # import this first, because it checks that minigrad is installed
import numpy as np

from layers import outputs
from write_reviews import load_text, load_trained

BLUE, RED = (70, 120, 220), (215, 95, 60)


def main() -> int:
    """Parse the options and run the script. Returns the exit code."""
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        default=Path("runs/writer"),
        help="folder of the trained writer (runs/writer)",
    )
    parser.add_argument(
        "--text", type=Path, help="a text file to read instead of the held-out reviews"
    )
    parser.add_argument(
        "--shown", type=cli.integer(1), default=600, help="characters to show (600)"
    )
    parser.add_argument("--out", type=Path, help="folder for units.html (same as --from)")
    options = parser.parse_args()
    return cli.finish(lambda: watch(options), options.source)


def watch(options: argparse.Namespace) -> None:
    """Find a unit for each property of the text, and write a page that shows the text coloured by
    each unit.
    """
    model, characters, config = load_trained(options.source)
    text = (
        cli.read_text(options.text) if options.text else load_text(argparse.Namespace(**config))[1]
    )
    text = text[:20_000]
    inner = "model.rnn.cell.c" if config["model"] == "lstm" else "model.rnn.cell.h"
    memory = outputs(model, characters.encode(text)[None], [inner])[inner][0]
    blocks = []
    for name, feature in properties(text).items():
        if feature.std() == 0:
            continue
        unit, r = most_correlated(memory, feature)
        start = most_varied_start(feature, options.shown)
        part, values = (
            text[start : start + options.shown],
            np.tanh(memory[start : start + options.shown, unit]),
        )
        title = f"unit {unit} and {name}: correlation {r:+.2f}"
        print(f"\n{title}")
        blocks.append(f"<h2>{html.escape(title)}</h2>\n<p>{to_html(part, values)}</p>")
    path = (options.out or options.source) / "units.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE + "\n".join(blocks) + "\n</html>\n", encoding="utf-8")
    print(f"\nThe coloured text is in {path}")


def properties(text: str) -> dict[str, Any]:
    """Return {property of the text: the property's value after each character}."""

    def inside(pattern: str) -> Any:
        mask = np.zeros(len(text))
        for match in re.finditer(pattern, text):
            # from the opening mark up to the character before the closing one
            mask[match.start() : match.end() - 1] = 1
        return mask

    def since(mark: str) -> Any:
        """Return log(1 + number of characters since the last mark)."""
        last_marks = np.array(
            [index if character in mark else 0 for index, character in enumerate(text)]
        )
        return np.log1p(np.arange(len(text)) - np.maximum.accumulate(last_marks))

    return {
        "inside quotation marks": inside(r'"[^"\n]{1,200}"'),
        "inside brackets": inside(r"\([^()\n]{1,200}\)"),
        "the length of the word so far": since(" \n"),
        "the length of the sentence so far": since(".!?\n"),
        "the length of the review so far": since("\n"),
    }


def most_correlated(memory: Any, feature: Any) -> tuple[int, float]:
    """Return (index of the unit with the largest absolute correlation, this correlation)."""
    centred = np.tanh(memory) - np.tanh(memory).mean(axis=0)
    feature = feature - feature.mean()
    r = feature @ centred / (np.linalg.norm(feature) * np.linalg.norm(centred, axis=0) + 1e-12)
    unit = int(np.abs(r).argmax())
    return unit, float(r[unit])


def most_varied_start(feature: Any, shown: int) -> int:
    """Return the start of the `shown` consecutive characters in which the property changes most."""
    change = np.concatenate([[0.0], np.abs(np.diff(feature)).cumsum()])
    return int((change[shown:] - change[:-shown]).argmax()) if len(change) > shown else 0


def colours(values: Any) -> Any:
    """Return an RGB colour for each value: white for 0, red above 0, and blue below 0."""
    ends = np.where(values[:, None] > 0, RED, BLUE)
    return (255 + np.abs(values)[:, None] * (ends - 255)).astype(int)


def to_html(text: str, values: Any) -> str:
    """Return HTML with a coloured span for each character. Hovering over a span shows its value."""
    return "".join(
        "<br>" if character == "\n"
        else f'<span style="background: rgb({r}, {g}, {b})" '
             f'title="{value:+.2f}">{html.escape(character)}</span>'
        for character, value, (r, g, b) in zip(text, values, colours(values), strict=True)
    )  # fmt: skip


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Units of a character model</title>
<style>
  body { font: 1.05rem/1.7 ui-monospace, monospace; max-width: 52rem; margin: 2rem auto; padding: 0 1rem;
         background: #fff; color: #111 }
  h1, h2 { font-family: system-ui, sans-serif; line-height: 1.3 } h2 { font-size: 1.05rem; margin-bottom: 0 }
</style>
<h1>Units of a character model</h1>
<p>Each character's colour shows one unit's memory after it reads the character: tanh(c) in an LSTM, tanh(h) in a GRU.
Red is above 0, blue is below.</p>
"""

if __name__ == "__main__":
    raise SystemExit(main())
