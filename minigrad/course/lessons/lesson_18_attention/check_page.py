"""Lesson 18's page: weights as heat maps, and who sees whom."""

import contextlib
from pathlib import Path

import numpy as np

import minigrad as mg
from layers import MultiHeadAttention
from minigrad.course.checking.answers import difference
from minigrad.course.lessons.cells import STYLE as HIDDEN
from minigrad.course.lessons.lesson_18_attention import shading, trained
from minigrad.course.lessons.lesson_18_attention.check_inputs import MATRICES, random, tensor
from minigrad.course.lessons.lesson_18_attention.check_sight import (
    seen_in_attention,
    seen_in_multi_head,
    sees,
)
from minigrad.course.lessons.lesson_18_attention.check_training import PAGE_SHOWS


def page(file, path, failed, answers=None):
    """Write the page: heat maps of what the learner's functions return.

    After a pass, it shows where the trained networks look, which is in the check's answers. Without
    these answers, networks are trained now. After a failure, it shows the function
    that failed next to the right result. Both show who sees whom, as far as the learner has come.
    """
    parts = beside(file, failed) if failed else looking(file, answers)
    if failed in (None, "attention", "multi_head"):
        with contextlib.suppress(Exception):  # a wrong function may fail with other inputs
            parts += seeing(file, failed)
    text = PAGE.format(style=shading.STYLE + HIDDEN, body="".join(parts))
    Path(path).write_text(text, encoding="utf-8")


def looking(file, answers):
    """Return figures that show where the trained networks look."""
    parts = ["<h1>Where your networks look</h1><p>Each network reads five digits and writes five digits. A row shows "
             "its weights while it writes one of them, a mean over both heads and 200 new sequences. A column is a "
             "place that was read. For sort, it is a rank: column 0 is the smallest digit.</p>"]  # fmt: skip
    if answers:
        shown = [answer[PAGE_SHOWS] for answer in answers]
    else:
        shown = [(task, one[1], one[3]) for task, one in trained.shown(file).items()]
    for task, accuracy, look in shown:
        parts.append(shading.figure(f"{task}: {accuracy:.0%} are right", look))
    return parts


def seeing(file, failed):
    """Return a figure of who sees whom in the function that failed, or in `multi_head`."""
    name = failed or "multi_head"
    make = {"attention": seen_in_attention, "multi_head": seen_in_multi_head}[name](file)
    seen = sees(*(make[one] for one in ("f", "x", "k", "v") if one in make)) > 0
    later = seen & ~np.tri(len(seen), dtype=bool)
    leaks = [f"position {i} sees position {j}" for i, j in np.argwhere(later)]
    told = f"A leak: {leaks[0]}." if leaks else "No position sees a later one."
    return [f"<h1>Who sees whom in {name}</h1><p>With causal=True. A cell is full if the output of its row changes "
            f"when the input of its column does. {told}</p>",
            shading.figure("outputs (down), inputs (across)", seen, wrong=later)]  # fmt: skip


def beside(file, failed):
    """Return figures of the result of the function that failed, and of the right one."""
    for causal in (True, False):  # the first that is wrong
        yours, right = compared(file, failed, causal)
        if difference(yours, right, 1e-6):
            break
    flag = f" causal={causal}." if failed in ("weights", "attention", "multi_head") else ""
    parts = [f"<h1>Your {failed}</h1><p>{SHOWN[failed]}{flag}</p>"]
    most = shading.largest(yours, right)
    for who, array in (("yours", yours), ("expected", right)):
        array = array.reshape(-1, *array.shape[-2:])
        for h, cells in enumerate(array):
            title = f"{who}, head {h}" if len(array) > 1 else who
            parts.append(shading.figure(f"{title} {cells.shape}", cells, most=most))
    return parts


def compared(file, failed, causal):
    """Return the result of the function that failed, and the right one."""
    numbers = random(5, q=(4, 4), k=(4, 4), v=(4, 2))
    q, k, v = map(tensor, numbers.values())
    s = np.einsum("td,sd->ts", numbers["q"], numbers["k"]) / 2
    p = mg.softmax(mg.where(np.tri(4, dtype=bool) | (not causal), s, -1e9)).array
    x = np.array([[[10 * t + c + 11 for c in range(4)] for t in range(3)]], float)
    heads = np.stack([x[..., :2], x[..., 2:]], axis=1)
    if failed == "multi_head":
        numbers = random(4, x=(1, 6, 4), **dict.fromkeys(MATRICES, (4, 4)))
        layer = MultiHeadAttention(4, 2, causal, bias=False)
        layer.W_qkv.array = np.concatenate([numbers[name] for name in MATRICES[:3]], axis=1)
        layer.out_proj.W.array = numbers["W_out"]
        yours, right = (
            file.multi_head(*map(tensor, numbers.values()), 2, causal),
            layer(numbers["x"]),
        )
    else:
        yours, right = {
            "scores": lambda: (file.scores(q, k), s), "weights": lambda: (file.weights(tensor(s), causal), p),
            "attention": lambda: (file.attention(q, k, v, causal), p @ v.array),
            "split_heads": lambda: (file.split_heads(tensor(x), 2), heads),
            "merge_heads": lambda: (file.merge_heads(tensor(heads)), x),
        }[failed]()  # fmt: skip
    return [np.asarray(getattr(one, "array", one), float) for one in (yours, right)]


SHOWN = {
    "scores": "The scores of four queries (down) with four keys (across), for random vectors of length 4.",
    "weights": "The weights of four positions (down) on four positions (across), with",
    "attention": "The results of four positions (down), with",
    "split_heads": "x has three positions and four columns, for two heads. 23 is in the second row, third column.",
    "merge_heads": "z has two heads, with three positions and two columns each. In x, 23 was in the second row, third "
                   "column.",
    "multi_head": "The results of six positions (down), for random matrices and two heads, with",
}  # fmt: skip
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Lesson 18: Attention</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root {{ color-scheme: light dark; --ink: #22242a; --paper: #faf9f6; --line: #999 }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e8e6e1; --paper: #16181d; --line: #777 }} }}
body {{ font: 16px/1.5 sans-serif; margin: 1em auto; padding: 0 1em; max-width: 64em; color: var(--ink);
  background: var(--paper) }}
h1 {{ font-size: 1.3em }} figure {{ display: inline-block; margin: 0 1.5em 1.5em 0; vertical-align: top }}
figcaption {{ font-weight: bold; max-width: 17em }} svg {{ max-width: 100%; height: auto }}
{style}</style></head><body><main>{body}</main></body></html>
"""
