"""Training that is watched by the diagnosis or the recorder ends with the same bits as without."""

import contextlib
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import layers
import minigrad as mg
import optim
from layers import Dense, Embedding, Layer, Sequential
from minigrad.data import Batches
from optim.recording.recorder import Recorder

from .training import RULES as RATES
from .training import require_same

WORDS, WIDTH, LENGTH = 60, 4, 5
RULES = RATES | {"AdamW": partial(optim.AdamW, lr=0.01)}
BODIES: dict[str, Any] = {
    # layers between word vectors of shape (batch, LENGTH, WIDTH) and vectors (batch, WIDTH)
    "RNN": partial(layers.RNN, WIDTH, WIDTH),
    "GRU": partial(layers.GRU, WIDTH, WIDTH),
    "LSTM": partial(layers.LSTM, WIDTH, WIDTH),
    "attention": lambda: Sequential(layers.MultiHeadAttention(WIDTH, 2), Mean()),
    "convolution": lambda: Sequential(layers.Conv1d(LENGTH, 2, 2), Mean(), Dense(3, 4)),
}


@dataclass(frozen=True)
class Program:
    model: str
    table: str
    """How a model of words stores its vectors: "table", "array" or "tied" (a table used twice)."""
    fused: bool
    rule: str
    decay: float
    dtype: str
    passes: int
    """The number of backward passes for each step."""
    clip: float
    rate: float
    """The factor of the learning rate after each step."""
    evaluates: bool
    trainer: bool
    """Whether a Trainer trains, with one pass for each step."""
    before: int
    """The number of steps before the block in which the training is watched."""
    inside: int
    after: int
    seed: int


programs = st.builds(
    Program,
    model=st.sampled_from(["dense", *BODIES]),
    table=st.sampled_from(["table", "array", "tied"]),
    fused=st.booleans(),
    rule=st.sampled_from([*RULES]),
    decay=st.sampled_from([0.0, 0.0, 0.01]),
    dtype=st.sampled_from(["float32", "float64"]),
    passes=st.integers(1, 3),
    clip=st.sampled_from([0.0, 0.1]),
    rate=st.sampled_from([1.0, 0.9]),
    evaluates=st.booleans(),
    trainer=st.booleans(),
    before=st.sampled_from([0, 0, 1, 9]),
    inside=st.integers(1, 6),
    after=st.sampled_from([0, 3, 9]),
    seed=st.integers(0, 999),
)


class Mean(Layer):
    def forward(self, x):
        return x.mean(axis=1)


class Vectors(Layer):
    """Word vectors in an ordinary parameter, not in a Table."""

    def __init__(self):
        self.vectors = mg.Tensor(
            mg.generator().normal(size=(WORDS, WIDTH)),
            requires_grad=True,
            dtype="float32",
        )

    def forward(self, ids):
        return self.vectors[ids]


def make_model(program):
    if program.model == "dense":
        return Sequential(Dense(3, 4, mg.tanh), layers.Dropout(0.3), Dense(4, WORDS))
    words: Any = Vectors() if program.table == "array" else Embedding(WORDS, WIDTH)
    tied = program.table == "tied"
    head: Any = layers.TiedHead(words) if tied else Dense(WIDTH, WORDS)
    return Sequential(words, BODIES[program.model](), head)


class Training:
    """The training of a program, which continues with each call of `train`."""

    def __init__(self, program):
        self.program = program
        mg.seed(program.seed)
        self.rng = np.random.default_rng(program.seed)
        self.losses: list[bytes] = []
        self.model: Any = None

    def make(self):
        self.model = make_model(self.program)
        for tensor in self.model.named_parameters().values():
            tensor.array = tensor.array.astype(self.program.dtype)
        parameters = self.model.named_parameters()
        rule, decay = RULES[self.program.rule], self.program.decay
        self.optimizer = rule(parameters, weight_decay=decay)

    def batch(self):
        labels = self.rng.integers(0, WORDS, 6)
        if self.program.model == "dense":
            return self.rng.normal(size=(6, 3)).astype(self.program.dtype), labels
        # As in texts, some words are frequent and many are rare. Id 0 would be padding.
        below = self.rng.integers(2, WORDS, (6, LENGTH))
        return self.rng.integers(1, below), labels

    def loss(self, output, labels):
        loss = mg.softmax_cross_entropy(output, labels)
        self.losses.append(loss.array.tobytes())
        return loss

    def train(self, steps, *callbacks):
        if self.model is None:
            self.make()
        if self.program.trainer:
            self.fit(steps, callbacks)
            return
        for _ in range(steps):
            with mg.fused(self.program.fused):
                self.step()

    def step(self):
        self.optimizer.zero_grad()
        for _ in range(self.program.passes):
            inputs, labels = self.batch()
            self.loss(self.model(inputs), labels).backward()
        if self.program.clip:
            optim.clip_gradients(self.model.named_parameters(), self.program.clip)
        self.optimizer.step()
        self.optimizer.lr *= self.program.rate
        if self.program.evaluates:
            self.model.eval()
            with mg.no_grad():
                inputs, labels = self.batch()
                self.loss(self.model(inputs), labels)
            self.model.train()

    def fit(self, steps, callbacks):
        if not steps:
            return
        batches = [self.batch() for _ in range(steps)]
        inputs, labels = map(np.concatenate, zip(*batches, strict=True))
        train = Batches(inputs, labels, batch_size=6, shuffle=True, seed=1)
        clip = [optim.ClipGradients(self.program.clip)] if self.program.clip else []
        trainer = optim.Trainer(
            self.model, self.loss, self.optimizer, callbacks=[*clip, *callbacks]
        )
        trainer.fit(train, 1, train if self.program.evaluates else None)

    def end(self):
        parameters = self.model.named_parameters()
        return {
            "losses": self.losses,
            "raw state": self.optimizer.raw_state(),
            "gradients": {name: one.grad for name, one in parameters.items()},
            "weights": self.model.state_dict(),
            "state": self.optimizer.state_dict(),
            "hyperparameters": self.optimizer.hyperparameters(),
            "generator": mg.generator().bit_generator.state,
        }


def ended(program, watch=contextlib.nullcontext, callback: Any = None):
    """Return how a program ends whose middle part is watched by a block or by a callback."""
    training = Training(program)
    if program.before:
        training.train(program.before)
    with watch():
        training.train(program.inside, *([callback] if callback else []))
    training.train(program.after)
    return training.end()


@given(programs)
def test_diagnosis_changes_no_bit(program):
    diagnose = partial(optim.diagnose, quiet=True)
    require_same(ended(program, diagnose), ended(program))


@given(programs)
def test_recorder_changes_no_bit(program):
    expected = ended(program)
    require_same(ended(program, Recorder), expected)
    if program.trainer:
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder, "run.html")
            require_same(ended(program, callback=optim.RunPage(page)), expected)
            assert page.exists()
