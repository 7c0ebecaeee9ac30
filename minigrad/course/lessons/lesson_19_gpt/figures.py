"""Draw attention.svg for lesson 19, and train GPTs with a mistake for its table.

python -m minigrad.course.lessons.lesson_19_gpt.figures
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

import minigrad as mg
from minigrad.course.lessons.lesson_19_gpt import shading, solution, trained

COLOURS = ".right { fill: #0072b2 } .frame { fill: none; stroke: #b9b6ae } text { fill: #22242a }"


def not_shifted(ids):
    inputs = ids[:, :-1]
    return inputs, np.where((inputs == 0) & (np.arange(inputs.shape[1]) > 0), -100, inputs)


MISTAKES = {
    "right": {},
    "no positions": {"embed": lambda table, ids, start=0: mg.lookup(table, ids)},
    "no residuals": {"block": lambda x, norm1, attention, norm2, mlp: mlp(norm2(attention(norm1(x))))},
    "no norms": {
        "block": lambda x, norm1, attention, norm2, mlp: (y := x + attention(x)) + mlp(y)
    },
    "post-norm": {
        "block": lambda x, norm1, attention, norm2, mlp: norm2((y := norm1(x + attention(x))) + mlp(y))
    },
    "no mask": {
        "attend": lambda q, k, v, cache=None: (mg.scaled_dot_product_attention(q, k, v), (k, v))
    },
    "not shifted": {"targets": not_shifted},
}  # fmt: skip


def main():
    for blocks in (2, 6):
        for name, wrong in MISTAKES.items():
            file = SimpleNamespace(**{**vars(solution), **wrong})
            model, loss = trained.train(file, blocks=blocks)
            names = ", ".join(trained.written(file, model, 5)) if name != "no mask" else ""
            print(f"{blocks} blocks, {name:13} {loss:.3f}  {names}", flush=True)
            if (blocks, name) == (2, "right"):
                draw(model, file)


def draw(model, file):
    """Draw the heads of the trained GPT: a row for each block."""
    ids, shown = shading.letters()
    maps = [shading.heat(weights, shown, shown) for heads in model.maps(ids) for weights in heads]
    inside = "".join(
        f'<g transform="translate({10 + 270 * (i % 2)} {30 + 290 * (i // 2)})">{one}'
        f'<text x="20" y="-8" font-family="sans-serif">block {i // 2 + 1}, head {i % 2 + 1}</text></g>'
        for i, one in enumerate(maps)
    )
    Path(__file__).with_name("attention.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="530" height="570" viewBox="0 0 530 570">'
        f'<style>{COLOURS}</style><rect width="100%" height="100%" fill="white"/>{inside}</svg>\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
