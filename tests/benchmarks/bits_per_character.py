"""Bits per held-back character of one character model in minigrad and in PyTorch, and of n-gram models.

    python tests/benchmarks/bits_per_character.py minigrad|torch|kneser-ney [--seed 0] [--thousands 1000]

An LSTM between one-hot characters and a dense layer, on the bundled reviews, with equal start weights, batches in equal
order, clipping and Adam. docs/writing.md has the figures. Only `torch` needs PyTorch. `kneser-ney` counts what the
network has read by then; it needs KenLM's programs lmplz and query on the PATH (built with `cmake
-DKENLM_MAX_ORDER=8`; PyPI has their source, not the programs).
"""

from __future__ import annotations

import argparse
import math
import re
import subprocess
from collections.abc import Iterator
from itertools import islice
from tempfile import TemporaryDirectory
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


def kneser_ney(rows: Array, held: Array, order: int) -> float:
    """Bits per held-back character of KenLM's interpolated, modified Kneser-Ney model, which has counted `rows`."""

    def lines(ids: Array) -> str:
        return "".join(" ".join(map(str, row)) + "\n" for row in ids.tolist())

    with TemporaryDirectory() as folder:
        model = f"{folder}/model.arpa"
        estimate = ["lmplz", "--order", str(order), "--discount_fallback", "--memory", "1G", "--arpa", model]
        subprocess.run(estimate, input=lines(rows), text=True, check=True, capture_output=True)
        score = ["query", "-v", "word", model]
        said = subprocess.run(score, input=lines(held[None]), text=True, check=True, capture_output=True).stdout
    scores = [float(score) for score in re.findall(r"=\d+ \d+ (\S+)", said)]  # log10 of each one's chance
    assert len(scores) == len(held) + 1  # the end of the line is scored as well
    return -float(np.mean(scores[:-1])) / math.log10(2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("who", choices=("minigrad", "torch", "kneser-ney"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--thousands", type=int, default=1000, help="characters to learn from (1000 thousand)")
    options = parser.parse_args()
    train, held = text()
    characters = Characters.build(train)
    if options.who == "kneser-ney":
        windows = islice(Stream(characters.encode(train), BATCH, STEPS), options.thousands)
        rows = np.concatenate([x for x, _ in windows], axis=1)
        for order in range(4, 9):
            bits = kneser_ney(rows, characters.encode(held), order)
            print(f"order {order}: {rows.size:,} characters, {bits:.3f} bits", flush=True)
        return
    start = weights(options.seed, len(characters))
    model = {"minigrad": InMinigrad, "torch": InTorch}[options.who](start)
    for read, bits in learn(model, characters.encode(train), characters.encode(held), options.thousands):
        print(f"{options.who} seed {options.seed}: {read:,} thousand characters, {bits:.4f} bits", flush=True)


if __name__ == "__main__":
    main()
