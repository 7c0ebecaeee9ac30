"""Layer normalization and attention at sizes and values that the samples do not have.

Finite differences and PyTorch's outputs judge the formulas in test_gates.py and
test_gates_pytorch.py. Here, the fast rules meet small gates, definitions, and numbers by hand.
"""

import numpy as np
import pytest

import minigrad as mg


def by_definition(q, k, v, allowed):
    """Softmax and weighted mean of the allowed keys, one query at a time, in float64."""
    batch = np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
    q, k, v = (np.broadcast_to(one, (*batch, *one.shape[-2:])) for one in (q, k, v))
    allowed = np.broadcast_to(allowed, (*batch, q.shape[-2], k.shape[-2]))
    z = np.zeros((*batch, q.shape[-2], v.shape[-1]))
    for place in np.ndindex(*batch, q.shape[-2]):
        keys = allowed[place]
        if keys.any():
            scores = k[place[:-1]][keys] @ q[place] / np.sqrt(q.shape[-1])
            shares = np.exp(scores - scores.max())
            z[place] = shares / shares.sum() @ v[place[:-1]][keys]
    return z


@pytest.mark.parametrize("seed", range(24))
def test_attention_of_random_shapes_and_masks(seed):
    rng = np.random.default_rng(seed)
    T, D, W = (int(size) for size in rng.integers([1, 1, 1], [150, 6, 5]))
    causal = bool(seed % 2)
    S = T if causal else int(rng.integers(1, 150))
    batch = [(), (2,), (2, 3), (1, 2, 1)][seed // 2 % 4]
    few = tuple(1 if rng.random() < 0.3 else size for size in batch)
    q, k, v = (
        rng.choice([0.3, 1.0, 20.0]) * rng.normal(size=(*lead, *size))
        for lead, size in zip(
            [batch, few, few[1:]], [(T, D), (S, D), (S, W)], strict=True
        )
    )
    masks = [np.array(True), rng.random((S,)) < 0.7, rng.random((T, 1)) < 0.7]
    mask = [*masks, rng.random((*few, T, S)) < 0.3][seed // 3 % 4]
    allowed = mask & (np.tri(T, S) > 0) if causal else mask
    gate = mg.ScaledDotProductAttention(causal)
    inputs = [mg.Tensor(one, requires_grad=True) for one in (q, k, v)]
    z = gate(*inputs, mask)
    np.testing.assert_allclose(
        z.array, by_definition(q, k, v, allowed), rtol=1e-10, atol=1e-12
    )
    weights = gate.weights(q, k, mask).array
    assert (weights[np.broadcast_to(~allowed, weights.shape)] == 0).all()
    unfused = mg.unfuse(z)
    np.testing.assert_allclose(unfused.array, z.array, rtol=1e-10, atol=1e-12)
    dz = rng.normal(size=z.shape)
    for one, other in zip(
        mg.grad(z, inputs, upstream=dz),
        mg.grad(unfused, inputs, upstream=dz),
        strict=True,
    ):
        scale = abs(other.array).max(initial=1)
        np.testing.assert_allclose(
            one.array / scale, other.array / scale, rtol=1e-9, atol=1e-11
        )


def test_attention_to_equal_keys_is_the_mean_of_the_values_so_far():
    v = np.arange(1.0, 7.0).reshape(3, 2)
    z = mg.scaled_dot_product_attention(
        np.ones((3, 5)), np.ones((3, 5)), v, causal=True
    )
    np.testing.assert_allclose(z.array, [[1, 2], [2, 3], [3, 4]], rtol=1e-14)


def test_attention_by_hand():
    # scores 0 and ln 3, so weights 1/4 and 3/4
    z = mg.scaled_dot_product_attention([[1.0]], [[0.0], [np.log(3)]], [[4.0], [8.0]])
    np.testing.assert_allclose(z.array, [[7.0]], rtol=1e-6)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_gradient_passes_a_mask_and_a_row_without_keys_is_0(causal, dtype):
    rng = np.random.default_rng(1)
    q, k, v = (
        mg.Tensor(one.astype(dtype), requires_grad=True)
        for one in rng.normal(size=(3, 4, 2))
    )
    mask = np.array(
        [[False] * 4, [True, False, False, True], [True] * 4, [False] * 3 + [True]]
    )
    z = mg.scaled_dot_product_attention(q, k, v, mask, causal)
    allowed = mask & (np.tri(4) > 0) if causal else mask
    for form in (z, mg.unfuse(z)):
        assert form.dtype == dtype and not form.array[0].any()
        jacobian = [
            mg.grad(
                form,
                [q, k, v],
                upstream=np.eye(4, dtype=dtype)[t][:, None].repeat(2, 1),
            )
            for t in range(4)
        ]
        for t, (dq, dk, dv) in enumerate(jacobian):
            assert (dv.array.any(axis=1) == allowed[t]).all()
            assert not dk.array[~allowed[t]].any()
            assert not dq.array[np.arange(4) != t].any()


@pytest.mark.parametrize("causal", [False, True])
def test_every_number_in_the_graph_of_a_mask_is_finite(causal):
    q = mg.Tensor(np.random.default_rng(2).normal(size=(2, 3, 2)), requires_grad=True)
    mask = np.tri(3, k=-1) > 0
    with mg.detect_anomaly():
        z = mg.scaled_dot_product_attention(q, q, q, mask, causal)
        for form in (z, mg.unfuse(z)):
            form.sum().backward()
            (slope,) = mg.grad(form, [q], upstream=np.ones(z.shape), create_graph=True)
            for root in (form, slope):
                for node in mg.graph.ancestors([root.node]):
                    assert np.isfinite(node.output).all(), node


@pytest.mark.parametrize("size", [1e3, 1e12, 1e18])
def test_attention_to_huge_scores_is_finite(size):
    q = mg.Tensor(np.array([[size], [-size]], np.float32), requires_grad=True)
    v = np.array([[1.0], [2.0]], np.float32)
    z = mg.scaled_dot_product_attention(q, [[1.0], [2.0]], v)
    z.sum().backward()
    np.testing.assert_array_equal(z.array, [[2], [1]])
    np.testing.assert_array_equal(q.grad, [[0], [0]])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_attention_keeps_the_dtype(dtype):
    q, k, v = np.random.default_rng(3).normal(size=(3, 4, 5, 2)).astype(dtype)
    expected = mg.scaled_dot_product_attention(
        *(one.astype(float) for one in (q, k, v))
    ).array
    z = mg.scaled_dot_product_attention(q, k, v)
    assert z.dtype == dtype
    np.testing.assert_allclose(
        z.array, expected, rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps
    )


@pytest.mark.parametrize("kind", ["int8", "int64", "bool"])
def test_integers_are_taken_as_float64(kind):
    q, k, v = (100 * np.random.default_rng(4).normal(size=(3, 2, 5, 2))).astype(kind)
    z = mg.scaled_dot_product_attention(q, k, v)
    wide = mg.scaled_dot_product_attention(*(one.astype(float) for one in (q, k, v)))
    assert z.dtype == np.float64
    np.testing.assert_array_equal(z.array, wide.array)


def test_values_with_more_batch_axes_than_queries_and_keys():
    rng = np.random.default_rng(5)
    q, k, v = (rng.normal(size=size) for size in ((3, 2), (3, 2), (4, 3, 2)))
    inputs = [mg.Tensor(one, requires_grad=True) for one in (q, k, v)]
    z = mg.ScaledDotProductAttention(causal=True)(*inputs)
    np.testing.assert_allclose(
        z.array, by_definition(q, k, v, np.tri(3) > 0), rtol=1e-12
    )
    dz = rng.normal(size=z.shape)
    for one, other in zip(
        mg.grad(z, inputs, upstream=dz),
        mg.grad(mg.unfuse(z), inputs, upstream=dz),
        strict=True,
    ):
        np.testing.assert_allclose(one.array, other.array, atol=1e-12)


def test_heads_are_joined_without_a_copy():
    x = mg.Tensor(
        np.ones((2, 5, 3, 4)), requires_grad=True
    )  # (batch, time, head, width)
    q = (2 * x).transpose(0, 2, 1, 3)
    z = mg.scaled_dot_product_attention(q, q, q, causal=True)
    assert np.shares_memory(z.transpose(0, 2, 1, 3).reshape(2, 5, 12).array, z.array)


def test_attention_in_an_empty_batch_is_empty():
    x = mg.Tensor(np.ones((0, 3, 2)), requires_grad=True)
    z = mg.scaled_dot_product_attention(x, x, x, causal=True)
    z.sum().backward()
    assert z.shape == (0, 3, 2) and x.grad is not None and x.grad.shape == x.shape


@pytest.mark.parametrize("shape", [(3,), (2, 5), (2, 1, 4), (0, 3)])
@pytest.mark.parametrize("epsilon", [1e-5, 0.5])
def test_layer_norm_standardizes_each_row(shape, epsilon):
    rng = np.random.default_rng(5)
    x, gain, bias = 7 + rng.normal(size=shape), *rng.normal(size=(2, shape[-1]))
    z = mg.layer_norm(x, gain, bias, epsilon).array
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(
        x.var(-1, keepdims=True) + epsilon
    )
    np.testing.assert_allclose(z, expected * gain + bias, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(
        mg.layer_norm(x, gain, epsilon=epsilon).array + bias, z
    )


def test_layer_norm_loses_no_digits_far_from_0():
    x = np.array([[1e6, 1e6 + 1, 1e6 + 2, 1e6 + 5]], np.float32)
    z = mg.layer_norm(x, np.ones(4, np.float32)).array
    np.testing.assert_allclose(
        z, mg.layer_norm(x - 1e6, np.ones(4, np.float32)).array, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("layer_norm(ones((2, 3)), ones(2))", r"MG159.*gain \(2,\).*x \(2, 3\)"),
        ("layer_norm(ones((2, 3)), ones(3), ones(1))", r"MG159.*bias \(1,\)"),
        ("layer_norm(ones((2, 3)), ones((2, 3)))", "MG159"),
        ("layer_norm(1.0, ones(1))", "MG159"),
        (
            "attend(ones((3, 2)), ones((3, 4)), ones((3, 2)))",
            r"MG160.*q \(3, 2\), k \(3, 4\)",
        ),
        ("attend(ones((3, 2)), ones((4, 2)), ones((3, 2)))", "MG160"),
        (
            "attend(ones((3, 2)), ones((4, 2)), ones((4, 2)), causal=True)",
            "MG160.*T = S",
        ),
        ("attend(ones(2), ones((3, 2)), ones((3, 2)))", "MG160"),
        ("attend(ones((2, 3, 2)), ones((4, 3, 2)), ones((3, 2)))", "MG160"),
        (
            "attend(ones((3, 2)), ones((3, 2)), ones((3, 2)), ones(2) > 0)",
            "MG160.*mask",
        ),
        (
            "attend(ones((3, 2)), ones((3, 2)), ones((3, 2)), ones((5, 1, 3)) > 0)",
            "MG160",
        ),
        ("attend(ones((3, 2)), ones((3, 2)), ones((3, 2)), ones(3))", "MG161.*float64"),
        (
            "attend(ones((3, 2)), ones((3, 2)), ones((3, 2)), ones(3, int))",
            "MG161.*int64",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, code):
    names = {
        "ones": np.ones,
        "layer_norm": mg.layer_norm,
        "attend": mg.scaled_dot_product_attention,
    }
    with pytest.raises(mg.MinigradError, match=f"(?s){code}"):
        eval(call, names)
