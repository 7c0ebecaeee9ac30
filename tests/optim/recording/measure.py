"""Measure what recording costs: python -m tests.optim.recording.measure [STEPS].

Runs with and without a Recorder alternate in one process. Use one core and one thread of BLAS:
OPENBLAS_NUM_THREADS=1 taskset -c 1 python -m tests.optim.recording.measure
"""

import sys
import time
from contextlib import nullcontext
from itertools import islice
from statistics import median
from typing import Any

import numpy as np

import minigrad as mg
import optim
from layers import (
    RNN,
    Dense,
    Embedding,
    LayerNorm,
    PositionalEmbedding,
    Sequential,
    TransformerBlock,
)
from minigrad.data import Batches, Characters, load_digits, load_imdb, load_names, pad
from optim.recording.page import page
from optim.recording.recorder import Recorder


def reviews():
    """The RNN of examples/imdb_sentiment.py."""
    data = load_imdb(length=40)

    def make():
        words = len(data.vocabulary)
        return Sequential(Embedding(words, 128), RNN(128, 32), Dense(32, 1))

    def loss(logits, labels):
        return mg.binary_cross_entropy(logits.reshape(-1), labels)

    return make, loss, data.train.ids, data.train.labels


def digits():
    """A small MLP."""
    images, labels = load_digits()

    def make():
        relu: Any = mg.relu
        return Sequential(Dense(64, 64, relu), Dense(64, 64, relu), Dense(64, 10))

    x = images.reshape(-1, 64).astype("float32") / 16
    return make, mg.softmax_cross_entropy, x, labels


def names():
    """A small GPT."""
    texts = load_names()
    letters = Characters.build("".join(texts))
    rows = pad([letters.encode(text) for text in texts], 16, side="right").astype(int)

    def make():
        blocks = [TransformerBlock(64, heads=4, dropout=0.1) for _ in range(2)]
        ends = LayerNorm(64), Dense(64, len(letters), bias=False)
        table = Embedding(len(letters), 64)
        return Sequential(table, PositionalEmbedding(16, 64), *blocks, *ends)

    def loss(logits, labels):
        return mg.cross_entropy(logits.reshape(-1, len(letters)), labels.reshape(-1))

    return make, loss, np.pad(rows[:, :-1], ((0, 0), (1, 0))), rows


def run(parts, steps, block):
    """Train. Return the seconds of the steps, those of the end, and the losses."""
    make, loss, x, y = parts
    mg.seed(0)
    model = make()
    optimizer = optim.Adam(model.named_parameters(), lr=1e-3)
    batches = Batches(x, y, batch_size=32, seed=0)
    epochs = (batch for _ in range(steps) for batch in batches)
    losses = []
    with block, mg.fused():
        start = time.perf_counter()
        for inputs, labels in islice(epochs, steps):
            output = loss(model(inputs), labels)
            optimizer.zero_grad()
            output.backward()
            optimizer.step()
            losses.append(output.item())
        end = time.perf_counter()
    return end - start, time.perf_counter() - end, losses


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print("network   step without  ratio of steps (median of 9)  at the end  page")
    for task in (digits, reviews, names):
        parts = task()
        run(parts, 20, nullcontext())
        ratios, seconds, ends = [], [], []
        for turn in range(9):
            recorder = Recorder()
            blocks: list[Any] = [nullcontext(), recorder][:: 1 if turn % 2 else -1]
            times = {block: run(parts, steps, block) for block in blocks}
            with_page, end, losses = times.pop(recorder)
            ((without, _, same),) = times.values()
            assert losses == same
            ratios.append(with_page / without)
            seconds.append(without / steps)
            ends.append(end)
        size = len(page(recorder, "t")) / 1e6
        print(
            f"{task.__name__:8} {1000 * median(seconds):10.2f} ms {median(ratios):21.3f} "
            f"{median(ends):17.2f} s {size:6.2f} MB"
        )


if __name__ == "__main__":
    main()
