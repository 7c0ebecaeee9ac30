"""Questions of lesson 5, its heat maps, and its page, which uses the learner's rules in a layer."""

from html import escape
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.course.lesson import Question

NUMBERS = np.random.default_rng(5)
X = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [2.0, 1.0, 0.0], [1.0, -1.0, 1.0]])
W = np.array([[1.0, -1.0], [0.0, 2.0], [3.0, 1.0]])
B = np.array([0.5, -0.5])
DZ = np.array([[1.0, 0.0], [2.0, -1.0], [0.0, 3.0], [-1.0, 1.0]])


def numbers(*shape):
    return NUMBERS.integers(-9, 10, shape) / 2.0


def unbroadcast_of(stretched, shape):
    dz = numbers(*stretched)
    return Question(
        f"unbroadcast(dz, {shape}) for a dz of shape {stretched}",
        "unbroadcast",
        lambda file: file.unbroadcast(dz.copy(), shape),
        formula="sum dz over the axes that the array did not have and, with keepdims=True, over "
        "those where it had size 1",
    )


def gradients_of(function, call, names, formula, *arrays):
    """Return one question for each gradient that a function returns. `arrays` contains dz and the
    inputs, and `names` contains the names of the inputs.
    """
    shapes = ", ".join(
        f"{name} {array.shape}" for name, array in zip(("dz", *names), arrays, strict=True)
    )

    def question(place, name):
        def ask(file):
            found = getattr(file, function)(*(array.copy() for array in arrays))
            several = isinstance(found, tuple | list) and len(found) == len(names)
            return found[place] if several else found

        return Question(f"d{name} of {call}, for {shapes}", function, ask, measured="finite difference",
                        formula=formula)  # fmt: skip

    return [question(place, name) for place, name in enumerate(names)]


def product_of(n, k, m):
    formula = "da = dz @ bᵀ, db = aᵀ @ dz"
    arrays = numbers(n, m), numbers(n, k), numbers(k, m)
    return gradients_of("product_backward", "product_backward(dz, a, b)", "ab", formula, *arrays)


def dense_of(n, k, m, bias):
    formula = "dx = dz @ Wᵀ, dW = xᵀ @ dz, db = dz summed over the batch, in the shape of b"
    arrays = numbers(n, m), numbers(n, k), numbers(k, m), numbers(*bias)
    return gradients_of("dense_backward", "dense_backward(dz, x, W, b)", "xWb", formula, *arrays)


QUESTIONS = (
    unbroadcast_of((4, 2), (2,)),
    unbroadcast_of((4, 2), (4, 2)),
    unbroadcast_of((4, 2), (4, 1)),
    unbroadcast_of((3, 5), (1, 5)),
    unbroadcast_of((3,), ()),
    unbroadcast_of((5, 4, 2), (4, 1)),
    unbroadcast_of((2, 1, 3), (1, 3)),
    unbroadcast_of((2, 5, 3, 4), (5, 1, 4)),
    *product_of(4, 3, 2),
    *product_of(1, 5, 2),
    *product_of(2, 3, 1),
    *product_of(5, 2, 6),
    *dense_of(4, 3, 2, (2,)),
    *dense_of(5, 2, 3, (1, 3)),
    *dense_of(2, 6, 4, (4,)),
)


def heat_maps(maps):
    """Return an SVG of arrays side by side, with the values in their cells. Orange is positive and
    blue is negative, as in the explorer.

    `maps` is a list of (title, array, marked). `marked` contains the (row, column) of each cell
    with a frame.
    """
    cell, left, parts = 46, 16, []
    tallest = max(np.atleast_2d(array).shape[0] for _, array, _ in maps)
    for title, array, marked in maps:
        rows = np.atleast_2d(array)
        largest = max(float(np.abs(rows).max(initial=0)), 1e-12)
        width = max(rows.shape[1] * cell, 9 * len(title), 60)
        parts.append(f'<text x="{left}" y="24" font-weight="bold">{escape(title)}</text>')
        parts.append(f'<text x="{left}" y="44" fill="#555">{np.shape(array)}</text>')
        for (i, j), value in np.ndenumerate(rows):
            x, y = left + j * cell, 56 + i * cell
            colour, strength = (
                ("#e8811c" if value > 0 else "#2f7fd6"),
                0.1 + 0.55 * abs(value) / largest,
            )
            parts.append(
                f'<rect x="{x}" y="{y}" width="{cell - 2}" height="{cell - 2}" '
                + (f'fill="{colour}" fill-opacity="{strength:.2f}"' if value else 'fill="#f1f1f1"')
                + (' stroke="#111" stroke-width="2.5"/>' if (i, j) in marked else "/>")
            )
            parts.append(
                f'<text x="{x + cell // 2 - 1}" y="{y + 28}" '
                f'text-anchor="middle">{value:.3g}</text>'
            )
        left += width + 34
    height = 64 + tallest * cell
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left} {height}" width="{left}" '
            f'height="{height}" font-family="sans-serif" font-size="15" '
            'style="max-width:100%;height:auto">',
            f'<rect width="{left}" height="{height}" fill="white"/>',
            *parts,
            "</svg>",
        ]
    )


def measured(f, arrays):
    """Return the gradients of the sum of DZ · f(*arrays), measured by central differences. These are
    exact for sums and products.
    """
    result = []
    for place, array in enumerate(arrays):
        gradient = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            moved = []
            for h in (0.5, -0.5):
                nudged = [one.copy() for one in arrays]
                nudged[place][index] += h
                moved.append((DZ * f(*nudged)).sum())
            gradient[index] = moved[0] - moved[1]
        result.append(gradient)
    return result


# For each function: its forward pass, its inputs by name, and a function that returns the
# learner's gradients.
CASES = {
    "unbroadcast": (
        lambda b, c: b + c, {"b": B, "c": np.array([[1.0], [0.0], [-1.0], [2.0]])},
        lambda file, dz, b, c: [file.unbroadcast(dz, b.shape), file.unbroadcast(dz, c.shape)]),
    "product_backward": (
        lambda a, b: a @ b, {"a": X, "b": W}, lambda file, dz, a, b: file.product_backward(dz, a, b)),
    "dense_backward": (
        lambda x, W, b: x @ W + b, {"x": X, "W": W, "b": B},
        lambda file, dz, x, W, b: file.dense_backward(dz, x, W, b)),
}  # fmt: skip


def page(file, path, failed):
    """Draw the learner's rule as a gate. If a gradient has the wrong shape for a graph, draw heat maps
    instead.
    """
    f, inputs, ask = CASES[failed or "dense_backward"]
    yours = [
        np.asarray(g, dtype=float)
        for g in ask(file, DZ.copy(), *(array.copy() for array in inputs.values()))
    ]
    if [g.shape for g in yours] != [array.shape for array in inputs.values()]:
        Path(path).write_text(
            misshapen(inputs, yours, measured(f, list(inputs.values())), failed), encoding="utf-8"
        )
        return

    class YourRule(mg.Gate):
        """A gate whose backward is your function."""

        symbol = (failed or "dense_backward").partition("_")[0]

        def forward(self, *arrays):
            return f(*arrays)

        def backward(self, dz, z, *arrays):
            return tuple(np.asarray(g, dtype=float) for g in ask(file, dz, *arrays))

    def loss(*tensors):
        return (YourRule()(*tensors) * mg.Tensor(DZ, name="dz")).sum()

    tensors = [mg.Tensor(array, requires_grad=True, name=name) for name, array in inputs.items()]
    report = mg.gradcheck(loss, *tensors) if failed else None
    mg.explore(loss(*tensors), path, report=report)


def misshapen(inputs, yours, right, failed):
    """Return a page of heat maps: the inputs, and each gradient next to the measured one."""
    pictures = [heat_maps([("dz", DZ, ())] + [(name, array, ()) for name, array in inputs.items()])]
    for name, mine, numeric in zip(inputs, yours, right, strict=False):
        pictures.append(
            heat_maps([(f"d{name}: yours", mine, ()), ("finite difference", numeric, ())])
        )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Shapes</title>'
        "<style>body{font:16px/1.5 sans-serif;max-width:46em;margin:1.5em auto;padding:0 "
        "1em;color:#1c1c22;background:#faf9f6}svg{display:block;margin:1em 0;border:1px solid "
        "#ddd;border-radius:8px}@media(prefers-color-scheme:dark){body{color:#eee;background:#18181b}}</style></head><body><main>"
        f"<h1>{failed}: compare the shapes</h1><p>No graph could use these gradients, because at least one of "
        "them does not have the shape of its array. The first row shows the arguments of your "
        "function. The other rows show each gradient next to the measured "
        "one.</p>{''.join(pictures)}</main></body></html>"
    )
