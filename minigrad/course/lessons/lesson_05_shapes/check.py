"""Questions of lesson 5, its heat maps, and its page, which uses the learner's rules in a layer."""

from html import escape
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import Question

X = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0], [2.0, 1.0, 0.0], [1.0, -1.0, 1.0]])
W = np.array([[1.0, -1.0], [0.0, 2.0], [3.0, 1.0]])
B = np.array([0.5, -0.5])
DZ = np.array([[1.0, 0.0], [2.0, -1.0], [0.0, 3.0], [-1.0, 1.0]])


def numbers(shape, seed=0):
    """Return an array of different whole numbers, some of them negative."""
    count = int(np.prod(shape))
    drawn = np.random.default_rng((count, seed)).permutation(np.arange(1.0, count + 1)) + seed
    return np.where(drawn % 3 == 0, -drawn, drawn).reshape(shape)


UNBROADCAST = "sum dz over the axes that the array did not have and, with keepdims=True, over those where it had size 1"
PRODUCT = "da = dz @ bᵀ, db = aᵀ @ dz"
DENSE = "dx = dz @ Wᵀ, dW = xᵀ @ dz, db = dz summed over the batch, in the shape of b"
STACKED = "as for one product, with .swapaxes(-1, -2) in place of .T; then sum db over the stack"
TIMES = "da = dz ⊙ b, summed back to the shape of a; db = dz ⊙ a, summed back to the shape of b"


def unbroadcast_of(what, stretched, shape, scale=1):
    shown = f"the gradient of an array of shape {shape} that was stretched to {stretched}{what}"
    dz = numbers(stretched) / scale
    places = np.broadcast_to(np.arange(np.prod(shape, dtype=int)).reshape(shape), stretched)

    def by_element(answer):
        if np.shape(answer) != shape:
            raise ValueError("the message about the shape is better")
        for place, index in enumerate(np.ndindex(shape)):
            uses = [f"{number:g}" for number in dz[places == place]]
            several = " and ".join(uses) if len(uses) < 5 else f"{len(uses)} numbers"
            yield f"{list(index) or 'the number'}, from dz: {several}", np.asarray(answer)[index]

    return Question(
        "unbroadcast", "unbroadcast(dz, shape)", lambda file: {"dz": dz.copy(), "shape": shape}, shown,
        "finite difference", formula=UNBROADCAST, names=by_element,
    )  # fmt: skip


def gradients_of(call, formula, what, stretch=False, **arrays):
    """Return a question about a function that returns one gradient for each input but the first, dz."""
    names = [f"d{name}" for name in arrays][1:]

    def given(file):
        return {name: array.copy() for name, array in arrays.items()}

    def by_name(gradients):
        return [(name, gradients[i]) for i, name in enumerate(names)]

    return Question(
        call.partition("(")[0], call, given, what, "finite difference", formula=formula, names=by_name,
        stretch=stretch,
    )  # fmt: skip


def product_of(n, k, m):
    return gradients_of("product_backward(dz, a, b)", PRODUCT, f"da and db, for a ({n}, {k}) and b ({k}, {m})",
                        dz=numbers((n, m)), a=numbers((n, k), 1), b=numbers((k, m), 2))  # fmt: skip


def dense_of(n, k, m, bias):
    return gradients_of("dense_backward(dz, x, W, b)", DENSE,
                        f"dx, dW and db, for a batch of {n}, {k} inputs, {m} outputs and b {bias}",
                        dz=numbers((n, m)), x=numbers((n, k), 1), W=numbers((k, m), 2), b=numbers(bias))  # fmt: skip


def stacked_of(stack, n, k, m):
    return gradients_of("stacked_backward(dz, a, b)", STACKED, f"da and db, for a {(stack, n, k)} and b {(k, m)}",
                        True, dz=numbers((stack, n, m)), a=numbers((stack, n, k), 1), b=numbers((k, m), 2))  # fmt: skip


def times_of(a, b):
    return gradients_of("multiply_backward(dz, a, b)", TIMES, f"da and db, for a {a} and b {b}", True,
                        dz=numbers(np.broadcast_shapes(a, b)), a=numbers(a, 1), b=numbers(b, 2))  # fmt: skip


QUESTIONS = (
    unbroadcast_of(": one row added to three rows", (3, 2), (2,)),
    unbroadcast_of(": one column added to three columns", (2, 3), (2, 1), 2),
    unbroadcast_of(": not stretched at all", (2, 3), (2, 3)),
    unbroadcast_of(": the row is an array of two axes", (3, 2), (1, 2)),
    unbroadcast_of(": one number, no axes", (3,), ()),
    unbroadcast_of(": two missing axes", (3, 4, 2), (2,)),
    unbroadcast_of(": a missing axis and an axis of size 1", (4, 3, 2), (3, 1)),
    unbroadcast_of(": an axis of size 1 that was not stretched", (2, 1, 3), (1, 3)),
    unbroadcast_of(": two axes of size 1", (3, 2), (1, 1)),
    unbroadcast_of("", (2, 5, 3, 4), (5, 1, 4)),
    gradients_of("product_backward(dz, a, b)", PRODUCT, "da and db, for the x and W of the text", dz=DZ, a=X, b=W),
    product_of(1, 3, 2),
    product_of(3, 2, 1),
    product_of(5, 2, 6),
    product_of(2, 2, 2),
    product_of(3, 3, 3),
    gradients_of("dense_backward(dz, x, W, b)", DENSE, "dx, dW and db, for the layer of the text",
                 dz=DZ, x=X, W=W, b=B),
    dense_of(1, 4, 2, (2,)),
    dense_of(2, 4, 3, (1, 3)),
    dense_of(2, 6, 4, (4,)),
    dense_of(2, 2, 2, (2,)),
    stacked_of(2, 1, 4, 3),
    stacked_of(2, 5, 3, 4),
    times_of((3, 2), (2,)),
    times_of((2, 3), (2, 1)),
    times_of((3, 1), (1, 2)),
)  # fmt: skip


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
