"""The small GPT of lesson 19, built from a learner's functions, and its training on first names.

`python lesson_19_gpt.py` calls `run`.
"""

import random
import sys
from functools import lru_cache
from types import SimpleNamespace

import numpy as np

import minigrad as mg
from layers import (
    Dense,
    Embedding,
    Layer,
    LayerNorm,
    PositionalEncoding,
    Sequential,
    TransformerBlock,
    init,
)
from minigrad.course.checking.lesson import progress
from minigrad.data import Characters, load_names, pad
from optim import Adam

LENGTH = 16
"""The longest name has 15 letters, and one more id ends it."""
BLOCKS, STEPS, BATCH, LR = 2, 150, 64, 2e-2
"""The training in a check."""
BIGRAM = 2.454
"""The validation loss of counted pairs of letters. See examples/names.py."""


class GPT(Layer):
    """ids (B, T) -> logits (B, T, size), computed with the functions embed, block and attend of
    `file`.
    """

    def __init__(self, file, size=27, width=24, heads=2, blocks=1):
        super().__init__()
        self.file = file
        self.embedding = Embedding(size, width, init=init.normal(0.5))
        self.blocks = Sequential(*(TransformerBlock(width, heads) for _ in range(blocks)))
        self.norm, self.head = LayerNorm(width), Dense(width, size)

    def forward(self, ids):
        return self.step(ids, None, 0)[0]

    def step(self, ids, cache, start):
        """Read the ids at the positions from `start` on, after those in the cache. Return (logits, the
        new cache), with the keys and values of each block in the cache.
        """
        x = self.file.embed(self.embedding.table, np.asarray(ids), start)
        x, kept = x.astype(self.embedding.table.dtype), []
        for number, one in enumerate(self.blocks):
            past = None if cache is None else cache[number]
            x = self.file.block(
                x, one.norm1, self._attention(one.self_attn, past, kept), one.norm2,
                lambda y, one=one: one.linear2(one.linear1(y)),
            )  # fmt: skip
        return self.head(self.norm(x)), kept

    def _attention(self, layer, past, kept):
        def attention(x):
            batch, steps, width = x.shape
            parts = (x @ layer.W_qkv + layer.b_qkv).reshape(batch, steps, 3, layer.heads, -1)
            z, memory = self.file.attend(*parts.transpose(2, 0, 3, 1, 4), past)
            kept.append(memory)
            return layer.out_proj(z.transpose(0, 2, 1, 3).reshape(batch, steps, width))

        return attention

    def plain(self, ids):
        """Return the logits that minigrad's own layers compute."""
        x = PositionalEncoding()(self.embedding(ids))
        for one in self.blocks:
            x = one(x)
        return self.head(self.norm(x))

    def maps(self, ids):
        """Return the attention weights of each block for ids (T,): arrays (heads, T, T). They are what the
        learner's `attend` returns if the values are the rows of the identity.
        """
        found, attend = [], self.file.attend

        def watched(q, k, v, past):
            unit = np.broadcast_to(np.eye(k.shape[2]), (*k.shape[:3], k.shape[2]))
            found.append(attend(q, k, mg.Tensor(unit.astype(k.dtype)), None)[0].array[0])
            return attend(q, k, v, past)

        kept, self.file = (
            self.file,
            functions(embed=self.file.embed, block=self.file.block, attend=watched),
        )
        with mg.no_grad():
            self(ids[None])
        self.file = kept
        return found


NAMES = (
    "positions", "embed", "targets", "block", "attend", "probabilities", "write", "write_cached",
)  # fmt: skip


def functions(*all_, **some):
    """Return a learner's functions as a namespace."""
    return SimpleNamespace(**dict(zip(NAMES, all_, strict=False)), **some)


def agrees(file):
    """Return whether a GPT of embed, block and attend computes what minigrad's layers compute: logits
    and gradients, and the same logits with a cache.
    """
    mg.seed(0)
    model, rng = GPT(file, width=8, blocks=2), np.random.default_rng(0)
    ids = rng.integers(27, size=(2, 7))
    right, mine, parameters = model.plain(ids), model(ids), [*model.named_parameters().values()]
    first, cache = model.step(ids[:, :2], None, 0)
    then, cache = model.step(ids[:, 2:6], cache, 2)
    last, _ = model.step(ids[:, 6:], cache, 6)
    upstream = rng.normal(size=right.shape).astype("float32")
    pairs = [(mine, right), (mg.concatenate([first, then, last], axis=1), right)]
    pairs += zip(*(mg.grad(z, parameters, upstream=upstream) for z in (mine, right)), strict=True)
    return all(np.allclose(a.array, b.array, atol=1e-4) for a, b in pairs)


@lru_cache
def names():
    """Return (characters, rows of ids by part). Each row is 0, the letters, and zeros up to its
    end.
    """
    found = load_names()
    characters = Characters.build("".join(found))
    random.Random(42).shuffle(found)
    rows = pad([characters.encode(name) for name in found], LENGTH, side="right")
    rows = np.pad(rows, ((0, 0), (1, 1)))[:, : LENGTH + 1].astype(np.intp)
    first, second = len(rows) * 8 // 10, len(rows) * 9 // 10
    return characters, {"training": rows[:first], "validation": rows[first:second]}


def loss(model, rows, targets):
    """Return the mean loss of a letter. Columns that all rows leave empty are not read."""
    longest = int((rows > 0).sum(axis=1).max()) + 2
    inputs, labels = targets(rows[:, :longest])
    logits = model(inputs)
    return mg.cross_entropy(logits.reshape(-1, logits.shape[-1]), np.asarray(labels).reshape(-1))


def train(file, steps=STEPS, blocks=BLOCKS, report=None):
    """Train a GPT of the learner's functions with Adam. Return (model, validation loss)."""
    mg.seed(0)
    model, rng = GPT(file, blocks=blocks), np.random.default_rng(0)
    optimizer, (_, rows) = Adam(model.named_parameters(), lr=LR), names()
    for step in range(steps):
        batch = rows["training"][rng.integers(len(rows["training"]), size=BATCH)]
        warm, cosine = min(1, (step + 1) / 20), 0.5 + 0.5 * np.cos(np.pi * step / steps)
        optimizer.lr = LR * warm * max(cosine, 0.01)
        optimizer.zero_grad()
        now = loss(model, batch, file.targets)
        now.backward()
        optimizer.step()
        progress((step + 1) / steps)
        if report and (step + 1) % report == 0:
            print(f"step {step + 1:5}: loss {now.item():.3f}", flush=True)
    with mg.no_grad():
        return model, loss(model, rows["validation"], file.targets).item()


def spelled(ids):
    """Return the name that begins a list of ids."""
    return names()[0].decode(ids[1:]).partition("\ufffd")[0]


def written(file, model, count, temperature=1.0, seed=1):
    """Return names that the learner's write_cached writes."""
    rng, found = np.random.default_rng(seed), []
    with mg.no_grad():
        for _ in range(count):
            found.append(spelled(file.write_cached(model.step, [0], LENGTH - 1, rng, temperature)))
    return found


def run(file):
    """Train for longer than the check does, and write names at three temperatures. If the file defines
    perplexities, print them for names that the GPT did not see.
    """
    steps = 300 if sys.platform == "emscripten" else 3000
    model, found = train(file, steps, report=steps // 6)
    print(f"\nvalidation loss {found:.3f}; counted pairs of letters reach {BIGRAM}")
    for temperature in (0.3, 1.0, 2.0):
        print(f"temperature {temperature}: {', '.join(written(file, model, 8, temperature))}")
    if hasattr(file, "perplexities"):
        inputs, labels = file.targets(names()[1]["validation"])
        some = (labels >= 0).any(axis=0)
        with mg.no_grad():
            found = file.perplexities(model(inputs[:, some]), labels[:, some])
        print("perplexity at each position:", *(f"{float(one):.1f}" for one in found))
