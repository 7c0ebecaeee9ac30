"""Dense, Embedding, Dropout, LayerNorm and the initialisers, against formulas and hand-worked numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import LSTM, Dense, Dropout, Embedding, LayerNorm, OneHot, TiedHead, init
from minigrad.errors import DtypeError, IndexRangeError, MinigradError, OptionError, ShapeError


def test_dense_by_hand() -> None:
    dense = Dense(2, 3, mg.relu)
    dense.W.array = [[1.0, -1.0, 0.0], [2.0, 0.0, 1.0]]
    dense.b.array = [0.5, 0.5, -9.0]
    x = mg.Tensor([[1.0, 2.0]], requires_grad=True)
    z = dense(x)
    np.testing.assert_array_equal(z.array, [[5.5, 0.0, 0.0]])
    z.sum().backward()
    np.testing.assert_array_equal(x.grad, [[1.0, 2.0]])  # the first output alone is on
    np.testing.assert_array_equal(dense.W.grad, [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    np.testing.assert_array_equal(dense.b.grad, [1.0, 0.0, 0.0])


def test_a_tied_head_scores_with_the_vectors_that_were_read() -> None:
    embedding = Embedding(3, 2, init=lambda shape: np.array([[1.0, 2.0], [0.0, 1.0], [3.0, 0.0]]))
    head = TiedHead(embedding)
    head.b.array = [0.0, 0.5, 0.0]
    z = head(embedding([[0, 2]]))
    np.testing.assert_array_equal(z.array, [[[5.0, 2.5, 3.0], [3.0, 0.5, 9.0]]])
    z[0, 0, 1].backward()  # x · t₁ + b₁ with x = t₀: x arrives at row 1, t₁ at row 0
    np.testing.assert_array_equal(embedding.table.grad, [[0.0, 1.0], [1.0, 2.0], [0.0, 0.0]])
    np.testing.assert_array_equal(head.b.grad, [0.0, 1.0, 0.0])


@pytest.mark.parametrize("fused", [False, True])
def test_one_hot_ids_read_rows_of_the_matrix(fused: bool) -> None:
    lstm = LSTM(4, 3, fused=fused)
    ids = np.array([[0, 3, 3], [2, 0, 1]])
    one_hot = OneHot(4)
    assert one_hot.named_parameters() == {}
    grads = []
    for x in (one_hot(ids), mg.Tensor(np.eye(4, dtype="float32")[ids], requires_grad=True)):
        lstm.zero_grad()
        lstm(x).sum().backward()
        grads.append([parameter.grad for parameter in lstm.named_parameters().values()])
    for looked_up, multiplied in zip(*grads, strict=True):
        np.testing.assert_allclose(looked_up, multiplied, atol=1e-6)


def test_dense_takes_any_number_of_leading_axes_and_lists() -> None:
    dense = Dense(3, 2, bias=False)
    assert list(dense.named_parameters()) == ["W"]
    assert dense(np.ones((4, 5, 3))).shape == (4, 5, 2)
    assert dense([1.0, 2.0, 3.0]).dtype == np.float32


def test_embedding_gives_rows_and_sends_gradients_to_them_alone() -> None:
    embedding = Embedding(4, 2)
    z = embedding([[1, 3], [3, 3]])
    np.testing.assert_array_equal(z.array, embedding.table.array[[[1, 3], [3, 3]]])
    (z * np.array([[[1.0, 2.0]]], np.float32)).sum().backward()
    np.testing.assert_array_equal(embedding.table.grad, [[0, 0], [1, 2], [0, 0], [3, 6]])


def test_embedding_starts_small_and_even() -> None:
    mg.seed(0)
    table = Embedding(1000, 50).table.array
    assert table.dtype == np.float32
    assert -0.05 <= table.min() < -0.0499 and 0.0499 < table.max() <= 0.05
    assert abs(table.std() - 0.05 / np.sqrt(3)) < 1e-3  # the standard deviation of a uniform distribution


def test_dropout_keeps_the_mean_and_passes_everything_in_eval_mode() -> None:
    mg.seed(1)
    layer = Dropout(0.25)
    x = mg.Tensor(np.ones(100_000, "float32"), requires_grad=True)
    z = layer(x)
    np.testing.assert_allclose(np.unique(z.array), [0.0, 4 / 3], rtol=1e-6)
    # The number kept is binomial: within 5 standard deviations of its mean.
    assert abs((z.array > 0).sum() - 75_000) < 5 * np.sqrt(100_000 * 0.25 * 0.75)
    z.sum().backward()
    np.testing.assert_array_equal(x.grad, z.array)  # what is dropped sends nothing back
    assert layer.eval()(x) is x
    assert Dropout(0.0)(x) is x


@pytest.mark.parametrize("x", [np.array([4, 1]), mg.Tensor(np.array([4, 1])), np.array([True, False])], ids=repr)
def test_dropout_refuses_integers_and_booleans_in_both_modes(x: Any) -> None:
    for layer in (Dropout(0.5), Dropout(0.5).eval()):
        with pytest.raises(DtypeError, match="MG235.*Dropout takes floats, not (int|bool)"):
            layer(x)


def test_dropout_takes_lists_and_arrays() -> None:
    mg.seed(0)
    kept = Dropout(0.5)([1.0] * 200).array
    assert set(kept.tolist()) == {0, 2}
    assert Dropout(0.5)(np.ones(3)).dtype == np.float64 and Dropout(0.5).eval()([3.0]).array.tolist() == [3]


@pytest.mark.parametrize("make", [Dense, Embedding])
def test_an_initialiser_that_makes_another_shape_is_refused(make: Any) -> None:
    for shape in [(3, 1), (2, 3), (3,)]:
        with pytest.raises(ShapeError, match=r"MG213.*\(3, 2\)"):
            make(3, 2, init=lambda _, shape=shape: np.zeros(shape))


def test_layer_norm_refuses_vectors_of_another_width() -> None:
    for shape in [(2, 1), (1,), (2, 4), ()]:
        with pytest.raises(ShapeError, match=rf"MG236.*takes x of shape \(\.\.\., 3\), not {re.escape(str(shape))}"):
            LayerNorm(3)(mg.Tensor(np.ones(shape)))
    np.testing.assert_allclose(LayerNorm(2)([[1.0, 3.0]]).array, [[-1, 1]], atol=1e-4)


def test_dropout_is_decided_by_the_one_seed_and_differs_from_call_to_call() -> None:
    layer, x = Dropout(0.5), mg.Tensor(np.ones(64, "float32"))
    mg.seed(3)
    first, second = layer(x).array, layer(x).array
    mg.seed(3)
    np.testing.assert_array_equal(layer(x).array, first)
    assert not np.array_equal(first, second)


def test_layer_norm_by_formula_and_gradient_by_differences() -> None:
    rng = np.random.default_rng(0)
    layer = LayerNorm(5)
    gain, bias, x = rng.normal(size=5), rng.normal(size=5), rng.normal(size=(3, 5))
    layer.gain.array, layer.bias.array = gain, bias

    def truth(x: Any) -> Any:
        return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain + bias

    t = mg.Tensor(x, requires_grad=True)
    z = layer(t)
    np.testing.assert_allclose(z.array, truth(x), atol=1e-12)
    seed = rng.normal(size=x.shape)
    z.backward(seed)
    numeric = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-6
        numeric[index] = (seed * (truth(x + step) - truth(x - step))).sum() / 2e-6
    assert t.grad is not None and layer.bias.grad is not None
    np.testing.assert_allclose(t.grad, numeric, atol=1e-7)
    np.testing.assert_allclose(layer.bias.grad, seed.sum(axis=0))
    np.testing.assert_allclose(layer(np.full((1, 5), 3.0) * mg.Tensor(np.ones(5))).array, [bias], atol=1e-12)


@pytest.mark.parametrize(
    ("initialiser", "deviation", "limit"),
    [
        (init.glorot_uniform, np.sqrt(2 / 700), np.sqrt(6 / 700)),
        (init.glorot_normal, np.sqrt(2 / 700), None),
        (init.he_uniform, np.sqrt(2 / 300), np.sqrt(6 / 300)),
        (init.he_normal, np.sqrt(2 / 300), None),
        (init.uniform(-3.0, 1.0), 4 / np.sqrt(12), 3.0),
        (init.normal(0.3), 0.3, None),
    ],
)
def test_initialisers_have_the_deviation_they_promise(initialiser: Any, deviation: float, limit: float | None) -> None:
    mg.seed(0)
    first = initialiser((300, 400))
    assert first.dtype == np.float32
    assert abs(first.std() / deviation - 1) < 0.02  # 120,000 draws: about ten standard errors
    if limit is not None:
        assert np.abs(first).max() <= limit * (1 + 1e-6)
    mg.seed(0)
    np.testing.assert_array_equal(initialiser((300, 400)), first)


@pytest.mark.parametrize("shape", [(6, 6), (4, 12), (12, 4)])
def test_orthogonal_has_orthonormal_rows_or_columns(shape: tuple[int, int]) -> None:
    W = init.orthogonal(shape)
    assert W.shape == shape and W.dtype == np.float32
    product = W @ W.T if shape[0] <= shape[1] else W.T @ W
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-6)


def test_orthogonal_prefers_no_direction() -> None:
    # Without the correction of signs the diagonal of a QR factor is biased; an even draw has mean 0 everywhere.
    mg.seed(0)
    mean = np.mean([init.orthogonal((3, 3)) for _ in range(2000)], axis=0)
    assert np.abs(mean).max() < 5 / np.sqrt(3 * 2000)


@pytest.mark.parametrize(
    ("action", "code", "error"),
    [
        (lambda: Dense(0, 3), "MG210", OptionError),
        (lambda: Dense(3, 2.5), "MG210", OptionError),  # type: ignore[arg-type]
        (lambda: Embedding(True, 3), "MG210", OptionError),
        (lambda: LayerNorm(-1), "MG210", OptionError),
        (lambda: Dense(3, 2, "relu"), "MG211", OptionError),  # type: ignore[arg-type]
        (lambda: Dropout(1.0), "MG212", OptionError),
        (lambda: Dropout(-0.1), "MG212", OptionError),
        (lambda: init.orthogonal((3,)), "MG213", ShapeError),
        (lambda: Embedding(4, 2)([4]), "MG141", IndexRangeError),
        (lambda: Embedding(4, 2)([1.5]), "MG117", DtypeError),
        (lambda: Dense(3, 2)(np.ones((4, 5))), "MG101", ShapeError),
    ],
)
def test_bad_input(action: Any, code: str, error: type[MinigradError]) -> None:
    with pytest.raises(error) as caught:
        action()
    assert caught.value.code == code
    assert caught.value.remedy


def test_a_shape_error_names_the_parameter_and_the_scope() -> None:
    with pytest.raises(ShapeError, match=r"(?s)dense.*W \(3, 2\)"):
        Dense(3, 2)(np.ones((4, 5)))
