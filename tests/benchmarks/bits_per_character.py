"""Bits per held-back character of one character model in minigrad and in PyTorch, and of an n-gram model.

    python tests/benchmarks/bits_per_character.py minigrad|torch|ngram [--seed 0] [--thousands 1000]

An LSTM between one-hot characters and a dense layer, on the bundled reviews, with equal start weights, batches in equal
order, clipping and Adam. docs/writing.md has the figures. Only `torch` needs PyTorch, and only `ngram` nltk.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.data import Characters, Stream, load_imdb

Array = NDArray[Any]
HIDDEN, BATCH, STEPS = 256, 20, 50  # 1,000 characters to an update
LR, NORM = 2e-3, 1.0
HELD_BACK = 100_000  # characters
REPORT = 100  # thousand characters


def text() -> tuple[str, str]:
    """What to learn from, and what is held back: as in examples/write_reviews.py."""
    imdb = load_imdb()
    whole = "\n".join(imdb.vocabulary.decode(ids[ids > 2]) for ids in imdb.train.ids)
    return whole[:-HELD_BACK], whole[-HELD_BACK:]


def weights(seed: int, size: int, hidden: int = HIDDEN) -> dict[str, Array]:
    """Start weights, with blocks in the order i, f, g, o."""
    rng = np.random.default_rng(seed)
    limit = 1 / math.sqrt(hidden)
    shapes = {"W_xh": (size, 4 * hidden), "W_hh": (hidden, 4 * hidden), "W": (hidden, size)}
    drawn: dict[str, Array] = {name: rng.uniform(-limit, limit, shape).astype("f") for name, shape in shapes.items()}
    return drawn | {"b": np.zeros(4 * hidden, "f"), "c": np.zeros(size, "f")}


class InMinigrad:
    def __init__(self, start: dict[str, Array]) -> None:
        import minigrad as mg
        from layers import LSTM, Carried, Dense, Layer, OneHot, TruncatedBPTT
        from optim import Adam

        class Writer(Layer):
            def __init__(self, size: int, hidden: int) -> None:
                super().__init__()
                self.one_hot = OneHot(size)
                self.rnn = LSTM(size, hidden, return_sequences=True, return_state=True, fused=True)
                self.head = Dense(hidden, size)

            def forward(self, ids: Any, state: Any = None) -> Any:
                h, state = self.rnn(self.one_hot(ids), state)
                return self.head(h), state

        self.mg = mg
        self.model = Carried(Writer(len(start["W_xh"]), len(start["W_hh"])), TruncatedBPTT(STEPS, STEPS))
        names = {"W_xh": "rnn.cell.W_xh", "W_hh": "rnn.cell.W_hh", "b": "rnn.cell.b", "W": "head.W", "c": "head.b"}
        self.model.load_state_dict({f"model.{names[name]}": array for name, array in start.items()})
        self.optimizer = Adam(self.model.named_parameters(), lr=LR, eps=1e-8)

    def step(self, x: Array, y: Array) -> float:
        from optim import clip_gradients

        loss = self.mg.softmax_cross_entropy(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        clip_gradients(self.model.named_parameters(), NORM)
        self.optimizer.step()
        return float(loss.item())

    def evaluate(self, stream: Stream) -> float:
        self.model.eval()
        with self.mg.no_grad():
            losses = [self.mg.softmax_cross_entropy(self.model(x), y).item() for x, y in stream]
        self.model.train()
        return float(np.mean(losses))


class InTorch:
    def __init__(self, start: dict[str, Array]) -> None:
        import torch
        from torch import nn

        self.torch, size = torch, len(start["W_xh"])
        self.eye = torch.eye(size)
        self.lstm, self.head = nn.LSTM(size, len(start["W_hh"]), batch_first=True), nn.Linear(len(start["W"]), size)
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(torch.from_numpy(start["W_xh"].T))
            self.lstm.weight_hh_l0.copy_(torch.from_numpy(start["W_hh"].T))
            self.lstm.bias_ih_l0.copy_(torch.from_numpy(start["b"]))
            self.lstm.bias_hh_l0.zero_().requires_grad_(False)  # the second bias is one too many
            self.head.weight.copy_(torch.from_numpy(start["W"].T))
            self.head.bias.copy_(torch.from_numpy(start["c"]))
        both = (*self.lstm.parameters(), *self.head.parameters())
        self.parameters = [parameter for parameter in both if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(self.parameters, lr=LR, eps=1e-8)
        self.state: Any = None

    def loss(self, x: Array, y: Array, state: Any) -> tuple[Any, Any]:
        ids, labels = (self.torch.from_numpy(part.astype("int64")) for part in (x, y))
        h, state = self.lstm(self.eye[ids], state)
        logits = self.head(h).flatten(0, 1)
        return self.torch.nn.functional.cross_entropy(logits, labels.flatten()), tuple(part.detach() for part in state)

    def step(self, x: Array, y: Array) -> float:
        loss, self.state = self.loss(x, y, self.state)
        self.optimizer.zero_grad()
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.parameters, NORM)
        self.optimizer.step()
        return float(loss.item())

    def evaluate(self, stream: Stream) -> float:
        state, losses = None, []
        with self.torch.no_grad():
            for x, y in stream:
                loss, state = self.loss(x, y, state)
                losses.append(loss.item())
        return float(np.mean(losses))


def learn(model: Any, train: Array, held: Array, thousands: int) -> Iterator[tuple[int, float]]:
    """(thousands of characters read, bits per held-back character) as the model learns."""
    stream, validation = Stream(train, BATCH, STEPS), Stream(held, BATCH, STEPS)
    read = 0
    while read < thousands:
        for x, y in stream:
            model.step(x, y)
            read += 1
            if read % REPORT == 0:
                yield read, model.evaluate(validation) / math.log(2)
            if read == thousands:
                return


def ngrams(train: str, held: str, order: int, count: int = 10_000) -> float:
    """Bits per character of nltk's interpolated Witten-Bell model on the first `count` held-back characters."""
    from nltk.lm import WittenBellInterpolated
    from nltk.util import everygrams

    model = WittenBellInterpolated(order)
    model.fit([everygrams(train, max_len=order)], vocabulary_text=train)
    scored = [model.logscore(held[i], tuple(held[max(0, i - order + 1) : i])) for i in range(order, count)]
    return -float(np.mean(scored))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("who", choices=("minigrad", "torch", "ngram"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--thousands", type=int, default=1000, help="characters to learn from (1000 thousand)")
    options = parser.parse_args()
    train, held = text()
    if options.who == "ngram":
        for order in range(4, 9):
            print(f"order {order}: {ngrams(train[: options.thousands * 1000], held, order):.3f}", flush=True)
        return
    characters = Characters.build(train)
    start = weights(options.seed, len(characters))
    model = {"minigrad": InMinigrad, "torch": InTorch}[options.who](start)
    for read, bits in learn(model, characters.encode(train), characters.encode(held), options.thousands):
        print(f"{options.who} seed {options.seed}: {read:,} thousand characters, {bits:.4f} bits", flush=True)


if __name__ == "__main__":
    main()
