"""RNN, GRU and LSTM and the unroller, against formulas written out in NumPy and finite differences."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import layers
import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, GRUCell, LSTMCell, RNNCell, Sequential, pool
from minigrad import graph
from minigrad.errors import OptionError, ShapeError

Make = Callable[..., Any]


def in_float64(layer: Any, seed: int = 0) -> Any:
    """Every parameter drawn afresh: biases and all, so that nothing hides behind a 0."""
    rng = np.random.default_rng(seed)
    for parameter in layer.named_parameters().values():
        parameter.array = rng.normal(size=parameter.shape) * 0.5
    return layer


def sigma(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


# ---- cells, as their docstrings write them ----


def test_rnn_cell() -> None:
    cell = in_float64(RNNCell(3, 2))
    p = {name: tensor.array for name, tensor in cell.named_parameters().items()}
    rng = np.random.default_rng(1)
    x, h = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    output, state = cell(mg.Tensor(x), mg.Tensor(h))
    np.testing.assert_allclose(output.array, np.tanh(x @ p["W_xh"] + h @ p["W_hh"] + p["b_h"]), atol=1e-14)
    assert output is state


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru_cell(reset_after: bool) -> None:
    H = 2
    cell = in_float64(GRUCell(3, H, reset_after))
    p = {name: tensor.array for name, tensor in cell.named_parameters().items()}
    rng = np.random.default_rng(1)
    x, h = rng.normal(size=(4, 3)), rng.normal(size=(4, H))

    def block(name: str, number: int) -> Any:
        return p[name][..., number * H : (number + 1) * H] if name in p else 0.0

    def from_x(number: int) -> Any:
        return x @ block("W_xh", number) + block("b_xh", number)

    def from_h(number: int, h: Any) -> Any:
        return h @ block("W_hh", number) + block("b_hh", number)

    z, r = sigma(from_x(0) + from_h(0, h)), sigma(from_x(1) + from_h(1, h))
    n = np.tanh(from_x(2) + (r * from_h(2, h) if reset_after else from_h(2, r * h)))
    output, state = cell(mg.Tensor(x), mg.Tensor(h))
    np.testing.assert_allclose(output.array, (1 - z) * n + z * h, atol=1e-14)
    assert output is state


def test_lstm_cell() -> None:
    cell = in_float64(LSTMCell(3, 2))
    p = {name: tensor.array for name, tensor in cell.named_parameters().items()}
    rng = np.random.default_rng(1)
    x, h, c = rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    i, f, g, o = np.split(x @ p["W_xh"] + h @ p["W_hh"] + p["b"], 4, axis=1)
    memory = sigma(f) * c + sigma(i) * np.tanh(g)
    output, (new_h, new_c) = cell(mg.Tensor(x), (mg.Tensor(h), mg.Tensor(c)))
    np.testing.assert_allclose(new_c.array, memory, atol=1e-14)
    np.testing.assert_allclose(new_h.array, sigma(o) * np.tanh(memory), atol=1e-14)
    assert output is new_h


def test_initial_weights_are_those_of_the_reference() -> None:
    mg.seed(0)
    cell = LSTMCell(128, 32)
    limit = np.sqrt(6 / (128 + 4 * 32))
    assert 0.98 * limit < np.abs(cell.W_xh.array).max() <= limit * (1 + 1e-6)
    np.testing.assert_allclose(cell.W_hh.array @ cell.W_hh.array.T, np.eye(32), atol=1e-5)
    np.testing.assert_array_equal(cell.b.array, np.repeat([0.0, 1.0, 0.0, 0.0], 32))
    assert not GRUCell(3, 2).b_xh.array.any() and not RNNCell(3, 2).b_h.array.any()


# ---- the unroller ----


def test_a_step_of_the_rnn_records_exactly_its_gates() -> None:
    rnn = RNN(3, 2)
    h = rnn(np.ones((2, 12, 3)))
    nodes = [node for node in graph.ancestors([h.node]) if node.gate is not None]
    assert Counter(node.gate.name for node in nodes) == {"MultiplyGate": 24, "AddGate": 24, "Tanh": 12}
    assert {node.scope for node in nodes} == {("rnn", f"t{t:02d}") for t in range(12)}
    # With a sequence that has a gradient of its own, one Slice more for each step.
    h = rnn(mg.Tensor(np.ones((2, 12, 3), "float32"), requires_grad=True))
    counted = Counter(node.gate.name for node in graph.ancestors([h.node]) if node.gate is not None)
    assert counted == {"MultiplyGate": 24, "AddGate": 24, "Tanh": 12, "Slice": 12}


def test_the_plain_model_is_as_large_as_the_reference_says() -> None:
    # The reference: 206 nodes for 40 steps of x_t U + h W + b and tanh, with U, W, b, the state, and a loss at the end.
    h = RNN(3, 2)(np.ones((2, 40, 3)))
    nodes = graph.ancestors([h.node])
    assert len([node for node in nodes if node.gate is not None]) == 200
    assert {node.name for node in nodes if node.gate is None and node.name} == {
        "cell.W_xh",
        "cell.W_hh",
        "cell.b_h",
        "h0",
    }


def test_scopes_are_as_wide_as_the_last_step_needs() -> None:
    h = RNN(1, 1)(np.ones((1, 101, 1)))
    scopes = {node.scope[-1] for node in graph.ancestors([h.node]) if node.gate is not None}
    assert {"t000", "t100"} < scopes


def by_hand(layer: Any, x: Any) -> Any:
    """h_1 ... h_T of a plain RNN, (B, T, H)."""
    p = {name.rpartition(".")[2]: tensor.array for name, tensor in layer.named_parameters().items()}
    h, found = np.zeros((len(x), p["W_hh"].shape[0])), []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ p["W_xh"] + h @ p["W_hh"] + p["b_h"])
        found.append(h)
    return np.stack(found, axis=1)


def test_sequences_last_states_and_pooling() -> None:
    x = np.random.default_rng(2).normal(size=(3, 5, 4))
    truth = by_hand(in_float64(RNN(4, 2)), x)
    cases: list[tuple[dict[str, Any], Any]] = [
        ({}, truth[:, -1]),
        ({"return_sequences": True}, truth),
        ({"pooling": "mean"}, truth.mean(axis=1)),
        ({"pooling": "max"}, truth.max(axis=1)),
    ]
    for options, expected in cases:
        np.testing.assert_allclose(in_float64(RNN(4, 2, **options))(x).array, expected, atol=1e-14)
    with pytest.raises(OptionError, match="MG220.*how='median'"):
        pool(mg.Tensor(x), "median")


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pool_over_real_steps_alone(how: str) -> None:
    x = np.random.default_rng(3).normal(size=(2, 4, 3))
    mask = np.array([[1, 0, 1, 0], [0, 0, 0, 1]])
    x[0, 1] = np.nan  # what stands at padding does not matter
    truth = [getattr(row[real == 1], how)(axis=0) for row, real in zip(x, mask, strict=True)]
    np.testing.assert_allclose(pool(mg.Tensor(x), how, mask).array, truth, atol=1e-15)
    with pytest.raises(ShapeError, match="MG222.*sequence 1 has no real step"):
        pool(mg.Tensor(x), how, mask * [[1], [0]])
    with pytest.raises(ShapeError, match=r"MG222.*\(1, 4\)"):
        pool(mg.Tensor(x), how, mask[:1])


def test_a_sequence_in_two_halves_with_the_state_passed_on_equals_the_whole() -> None:
    x = np.random.default_rng(3).normal(size=(2, 6, 3))
    for kind in (RNN, GRU, LSTM):
        layer = in_float64(kind(3, 2, layers=2, return_sequences=True, return_state=True))
        whole, final = layer(x)
        first, middle = layer(x[:, :4])
        second, end = layer(x[:, 4:], middle)
        np.testing.assert_allclose(np.concatenate([first.array, second.array], axis=1), whole.array, atol=1e-14)
        assert str(final) == str(end)


def test_backward_outputs_stand_at_their_own_time_step() -> None:
    x = np.random.default_rng(4).normal(size=(2, 5, 3))
    layer = in_float64(RNN(3, 2, bidirectional=True, return_sequences=True))
    # The backward cell alone, on the reversed sequence, gives its outputs from the last step to the first.
    alone = RNN(3, 2, return_sequences=True)
    alone.load_state_dict({f"cell.{n}": getattr(alone.cell, n).array for n in ("W_xh", "W_hh", "b_h")})
    for name in ("W_xh", "W_hh", "b_h"):
        getattr(alone.cell, name).array = getattr(layer.backward_cell, name).array
    np.testing.assert_allclose(layer(x).array[:, :, 2:], alone(x[:, ::-1]).array[:, ::-1], atol=1e-14)
    layer.return_sequences = False
    np.testing.assert_allclose(layer(x).array[:, 2:], alone(x[:, ::-1]).array[:, -1], atol=1e-14)


def test_several_cells_run_in_scopes_of_their_names() -> None:
    layer = GRU(3, 2, layers=2, bidirectional=True)
    assert list(layer.cells()) == ["cell", "backward_cell", "cell_2", "backward_cell_2"]
    z = layer(np.ones((1, 3, 3)))
    scopes = {"/".join(node.scope) for node in graph.ancestors([z.node]) if node.gate is not None}
    assert {"gru/cell/t00", "gru/backward_cell/t02", "gru/cell_2/t01", "gru/backward_cell_2/t00", "gru/t01"} <= scopes


def test_dropout_between_layers_is_on_in_training_alone() -> None:
    mg.seed(0)
    layer = LSTM(3, 8, layers=2, dropout=0.5)
    x = np.ones((2, 4, 3))
    assert not np.array_equal(layer(x).array, layer(x).array)
    layer.eval()
    np.testing.assert_array_equal(layer(x).array, layer(x).array)


OPTIONS: list[tuple[Make, dict[str, Any]]] = [
    (RNN, {}),
    (RNN, {"activation": mg.relu, "pooling": "mean"}),
    (RNN, {"layers": 2, "bidirectional": True}),
    (GRU, {"return_sequences": True}),
    (GRU, {"reset_after": False, "pooling": "max"}),
    (LSTM, {}),
    (LSTM, {"layers": 2, "pooling": "mean"}),
    (LSTM, {"bidirectional": True, "return_sequences": True}),
]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("kind", "options"), OPTIONS)
def test_gradients_equal_finite_differences(kind: Make, options: dict[str, Any], masked: bool) -> None:
    rng = np.random.default_rng(5)
    layer = in_float64(kind(3, 2, **options))
    x = mg.Tensor(rng.normal(size=(3, 4, 3)), requires_grad=True)
    lengths = [4, 1, 3] if masked else None
    output = layer(x, lengths=lengths)
    seed = rng.normal(size=output.shape)
    output.backward(seed)
    for leaf in [x, *layer.named_parameters().values()]:
        value, gradient = leaf.array.copy(), leaf.grad
        for index in [tuple(rng.integers(0, size) for size in leaf.shape) for _ in range(6)]:
            sums = []
            for sign in (1, -1):
                moved = value.copy()
                moved[index] += sign * 1e-5
                leaf.array = moved
                sums.append((layer(x, lengths=lengths).array * seed).sum())
            leaf.array = value
            assert abs((sums[0] - sums[1]) / 2e-5 - gradient[index]) < 1e-8, (leaf.name, index)


def test_every_parameter_of_a_stack_learns() -> None:
    model = Sequential(LSTM(3, 2, layers=2, bidirectional=True, dropout=0.1), Dense(4, 2))
    mg.softmax_cross_entropy(model(np.ones((2, 3, 3))), np.array([0, 1])).backward()
    assert all(parameter.grad is not None for parameter in model.named_parameters().values())


def test_an_initial_state_gets_its_gradient() -> None:
    layer = in_float64(RNN(3, 2))
    h0 = mg.Tensor(np.zeros((1, 2)), requires_grad=True)
    z = layer(np.zeros((1, 1, 3)), h0)
    z.sum().backward()
    slope = 1 - np.tanh(layer.cell.b_h.array) ** 2
    assert h0.grad is not None
    np.testing.assert_allclose(h0.grad, [layer.cell.W_hh.array @ slope], atol=1e-14)


def test_second_derivatives_pass_through_an_unrolled_rnn() -> None:
    # h = tanh(w·tanh(w·s)): d²h/dw² by differences of the first derivative.
    layer = RNN(1, 1)
    for parameter, value in zip(layer.named_parameters().values(), (0.0, 0.7, 0.0), strict=True):
        parameter.array = np.full(parameter.shape, value)
    W = layer.cell.W_hh
    state = mg.Tensor(np.array([[0.5]]))
    (first,) = mg.grad(layer(np.zeros((1, 2, 1)), state).sum(), [W], create_graph=True)
    (second,) = mg.grad(first.sum(), [W])

    def slope(w: float) -> float:
        inner = np.tanh(w * 0.5)
        return float((1 - np.tanh(w * inner) ** 2) * (inner + w * (1 - inner**2) * 0.5))

    assert abs(second.item() - (slope(0.7 + 1e-5) - slope(0.7 - 1e-5)) / 2e-5) < 1e-8


@pytest.mark.parametrize(
    ("action", "code", "error"),
    [
        (lambda: RNN(0, 3), "MG210", OptionError),
        (lambda: RNN(3, 2, activation="tanh"), "MG211", OptionError),  # type: ignore[arg-type]
        (lambda: LSTM(3, 2, layers=2, dropout=1.5), "MG212", OptionError),
        (lambda: RNN(3, 2, truncate=0), "MG210", OptionError),
        (lambda: RNN(3, 2, truncate=2.5), "MG210", OptionError),  # type: ignore[arg-type]
        (lambda: RNN(3, 2, layers=0), "MG210", OptionError),
        (lambda: RNN(3, 2, pooling="sum"), "MG220", OptionError),  # type: ignore[arg-type]
        (lambda: RNN(3, 2, pooling="mean", return_sequences=True), "MG220", OptionError),
        (lambda: RNN(3, 2, dropout=0.5), "MG220", OptionError),
        (lambda: RNN(3, 2)(np.ones((4, 3))), "MG221", ShapeError),
        (lambda: RNN(3, 2)(np.ones((4, 5, 2))), "MG221", ShapeError),
        (lambda: RNN(3, 2)(np.ones((4, 0, 3))), "MG221", ShapeError),
        (lambda: RNN(3, 2)(np.ones((4, 5, 3)), mg.Tensor(np.zeros((3, 2)))), "MG224", ShapeError),
        (lambda: LSTM(3, 2)(np.ones((4, 5, 3)), mg.Tensor(np.zeros((4, 2)))), "MG224", ShapeError),
        (lambda: RNN(3, 2, layers=2)(np.ones((4, 5, 3)), mg.Tensor(np.zeros((4, 2)))), "MG224", ShapeError),
        (lambda: RNN(3, 2)(np.ones((4, 5, 3)), "zeros"), "MG224", ShapeError),
        (lambda: RNN(3, 2)(Embedding(9, 3)(np.ones((2, 5, 4), int))), "MG221", ShapeError),
        (lambda: RNN(3, 2, fused="no"), "MG220", OptionError),  # type: ignore[arg-type]
        (lambda: RNN(3, 2, bidirectional=2), "MG220", OptionError),  # type: ignore[arg-type]
        (lambda: RNN(3, 2, return_state="no"), "MG220", OptionError),  # type: ignore[arg-type]
        (lambda: RNN(3, 2, layers=2, dropout="half"), "MG212", OptionError),  # type: ignore[arg-type]
        (lambda: pool(mg.Tensor(np.ones((5, 3))), "max"), "MG221", ShapeError),
    ],
)
def test_bad_input(action: Any, code: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        action()
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert caught.value.remedy  # type: ignore[attr-defined]


@pytest.mark.parametrize("options", [{}, {"return_sequences": True}, {"pooling": "mean", "bidirectional": True}])
def test_unpacking_a_batch_of_2_as_output_and_state_warns_at_the_line(options: Any) -> None:
    model = Sequential(Embedding(5, 3), LSTM(3, 4, **options))
    with pytest.warns(layers.UnpackingWarning, match="MG234.*batch of 2") as caught:
        _, _ = model(np.ones((2, 6), int))
    assert caught[0].filename == __file__
    pickle.loads(pickle.dumps(model(np.ones((2, 6), int)))).sum().backward()


def test_rows_of_other_batches_and_outputs_beside_a_state_are_unpacked_in_silence() -> None:
    x = np.ones((3, 5, 3), "float32")
    _, _, _ = RNN(3, 2)(x)
    output, _ = RNN(3, 2, return_state=True)(x[:2])
    _, _ = output
    _, _ = RNN(3, 2)(x[:2]) + 0
    assert RNN(3, 2)(x[:2])[0].shape == (2,)


def test_pool_takes_integers_and_arrays() -> None:
    sequence, mask = np.array([[[1], [5], [9]]]), np.array([[True, True, False]])
    assert (pool(sequence, "max", mask).item(), pool(mg.Tensor(sequence), "mean", mask).item()) == (5, 3)
    assert pool(sequence > 4, "mean").item() == pytest.approx(2 / 3)


def test_bad_input_is_told_in_its_own_numbers() -> None:
    with pytest.raises(ShapeError, match=r"(?s)\(4, 5, 2\).*2 features.*made for 3"):
        RNN(3, 2)(np.ones((4, 5, 2)))
    with pytest.raises(ShapeError, match="zero time steps"):
        RNN(3, 2)(np.ones((4, 0, 3)))
    with pytest.raises(ShapeError, match=r"batch of 4: its shapes are \(3, 2\) where \(4, 2\)"):
        RNN(3, 2)(np.ones((4, 5, 3)), mg.Tensor(np.zeros((3, 2))))
