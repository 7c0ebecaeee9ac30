"""Draw the page of lesson 19: matrices as heat maps, and the names that the GPT wrote."""

import contextlib
from html import escape

import numpy as np

import minigrad as mg
from layers import TransformerBlock
from minigrad.course.lessons import cells
from minigrad.course.lessons.lesson_19_gpt import trained
from minigrad.support.files import write_whole

NAME = "isabella"
CELL = 24
STYLE = (
    """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #22242a; --muted: #5c606a; --line: #b9b6ae; --cell: #0072b2;
  --wrong: #c22f00; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181d; --ink: #e8e6e1; --muted: #a0a5b0; --line: #555b68; --cell: #56b4e9; --wrong: #ff8059; } }
body { margin: 0 auto; max-width: 46rem; padding: 1rem 1.1rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 0.6rem; } h2 { font-size: 1.15rem; margin: 1.6rem 0 0.2rem; }
p { margin: 0.3rem 0; } .maps { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
figure { margin: 0.5rem 0; max-width: 100%; } figcaption { color: var(--muted); font-size: 0.9rem; }
svg { max-width: 100%; height: auto; } table { border-collapse: collapse; }
td, th { padding: 0.15rem 0.9rem 0.15rem 0; text-align: start; vertical-align: top; }
.right { fill: var(--cell); } .wrong { fill: var(--wrong); } .frame { fill: none; stroke: var(--line); }
text { fill: currentColor; }
"""
    + cells.STYLE
)


def heat(matrix, rows, columns, wrong=None, cell=CELL):
    """Return a matrix of numbers from 0 to 1 as an SVG heat map. Cells in `wrong` are red."""
    tall, wide = matrix.shape
    left, top = 12 + 8 * max(map(len, rows)), 22
    width, height = left + cell * wide + 1, top + cell * tall + 1
    drawn = [
        f'<rect class="{"right" if wrong is None or not wrong[t, s] else "wrong"}" x="{left + cell * s}" '
        f'y="{top + cell * t}" width="{cell}" height="{cell}" fill-opacity="{value:.2f}">'
        f"<title>{escape(rows[t])} → {escape(columns[s])}: {value:.2f}</title></rect>"
        for (t, s), value in np.ndenumerate(matrix) if value >= 0.005
    ]  # fmt: skip
    drawn.append(
        f'<rect class="frame" x="{left}" y="{top}" width="{cell * wide}" height="{cell * tall}"/>'
    )
    drawn += [
        f'<text x="{left + cell * (s + 0.5)}" y="{top - 6}" text-anchor="middle">{escape(one)}</text>'
        for s, one in enumerate(columns)
    ]
    if cell == CELL:
        drawn += [
            f'<text x="{left - 8}" y="{top + cell * (t + 0.5) + 5}" text-anchor="end">{escape(one)}</text>'
            for t, one in enumerate(rows)
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" aria-hidden="true" width="{width}" height="{height}" font-size="14" '
        f'viewBox="0 0 {width} {height}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace">'
        f"{''.join(drawn)}</svg>"
    )


def figure(picture, caption, numbers):
    """Return a heat map with a caption, and its numbers for screen readers (see `cells.table`)."""
    return f"<figure>{picture}{numbers}<figcaption>{caption}</figcaption></figure>"


def letters():
    """Return the ids of NAME, with the 0 before it, and the letters to show."""
    return np.array([0, *trained.names()[0].encode(NAME)]), ["·", *NAME]


def who_sees_whom(file):
    ids, shown = letters()
    mg.seed(0)
    model = trained.GPT(file, width=8, blocks=2)
    report = mg.check_causal(model, np.stack([ids, ids[::-1]]))
    told = "Each position sees itself and its past, and nothing else."
    if report.future:
        t, s = report.future
        told = f"Position {t} sees position {s}, which is in its future (red)."
    elif report.unseen:
        told = "Position {} does not see position {}.".format(*report.unseen)
    seen, wrong = report.steps.matrix, report.steps.wrong
    words = seen.astype(bool).astype(object)
    words[wrong] = "wrong (red)"
    return f"<h2>Who sees whom</h2><p>{told}</p>" + figure(
        heat(seen.astype(float), shown, shown, wrong),
        "A row is a position, a column is what it sees. · begins the name.",
        cells.table("Who sees whom", words, shown, shown),
    )


def positions_of(file):
    table = np.asarray(file.positions(16, 16))
    numbers = [str(t) for t in range(len(table))]
    columns = [str(i) for i in range(table.shape[1])]
    return "<h2>Your positions</h2>" + figure(
        heat((1 + np.clip(table, -1, 1)) / 2, numbers, columns),
        "positions(16, 16). An empty cell is -1, the full colour is 1. From left to right, the waves get slower.",
        cells.table("positions(16, 16)", table),
    )


def targets_of(file):
    characters = trained.names()[0]
    ids = np.array([[0, *characters.encode("ava"), 0, 0]])
    rows = []
    for found, label in zip(*(np.asarray(part)[0] for part in file.targets(ids)), strict=True):
        shown = [
            "·" if one == 0 else "ignored" if one < 0 else characters.decode([one])
            for one in (found, label)
        ]
        rows.append(f"<tr><td>{shown[0]}</td><td>{shown[1]}</td></tr>")
    return f"<h2>Your inputs and labels for ava</h2><table><tr><th>input</th><th>label</th></tr>{''.join(rows)}</table>"


def results(file, model):
    """Return what the page shows of a trained GPT: names, and the attention weights of each block."""
    return {
        "names": [
            [temperature, ", ".join(trained.written(file, model, 8, temperature))]
            for temperature in (0.3, 1.0, 2.0)
        ],
        "maps": model.maps(letters()[0]),
    }


def attention_of(found):
    shown = letters()[1]
    maps = "".join(
        figure(
            heat(weights, shown, shown),
            title := f"block {block}, head {head}",
            cells.table(f"Weights of {title}", np.round(weights, 2), shown, shown),
        )
        for block, heads in enumerate(found["maps"], 1)
        for head, weights in enumerate(heads, 1)
    )
    return (
        "<h2>What the trained GPT attends to</h2><p>A row is the letter that is being read. Its weights, from left to "
        f'right, add up to 1.</p><div class="maps">{maps}</div>'
    )


def names_of(found):
    rows = "".join(
        f'<tr><th scope="row">{temperature}</th><td>{escape(names)}</td></tr>'
        for temperature, names in found["names"]
    )
    return (
        f"<h2>Names that it wrote</h2><p>The validation loss is {found['loss']:.3f}. Counted pairs of letters reach "
        f"{trained.BIGRAM}.</p><table><tr><th>temperature</th><th>names</th></tr>{rows}</table>"
    )


def page(file, path, failed, answers=None):
    """Write the page. After a pass, show what the trained GPT attends to and writes. These `results` are
    in the check's answers, or else a GPT is trained now. If `block` failed, draw its graph. Otherwise, show what
    the functions can show.
    """
    if failed == "block":
        mg.seed(0)
        one = TransformerBlock(4, 2)
        x = mg.Tensor(
            np.random.default_rng(0).normal(size=(1, 3, 4)).astype("float32"),
            requires_grad=True,
            name="x",
        )
        z = file.block(
            x, one.norm1, one.self_attn, one.norm2, lambda y: one.linear2(one.linear1(y))
        )
        mg.explore(z.sum(), path)
        return
    parts = []
    if failed:
        first = {"positions": positions_of, "embed": positions_of, "targets": targets_of}
        for draw in (first.get(failed), who_sees_whom):
            with contextlib.suppress(Exception):  # not written yet, or wrong
                parts.append(draw(file))
    else:
        if answers:
            (found,) = answers
        else:
            model, loss = trained.train(file)
            found = {"loss": loss, **results(file, model)}
        parts = [names_of(found), attention_of(found), who_sees_whom(file)]
    if not parts:
        raise ValueError("none of the functions can be shown")
    text = (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>Lesson 19</title>\n<style>{STYLE}</style>\n<body>\n<main>\n<h1>A small GPT of your functions</h1>\n"
        f"{chr(10).join(parts)}\n</main>\n</body>\n</html>\n"
    )
    write_whole(path, lambda to: to.write(text.encode()))
