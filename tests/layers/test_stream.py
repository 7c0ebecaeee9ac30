"""TruncatedBPTT, Stateful and sample, compared with one long run and with sums by hand."""

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import (
    LSTM,
    RNN,
    Dense,
    Embedding,
    Layer,
    Sequential,
    Stateful,
    TiedHead,
    TruncatedBPTT,
    sample,
)
from minigrad.data import Stream
from minigrad.errors import ShapeError
from optim import Adam, ClipGradients, Snapshots, Trainer

from .helpers import assert_close, in_float64, leaf, normal, raises, rnn_contributions

B, T, D, H = 3, 12, 4, 5
X = normal(B, T, D, seed=1)
SEED = normal(B, H, seed=2)
STREAM: dict[str, Any] = {"return_sequences": True, "return_state": True}


@pytest.fixture
def rnn():
    return in_float64(RNN(D, H, **STREAM))


@pytest.fixture
def whole(rnn):
    """The outputs of one long run."""
    return rnn(X)[0]


@pytest.fixture
def stateful(rnn):
    return Stateful(rnn, TruncatedBPTT(2, 4))


class Writer(Layer):
    """A model of ids whose second layer has a state."""

    def __init__(self):
        self.embedding = Embedding(6, H)
        self.lstm = LSTM(H, H, layers=2, dropout=0.1, **STREAM)
        self.head = TiedHead(self.embedding)

    def forward(self, ids, state=None):
        output, state = self.lstm(self.embedding(ids), state)
        return self.head(output), state


# ---- TruncatedBPTT ----


@pytest.mark.parametrize(
    ("k1", "k2"),
    [(1, 1), (2, 2), (2, 5), (1, 4), (4, 2), (3, 1), (5, 5), (20, 20), (6, 100)],
)
def test_truncated_bptt_gradients_reach_k2_steps_back(rnn, whole, k1, k2):
    bptt = TruncatedBPTT(k1, k2)
    stateful = Stateful(rnn, bptt)
    position = 0
    for steps, outputs in bptt.walk(rnn, X):
        start, position = position, min(position + k1, T)
        assert steps == slice(max(start, position - k2), position)
        windows = [outputs]
        if position - start == k1:
            windows.append(stateful(X[:, start:position]))
        truth = rnn_contributions(rnn, X[:, :position], SEED)
        for window in windows:
            assert_close(window, whole[:, steps])
            rnn.zero_grad()
            window[:, -1].backward(SEED)
            for name, parameter in rnn.cell.named_parameters().items():
                assert_close(parameter.grad, truth[name][-k2:].sum(axis=0))
    assert position == T


def test_truncated_bptt_frees_old_windows(rnn):
    alive: list[Any] = []

    def model(x, state):
        assert not any(ref() for ref in alive)
        return rnn(x, state)

    gc.disable()
    try:
        for _, outputs in TruncatedBPTT(2, 2).walk(model, X):
            alive.append(weakref.ref(outputs))
            del outputs
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", [np.asarray, mg.Tensor])
def test_truncated_bptt_starts_from_a_state(kind):
    lstm = in_float64(LSTM(D, H, layers=2, **STREAM))
    h, c = normal(2, 2, B, H)
    whole, _ = lstm(X, (mg.Tensor(h), mg.Tensor(c)))
    state = (kind(h), kind(c))
    for steps, outputs in TruncatedBPTT(5, 2).walk(lstm, X, state):
        assert_close(outputs, whole[:, steps])
    with raises("MG224"):
        next(TruncatedBPTT(5, 2).walk(lstm, X, state=5))


@pytest.mark.parametrize(
    ("options", "x", "code"),
    [
        (STREAM, X[:, :0], "MG231"),
        ({}, X, "MG233"),
        # a Tensor of two rows could be taken apart like a pair
        ({"return_sequences": True}, X[:2], "MG233"),
        ({"return_state": True}, X, "MG233"),
    ],
)
def test_truncated_bptt_requires_steps_outputs_and_state(options, x, code):
    model = RNN(D, H, **options)
    bptt = TruncatedBPTT(2, 2)
    with pytest.raises(ShapeError, match=code):
        next(bptt.walk(model, x))
    with pytest.raises(ShapeError, match=code):
        Stateful(model, bptt).eval()(x)


# ---- Stateful ----


def test_stateful_takes_lists_of_the_same_batch_size(rnn, whole):
    stateful = Stateful(rnn, TruncatedBPTT(2, 2))
    found = stateful(X[:, :2].tolist())
    assert_close(found, whole[:, :2], rtol=1e-5)
    with raises("MG224"):
        stateful(X[:1, 2:4])


def test_stateful_has_another_state_in_evaluation(whole, stateful):
    stateful(X[:, :2])
    for _ in range(2):
        stateful.eval()
        assert_close(stateful(X[:, :3]), whole[:, :3])
        with Sequential(stateful).evaluating():  # leaves the one around it where it was
            assert_close(stateful(X[:, :3]), whole[:, :3])
        assert_close(stateful(X[:, 3:]), whole[:, 3:])
    stateful.train()
    assert_close(stateful(X[:, 2:4]), whole[:, 2:4])


def test_stateful_copies_inputs_and_state(whole, stateful):
    """A caller may read each window into the same array, and write to what is handed out."""
    window = X[:, :2].copy()
    stateful(window)
    window[...] = X[:, 2:4]
    carried = stateful.carried_state()
    stateful.load_carried_state(carried)
    carried["x"][...] = 7
    assert_close(stateful(window), whole[:, 2:4])


@pytest.mark.parametrize("k2", [1, 2, 3])
def test_stateful_gradient_of_computed_inputs(rnn, k2):
    stateful = Stateful(rnn, TruncatedBPTT(2, k2))
    stateful(X[:, :2])
    x = leaf(X[:, 2:4])
    if k2 > 2:
        with raises("MG237", "the last 1 step,"):
            stateful(x)
        return
    stateful(x)[:, -1].backward(SEED)
    truth = rnn_contributions(rnn, X[:, :4], SEED)["x"].swapaxes(0, 1)
    assert_close(x.grad[:, -k2:], truth[:, -k2:])


class Counter(Layer):
    """A state of several parts, of which one is None, and the others count the calls."""

    def forward(self, x, state=None):
        count = mg.Tensor([0.0]) if state is None else state[1] + 1.0
        return mg.Tensor(x), (None, count, (count, count))


def test_carried_state_of_many_parts_is_loaded():
    model = Stateful(Counter(), TruncatedBPTT(1, 1))
    other = Stateful(Counter(), TruncatedBPTT(1, 1))
    for _ in range(3):
        model(np.zeros((2, 1, 3)))
    other.load_carried_state(model.carried_state())
    nothing, count, (_, last) = other._memory["state"]
    assert nothing is None
    assert count.item() == last.item() == 2
    other.load_carried_state({})
    assert not other.carried_state()


def test_carried_state_of_older_snapshots_is_loaded():
    lstm = in_float64(LSTM(D, H, layers=2, **STREAM))
    stateful = Stateful(lstm, TruncatedBPTT(3, 3))
    stateful(X[:, :3])
    carried = stateful.carried_state()
    expected = stateful(X[:, 3:6])
    for part in (0, 1):  # once, each cell had its own h and c
        both = carried.pop(f"state.{part}")
        for cell, array in enumerate(both):
            carried[f"state.{cell}.{part}"] = array
    stateful.load_carried_state(carried)
    assert_close(stateful(X[:, 3:6]), expected, atol=0)


def test_carried_state_resumes_a_run_to_the_same_bytes(tmp_path):
    ids = np.random.default_rng(6).integers(0, 6, 200)

    class Clip(ClipGradients):
        last = 1000

        def on_step(self, trainer):
            if trainer.step == 14:
                trainer.model.eval()  # until the next epoch begins
            if trainer.step == self.last:
                raise RuntimeError("killed two steps after its snapshot")

    clip = Clip(1.0)

    def fit(*callbacks, resume=None):
        mg.seed(3)
        model = Sequential(Stateful(Writer(), TruncatedBPTT(k1=4, k2=6)), Dense(6, 6))
        trainer = Trainer(
            model,
            mg.softmax_cross_entropy,
            Adam(model.named_parameters(), lr=0.05),
            metrics={},
            callbacks=[clip, *callbacks],
            seed=3,
        )
        trainer.fit(Stream(ids, 3, 4, windows=11), epochs=3, resume=resume)
        return model.state_dict() | model.carried_state()

    whole = fit()
    clip.last = 19
    with pytest.raises(RuntimeError, match="killed"):
        # in the middle of the second epoch, and of a sequence
        fit(Snapshots(tmp_path, every_steps=17))
    clip.last = 1000
    resumed = fit(resume=Snapshots.latest(tmp_path))
    assert {"carried.x", "carried.state.0", "carried.state.1"} < whole.keys()
    assert whole.keys() == resumed.keys()
    for name, array in whole.items():
        assert array.tobytes() == resumed[name].tobytes(), name


# ---- sample ----


class Memoryless(Layer):
    """The same logits after any id."""

    def forward(self, ids, state):
        logits = np.log([0.5, 0.3, 0.2])
        return mg.Tensor(np.broadcast_to(logits, (*ids.shape, 3))), state


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sample_draws_from_the_softmax(temperature):
    count = 2000
    drawn = sample(Memoryless(), [0], count, temperature=temperature, seed=1)
    expected = np.array([0.5, 0.3, 0.2]) ** (1 / temperature)
    found = np.bincount(drawn) / count
    assert_close(found, expected / expected.sum(), atol=2 / np.sqrt(count))


def test_sample_carries_the_state_and_keeps_the_mode():
    mg.seed(1)
    model = Writer()
    drawn = sample(model, [1, 2, 3], 5, temperature=0.0)
    assert model.training and model.lstm.training
    first, again, other = (sample(model, [1], 20, seed=seed) for seed in (2, 2, 3))
    assert first == again != other
    model.eval()
    # the likeliest id after the prompt and what was written so far, read in one go
    for n, found in enumerate(drawn):
        ids = np.array([[1, 2, 3, *drawn[:n]]])
        logits, _ = model(ids)
        assert logits.array[0, -1].argmax() == found
