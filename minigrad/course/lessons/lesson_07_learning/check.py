"""Questions of lesson 7: the parts of a training loop, with numbers that are exact in floating
point, and then the loop on XOR.
"""

import numpy as np

import minigrad as mg
from minigrad.course.lesson import Question
from minigrad.support.files import write_whole

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])


def start(seed):
    """Return the initial W1, b1, W2 and b2, as in the learner's file."""
    rng = np.random.default_rng(seed)
    arrays = {
        "W1": rng.normal(size=(2, 2)),
        "b1": np.zeros(2),
        "W2": rng.normal(size=(2, 1)),
        "b2": np.zeros(1),
    }
    return [mg.Tensor(array, requires_grad=True, name=name) for name, array in arrays.items()]


def forget(file):
    p, q = (mg.Tensor(np.array(value), requires_grad=True) for value in (3.0, [1.0, 2.0]))
    p.grad, q.grad = 100.0, [100.0, 100.0]
    file.zero_grad([p, q])
    (p * q).sum().backward()
    return [p.grad, q.grad]


def moved(values, gradients, lr, steps=1):
    def ask(file):
        parameters = [mg.Tensor(np.array(value, float), requires_grad=True) for value in values]
        for _ in range(steps):
            for p, gradient in zip(parameters, gradients, strict=True):
                p.grad = np.array(gradient, float)
            file.step(list(parameters), lr)  # step must change the Tensors, not the list
        return [p.array for p in parameters]

    return ask


def output(x, seed):
    return lambda file: file.network(np.array(x), *start(seed))


def output_gradients(file):
    parameters = start(3)
    file.network(X, *parameters).backward(np.array([[1.0], [-2.0], [0.5], [3.0]]))
    return [p.grad for p in parameters]


def one_bias(file):
    shapes = ((2, 2), (2,), (2, 1), (1,))
    parameters = [mg.Tensor(np.zeros(shape), requires_grad=True) for shape in shapes]
    return numbers(file.train(np.zeros((1, 2)), np.ones((1, 1)), parameters, 0.25, 4))


def losses(seed, lr, steps):
    return lambda file: numbers(file.train(X, Y, start(seed), lr, steps))


def trained(seed, lr, steps):
    def ask(file):
        parameters = start(seed)
        file.train(X, Y, list(parameters), lr, steps)
        return [p.array for p in parameters]

    return ask


def numbers(losses):
    """Return the losses as one array, whether they are floats, arrays or Tensors."""
    return (
        losses
        if losses is None
        else np.array([np.asarray(getattr(one, "array", one)).item() for one in losses])
    )


FORGET = "p.grad = None for each parameter"
MOVE = "p.array = p.array - lr · p.grad"
NETWORK = "tanh(x @ W1 + b1) @ W2 + b2"
TRAIN = (
    "repeat `steps` times: clear the gradients, append the loss, which is the mean of "
    "(network(x) - y)², call backward on the loss, and call step"
)
QUESTIONS = (
    Question("the gradients of p and q, which were 100, after zero_grad and one backward from p·q", "zero_grad",
             forget, formula=FORGET),
    Question("p after a step from p = 3 with gradient 6, lr = 0.25", "step", moved([3], [6], 0.25), formula=MOVE),
    Question("p and q after a step from p = (1, -2) and q = 5 with gradients (4, -8) and 2, lr = 0.5", "step",
             moved([[1, -2], 5], [[4, -8], 2], 0.5), formula=MOVE),
    Question("p after three steps from p = 1 with gradient 1, lr = 0.125", "step",
             moved([1], [1], 0.125, 3), formula=MOVE),
    Question("the output for the row (1, 0)", "network", output([[1.0, 0.0]], 2), formula=NETWORK),
    Question("the outputs for the four rows", "network", output(X, 3), formula=NETWORK),
    Question("the gradients of W1, b1, W2, b2", "network", output_gradients, "the engine", formula=NETWORK),
    Question("the losses of 4 steps on one row with y = 1, from weights of 0, with lr = 0.25", "train",
             one_bias, formula=TRAIN),
    Question("the loss before the first step", "train", losses(0, 0.2, 1), formula=TRAIN),
    Question("the losses of 3 steps", "train", losses(0, 0.2, 3), formula=TRAIN),
    Question("W1, b1, W2, b2 after 1 step", "train", trained(1, 0.1, 1), formula=TRAIN),
    Question("W1, b1, W2, b2 after 30 steps", "train", trained(1, 0.1, 30), formula=TRAIN),
    Question("the losses of 300 steps", "train", losses(0, 0.2, 300), tolerance=1e-4, formula=TRAIN),
)  # fmt: skip

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Lesson 7</title>
<body style="max-width: 720px; margin: 1em auto; padding: 0 1em; font-family: sans-serif; background: white">
<h1>Your loss curve and the right one</h1>
<p>Both runs start from the same weights and use the learning rate 0.2 on the four rows of XOR.</p>
{figure}
</body>
</html>
"""


def page(file, path, failed):
    """Draw the learner's network on the four rows. If the training is wrong, plot its loss curve next
    to the right one instead.
    """
    parameters = start(0)
    if failed in ("zero_grad", "step", "train"):
        yours = numbers(file.train(X, Y, parameters, 0.2, 100))
        figure = curves({"yours": yours, "right": by_hand(start(0), 0.2, 100)})
        write_whole(path, lambda to: to.write(PAGE.format(figure=figure).encode()))
        return
    loss = (
        (file.network(mg.Tensor(X, name="x"), *parameters) - mg.Tensor(Y, name="y")) ** 2
    ).mean()
    loss.backward()
    mg.explore(loss, path)


def by_hand(parameters, lr, steps, slope=lambda h: 1 - h * h, keep=0.0):
    """Return the losses of a training run in plain NumPy.

    `slope` is the derivative of tanh. `keep` is the fraction of the old gradient that is kept.
    """
    W1, b1, W2, b2 = arrays = [p.array.copy() for p in parameters]
    gradients, losses = [0.0] * 4, []
    for _ in range(steps):
        h = np.tanh(X @ W1 + b1)
        error = h @ W2 + b2 - Y
        losses.append((error**2).mean())
        dz = 2 * error / len(X)
        da = dz @ W2.T * slope(h)
        new = X.T @ da, da.sum(axis=0), h.T @ dz, dz.sum(axis=0)
        gradients = [keep * old + one for old, one in zip(gradients, new, strict=True)]
        for array, gradient in zip(arrays, gradients, strict=True):
            array -= lr * gradient
    return np.array(losses)


def curves(series, height=330):
    """Return an SVG plot of loss curves, {name: losses}. Losses above 1 are clipped."""
    colours, dashes, widths = ("#1f5fbf", "#d9730d", "#8fc7a0"), ("", "7 4", ""), (2.5, 2.5, 1)
    steps = max(map(len, series.values()))
    bottom, top = height - 45, 45
    parts = [
        f'<rect width="700" height="{height}" fill="white"/>',
        '<text x="10" y="25">loss</text>',
    ]
    for value in (0, 0.25, 0.5, 0.75, 1):
        y = bottom - value * (bottom - top)
        parts.append(f'<line x1="55" x2="680" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>')
        parts.append(f'<text x="48" y="{y + 5:.0f}" text-anchor="end">{value:g}</text>')
    for fifth in range(6):
        x = 55 + 125 * fifth
        parts.append(
            f'<text x="{x}" y="{bottom + 20}" text-anchor="middle">{steps * fifth // 5}</text>'
        )
    parts.append(f'<text x="367" y="{bottom + 39}" text-anchor="middle">step</text>')
    for number, (name, losses) in list(enumerate(series.items()))[::-1]:
        with np.errstate(all="ignore"):
            heights = np.clip(np.nan_to_num(losses, nan=1.0, posinf=1.0), 0, 1)
        points = " ".join(
            f"{55 + 625 * k / steps:.1f},{bottom - v * (bottom - top):.1f}"
            for k, v in enumerate(heights)
        )
        look = f'stroke="{colours[number]}" stroke-width="{widths[number]}" stroke-dasharray="{dashes[number]}"'
        parts.append(f'<polyline points="{points}" fill="none" {look}/>')
        x, y = 380, 62 + 22 * number
        parts.append(f'<line x1="{x}" x2="{x + 40}" y1="{y - 5}" y2="{y - 5}" {look}/>')
        parts.append(f'<text x="{x + 50}" y="{y}">{name}</text>')
    style = (
        'width="100%" style="max-width: 700px" font-family="sans-serif" font-size="15" fill="#222"'
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {height}" {style}>{"".join(parts)}</svg>\n'
