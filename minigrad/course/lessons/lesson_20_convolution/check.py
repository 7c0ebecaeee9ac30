"""Lesson 20's questions and page. The page shows images, kernels and results as heat maps, and the pixel
whose gradient is a sum over windows.
"""

from pathlib import Path

import numpy as np

from minigrad.course.checking.lesson import Question, values
from minigrad.course.lessons.cells import STYLE as HIDDEN
from minigrad.course.lessons.lesson_20_convolution import shading, trained
from minigrad.course.lessons.lesson_20_convolution.shading import figure
from minigrad.course.lessons.lesson_20_convolution.trained import ENGINE


def random(seed, **shapes):
    """Return random numbers with one digit, by name."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).round(1) for name, shape in shapes.items()}


def steps(seed, *shape):
    """Return random integers from 0 to 2, so many windows have several largest pixels."""
    return np.random.default_rng(seed).integers(0, 3, shape).astype(float)


def cells(name, axes=None):
    """Return a function for `Question.names` that names the elements of an array in reading order. With
    axes=-2, it names the images that the last two axes contain.
    """

    def split(answer):
        array = np.asarray(answer, float)
        places = np.ndindex(array.shape[:axes])
        named = [(f"{name}[{', '.join(map(str, place))}]", array[place]) for place in places]
        return [("", np.zeros(array.shape)), *named]  # two arrays of different shapes differ here

    return split


def nudged(total, shape):
    """Return the slope of `total` for each element of its argument: its change after a nudge from 0 to 1.
    This is exact, because a convolution's result is a weighted sum.
    """
    slopes = np.zeros(shape)
    for place in np.ndindex(*shape):
        nudge = np.zeros(shape)
        nudge[place] = 1.0
        slopes[place] = total(nudge)
    return slopes


def ask(function, call, formula, name, axes=None, stretch=False):
    """Return a function that makes questions with this call from their inputs."""

    def question(**inputs):
        return Question(
            function, call, values(**inputs), formula=formula, names=cells(name, axes), stretch=stretch
        )  # fmt: skip

    return question


def kernel_question(**inputs):
    def slopes():
        from .solution import convolve  # not in the learner's process

        given = values(**inputs)(None)
        z = lambda kernel: convolve(given["x"], kernel, given["stride"])  # noqa: E731
        return nudged(lambda kernel: (given["dz"] * z(kernel)).sum(), given["size"])

    return Question("kernel_gradient", "kernel_gradient(dz, x, size, stride)", values(**inputs), measured="nudging",
                    formula=KERNEL, names=cells("dkernel"), expect=slopes)  # fmt: skip


def image_question(**inputs):
    def slopes():
        from .solution import convolve

        given = values(**inputs)(None)
        z = lambda x: convolve(x, given["kernel"], given["stride"])  # noqa: E731
        return nudged(lambda x: (given["dz"] * z(x)).sum(), given["shape"])

    return Question("image_gradient", "image_gradient(dz, kernel, shape, stride)", values(**inputs), measured="nudging",
                    formula=IMAGE, names=cells("dx"), expect=slopes)  # fmt: skip


def size_question(n, size, stride, padding):
    return Question("output_size", "output_size(n, size, stride, padding)",
                    values(n=n, size=size, stride=stride, padding=padding), formula=SIZE)  # fmt: skip


def training(file):
    """Return the helper `learns`, which trains with the functions of this file."""

    def learns():
        """Trains a network that reads digits with your functions, with and without learning its filters."""
        if wrong := trained.wrong_function(file):
            raise ValueError(f"No network was trained, because {wrong}.")
        used = trained.fast(file)
        network, before, loss, accuracy = trained.train(used, steps=100)
        _, _, loss_of_random_filters, _ = trained.train(used, learns=False, steps=100)
        moved = np.abs(network.kernels.array - before).max(axis=(1, 2))
        return {
            "every filter has moved": bool((moved > 0.1).all()),
            "the loss is lower than with random filters": bool(loss < loss_of_random_filters),
            "at least 90% of the new digits are right": bool(accuracy >= 0.9),
        }

    return {"learns": learns}


SIZE = "(n + 2 · padding - size) // stride + 1"
PAD = "z[i + padding, j + padding] = x[i, j]; all other elements are 0"
WINDOW = "window [p, q] is x[..., p · stride : p · stride + h, q · stride : q · stride + w]"
CONVOLVE = "z[p, q] = Σ x[p · stride + i, q · stride + j] · kernel[i, j], a sum over i and j"
KERNEL = (
    "dkernel[i, j] = Σ dz[p, q] · x[p · stride + i, q · stride + j], a sum over p, q and all images"
)
IMAGE = (
    "start with zeros; for each p and q, add dz[p, q] · kernel to the window of dx that starts in row p · stride "
    "and column q · stride"
)
POOL = "z[p, q] = max of x[p · size : (p + 1) · size, q · size : (q + 1) · size]"
POOLED = "dx = dz[p, q] at the first largest pixel of window [p, q], and 0 at its other pixels"
padded = ask("pad", "pad(x, padding)", PAD, "z")
window = ask("windows", "windows(x, size, stride)", WINDOW, "window ", -2)
convolved = ask("convolve", "convolve(x, kernel, stride)", CONVOLVE, "z")
pooled = ask("max_pool", "max_pool(x, size)", POOL, "z")
back = ask("max_pool_backward", "max_pool_backward(dz, x, size)", POOLED, "dx")
average = ask("average_pool", "average_pool(x, size)", "the mean of each window", "z", stretch=True)
matrix = ask("as_matrix", "as_matrix(kernel, shape, stride)",
             "matrix[r, c] is the element of the kernel that multiplies pixel c in result r, or 0",
             "matrix", stretch=True)  # fmt: skip
SQUARE = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
POOL_ME = [[1, 3, 2, 0], [4, 2, 1, 5]]
QUESTIONS = (
    size_question(4, 2, 1, 0),
    size_question(7, 2, 3, 0),
    size_question(6, 6, 1, 0),
    size_question(8, 3, 1, 1),
    size_question(9, 4, 2, 1),
    size_question(5, 5, 3, 2),
    Question("output_size", "isinstance(output_size(n, size, stride, padding), (int, np.integer))",
             values(n=8, size=3, stride=2, padding=0), formula=SIZE),
    padded(x=[[1, 2], [3, 4]], padding=1),
    padded(x=[[1, 2, 3]], padding=2),
    padded(x=[[0.5, -1.5]], padding=1),
    padded(x=[[1, 2], [3, 4]], padding=0),
    padded(x=[[[1, 2]], [[3, 4]]], padding=1),
    window(x=[[1, 2, 5, 3]], size=(1, 2), stride=1),
    window(x=SQUARE, size=(2, 2), stride=1),
    window(x=[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]], size=(2, 3), stride=1),
    window(x=[[1, 2, 3, 4, 5, 6]], size=(1, 3), stride=2),
    window(x=[[[1, 2, 3]], [[4, 5, 6]]], size=(1, 2), stride=1),
    window(**random(1, x=(5, 9, 13)), size=(3, 2), stride=2),
    convolved(x=[[1, 2, 5, 3]], kernel=[[-1, 1]], stride=1),
    convolved(x=SQUARE, kernel=[[1, 2], [0, -1]], stride=1),
    convolved(x=[[1, 2, 5, 3, 4, 1]], kernel=[[1, 0, 2]], stride=2),
    convolved(x=[[[1, 2, 4]], [[0, 3, 1]]], kernel=[[1, 10]], stride=1),
    convolved(**random(2, x=(1, 5, 9, 13), kernel=(3, 2)), stride=2),
    kernel_question(dz=[[1, 10, 100]], x=[[1, 2, 5, 3]], size=(1, 2), stride=1),
    kernel_question(dz=[[1, 0], [0, 10]], x=SQUARE, size=(2, 2), stride=1),
    kernel_question(dz=[[1, 10]], x=[[1, 2, 5, 3, 4]], size=(1, 2), stride=2),
    kernel_question(dz=[[[1, 10]], [[100, 0]]], x=[[[1, 2, 5]], [[3, 4, 6]]], size=(1, 2), stride=1),
    kernel_question(**random(3, dz=(1, 5, 4, 6), x=(1, 5, 9, 13)), size=(3, 2), stride=2),
    image_question(dz=[[1, 10, 100]], kernel=[[2, 3]], shape=(1, 4), stride=1),
    image_question(dz=[[1, 1], [1, 1]], kernel=[[1, 1], [1, 1]], shape=(3, 3), stride=1),
    image_question(dz=[[1, 0], [10, 0]], kernel=[[1, 2], [3, 4]], shape=(3, 3), stride=1),
    image_question(dz=[[1, 10]], kernel=[[2, 3, 4]], shape=(1, 6), stride=2),
    image_question(dz=[[[1, 10]], [[100, 0]]], kernel=[[2, 3]], shape=(2, 1, 3), stride=1),
    image_question(**random(4, dz=(1, 5, 4, 6), kernel=(3, 2)), shape=(1, 5, 9, 13), stride=2),
    pooled(x=POOL_ME, size=2),
    pooled(x=[[-1, -3, -7, -4], [-2, -5, -6, -9]], size=2),
    pooled(x=[[1, 2, 9, 3, 8], [4, 3, 5, 6, 9], [9, 9, 8, 7, 9]], size=2),
    pooled(x=[[[1, 3], [2, 0]], [[4, 2], [1, 5]]], size=2),
    pooled(**random(5, x=(1, 5, 7, 14)), size=3),
    back(dz=[[10, 20]], x=POOL_ME, size=2),
    back(dz=[[10, 20]], x=[[1, 3, 7, 7], [3, 2, 7, 7]], size=2),
    back(dz=[[-10, 20]], x=[[-1, -3, -7, -4], [-2, -5, -4, -9]], size=2),
    back(dz=[[10, 20]], x=[[1, 2, 9, 3, 8], [4, 3, 5, 6, 9], [9, 9, 8, 7, 9]], size=2),
    back(dz=[[[10]], [[20]]], x=[[[1, 3], [2, 0]], [[4, 2], [1, 5]]], size=2),
    back(**random(6, dz=(1, 5, 2, 4)), x=steps(7, 1, 5, 7, 14), size=3),
    Question("max_pool_backward", "learns()", training,
             "learns(): whether a network learns to read digits with your functions",
             formula="the gradients must reach the filters", names=lambda found: list(found.items()),
             training=120.0),
    average(x=[[1, 2, 3, 0], [3, 6, 1, 0]], size=2),
    average(x=[[1, 2, 9], [4, 5, 9]], size=2),
    average(**random(8, x=(2, 6, 6)), size=3),
    matrix(kernel=[[2, 3]], shape=(1, 4), stride=1),
    matrix(kernel=[[1, 2], [3, 4]], shape=(2, 3), stride=1),
    matrix(kernel=[[1, 2], [3, 4]], shape=(3, 4), stride=1),
    matrix(**random(9, kernel=(2, 3)), shape=(5, 6), stride=2),
)  # fmt: skip


def page(file, path, failed):
    """Write the page. After a pass, it shows the image, the kernels and the results, and what the filters
    learned. After a failure, it shows the inputs of the first question with a wrong answer, and both
    answers. The page is empty if no such question can be drawn.
    """
    parts = beside(file, failed) if failed else finished(file)
    text = (
        PAGE.format(style=shading.STYLE + HIDDEN, body="".join([*parts, COLOURS])) if parts else ""
    )
    Path(path).write_text(text, encoding="utf-8")


def small(*figures):
    """Return figures in one row, without numbers."""
    return f'<div class="small">{"".join(figures)}</div>'


def beside(file, failed):
    """Return figures of the first question about this function whose answer is wrong: of its inputs, of the
    answer, and of the right one. Returns [] if all numbers are right.
    """
    for question in QUESTIONS:
        if question.function != failed or not question.call.startswith(f"{failed}("):
            continue
        given = question.given(file)
        found, right = (
            np.asarray(getattr(one, failed)(*question.given(file).values()), float)
            for one in (file, ENGINE)
        )
        boxes = []
        if found.shape == right.shape:
            boxes = [(*place, 1, 1) for place in np.argwhere(~np.isclose(flat(found), flat(right)))]
            if not boxes:
                continue
        numbers = [
            f"{name} = {given[name]}"
            for name in given
            if not np.ndim(given[name]) or name in ("size", "shape")
        ]
        parts = [
            f"<h1>Your {failed}</h1><p>The first question with a wrong answer: {', '.join(numbers)}.</p>"
        ]
        parts += [
            figure(f"{name} {array.shape}", flat(array))
            for name, array in given.items()
            if isinstance(array, np.ndarray)
        ]
        parts.append(figure(f"yours {found.shape or ''}", flat(found), *boxes))
        parts.append(figure(f"expected {right.shape or ''}", flat(right), *boxes))
        if boxes:
            parts.append("<p>The frames mark the numbers that differ.</p>")
        return parts
    return []


def flat(array):
    """Return an array as a matrix. The windows of an image are laid out as in the image."""
    if array.ndim == 4:
        array = np.concatenate([np.concatenate(list(row), axis=1) for row in array])
    return array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)


def finished(file):
    """Return figures for a file that passed."""
    (images, labels), edge = trained.digits()[1], np.array([[1.0, 0, -1]] * 3)
    image = images[EXAMPLE]
    z = file.convolve(image, edge, 1)
    i, j = map(int, np.unravel_index(np.abs(z).argmax(), z.shape))
    counts = file.image_gradient(np.ones((3, 3)), np.ones((3, 3)), (5, 5), 1)
    parts = [
        f"<h1>A kernel that finds edges</h1><p>The frame in the digit marks the window with the strongest edge. Its "
        f"result is {z[i, j]:.3g}, so the left side of the window has {'more' if z[i, j] > 0 else 'less'} ink than "
        "its right side.</p>",
        figure(f"a digit {image.shape}", image, (i, j, 3, 3)), figure("the kernel (3, 3)", edge),
        figure(f"the result {z.shape}", z, (i, j, 1, 1)),
        "<h1>A pixel whose gradient is a sum</h1><p>The kernel and dz contain only ones, so each number says how many "
        f"windows contain the pixel. A corner is in one window. The pixel in the middle is in {counts[2, 2]:.0f}, and "
        "all of them contribute to its gradient. The frames mark two of these windows.</p>",
        figure("dz (3, 3)", np.ones((3, 3)), (0, 0, 1, 1), (2, 2, 1, 1)), figure("the kernel (3, 3)", np.ones((3, 3))),
        figure("the gradient of the image (5, 5)", counts, (0, 0, 3, 3), (2, 2, 3, 3)),
    ]  # fmt: skip
    return parts + filters(trained.fast(file), images, labels)


def filters(file, images, labels):
    """Return figures of the filters before and after training, and of the pixels that matter."""
    network, before, _, accuracy = trained.train(file)
    *_, random_accuracy = trained.train(file, learns=False)
    maps = network.maps(images[EXAMPLE : EXAMPLE + 1])
    pools = network.pool(maps).array[0]
    parts = [f"<h1>What the filters learned</h1><p>With filters that keep their random numbers, {random_accuracy:.1%} "
             f"of {len(labels)} new digits are right. With trained filters, {accuracy:.1%} are.</p>"]  # fmt: skip
    for f, (old, new) in enumerate(zip(before, network.kernels.array, strict=True)):
        parts.append(small(
            figure(f"filter {f}, random", old), figure("trained", new), figure("its map", maps.array[0, f]),
            figure("pooled", pools[f]),
        ))  # fmt: skip
    example = slice(EXAMPLE, EXAMPLE + 1)
    changed = trained.fooled(network, images[example], labels[example])
    was, now = (int(network(one).array.argmax()) for one in (images[example], changed))
    parts.append(
        f"<h1>Pixels that matter</h1><p>With the gradient of the image, each pixel is changed by at most "
        f"{trained.NUDGE}, in the direction that raises the loss. The network reads a {was} before, and a {now} "
        f"afterwards. Of all {len(labels)} new digits, it still reads "
        f"{network.accuracy(trained.fooled(network, images, labels), labels):.1%} correctly.</p>"
    )
    return [*parts, small(figure("before", images[EXAMPLE]), figure("the change", (changed - images[example])[0]),
                          figure("afterwards", changed[0]))]  # fmt: skip


EXAMPLE = 15
"""The held-out digit that the page shows."""
COLOURS = (
    "<p>Numbers above 0 are blue, numbers below 0 are orange, and 0 has no colour. In each picture, the largest "
    "number without its sign has the strongest colour.</p>"
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>Lesson 20: Convolution</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root {{ color-scheme: light dark; --ink: #22242a; --paper: #faf9f6; --line: #999 }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e8e6e1; --paper: #16181d; --line: #777 }} }}
body {{ font: 16px/1.5 sans-serif; margin: 1em auto; padding: 0 1em; max-width: 64em; color: var(--ink);
  background: var(--paper) }}
h1 {{ font-size: 1.3em }} figure {{ display: inline-block; margin: 0 1.5em 1.5em 0; vertical-align: top }}
figcaption {{ font-weight: bold; max-width: 17em }} svg {{ max-width: 100%; height: auto }}
.small {{ display: flex; gap: 0.5em; align-items: end }} .small figure {{ margin: 0 0 1em; width: min(9.5em, 21vw) }}
.small text {{ display: none }} .small figcaption {{ font-weight: normal; font-size: 0.9em }}
{style}</style></head><body><main>{body}</main></body></html>
"""
