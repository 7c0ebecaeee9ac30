"""The networks of lesson 20: a few filters and one matrix recognise digits of 8 x 8 pixels.

`python lesson_20_convolution.py` trains them with the learner's functions.
"""

import time
from functools import lru_cache
from types import SimpleNamespace

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import progress
from minigrad.course.lessons.lesson_20_convolution import shading
from minigrad.data import load_digits
from optim import Adam

FILTERS, SIZE, PADDING, POOL = 4, 3, 1, 2
STEPS, BATCH, HELD_OUT, SEEDS = 200, 64, 400, 5
SLOW = 10
"""How many times as long a step may take as with the engine's functions. If the learner's functions are
right, but slower, the engine's functions train. The solution takes about twice as long.
"""
NUDGE = 0.1
"""How much a pixel changes to fool a network. The background is 0 and ink is 1."""


class _Convolve(mg.Gate):
    """z[n, f] = the convolution of the padded image n and kernel f, by the learner's functions."""

    symbol = "convolve"
    differentiable_twice = False

    def __init__(self, file):
        self.file = file

    def forward(self, x, kernels):
        x = self.file.pad(x, PADDING)
        return np.stack([self.file.convolve(x, kernel, 1) for kernel in kernels], axis=1)

    def backward(self, dz, z, x, kernels):
        x, file, inside = self.file.pad(x, PADDING), self.file, slice(PADDING, -PADDING)
        pairs = [(dz[:, f], kernel) for f, kernel in enumerate(kernels)]
        return (
            lambda: sum(file.image_gradient(d, k, x.shape, 1)[:, inside, inside] for d, k in pairs),
            lambda: np.stack([file.kernel_gradient(d, x, k.shape, 1) for d, k in pairs]),
        )


class _MaxPool(mg.Gate):
    """z = the maximum of each window, by the learner's functions."""

    symbol = "max pool"
    differentiable_twice = False

    def __init__(self, file):
        self.file = file

    def forward(self, x):
        return self.file.max_pool(x, POOL)

    def backward(self, dz, z, x):
        return (self.file.max_pool_backward(dz, x, POOL),)


class Network:
    """Images (N, 8, 8) -> convolution, ReLU, max pooling and a matrix -> ten logits for each image.

    If `learns` is False, the filters keep their random numbers, and only the matrix is trained.
    """

    def __init__(self, file, rng, learns=True):
        self.convolve, self.pool = _Convolve(file), _MaxPool(file)
        start = {
            "kernels": 0.3 * rng.standard_normal((FILTERS, SIZE, SIZE)), "b": np.full((FILTERS, 1, 1), 0.3),
            "W": 0.1 * rng.standard_normal((FILTERS * 16, 10)), "c": np.zeros(10),
        }  # fmt: skip
        for name, array in start.items():
            setattr(self, name, mg.Tensor(array, requires_grad=learns or name in "Wc", name=name))
        self.parameters = [getattr(self, name) for name in start if learns or name in "Wc"]

    def maps(self, x):
        """Return the feature maps (N, filters, 8, 8)."""
        return mg.relu(self.convolve(x, self.kernels) + self.b)

    def __call__(self, x):
        return self.pool(self.maps(x)).reshape(len(x), -1) @ self.W + self.c

    def accuracy(self, images, labels):
        with mg.no_grad():
            return float((self(images).array.argmax(axis=1) == labels).mean())


class Pixels(Network):
    """A matrix that turns the pixels into ten logits, without filters."""

    def __init__(self, rng):
        self.W = mg.Tensor(0.1 * rng.standard_normal((64, 10)), requires_grad=True)
        self.c = mg.Tensor(np.zeros(10), requires_grad=True)
        self.parameters = [self.W, self.c]

    def __call__(self, x):
        return x.reshape(len(x), -1) @ self.W + self.c


@lru_cache
def digits():
    """Return ((images, labels) to train with, (images, labels) held out), with pixels from 0 to 1."""
    images, labels = load_digits()
    order = np.random.default_rng(0).permutation(len(images))
    images, labels = images[order] / 16, labels[order]
    return (images[HELD_OUT:], labels[HELD_OUT:]), (images[:HELD_OUT], labels[:HELD_OUT])


def fit(network, rng, steps):
    """Train a network. Return its last loss, a mean over 50 steps."""
    (images, labels), _ = digits()
    optimizer, losses = Adam(network.parameters, lr=0.02), []
    for step in range(steps):
        ids = rng.integers(0, len(images), BATCH)
        loss = mg.softmax_cross_entropy(network(images[ids]), labels[ids])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        progress((step + 1) / steps)
    return float(np.mean(losses[-50:]))


def train(file, learns=True, seed=0, steps=STEPS):
    """Train a network. Return it, its kernels before training, its last loss, and its accuracy on held-out
    digits.
    """
    rng = np.random.default_rng(seed)
    network = Network(file, rng, learns)
    before = network.kernels.array.copy()
    loss = fit(network, rng, steps)
    return network, before, loss, network.accuracy(*digits()[1])


def without_filters(seed):
    """Train and return a matrix that reads the pixels directly."""
    rng = np.random.default_rng(seed)
    network = Pixels(rng)
    fit(network, rng, STEPS)
    return network


def step_seconds(file):
    """Return the least time of three steps. The first step is slower: it loads code and fills caches."""
    (images, labels), _ = digits()
    network = Network(file, np.random.default_rng(0))
    times = [time.perf_counter()]
    for count in (2, BATCH, BATCH, BATCH):
        mg.softmax_cross_entropy(network(images[:count]), labels[:count]).backward()
        times.append(time.perf_counter())
    return min(np.diff(times)[1:])


def is_slow(file):
    """Return whether training would take long with these functions."""
    return bool(step_seconds(file) > SLOW * step_seconds(ENGINE))


def fast(file):
    """Return these functions or, if they are slow, the engine's functions after printing a message."""
    if not is_slow(file):
        return file
    print("Your functions are right, but slow. The engine's functions train the networks.")
    return ENGINE


def wrong_function(file):
    """Return a message about the first function of a file that does not agree with the engine, such
    as "pad is not right yet", or ''.
    """
    rng = np.random.default_rng(1)
    x, kernel, dz = (
        rng.normal(size=(2, 3, 7, 8)),
        rng.normal(size=(2, 3)),
        rng.normal(size=(2, 3, 3, 3)),
    )
    pooled, ties = rng.normal(size=(2, 3, 3, 4)), rng.integers(0, 3, x.shape).astype(float)
    calls = {
        "output_size": (9, 2, 2, 1), "pad": (x, 1), "windows": (x, (2, 3), 2), "convolve": (x, kernel, 2),
        "kernel_gradient": (dz, x, (2, 3), 2), "image_gradient": (dz, kernel, x.shape, 2), "max_pool": (x, 2),
        "max_pool_backward": (pooled, ties, 2),
    }  # fmt: skip
    for name, arguments in calls.items():
        right = getattr(ENGINE, name)(*arguments)
        try:
            found = getattr(file, name)(*arguments)
            agrees = np.shape(found) == np.shape(right) and np.allclose(found, right)
        except NotImplementedError:
            return f"{name} is not written yet"
        except Exception:  # the check reports it
            agrees = False
        if not agrees:
            return f"{name} is not right yet"
    return ""


def fooled(network, images, labels):
    """Return images in which each pixel has changed by at most `NUDGE`, in the direction that raises the
    loss.
    """
    x = mg.Tensor(images, requires_grad=True)
    mg.softmax_cross_entropy(network(x), labels).backward()
    return np.clip(images + NUDGE * np.sign(x.grad), 0, 1)


def _engine(x, kernel, stride):
    x = mg.Tensor(np.array(x, float), requires_grad=True)
    kernel = mg.Tensor(np.array(kernel, float), requires_grad=True)
    images = x.reshape(-1, 1, *x.shape[-2:])
    z = mg.conv(images, kernel.reshape(1, 1, *kernel.shape), stride)
    return z.reshape(*x.shape[:-2], *z.shape[-2:]), x, kernel


def _pooled(x, size):
    x = mg.Tensor(np.array(x, float), requires_grad=True)
    return mg.max_pool(x, (size, size)), x


def _gradient(z, x, dz):
    return mg.grad(z, [x], upstream=dz)[0].array


def _image_gradient(dz, kernel, shape, stride):
    z, x, _ = _engine(np.zeros(shape), kernel, stride)
    return _gradient(z, x, dz)


def _kernel_gradient(dz, x, size, stride):
    z, _, kernel = _engine(x, np.zeros(size), stride)
    return _gradient(z, kernel, dz)


ENGINE = SimpleNamespace(
    output_size=lambda n, size, stride, padding: len(range(0, n + 2 * padding - size + 1, stride)),
    pad=lambda x, padding: np.pad(x, [(0, 0)] * (np.ndim(x) - 2) + [(padding, padding)] * 2),
    windows=lambda x, size, stride: mg.windows(x, size, stride).array,
    convolve=lambda x, kernel, stride: _engine(x, kernel, stride)[0].array,
    kernel_gradient=_kernel_gradient,
    image_gradient=_image_gradient,
    max_pool=lambda x, size: _pooled(x, size)[0].array,
    max_pool_backward=lambda dz, x, size: _gradient(*_pooled(x, size), dz),
)
"""The same functions by the engine, which computes the gradients."""


def run(file):
    """Train networks without filters, with random and with trained filters. Print how many held-out
    digits they read correctly, and draw the filters.
    """
    if wrong := wrong_function(file):
        print(f"{wrong}. Run minigrad course check 20.")
        return
    images, labels = digits()[1]
    file = fast(file)
    shifted = np.pad(images, [(0, 0), (0, 0), (1, 0)])[..., :-1]
    print(f"accuracy on {HELD_OUT} new digits, a mean of {SEEDS} networks:")
    for name, learns in (("no", None), ("random", False), ("trained", True)):
        found = [
            (without_filters(seed),) if learns is None else train(file, learns, seed)
            for seed in range(SEEDS)
        ]
        right, later = (
            np.mean([one[0].accuracy(x, labels) for one in found]) for x in (images, shifted)
        )
        print(
            f"{name:>7} filters: {right:.1%}; shifted right by one pixel: {later:.1%}", flush=True
        )
    network, before, _, accuracy = found[0]
    share = network.accuracy(fooled(network, images, labels), labels)
    print(f"first network with trained filters: {accuracy:.1%}")
    print(f"after a change of at most {NUDGE} in each pixel: {share:.1%}")
    with open("lesson_20_filters.svg", "w", encoding="utf-8") as svg:
        svg.write(shading.picture(panels(network, before), shared=True))
    print("lesson_20_filters.svg shows the filters.")


def panels(network, before):
    """Return each filter before and after training, by title."""
    pairs = zip(before, network.kernels.array, strict=True)
    return {
        f"filter {f}, {when}": cells
        for f, pair in enumerate(pairs)
        for when, cells in zip(("random", "trained"), pair, strict=True)
    }
