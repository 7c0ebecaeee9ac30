"""TruncatedBPTT and Stateful against one long run and contributions summed by hand; and
sampling.
"""

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
from minigrad.errors import GradientError, ShapeError
from optim import Adam, ClipGradients, Snapshots, Trainer

B, T, D, H = 3, 12, 4, 5
X = np.random.default_rng(1).normal(size=(B, T, D))
SEED = np.random.default_rng(2).normal(size=(B, H))
STREAM: dict[str, Any] = {"return_sequences": True, "return_state": True}


@pytest.fixture
def rnn(in_float64):
    return in_float64(RNN(D, H, **STREAM))


@pytest.fixture
def stateful(rnn):
    return Stateful(rnn, TruncatedBPTT(2, 4))


class Reader(Layer):
    """A model of ids with its layers in order, of which the second has a state."""

    def __init__(self, embedding, layer, head):
        self.embedding, self.layer, self.head = embedding, layer, head

    def forward(self, ids, state=None):
        output, state = self.layer(self.embedding(ids), state)
        return self.head(output), state


def writer():
    embedding = Embedding(6, H)
    return Reader(
        embedding, LSTM(H, H, layers=2, dropout=0.1, **STREAM), TiedHead(embedding)
    )


# ---- windows ----


@pytest.mark.parametrize(
    ("k1", "k2"),
    [(1, 1), (2, 2), (2, 5), (1, 4), (4, 2), (3, 1), (5, 5), (20, 20), (6, 100)],
)
def test_windows_are_those_of_one_long_run_with_gradients_k2_steps_back(
    rnn, contributions, k1, k2
):
    whole, bptt = rnn(X)[0].array, TruncatedBPTT(k1, k2)
    covered: list[int] = []
    in_a_loop_that_knows_no_state = Stateful(rnn, bptt)
    for steps, outputs in bptt.walk(rnn, X):
        end = steps.stop
        start = (end - 1) // k1 * k1
        assert steps.start == max(start, end - k2)
        covered += range(start, end)
        windows = [outputs]
        if end - start == k1:
            windows.append(in_a_loop_that_knows_no_state(X[:, start:end]))
        truth = contributions(rnn, X[:, :end], SEED)
        for window in windows:
            np.testing.assert_allclose(window.array, whole[:, steps], atol=1e-14)
            rnn.zero_grad()
            window[:, -1].backward(SEED)
            for name, parameter in rnn.cell.named_parameters().items():
                np.testing.assert_allclose(
                    parameter.grad, truth[name][-k2:].sum(axis=0), atol=1e-13
                )
    assert covered == list(range(T))


def test_nothing_of_an_old_window_is_kept(rnn):
    gc.disable()
    try:
        alive: list[Any] = []

        def model(x, state):
            assert not any(ref() for ref in alive)
            return rnn(x, state)

        for _, outputs in TruncatedBPTT(2, 2).walk(model, X):
            alive.append(weakref.ref(outputs))
            del outputs
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("options", "x", "words"),
    [
        (STREAM, X[:, :0], "MG231"),
        ({}, X, "MG233"),
        # a Tensor of two rows could be taken apart like a pair
        ({"return_sequences": True}, X[:2], "MG233"),
        ({"return_state": True}, X, "MG233"),
    ],
)
def test_a_sequence_without_steps_and_a_model_without_outputs_or_state_are_refused(
    options, x, words
):
    model, bptt = RNN(D, H, **options), TruncatedBPTT(2, 2)
    for call in (
        lambda: next(bptt.walk(model, x)),
        lambda: Stateful(model, bptt).eval()(x),
    ):
        with pytest.raises(ShapeError, match=words):
            call()


# ---- a state that is carried from call to call ----


def test_windows_may_be_lists_but_not_of_another_batch_size(rnn):
    stateful = Stateful(rnn, TruncatedBPTT(2, 2))
    np.testing.assert_allclose(
        stateful(X[:, :2].tolist()).array, rnn(X[:, :2])[0].array, rtol=1e-5
    )
    with pytest.raises(ShapeError, match="MG224"):
        stateful(X[:1, 2:4])


def test_a_walk_may_begin_with_a_state(rnn):
    _, state = rnn(X[:, :2])
    ((_, rest),) = TruncatedBPTT(T, T).walk(rnn, X[:, 2:], state)
    np.testing.assert_allclose(rest.array, rnn(X)[0].array[:, 2:], atol=1e-14)


def test_an_evaluation_has_its_own_state(rnn, stateful):
    whole = rnn(X)[0].array
    stateful(X[:, :2])
    for _ in range(2):
        stateful.eval()
        np.testing.assert_allclose(stateful(X[:, :3]).array, whole[:, :3], atol=1e-14)
        with Sequential(stateful).evaluating():  # leaves the one around it where it was
            np.testing.assert_allclose(
                stateful(X[:, :3]).array, whole[:, :3], atol=1e-14
            )
        np.testing.assert_allclose(stateful(X[:, 3:]).array, whole[:, 3:], atol=1e-14)
    stateful.train()
    np.testing.assert_allclose(stateful(X[:, 2:4]).array, whole[:, 2:4], atol=1e-14)


def test_it_keeps_copies_of_its_inputs_and_state(rnn, stateful):
    """A caller may read each window into the same array, and write to what is handed out."""
    whole, window = rnn(X)[0].array, X[:, :2].copy()
    stateful(window)
    window[...] = X[:, 2:4]
    carried = stateful.carried_state()
    stateful.load_carried_state(carried)
    carried["x"][...] = 7
    np.testing.assert_allclose(stateful(window).array, whole[:, 2:4], atol=1e-14)


class Counter(Layer):
    """A state of several parts, of which one is None, and the others count the calls."""

    def forward(self, x, state=None):
        count = mg.Tensor(np.zeros(len(x)) if state is None else state[1].array + 1.0)
        return mg.Tensor(x), (None, count, (count, count))


def test_a_state_of_many_parts_and_none_is_loaded_as_it_was():
    model, other = (
        Sequential(Stateful(Counter(), TruncatedBPTT(1, 1))) for _ in range(2)
    )
    for _ in range(3):
        model(np.zeros((2, 1, 3)))
    other.load_carried_state(model.carried_state())
    nothing, count, (_, last) = other[0]._memory["state"]
    assert nothing is None and count.array.tolist() == last.array.tolist() == [2, 2]
    other.load_carried_state({})
    assert not other.carried_state()


def test_a_run_resumed_in_the_middle_of_a_stream_ends_in_the_same_bytes(tmp_path):
    ids = np.random.default_rng(6).integers(0, 6, 200)

    def fit(steps=None, resume=None):
        class Clip(ClipGradients):
            def on_step(self, trainer):
                if trainer.step == 14:
                    trainer.model.eval()  # until the next epoch begins
                if steps and trainer.step == steps + 2:
                    raise RuntimeError("killed two steps after its snapshot")

        mg.seed(3)
        model = Sequential(Stateful(writer(), TruncatedBPTT(k1=4, k2=6)), Dense(6, 6))
        callbacks = [
            Clip(1.0),
            *([Snapshots(tmp_path, every_steps=steps)] if steps else []),
        ]
        optimizer = Adam(model.named_parameters(), lr=0.05)
        trainer = Trainer(
            model,
            mg.softmax_cross_entropy,
            optimizer,
            metrics={},
            callbacks=callbacks,
            seed=3,
        )
        trainer.fit(Stream(ids, 3, 4, windows=11), epochs=3, resume=resume)
        return model.state_dict() | model.carried_state()

    whole = fit()
    with pytest.raises(RuntimeError, match="killed"):
        fit(steps=17)  # in the middle of the second epoch, and of a sequence
    resumed = fit(resume=Snapshots.latest(tmp_path))
    assert {"carried.x", "carried.state.0", "carried.state.1"} < whole.keys()
    assert whole.keys() == resumed.keys()
    for name, array in whole.items():
        assert array.tobytes() == resumed[name].tobytes(), name


def test_a_state_with_the_paths_of_older_snapshots_is_restored(in_float64):
    stateful = Stateful(in_float64(LSTM(D, H, layers=2, **STREAM)), TruncatedBPTT(3, 3))
    stateful(X[:, :3])
    carried = stateful.carried_state()
    expected = stateful(X[:, 3:6]).array
    h, c = (
        carried.pop("state.0"),
        carried.pop("state.1"),
    )  # once, each cell had its own h and c
    old = {
        f"state.{cell}.{part}": array[cell]
        for cell in (0, 1)
        for part, array in enumerate((h, c))
    }
    stateful.load_carried_state(carried | old)
    np.testing.assert_array_equal(stateful(X[:, 3:6]).array, expected)


@pytest.mark.parametrize("k2", [1, 2, 3])
def test_inputs_that_another_layer_computes_get_their_gradient_or_an_error(
    rnn, contributions, k2
):
    stateful = Stateful(rnn, TruncatedBPTT(2, k2))
    stateful(X[:, :2])
    x: Any = mg.Tensor(X[:, 2:4], requires_grad=True)
    if k2 > 2:
        with pytest.raises(GradientError, match="MG237.*the last 1 step,"):
            stateful(x)
        return
    stateful(x)[:, -1].backward(SEED)
    truth = contributions(rnn, X[:, :4], SEED)["x"].swapaxes(0, 1)
    np.testing.assert_allclose(x.grad[:, -k2:], truth[:, -k2:], atol=1e-13)


# ---- samples ----


class Memoryless(Layer):
    """The same logits after any id."""

    def forward(self, ids, state):
        return mg.Tensor(
            np.broadcast_to(np.log([0.5, 0.3, 0.2]), (*ids.shape, 3))
        ), state


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_ids_are_drawn_from_the_softmax_at_a_temperature(temperature):
    drawn = sample(Memoryless(), [0], 4000, temperature=temperature, seed=1)
    expected = np.array([0.5, 0.3, 0.2]) ** (1 / temperature)
    found = np.bincount(drawn) / 4000
    np.testing.assert_allclose(found, expected / expected.sum(), atol=2 / np.sqrt(4000))


def test_a_sample_reads_its_prompt_carries_its_state_and_leaves_the_mode_alone():
    mg.seed(1)
    model = writer()
    drawn = sample(model, [1, 2, 3], 5, temperature=0.0)
    assert model.training and model.layer.training
    first, again, other = (sample(model, [1], 20, seed=seed) for seed in (2, 2, 3))
    assert first == again != other
    model.eval()
    # the likeliest id after the prompt and what was written so far, read in one go
    for n in range(5):
        assert (
            model(np.array([[1, 2, 3, *drawn[:n]]]))[0].array[0, -1].argmax()
            == drawn[n]
        )


def test_a_walk_begins_with_a_state_of_arrays_or_tensors(in_float64):
    rnn = in_float64(LSTM(D, H, layers=2, **STREAM))
    state = tuple(np.random.default_rng(4).normal(size=(2, 2, B, H)))
    whole = rnn(X, tuple(map(mg.Tensor, state)))[0].array
    for start in (state, tuple(map(mg.Tensor, state))):
        walk = TruncatedBPTT(5, 2).walk(rnn, X, start)
        for steps, outputs in walk:
            np.testing.assert_allclose(outputs.array, whole[:, steps], atol=1e-14)
    with pytest.raises(ShapeError, match="MG224"):
        next(TruncatedBPTT(5, 2).walk(rnn, X, state=5))
