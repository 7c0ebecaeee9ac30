"""truncate=k and TruncatedBPTT, against contributions summed by hand; k = T is the full gradient bit for bit."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import (
    GRU,
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
    unroll,
)
from minigrad import graph
from minigrad.context import place
from minigrad.data import Stream
from minigrad.errors import GradientError, OptionError, ShapeError
from optim import Adam, ClipGradients, Snapshots, Trainer

B, T, D, H = 3, 7, 4, 5


def rnn(**options: Any) -> RNN:
    layer = RNN(D, H, **options)
    rng = np.random.default_rng(0)
    for parameter in layer.named_parameters().values():
        parameter.array = rng.normal(size=parameter.shape) * 0.6
    return layer


X = np.random.default_rng(1).normal(size=(B, T, D))
SEED = np.random.default_rng(2).normal(size=(B, H))


def contributions(layer: RNN, x: Any, seed: Any) -> dict[str, Any]:
    """By hand: what step t adds to the gradient of each parameter, for a loss sum(h_T * seed): arrays (T, ...)."""
    W_xh, W_hh, b = (layer.cell.named_parameters()[name].array for name in ("W_xh", "W_hh", "b_h"))
    states = [np.zeros((len(x), len(b)))]
    for t in range(x.shape[1]):
        states.append(np.tanh(x[:, t] @ W_xh + states[-1] @ W_hh + b))
    dh, found = seed, []
    for t in reversed(range(x.shape[1])):
        da = dh * (1 - states[t + 1] ** 2)
        found.append((x[:, t].T @ da, states[t].T @ da, da.sum(axis=0), da @ W_xh.T))
        dh = da @ W_hh.T
    by_name = zip(("W_xh", "W_hh", "b_h", "x"), zip(*found[::-1], strict=True), strict=True)
    return {name: np.stack(parts) for name, parts in by_name}


@pytest.mark.parametrize("k", range(1, T + 2))
def test_truncated_gradients_are_the_last_k_contributions(k: int) -> None:
    layer = rnn(truncate=k)
    x = mg.Tensor(X, requires_grad=True)
    layer(x).backward(SEED)
    truth = contributions(layer, X, SEED)
    for name, parameter in layer.cell.named_parameters().items():
        assert parameter.grad is not None
        np.testing.assert_allclose(parameter.grad, truth[name][-k:].sum(axis=0), atol=1e-13, err_msg=name)
    expected = truth["x"].swapaxes(0, 1)
    expected[:, : max(T - k, 0)] = 0
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, expected, atol=1e-13)
    assert not x.grad[:, : max(T - k, 0)].any()  # not small: 0


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("k", [T, T + 3])
def test_with_k_of_t_or_more_nothing_changes_by_a_single_bit(kind: Any, k: int) -> None:
    grads = []
    for truncate in (None, k):
        mg.seed(5)
        layer = kind(D, H, truncate=truncate)
        layer(X.astype("float32")).backward(SEED)
        grads.append([parameter.grad.tobytes() for parameter in layer.named_parameters().values()])
    assert grads[0] == grads[1]


def test_values_are_those_of_the_full_network() -> None:
    np.testing.assert_array_equal(rnn(truncate=2)(X).array, rnn()(X).array)


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_the_cut_is_in_the_graph_with_what_came_before(kind: Any) -> None:
    z = kind(D, H, truncate=3)(X)
    nodes = graph.ancestors([z.node])
    cuts = [(node, node.cut_from) for node in nodes if isinstance(node, graph.Leaf) and node.cut_from is not None]
    assert {place(node.scope) for node, _ in cuts} == {f"in {kind.__name__.lower()}/t04"}
    assert len(cuts) == (2 if kind is LSTM else 1)
    assert {cut_from.scope[-1] for _, cut_from in cuts} == {"t03"}
    before = graph.ancestors([cut_from for _, cut_from in cuts])
    assert {node.scope[-1] for node in before if node.gate is not None} == {"t00", "t01", "t02", "t03"}


def test_in_reverse_the_last_steps_are_the_first_words() -> None:
    x = mg.Tensor(X, requires_grad=True)
    layer = RNN(D, H, bidirectional=True, truncate=2)
    layer(x)[:, H:].sum().backward()
    assert x.grad is not None
    assert x.grad[:, :2].all() and not x.grad[:, 2:].any()


def test_with_a_mask_the_last_k_steps_are_each_rows_own() -> None:
    lengths = [7, 2, 5]
    x = mg.Tensor(X, requires_grad=True)
    layer = rnn(truncate=3)
    layer(x, lengths=lengths).backward(SEED)
    assert x.grad is not None
    total = {name: np.zeros(parameter.shape) for name, parameter in layer.cell.named_parameters().items()}
    for row, length in enumerate(lengths):
        truth = contributions(layer, X[row : row + 1, :length], SEED[row : row + 1])
        for name in total:
            total[name] += truth[name][-3:].sum(axis=0)
        reached = np.zeros((T, D))
        reached[max(length - 3, 0) : length] = truth["x"][-3:, 0]
        np.testing.assert_allclose(x.grad[row], reached, atol=1e-13)
    for name, parameter in layer.cell.named_parameters().items():
        assert parameter.grad is not None
        np.testing.assert_allclose(parameter.grad, total[name], atol=1e-13)


# ---- streams ----


def stream(layer: RNN) -> RNN:
    layer.return_sequences = layer.return_state = True
    return layer


@pytest.mark.parametrize(("k1", "k2"), [(1, 1), (3, 3), (2, 5), (1, 4), (4, 2), (3, 1), (7, 7), (20, 20), (2, 100)])
def test_windows_cover_the_sequence_once_with_the_values_of_one_long_run(k1: int, k2: int) -> None:
    layer = stream(rnn())
    whole, _ = layer(X)
    covered = []
    for steps, outputs in TruncatedBPTT(k1, k2).walk(layer, X):
        np.testing.assert_allclose(outputs.array, whole.array[:, steps], atol=1e-14)
        covered += list(range(T))[steps]
    if k2 >= k1:
        assert covered == list(range(T))
    else:  # the last k2 steps of each window of k1
        ends = [*range(k1, T, k1), T]
        assert covered == [t for end in ends for t in range(max(end - k2, (end - 1) // k1 * k1), end)]


@pytest.mark.parametrize(("k1", "k2"), [(1, 1), (3, 3), (2, 5), (1, 4), (4, 2), (3, 1), (7, 7)])
def test_a_loss_at_the_end_of_each_window_reaches_k2_steps_back(k1: int, k2: int) -> None:
    layer = stream(rnn())
    for steps, outputs in TruncatedBPTT(k1, k2).walk(layer, X):
        for parameter in layer.named_parameters().values():
            parameter.grad = None
        outputs[:, -1].backward(SEED)
        truth = contributions(layer, X[:, : steps.stop], SEED)
        for name, parameter in layer.cell.named_parameters().items():
            assert parameter.grad is not None
            np.testing.assert_allclose(parameter.grad, truth[name][-k2:].sum(axis=0), atol=1e-13)


def test_a_loss_at_every_step_reaches_back_to_the_beginning_of_the_window() -> None:
    layer = stream(rnn())
    seeds = np.random.default_rng(3).normal(size=(B, T, H))
    for steps, outputs in TruncatedBPTT(2, 4).walk(layer, X):
        for parameter in layer.named_parameters().values():
            parameter.grad = None
        outputs.backward(seeds[:, steps])
        begin = max(0, steps.stop - 4)
        expected = 0.0
        for t in range(steps.start, steps.stop):
            expected = expected + contributions(layer, X[:, : t + 1], seeds[:, t])["W_hh"][begin:].sum(axis=0)
        assert layer.cell.W_hh.grad is not None
        np.testing.assert_allclose(layer.cell.W_hh.grad, expected, atol=1e-13)


def test_parameters_may_be_updated_between_windows() -> None:
    class Tagger(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = stream(rnn())
            self.head = Dense(H, 2)

        def forward(self, x: Any, state: Any = None) -> Any:
            h, state = self.rnn(x, state)
            return self.head(h), state

    def descend(parameter: mg.Tensor) -> None:
        grad = parameter.grad
        assert grad is not None
        parameter.update(lambda array: np.subtract(array, 0.5 * grad, out=array))
        parameter.grad = None

    model = Tagger()
    labels = (X.sum(axis=2) > 0).astype(int)
    losses = []
    for _ in range(20):
        for steps, logits in TruncatedBPTT(2, 4).walk(model, X):
            loss = mg.softmax_cross_entropy(logits, labels[:, steps])
            loss.backward()
            for parameter in model.named_parameters().values():
                descend(parameter)
            losses.append(loss.item())
    assert np.mean(losses[-4:]) < 0.3 * np.mean(losses[:4])


def test_nothing_of_an_old_window_is_kept() -> None:
    gc.disable()
    try:
        layer, alive = stream(rnn()), []
        for _, outputs in TruncatedBPTT(2, 2).walk(layer, X):
            alive.append(weakref.ref(outputs))
            nodes = graph.ancestors([outputs.node])
            assert (
                len([node for node in nodes if node.gate is not None]) <= 2 * 5 + 3
            )  # two steps, stacked, in two runs
            del nodes
        assert [ref() for ref in alive[:-1]] == [None] * (len(alive) - 1)
    finally:
        gc.enable()


def test_a_state_can_be_given_and_stacks_carry_theirs() -> None:
    layer = LSTM(D, H, layers=2, return_sequences=True, return_state=True)
    whole, _ = layer(X.astype("float32"))
    parts = [outputs.array for _, outputs in TruncatedBPTT(3, 3).walk(layer, X.astype("float32"))]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole.array, atol=1e-6)


@pytest.mark.parametrize(("k1", "k2"), [(0, 1), (1, 0), (-1, 3)])
def test_window_sizes_below_one_are_refused(k1: int, k2: int) -> None:
    with pytest.raises(OptionError) as caught:
        TruncatedBPTT(k1, k2)
    assert caught.value.code == "MG210"


@pytest.mark.parametrize("x", [X[:, :0], X[0, 0], 5, None, []])
def test_a_sequence_without_steps_is_refused(x: Any) -> None:
    model = stream(rnn())
    for walk in (lambda: next(TruncatedBPTT(2, 2).walk(model, x)), lambda: Stateful(model, TruncatedBPTT(2, 2))(x)):
        with pytest.raises(ShapeError) as caught:
            walk()
        assert caught.value.code == "MG231"


@pytest.mark.parametrize("options", [{}, {"return_state": True}, {"return_sequences": True}])
def test_a_model_that_returns_no_outputs_or_no_state_is_refused(options: Any) -> None:
    model = RNN(D, H, **options)
    x = X[:2].astype("float32")  # two rows: a Tensor of two rows could be taken apart like a pair
    carried = Stateful(model, TruncatedBPTT(3, 3))
    for call in (
        lambda: next(TruncatedBPTT(3, 3).walk(model, x)),
        lambda: carried(x[:, :3]),
        lambda: carried.eval()(x[:, :3]),
        lambda: sample(Reader(model), [1, 2, 3], 3),
    ):
        with pytest.raises(ShapeError, match="MG233"):
            call()


class Reader(Layer):
    """A model of ids whose recurrent layer has not the options that it needs."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.embedding, self.layer = Embedding(5, D), layer

    def forward(self, ids: Any, state: Any = None) -> Any:
        return self.layer(self.embedding(ids), state)


def test_carried_windows_of_another_batch_size_are_refused_and_lists_are_read() -> None:
    carried = Stateful(stream(rnn()), TruncatedBPTT(3, 5))
    x = X.astype("float32")
    anew = Stateful(carried.model, TruncatedBPTT(3, 5))
    np.testing.assert_allclose(carried(x[:, :3].tolist()).array, anew(x[:, :3]).array, rtol=1e-5)
    with pytest.raises(ShapeError, match="MG224"):
        carried(x[:1, 3:6])


# ---- state that is carried from call to call, and text that is written ----


@pytest.mark.parametrize(("k1", "k2"), [(2, 2), (2, 5), (1, 4), (3, 4), (4, 2), (6, 100)])
def test_carried_windows_are_one_long_sequence(k1: int, k2: int) -> None:
    x = np.random.default_rng(4).normal(size=(B, 12, D))
    layer = stream(rnn())
    whole, carried = layer(x)[0].array, Stateful(layer, TruncatedBPTT(k1, k2))
    for end in range(k1, 13, k1):
        layer.zero_grad()
        outputs = carried(x[:, end - k1 : end])
        np.testing.assert_allclose(outputs.array, whole[:, max(end - k1, end - k2) : end], atol=1e-14)
        outputs[:, -1].backward(SEED)
        truth = contributions(layer, x[:, :end], SEED)
        for name, parameter in layer.cell.named_parameters().items():
            assert parameter.grad is not None
            np.testing.assert_allclose(parameter.grad, truth[name][-k2:].sum(axis=0), atol=1e-13)


def test_an_evaluation_has_a_state_of_its_own() -> None:
    layer = stream(rnn())
    whole, carried = layer(X)[0].array, Stateful(layer, TruncatedBPTT(2, 4))
    carried(X[:, :2])
    for _ in range(2):
        carried.eval()
        with mg.no_grad():
            np.testing.assert_allclose(carried(X[:, :3]).array, whole[:, :3], atol=1e-14)
            np.testing.assert_allclose(carried(X[:, 3:]).array, whole[:, 3:], atol=1e-14)
    carried.train()
    np.testing.assert_allclose(carried(X[:, 2:4]).array, whole[:, 2:4], atol=1e-14)


def test_every_evaluation_starts_anew_and_leaves_the_one_around_it_where_it_was() -> None:
    layer = stream(rnn())
    whole, carried = layer(X)[0].array, Stateful(layer, TruncatedBPTT(2, 4))
    model = Sequential(carried)
    with mg.no_grad():
        for _ in range(2):
            with model.evaluating():
                np.testing.assert_allclose(model(X[:, :3]).array, whole[:, :3], atol=1e-14)
                with model.evaluating():
                    np.testing.assert_allclose(model(X[:, :3]).array, whole[:, :3], atol=1e-14)
                np.testing.assert_allclose(model(X[:, 3:]).array, whole[:, 3:], atol=1e-14)
    assert model.training and carried.training


@pytest.mark.parametrize("truncate", [0, -1, 2.5])
def test_unroll_refuses_what_is_no_number_of_steps(truncate: Any) -> None:
    layer = rnn()
    with pytest.raises(OptionError, match=rf"MG143.*truncated to {truncate} steps"):
        unroll(layer.cell, mg.Tensor(X), layer.cell.initial_state(B), truncate=truncate)
    with pytest.raises(OptionError, match="MG143"):
        mg.RNNSequence(truncate)


def test_unroll_refuses_a_mask_of_another_batch() -> None:
    layer = rnn()
    x, state = mg.Tensor(X), layer.cell.initial_state(B)
    for inputs in (x, [x[:, t] for t in range(T)]):
        for batch in (1, B + 1):
            with pytest.raises(ShapeError, match=rf"MG222.*\({batch}, {T}\).*{B} sequences of {T} steps"):
                unroll(layer.cell, inputs, state, mask=np.ones((batch, T), bool))


class Writer(Layer):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = Embedding(6, H)
        self.lstm = LSTM(H, H, layers=2, dropout=0.1, return_sequences=True, return_state=True)
        self.head = TiedHead(self.embedding)

    def forward(self, ids: Any, state: Any = None) -> Any:
        h, state = self.lstm(self.embedding(ids), state)
        return self.head(h), state


class Holder(Layer):
    """A model with a Stateful inside, and another layer after it."""

    def __init__(self, stream: Layer) -> None:
        super().__init__()
        self.stream, self.dense = stream, Dense(6, 6)

    def forward(self, ids: Any) -> Any:
        return self.dense(self.stream(ids))


@pytest.mark.parametrize("evaluate", [False, True])
@pytest.mark.parametrize(("wrap", "path"), [(lambda model: model, ""), (Sequential, "carried."), (Holder, "stream.")])
def test_a_run_resumed_in_the_middle_of_a_stream_ends_in_the_same_bytes(
    tmp_path: Path, wrap: Any, path: str, evaluate: bool
) -> None:
    ids = np.random.default_rng(6).integers(0, 6, 200)

    def fit(steps: int | None = None, resume: Path | None = None) -> Any:
        class Clip(ClipGradients):
            def on_step(self, trainer: Any) -> None:
                if evaluate and trainer.step == 14:
                    trainer.model.eval()  # until the next epoch begins
                if steps and trainer.step == steps + 2:
                    raise RuntimeError("killed two steps after its snapshot")

        mg.seed(3)
        model = wrap(Stateful(Writer(), TruncatedBPTT(k1=4, k2=6)))
        callbacks: list[Any] = [Clip(1.0)]
        if steps:
            callbacks.append(Snapshots(tmp_path, every_steps=steps))
        optimizer = Adam(model.named_parameters(), lr=0.05)
        trainer = Trainer(model, mg.softmax_cross_entropy, optimizer, metrics={}, callbacks=callbacks, seed=3)
        trainer.fit(Stream(ids, 3, 4, windows=11), epochs=3, resume=resume)
        return model

    whole = fit()
    with pytest.raises(RuntimeError, match="killed"):
        fit(steps=17)  # in the middle of the second epoch, and of a sequence
    resumed = fit(resume=Snapshots.latest(tmp_path))
    assert resumed.state_dict().keys() == whole.state_dict().keys()
    for name, array in whole.state_dict().items():
        assert array.tobytes() == resumed.state_dict()[name].tobytes(), name
    states = (f"{path}state.{cell}.{part}" for cell in (0, 1) for part in (0, 1))
    assert whole.carried_state().keys() == {f"{path}x", *states}
    for name, array in whole.carried_state().items():
        assert array.tobytes() == resumed.carried_state()[name].tobytes(), name


@pytest.mark.parametrize("k2", [2, 4, 5])
def test_a_carried_after_an_embedding_trains_as_if_that_were_inside_or_says_that_it_cannot(k2: int) -> None:
    ids, bptt, found = np.random.default_rng(6).integers(0, 6, 120), TruncatedBPTT(k1=4, k2=k2), []

    def loss(logits: Any, y: Any) -> Any:
        return mg.softmax_cross_entropy(logits, y[:, -logits.shape[1] :])

    for inside in (True, False):
        mg.seed(3)
        embedding, rnn = Embedding(6, 3), RNN(3, 6, return_sequences=True, return_state=True)
        reader = Reader(rnn)
        reader.embedding = embedding
        model = Stateful(reader, bptt) if inside else Sequential(embedding, Stateful(rnn, bptt))
        optimizer = Adam({"table": embedding.table, **rnn.named_parameters()}, lr=0.05)
        trainer = Trainer(model, loss, optimizer, metrics={}, callbacks=[], seed=3)
        if k2 > 4 and not inside:
            with pytest.raises(GradientError, match="MG237.*1 steps"):
                trainer.fit(Stream(ids, 3, 4), epochs=2)
            return
        trainer.fit(Stream(ids, 3, 4), epochs=2)
        found.append([embedding.table.array, *(one.array for one in rnn.named_parameters().values())])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("kind", [RNN, LSTM])
def test_a_walk_begins_with_a_state_of_arrays(kind: Any) -> None:
    layer = kind(D, H, return_sequences=True, return_state=True)
    x, h = X.astype("float32"), np.full((B, H), 0.3, "float32")
    state = (h, h) if kind is LSTM else h
    for k1, k2 in ((2, 9), (3, 1)):
        for steps, outputs in TruncatedBPTT(k1, k2).walk(layer, x, state):
            np.testing.assert_allclose(outputs.array, layer(x, state)[0].array[:, steps], atol=1e-6)


def test_a_bidirectional_state_is_not_carried() -> None:
    model = Reader(GRU(3, 2, bidirectional=True, return_sequences=True, return_state=True))
    for start in (lambda: Stateful(model, TruncatedBPTT(2, 2)), lambda: next(TruncatedBPTT(2, 2).walk(model, X))):
        with pytest.raises(OptionError, match="MG244.*state of layer, a bidirectional GRU"):
            start()


class Counter(Layer):
    """A state of eleven parts; some are None, and the last counts the calls."""

    def forward(self, x: Any, state: Any = None) -> Any:
        count = mg.Tensor(np.zeros(len(x)) if state is None else state[-1].array + 1.0)
        return mg.Tensor(x), (None, (count, None), *[count] * 8, None, count)


def test_a_carried_state_of_many_parts_and_none_is_loaded_as_it_was() -> None:
    carried, other = (Sequential(Stateful(Counter(), TruncatedBPTT(1, 1))) for _ in range(2))
    for _ in range(3):
        carried(np.zeros((2, 1, 3)))
    other.load_carried_state(carried.carried_state())
    first, second, *_, tenth, last = other[0]._memory.state
    assert (first, second[1], tenth) == (None, None, None) and second[0].array.tolist() == last.array.tolist() == [2, 2]
    other.load_carried_state({})
    assert not other.carried_state()


class Memoryless(Layer):
    """The same logits after any id."""

    logits = np.log([0.5, 0.3, 0.2])

    def forward(self, ids: Any, state: Any) -> Any:
        return mg.Tensor(np.broadcast_to(self.logits, (*ids.shape, 3))), state


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_ids_are_drawn_from_the_softmax_at_a_temperature(temperature: float) -> None:
    drawn = sample(Memoryless(), [0], 4000, temperature=temperature, seed=1)
    expected = np.array([0.5, 0.3, 0.2]) ** (1 / temperature)
    expected /= expected.sum()
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / 4000, expected, atol=4 * 0.5 / np.sqrt(4000))


def test_a_sample_reads_its_prompt_carries_its_state_and_leaves_the_mode_alone() -> None:
    mg.seed(1)
    model = Writer().train()
    drawn = sample(model, [1, 2, 3], 5, temperature=0.0)
    model.eval()
    for n in range(5):  # the likeliest id after the prompt and what was written so far, read in one go
        assert model(np.array([[1, 2, 3, *drawn[:n]]]))[0].array[0, -1].argmax() == drawn[n]
    model.train()
    assert sample(model, [1], 20, seed=2) == sample(model, [1], 20, seed=2) != sample(model, [1], 20, seed=3)
    assert model.training and model.lstm.training


@pytest.mark.parametrize(
    ("prompt", "temperature"), [([], 1.0), ([1], -0.1), ([1], float("nan")), (1, 1.0), ([[1, 2]], 1.0), (None, 1.0)]
)
def test_nothing_to_sample_from_is_refused(prompt: Any, temperature: float) -> None:
    with pytest.raises(OptionError, match="MG232"):
        sample(Memoryless(), prompt, 1, temperature=temperature)


@pytest.mark.parametrize(
    "options", [{"count": 2.5}, {"count": -1}, {"seed": "a"}, {"seed": -1}, {"temperature": np.inf}]
)
def test_counts_and_seeds_to_sample_with_are_integers(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="MG232"):
        sample(Memoryless(), [0], **{"count": 1, **options})


def test_unroll_reads_an_array_as_batch_time_features_and_refuses_a_mask_of_no_steps() -> None:
    layer = rnn()
    state = layer.cell.initial_state(B)
    array: Any = X
    for one, other in zip(unroll(layer.cell, array, state)[0], unroll(layer.cell, mg.Tensor(X), state)[0], strict=True):
        np.testing.assert_array_equal(one.array, other.array)
    with pytest.raises(ShapeError, match=r"MG222.*sequence 0 has no real step"):
        unroll(layer.cell, [], state, mask=np.ones((B, 0), bool))


def test_a_carried_keeps_copies_of_its_inputs_and_state() -> None:
    """A caller may read each window into the same array, and write to what is handed out and was given."""
    carried, other = (Stateful(stream(rnn()), TruncatedBPTT(2, 4)) for _ in range(2))
    window = X[:, :2].copy()
    for model, x in ((carried, window), (other, X[:, :2])):
        model(x)
    window[...] = X[:, 2:4]
    carried.carried_state()["x"][...] = 7
    np.testing.assert_array_equal(carried(window).array, other(X[:, 2:4]).array)
    given = other.carried_state()
    carried.load_carried_state(given)
    given["x"][...] = 7
    gradients = []
    for model in (carried, other):
        model(X[:, 4:6]).sum().backward()
        gradients.append([parameter.grad for parameter in model.named_parameters().values()])
    for here, there in zip(*gradients, strict=True):
        np.testing.assert_array_equal(here, there)
