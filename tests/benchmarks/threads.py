"""Measure matrix products, and eight models trained in eight Python threads.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/threads.py
    OPENBLAS_NUM_THREADS=2 python tests/benchmarks/threads.py

A line shows the shortest time of several runs. Use an idle machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import numpy as np

import minigrad as mg
from layers import LSTM, RNN, Dense, Embedding, Sequential
from optim import Adam

SHAPES = [
    (32, 32, 128),
    (100, 32, 128),
    (32, 128, 512),
    (64, 256, 1024),
    (6400, 256, 96),
]
MODELS, STEPS = 8, 20
rng = np.random.default_rng(0)


def shortest(call: Callable[[], object], times: int) -> float:
    marks = [time.perf_counter()]
    for _ in range(times):
        call()
        marks.append(time.perf_counter())
    return float(np.diff(marks).min())


def mlp() -> Thread:
    model = Sequential(Dense(784, 256), mg.relu, Dense(256, 10))
    return Thread(
        target=train, args=(model, rng.normal(size=(128, 784)).astype("float32"))
    )


def rnn() -> Thread:
    model = Sequential(Embedding(10_000, 128), RNN(128, 32, fused=True), Dense(32, 10))
    return Thread(target=train, args=(model, rng.integers(0, 10_000, (32, 40))))


def lstm() -> Thread:
    model = Sequential(Embedding(65, 64), LSTM(64, 256, fused=True), Dense(256, 10))
    return Thread(target=train, args=(model, rng.integers(0, 65, (32, 40))))


def train(model: Any, x: Any) -> None:
    optimizer, labels = Adam(model.named_parameters()), rng.integers(0, 10, len(x))
    for _ in range(STEPS):
        loss = mg.softmax_cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def run(build: Callable[[], Thread], at_once: bool) -> None:
    threads = [build() for _ in range(MODELS)]
    for thread in threads:
        thread.start()
        if not at_once:
            thread.join()
    for thread in threads:
        thread.join()


for B, n, m in SHAPES:
    a, b, z = (np.ones(shape, np.float32) for shape in [(B, n), (n, m), (B, m)])
    seconds = shortest(lambda a=a, b=b, z=z: a.dot(b, z), 2000)  # type: ignore[misc]
    print(f"({B}, {n}) @ ({n}, {m}): {1e6 * seconds:.1f} us")
for build in (mlp, rnn, lstm):
    alone, together = (
        shortest(lambda at_once=at_once, build=build: run(build, at_once), 4)  # type: ignore[misc]
        for at_once in (False, True)
    )
    print(
        f"{build.__name__}: {alone:.2f} s one after the other, {together:.2f} s at once"
    )
