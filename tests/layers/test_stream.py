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
from optim import Adam, ClipGradients, Snapshots, Trainer
from optim.training.callbacks import Callback

from .helpers import (
    assert_close,
    in_float64,
    leaf,
    normal,
    raises,
    rnn_contributions,
)

B, T, D, H = 3, 12, 4, 5
X = normal(B, T, D, seed=1)
SEED = normal(B, H, seed=2)
STREAM: dict[str, Any] = {
    "return_sequences": True,
    "return_state": True,
}


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
        x = self.embedding(ids)
        output, state = self.lstm(x, state)
        return self.head(output), state


# ---- TruncatedBPTT ----


@pytest.mark.parametrize(
    ("k1", "k2"),
    [
        (1, 1),
        (2, 2),
        (2, 5),
        (1, 4),
        (4, 2),
        (3, 1),
        (5, 5),
        (20, 20),
        (6, 100),
    ],
)
def test_truncated_bptt_gradients_reach_k2_steps_back(rnn, whole, k1, k2):
    bptt = TruncatedBPTT(k1, k2)
    stateful = Stateful(rnn, bptt)
    walk = bptt.walk(rnn, X)
    for start in range(0, T, k1):
        end = min(start + k1, T)
        steps, outputs = next(walk)
        assert steps == slice(max(start, end - k2), end)
        windows = [outputs]
        if end - start == k1:
            windows.append(stateful(X[:, start:end]))
        steps_back = rnn_contributions(rnn, X[:, :end], SEED)
        for window in windows:
            assert_close(window, whole[:, steps])
            rnn.zero_grad()
            window[:, -1].backward(SEED)
            for name, parameter in rnn.cell.named_parameters().items():
                expected = steps_back[name][-k2:].sum(axis=0)
                assert_close(parameter.grad, expected)
    assert not list(walk)


def test_truncated_bptt_frees_old_windows(rnn):
    alive: list[Any] = []

    def model(x, state):
        assert not any(reference() for reference in alive)
        return rnn(x, state)

    gc.disable()
    try:
        walk = TruncatedBPTT(2, 2).walk(model, X)
        for _, outputs in walk:
            alive.append(weakref.ref(outputs))
            del outputs
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", [np.asarray, mg.Tensor])
def test_truncated_bptt_starts_from_a_state(kind):
    lstm = in_float64(LSTM(D, H, layers=2, **STREAM))
    bptt = TruncatedBPTT(5, 2)
    h, c = map(mg.Tensor, normal(2, 2, B, H))
    whole, _ = lstm(X, (h, c))
    state = (h, c) if kind is mg.Tensor else (h.array, c.array)
    for steps, outputs in bptt.walk(lstm, X, state):
        assert_close(outputs, whole[:, steps])
    with raises("MG224"):
        next(bptt.walk(lstm, X, state=5))


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
    stateful = Stateful(model, bptt).eval()
    with raises(code):
        next(bptt.walk(model, x))
    with raises(code):
        stateful(x)


@pytest.mark.parametrize(("k1", "k2"), [(0, 4), (-1, 4), (4, 0), (2.5, 4), (4, None)])
def test_truncated_bptt_rejects_steps_below_1(k1, k2):
    with raises("MG210", "TruncatedBPTT cannot have k[12]="):
        TruncatedBPTT(k1, k2)


# ---- Stateful ----


def test_stateful_takes_lists_of_the_same_batch_size(rnn, whole):
    stateful = Stateful(rnn, TruncatedBPTT(2, 2))
    window = X[:, :2].tolist()
    found = stateful(window)
    assert_close(found, whole[:, :2], 1e-6)
    with raises("MG224"):
        stateful(X[:1, 2:4])


@pytest.mark.parametrize("k2", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_stateful_rejects_other_sequences_until_it_is_told(rnn, k2, count):
    """With k2 > k1, the state before the first kept steps is None, which fits any batch."""
    stateful = Stateful(rnn, TruncatedBPTT(2, k2))
    for start in range(0, 2 * count, 2):
        stateful(X[:, start : start + 2])
    before = stateful.carried_state()
    for other in (X[:2, :2], X[:, :2, :3]):
        with raises("MG224"):
            stateful(other)
    assert stateful.carried_state().keys() == before.keys()
    stateful.load_carried_state({})
    assert_close(stateful(X[:2, :2])[:, -1], rnn(X[:2, :2])[0][:, -1])


def test_stateful_rejects_windows_longer_than_k1_in_training(rnn, whole):
    stateful = Stateful(rnn, TruncatedBPTT(2, 2))
    with raises("MG255", "5 steps, but k1=2"):
        stateful(X[:, :5])
    assert_close(stateful.eval()(X[:, :5]), whole[:, :5])


@pytest.mark.parametrize(("k2", "reach"), [(2, 1), (4, 1), (5, 2), (8, 5)])
def test_stateful_gradient_of_a_shorter_window(rnn, whole, k2, reach):
    """After windows of 4 steps, k2 - 4 steps are kept for the next window, here of 1 step."""
    stateful = Stateful(rnn, TruncatedBPTT(4, k2))
    for start in (0, 4):
        stateful(X[:, start : start + 4])
    z = stateful(X[:, 8:9])
    assert_close(z, whole[:, 8:9])
    z[:, -1].backward(SEED)
    truth = rnn_contributions(rnn, X[:, :9], SEED)
    for name, parameter in rnn.cell.named_parameters().items():
        assert_close(parameter.grad, truth[name][-reach:].sum(axis=0))


def test_stateful_has_another_state_in_evaluation(whole, stateful):
    def read(start, end):
        outputs = stateful(X[:, start:end])
        assert_close(outputs, whole[:, start:end])

    read(0, 2)
    for _ in range(2):
        stateful.eval()
        read(0, 3)
        with Sequential(stateful).evaluating():  # leaves the one around it where it was
            read(0, 3)
        read(3, T)
    stateful.train()
    read(2, 4)


def test_stateful_copies_inputs_and_state(whole, stateful):
    """A caller may read each window into the same array, and write to what is handed out."""
    window = X[:, :2].copy()
    stateful(window)
    window[...] = X[:, 2:4]
    carried = stateful.carried_state()
    stateful.load_carried_state(carried)
    carried["x"][...] = 7
    assert_close(stateful(window), whole[:, 2:4])


@pytest.mark.parametrize("k2", [1, 2])
def test_stateful_gradient_of_computed_inputs(rnn, k2):
    stateful = Stateful(rnn, TruncatedBPTT(2, k2))
    stateful(X[:, :2])
    x = leaf(X[:, 2:4])
    z = stateful(x)
    z[:, -1].backward(SEED)
    truth = rnn_contributions(rnn, X[:, :4], SEED)
    dx = x.grad.swapaxes(0, 1)
    assert_close(dx[-k2:], truth["x"][-k2:])


def test_stateful_rejects_computed_inputs_if_k2_is_larger(rnn):
    stateful = Stateful(rnn, TruncatedBPTT(2, 3))
    with raises("MG237", "the last 1 step,"):
        stateful(leaf(X[:, :2]))


class Counter(Layer):
    """A state of several parts, of which one is None, and the others count the calls."""

    def forward(self, x, state=None):
        count = mg.Tensor([0.0])
        if state is not None:
            count = state[1] + 1.0
        return mg.Tensor(x), (None, count, (count, count))


def test_carried_state_of_many_parts_is_loaded():
    bptt = TruncatedBPTT(1, 1)
    model = Stateful(Counter(), bptt)
    other = Stateful(Counter(), bptt)
    for _ in range(3):
        model(X[:, :1])
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
    assert_close(stateful(X[:, 3:6]), expected, 0)


def test_carried_state_resumes_a_run_to_the_same_bytes(tmp_path):
    ids = np.random.default_rng(6).integers(0, 6, 200)

    class Evaluate(Callback):
        def on_step(self, trainer):
            if trainer.step == 14:
                trainer.model.eval()  # until the next epoch begins

    class Kill(Callback):
        def on_step(self, trainer):
            if trainer.step == 19:
                raise RuntimeError("killed two steps after its snapshot")

    def fit(*callbacks, resume=None):
        mg.seed(3)
        stateful = Stateful(Writer(), TruncatedBPTT(k1=4, k2=6))
        model = Sequential(stateful, Dense(6, 6))
        trainer = Trainer(
            model,
            mg.softmax_cross_entropy,
            Adam(model.named_parameters(), lr=0.05),
            metrics={},
            callbacks=[Evaluate(), ClipGradients(1.0), *callbacks],
            seed=3,
        )
        stream = Stream(ids, 3, 4, windows=11)
        trainer.fit(stream, epochs=3, resume=resume)
        return model.state_dict() | model.carried_state()

    whole = fit()
    snapshots = Snapshots(tmp_path, every_steps=17)
    with pytest.raises(RuntimeError, match="killed"):
        # in the middle of the second epoch, and of a sequence
        fit(snapshots, Kill())
    resumed = fit(resume=Snapshots.latest(tmp_path))
    assert {"carried.x", "carried.state.0", "carried.state.1"} < whole.keys()
    assert whole.keys() == resumed.keys()
    for name, array in whole.items():
        assert array.tobytes() == resumed[name].tobytes(), name


# ---- sample ----


class Memoryless(Layer):
    """The same logits after any id."""

    def forward(self, ids, state):
        logits = np.zeros((*ids.shape, 3))
        return mg.Tensor(logits + np.log([0.5, 0.3, 0.2])), state


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sample_draws_from_the_softmax(temperature):
    drawn = sample(Memoryless(), [0], 2500, temperature=temperature, seed=1)
    expected = np.array([0.5, 0.3, 0.2]) ** (1 / temperature)
    expected /= expected.sum()
    found = np.bincount(drawn) / 2500
    assert_close(found, expected, atol=2 / 50)


def test_sample_draws_by_its_seed_in_evaluation_mode():
    model = Writer()
    drawn = sample(model, [1], 20)
    assert model.training and model.lstm.training
    assert drawn == sample(model, [1], 20)  # without dropout
    assert drawn != sample(model, [1], 20, seed=2)


def test_sample_at_temperature_0_takes_the_likeliest_ids():
    model = Writer().eval()
    drawn = sample(model, [1, 2, 3], 5, temperature=0)
    ids = [1, 2, 3, *drawn]
    logits, _ = model(np.array([ids]))
    likeliest = logits.array[0].argmax(axis=1)
    assert list(likeliest[2:-1]) == drawn


def test_sample_reads_the_newest_half_of_the_context():
    reads = []

    class Successor(Layer):
        def initial_state(self, batch):
            return "start"

        def forward(self, ids, state):
            (read,) = ids.tolist()
            reads.append((read, state))
            return mg.Tensor(100.0 * np.eye(9)[ids + 1]), "continued"

    assert sample(Successor(), [0, 1], 5, context=4) == [2, 3, 4, 5, 6]
    assert reads == [
        ([0, 1], "start"),
        ([2], "continued"),
        ([3], "continued"),
        ([3, 4], "start"),
        ([5], "continued"),
    ]
