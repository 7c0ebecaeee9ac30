"""Every registered gate through one test: shapes, finite differences, purity, dtype, second derivatives.

The finite differences here are this file's own, so that the gates and mg.gradcheck are judged apart.
"""

from copy import copy
from functools import partial
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.fast import kernels as array_helpers
from minigrad.fast.accumulator import SparseGradient
from minigrad.gate import GATES
from minigrad.gates import activation
from minigrad.gates.fused import sequence
from minigrad.graph import LazyGradient, dense
from tests.layouts import LAYOUTS

INF = np.inf
OWN = {name: gate for name, gate in GATES.items() if gate.__module__.startswith("minigrad.gates.") and name[0] != "_"}
CASES = [
    pytest.param(gate, arrays, id=f"{name}-{number}")
    for name, cls in sorted(OWN.items())
    for number, (gate, arrays) in enumerate(cls.samples())
]
REFUSED = [
    pytest.param(gate, arrays, error, id=f"{name}-{number}")
    for name, cls in sorted(OWN.items())
    for number, (gate, arrays, error) in enumerate(cls.refused())
]


def wants(gate, arrays):
    return [a.dtype.kind == "f" and position not in gate.constant_inputs for position, a in enumerate(arrays)]


def tensors(gate, arrays):
    return [mg.Tensor(a, requires_grad=want) for a, want in zip(arrays, wants(gate, arrays), strict=True)]


def as_constant(value):
    return mg.Tensor(value) if isinstance(value, np.ndarray) else value


def cotangent(shape, seed=0):
    # Random, never ones: softmax passes a check of the plain sum with a backward of zeros.
    return np.random.default_rng(seed).normal(size=shape)


def numeric_gradients(function, arrays, which, step=1e-6):
    """Central differences of a scalar function, element by element."""
    gradients: list[Any] = []  # None where none is wanted
    for position, wanted in enumerate(which):
        if not wanted:
            gradients.append(None)
            continue
        gradient = np.zeros(arrays[position].shape)
        for index in np.ndindex(*gradient.shape):
            values = []
            for sign in (1, -1):
                moved = [a.copy() for a in arrays]
                moved[position][index] += sign * step
                values.append(function(*moved))
            gradient[index] = (values[0] - values[1]) / (2 * step)
        gradients.append(gradient)
    return gradients


def recorded_gradients(gate, arrays, dz):
    inputs = tensors(gate, arrays)
    gate(*inputs).backward(dz)
    return [t.grad for t in inputs]


def worst(a, b):
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if y is not None]
    return max(float(np.max(np.abs(x - y) / np.maximum(1, np.abs(y)), initial=0.0)) for x, y in pairs)


def test_every_gate_has_samples_and_a_symbol_and_a_docstring():
    for name, cls in OWN.items():
        assert list(cls.samples()), f"{name} has no samples"
        assert cls.symbol, f"{name} has no symbol"
        assert cls.__doc__, f"{name} has no docstring"


def test_the_gates_that_the_project_promises_are_there():
    promised = """MultiplyGate AddGate Subtract Hadamard Divide Negate Power Tanh Sigmoid ReLU Exp Log Sqrt Softmax
    LogSoftmax Sum Mean Max Reshape Transpose BroadcastTo Slice Lookup Concatenate Stack Where SoftmaxCrossEntropy
    BinaryCrossEntropy MeanSquaredError Abs Maximum Minimum Min Clip Sin Cos LogSumExp Softplus LeakyReLU Var Std Pad
    CumSum Einsum Cast MeanAbsoluteError NegativeLogLikelihood""".split()
    assert set(promised) <= set(OWN)
    assert all(getattr(mg, name) is OWN[name] for name in promised)


@pytest.mark.parametrize("gate, arrays", CASES)
def test_no_rule_writes_into_dz(gate, arrays):
    assert not gate.foreign
    arrays = tuple(np.array(array) for array in arrays)
    output = gate.forward(*arrays)
    z, saved = (output[0], output[1:]) if isinstance(output, tuple) else (output, ())
    dz = np.ones(np.shape(z))
    dz.setflags(write=False)
    for gradient in gate.backward(dz, z, *arrays, *saved):
        part = gradient() if callable(gradient) else gradient
        dense(part)


@pytest.mark.parametrize("gate, arrays", CASES)
def test_gate(gate, arrays):
    before = [a.copy() for a in arrays]
    z = gate.value(*arrays)
    assert np.shape(z) == gate.shape(*[a.shape for a in arrays]), "the shape rule"
    dz = cotangent(np.shape(z))

    expected = numeric_gradients(lambda *moved: np.sum(gate.value(*moved) * dz), arrays, wants(gate, arrays))
    recorded = recorded_gradients(gate, arrays, dz)
    assert worst(recorded, expected) < 1e-7, "the gradient"
    for a, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, kept, "inputs are left as they were")

    def wrong_rule(dz, z, *arrays):
        parts = gate.backward(dz, z, *arrays)
        return [None if p is None else (lambda p=p: _scaled(p())) if callable(p) else _scaled(p) for p in parts]

    wrong = copy(gate)
    wrong.backward = wrong_rule
    if max(np.max(np.abs(g), initial=0.0) for g in expected if g is not None) > 1e-3:
        assert worst(recorded_gradients(wrong, arrays, dz), expected) > 1e-3, "a wrong rule must be seen"

    narrow = [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arrays]
    inputs = tensors(gate, narrow)
    z32 = gate(*inputs)
    z32.backward(dz.astype(np.float32))
    assert z32.dtype == (gate.dtype if isinstance(gate, mg.Cast) else np.float32), "float32 stays float32"
    assert all(t.grad.dtype == np.float32 for t in inputs if t.requires_grad)
    rule = gate.backward(dz.astype(np.float32), z32.array, *z32.node.arrays)
    for part in rule:
        part = part() if callable(part) else part
        part = part.dense() if isinstance(part, LazyGradient) else part
        assert part is None or part.dtype == np.float32, "and so does the gradient rule"


def _scaled(part):
    if isinstance(part, SparseGradient):
        return SparseGradient(part.shape, part.dtype, [(key, 1.5 * values) for key, values in part.terms])
    return 1.5 * part


# Thresholds at which a gate changes its method. Its two values put small arrays on one side, and on the other.
THRESHOLDS = {
    (array_helpers, "BLOCK"): (1, 7),
    (array_helpers, "SPARSE_IDS"): (0, 1 << 20),
    (array_helpers, "RADIX_PLACES"): (0, 1 << 16),
    (array_helpers, "PLACES_PER_ADDITION"): (0, 1 << 20),
    (activation, "NO_OVERFLOW_BELOW"): (-1000, 11),
    (sequence, "BLOCK"): (1, 7),
}


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("gate, arrays", CASES)
def test_gate_on_arrays_in_any_layout_by_every_method(monkeypatch, gate, arrays, side):
    def run(arrays, layout):
        z = gate.forward(*arrays)
        z, saved = (z[0], z[1:]) if isinstance(z, tuple) else (np.asarray(z), ())
        dz = cotangent(np.shape(z))
        parts = gate.backward(layout(dz) if dz.ndim else dz, z, *arrays, *saved)
        parts = [part() if callable(part) else part for part in parts]
        return [z, *(part.dense() if isinstance(part, LazyGradient) else part for part in parts if part is not None)]

    expected = run(arrays, np.asarray)
    for (module, constant), values in THRESHOLDS.items():
        monkeypatch.setattr(module, constant, values[side])
    for name, layout in LAYOUTS.items():
        given = [layout(a) if a.ndim else a for a in arrays]
        for one, other in zip(run(given, layout), expected, strict=True):
            assert np.shape(one) == np.shape(other), name
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12, err_msg=name)
        for a, kept in zip(given, arrays, strict=True):
            np.testing.assert_array_equal(a, kept, err_msg=f"{name}: inputs are left as they were")


@pytest.mark.parametrize("gate, arrays", CASES)
def test_second_derivative(gate, arrays):
    if not gate.differentiable_twice:
        inputs = tensors(gate, arrays)
        with pytest.raises(mg.MinigradError, match="MG124"):
            mg.grad(gate(*inputs).sum(), inputs[:1], create_graph=True)
        return
    which = wants(gate, arrays)
    dz = cotangent(gate.shape(*[a.shape for a in arrays]))
    weights = [cotangent(a.shape, seed=5) for a in arrays]

    def directional(*moved):
        """Σ weights · gradient, by the rule on arrays, which test_gate holds against finite differences."""
        parts = recorded_gradients(gate, moved, dz)
        return sum(np.sum(w * g) for w, g in zip(weights, parts, strict=True) if g is not None)

    expected = numeric_gradients(directional, arrays, which)
    inputs = tensors(gate, arrays)
    wanted = [t for t in inputs if t.requires_grad]
    firsts = mg.grad(gate(*inputs), wanted, create_graph=True, upstream=dz)
    along = [w for w, want in zip(weights, which, strict=True) if want]
    total = sum((g * w).sum() for g, w in zip(firsts, along, strict=True))
    if total.requires_grad:
        found = iter(mg.grad(total, wanted))
        recorded = [next(found).array if want else None for want in which]
    else:  # a linear gate: the gradient does not depend on the inputs, and the expected values below are zeros
        recorded = [np.zeros(a.shape) if want else None for a, want in zip(arrays, which, strict=True)]
    assert worst(recorded, expected) < 1e-6


@pytest.mark.parametrize("gate, arrays, error", REFUSED)
def test_refused_inputs(gate, arrays, error):
    with pytest.raises(error) as caught:
        gate(*arrays)
    assert gate.name in str(caught.value)
    assert caught.value.code.startswith("MG") and caught.value.cause and caught.value.remedy
    assert "the top level" in caught.value.where


@pytest.mark.parametrize("make", [mg.softmax_cross_entropy, mg.binary_cross_entropy])
@pytest.mark.parametrize("size", [1000.0, 1e30])
def test_cross_entropies_are_finite_for_huge_logits(make, size):
    if make is mg.softmax_cross_entropy:
        logits, truth = np.array([[size, -size], [-size, size]]), np.array([0, 0])
    else:
        logits, truth = np.array([size, -size]), np.array([1, 1])
    x = mg.Tensor(logits, requires_grad=True)
    losses = make(x, truth, reduction="none")
    gap = 2 * size if make is mg.softmax_cross_entropy else size
    np.testing.assert_allclose(losses.array, [0, gap], rtol=1e-12)
    losses.sum().backward()
    assert x.grad is not None
    assert np.isfinite(x.grad).all()


def test_class_weights_by_hand():
    # Two examples with equal logits: each loss is ln 2, weighted 1 and 3; the weighted mean is ln 2 again.
    x = mg.Tensor(np.zeros((2, 2)), requires_grad=True)
    loss = mg.softmax_cross_entropy(x, [0, 1], weights=[1.0, 3.0])
    assert loss.item() == pytest.approx(np.log(2))
    loss.backward()  # (0.5 - 1) · 1/4 and (0.5 - 1) · 3/4 at the labels
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, [[-0.125, 0.125], [0.375, -0.375]])
    total = mg.softmax_cross_entropy(x, [0, 1], weights=[1.0, 3.0], reduction="sum")
    assert total.item() == pytest.approx(4 * np.log(2))
    b = mg.Tensor(np.zeros(2), requires_grad=True)
    assert mg.binary_cross_entropy(b, [0, 1], weights=[1.0, 3.0]).item() == pytest.approx(np.log(2))
    total = mg.binary_cross_entropy(b, [0, 1], weights=[1.0, 3.0], reduction="sum")
    assert total.item() == pytest.approx(4 * np.log(2))


def test_cross_entropy_of_many_classes_computed_block_by_block():
    labels = np.random.default_rng(5).integers(0, 1000, (3, 70))
    logits = np.where(labels[..., None] == np.arange(1000), np.log(999), 0.0)  # the label's probability is one half
    x = mg.Tensor(logits, requires_grad=True)
    loss = mg.softmax_cross_entropy(x, labels, reduction="none")
    np.testing.assert_allclose(loss.array, np.full((3, 70), np.log(2)))
    upstream = np.arange(210.0).reshape(3, 70)
    loss.backward(upstream)
    slope = np.where(labels[..., None] == np.arange(1000), -0.5, 0.5 / 999)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, upstream[..., None] * slope, atol=1e-15)


@pytest.mark.parametrize("block", [1, 12, 1 << 16])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 5), (2, 1, 3, 5)])
def test_cross_entropy_of_logits_in_any_layout_in_blocks_of_any_size(monkeypatch, block, layout, shape):
    monkeypatch.setattr(array_helpers, "BLOCK", block)
    rng = np.random.default_rng(5)
    logits, labels = rng.normal(size=shape), rng.integers(0, 2, shape[:-1])
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    onehot = labels[..., None] == np.arange(shape[-1])
    dz = rng.normal(size=labels.shape)
    given = layout(logits)
    for numbers in (labels, labels.astype(bool), labels.astype(np.uint8)):
        for gate, weight in [
            (mg.SoftmaxCrossEntropy("none"), 1),
            (mg.SoftmaxCrossEntropy("none", np.arange(5)), labels),
        ]:
            z = gate.forward(given, np.asarray(numbers))
            np.testing.assert_allclose(z, -np.log(softmax[onehot].reshape(labels.shape)) * weight, rtol=1e-12)
            found, _ = gate.backward(dz, z, given, np.asarray(numbers))
            np.testing.assert_allclose(found, (softmax - onehot) * (dz * weight)[..., None], rtol=1e-12)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_gradient_of_more_logits_than_fit_into_a_block(layout):
    logits = layout(np.zeros((1100, 64)))
    gradient, _ = mg.SoftmaxCrossEntropy("sum").backward(np.ones(()), None, logits, np.zeros(1100, int))
    np.testing.assert_allclose(gradient, np.broadcast_to(1 / 64 - (np.arange(64) == 0), logits.shape), rtol=1e-12)


def test_the_gradient_of_many_logits_that_come_time_first_as_from_a_recurrent_layer():
    x = mg.Tensor(np.zeros((4, 300, 64)), requires_grad=True)
    by_example = (2 * x).transpose(1, 0, 2)
    mg.softmax_cross_entropy(by_example, np.zeros((300, 4), int), reduction="sum").backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, np.broadcast_to(2 * (1 / 64 - (np.arange(64) == 0)), x.shape), rtol=1e-12)


def test_the_mean_of_losses_in_float16_whose_sum_would_overflow():
    errors = np.full(400, 200, np.float16)
    for loss in (mg.mean_absolute_error(errors, 0 * errors), mg.binary_cross_entropy(errors, 0 * errors)):
        assert loss.dtype == np.float16 and loss.item() == 200


def test_unknown_reduction():
    with pytest.raises(mg.MinigradError, match="MG150.*'avg'"):
        mg.mean_squared_error(mg.Tensor([1.0]), [1.0], reduction="avg")


def test_equal_maxima_share_the_gradient():
    x = mg.Tensor([[2.0, 2.0, 1.0]], requires_grad=True)
    x.max().backward()
    np.testing.assert_array_equal(x.grad, [[0.5, 0.5, 0.0]])


def gradient(function, *arrays):
    inputs = [mg.Tensor(np.array(one), requires_grad=True) for one in arrays]
    function(*inputs).sum().backward()
    return [np.asarray(x.grad).tolist() for x in inputs]


def test_conventions_at_kinks():
    assert gradient(abs, [-1.0, 0.0, 2.0]) == [[-1, 0, 1]]
    assert gradient(mg.maximum, [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]) == [[0.5, 0, 1], [0.5, 1, 0]]
    assert gradient(mg.minimum, [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]) == [[0.5, 1, 0], [0.5, 0, 1]]
    assert gradient(lambda x: x.min(), [2.0, 1.0, 1.0]) == [[0, 0.5, 0.5]]
    assert gradient(lambda x: x.clip(-1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0]) == [[0, 1, 1, 1, 0]]  # the ends included
    assert gradient(lambda x: mg.leaky_relu(x, 0.5), [-1.0, 0.0, 1.0]) == [[0.5, 0.5, 1]]
    assert gradient(mg.mean_absolute_error, [1.0, 2.0], [1.0, 3.0]) == [[0, -0.5], [0, 0.5]]
    assert gradient(lambda x: x.std(), [3.0, 3.0]) == [[0, 0]]


def test_the_same_operand_twice():
    assert gradient(lambda x: mg.maximum(x, x), [2.0, -1.0]) == [[1, 1]]
    assert gradient(lambda x: mg.einsum("i,i", x, x), [2.0, -1.0]) == [[4, -2]]
    assert gradient(lambda x: mg.einsum("ij,ij->", x, x.T), [[1.0, 2.0], [3.0, 4.0]]) == [[[2, 6], [4, 8]]]


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_smooth_maxima_are_finite_for_huge_inputs(size):
    x = mg.Tensor(np.array([-size, size]), requires_grad=True)
    np.testing.assert_array_equal(mg.softplus(x).array, [0, size])
    assert mg.logsumexp(x).item() == size
    (mg.softplus(x).sum() + mg.logsumexp(x)).backward()
    np.testing.assert_array_equal(x.grad, [0, 2])


@pytest.mark.parametrize("bound", [-1000, 11])
@pytest.mark.parametrize(("dtype", "lowest"), [("float16", -16), ("float32", -100), ("float64", -740)])
def test_sigmoid_is_accurate_over_the_whole_range(monkeypatch, bound, dtype, lowest):
    monkeypatch.setattr(activation, "NO_OVERFLOW_BELOW", bound)
    x = np.linspace(lowest, 60, 5001).astype(dtype)
    e = np.exp(x.astype(np.longdouble))
    expected = e / (1 + e)
    for given in (x, x[:2500]):  # with large elements and without
        z = mg.sigmoid(mg.Tensor(given)).array
        assert z.dtype == dtype
        assert (abs(z - expected[: len(z)]) <= 4 * np.spacing(expected.astype(dtype))[: len(z)]).all()
    ends = np.array([-np.inf, np.inf, np.nan, 1e4], dtype)
    np.testing.assert_array_equal(mg.sigmoid(mg.Tensor(ends)).array, [0, 1, np.nan, 1])


def test_the_sigmoid_s_tail_in_rules_and_logarithms():
    x = mg.Tensor([-20.0, -100.0], requires_grad=True)  # float32
    np.testing.assert_allclose(mg.log(mg.sigmoid(x)).array, [-20, -100], rtol=1e-3)  # at -100 z has 5 bits
    tail = [2.0611536e-09, 3.7835e-44]  # σ(-20) and σ(-100)
    for loss in (mg.sigmoid(x), mg.softplus(x), mg.binary_cross_entropy(x, [0, 0], reduction="none")):
        x.grad = None
        loss.sum().backward()
        np.testing.assert_allclose(x.grad, tail, rtol=2e-6, atol=3e-45)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
def test_integers_are_taken_as_float64_where_their_own_dtype_would_overflow(dtype):
    a, b = np.array([[0, 100, 1], [1, 0, 120]]).astype(dtype), np.array([[1, 120, 0], [0, 1, 100]]).astype(dtype)
    wide, t, labels = a.astype(float), b > 0, [0, 2]
    cases: list[tuple[str, Any, Any]] = [
        ("sigmoid", mg.sigmoid, (a,)), ("softplus", mg.softplus, (a,)), ("softmax", mg.softmax, (a,)),
        ("log_softmax", mg.log_softmax, (a,)), ("logsumexp", mg.logsumexp, (a,)),
        ("mse", mg.mean_squared_error, (a, b)), ("mae", mg.mean_absolute_error, (a, b)),
        ("bce", mg.binary_cross_entropy, (a, t)), ("ce", mg.softmax_cross_entropy, (a, labels)),
        ("weighted ce", partial(mg.softmax_cross_entropy, weights=[0.5, 1.0, 2.0]), (a, labels)),
    ]  # fmt: skip
    for name, function, inputs in cases:
        z = function(*map(as_constant, inputs)).array
        expected = function(*(as_constant(np.asarray(one, float) if one is a else one) for one in inputs)).array
        assert z.dtype == np.float64, name
        np.testing.assert_allclose(z, expected, rtol=1e-15, err_msg=name)
    np.testing.assert_allclose(mg.mean_absolute_error(as_constant(a), b).array, abs(wide - b).mean())
    lowest = np.array([[-128, 0]], np.int8)
    assert mg.negative_log_likelihood(as_constant(lowest), [0]).item() == 128


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_logsumexp_of_infinities(dtype):
    # as scipy.special.logsumexp and PyTorch have it
    rows = [[-INF, -INF, -INF], [INF, 1000, 0], [INF, INF, -INF], [-INF, 5, -INF], [np.nan, INF, 0]]
    x = np.array(rows, dtype)
    z = mg.LogSumExp(1).forward(x)
    assert z.dtype == dtype
    np.testing.assert_array_equal(z, [-INF, INF, INF, 5, np.nan])
    (slope,) = mg.LogSumExp(1).backward(np.ones_like(z), z, x)
    assert slope.dtype == dtype
    np.testing.assert_array_equal(slope, [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0], [np.nan] * 3])


@pytest.mark.parametrize(("dtype", "size"), [("float32", 3e6), ("float64", 3e15), ("float32", 3e37)])
@pytest.mark.parametrize("create_graph", [False, True])
def test_the_gradient_of_logsumexp_sums_to_1_at_any_size(dtype, size, create_graph):
    x = mg.Tensor(np.array([[size, size], [-size, -size], [size, -size]], dtype), requires_grad=True)
    (slope,) = mg.grad(mg.logsumexp(x, 1), x, create_graph=create_graph, upstream=np.ones(3))
    np.testing.assert_allclose(slope.array, [[0.5, 0.5], [0.5, 0.5], [1.0, 0.0]], rtol=1e-6)


@pytest.mark.parametrize("junk", [np.nan, INF])
@pytest.mark.parametrize("create_graph", [False, True])
def test_where_passes_on_no_gradient_to_what_was_not_chosen_not_even_nan(junk, create_graph):
    a, b = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in "ab")
    z = mg.where([True, False], a, b)
    for upstream in ([junk, 3.0], [3.0, junk]):
        da, db = mg.grad(z, [a, b], upstream=upstream, create_graph=create_graph)
        np.testing.assert_array_equal(da.array, [upstream[0], 0])
        np.testing.assert_array_equal(db.array, [0, upstream[1]])


@pytest.mark.parametrize("dtype", ["int8", "float32", "float64", "bool"])
def test_the_dtype_of_a_condition_does_not_matter(dtype):
    condition = np.array([1, 0], dtype)
    for one in (condition, mg.Tensor(condition)):
        for a, b in [(300, 0), (0.5, 0), (np.float32(1), np.zeros(2, "float32")), (mg.Tensor([1.0, 2.0]), 0)]:
            z, expected = mg.where(one, a, b), mg.where([True, False], a, b)
            assert z.dtype == expected.dtype
            np.testing.assert_array_equal(z.array, expected.array)


def test_labels_for_no_classes_are_refused_in_plain_words():
    with pytest.raises(mg.MinigradError, match="MG154.*\n.*\n.*\n  remedy: use a model with more outputs"):
        mg.softmax_cross_entropy(np.zeros((2, 0)), [0, 0])


def test_second_derivative_of_logsumexp_with_a_row_of_infinities():
    x = mg.Tensor(np.array([[-INF, -INF], [0.0, 0.0]]), requires_grad=True)
    (slope,) = mg.grad(mg.logsumexp(x, 1), x, create_graph=True, upstream=np.ones(2))
    np.testing.assert_array_equal(slope.array, [[0, 0], [0.5, 0.5]])
    (curve,) = mg.grad(slope[1, 0], x)
    np.testing.assert_allclose(curve.array, [[0.0, 0.0], [0.25, -0.25]])


@pytest.mark.parametrize("block", [1, 1 << 16])
def test_a_masked_logit(monkeypatch, block):
    monkeypatch.setattr(array_helpers, "BLOCK", block)
    x = mg.Tensor(np.array([[-INF, 0.0, 0.0]]), requires_grad=True)
    np.testing.assert_array_equal(mg.softmax(x).array, [[0, 0.5, 0.5]])
    np.testing.assert_allclose(mg.log_softmax(x).array, [[-INF, -np.log(2), -np.log(2)]])
    dz = np.array([[3.0, 1.0, 2.0]])
    z: Any
    slope: Any
    for function, slope in [(mg.softmax, [[0, -0.25, 0.25]]), (mg.log_softmax, [[3, 1 - 3, 2 - 3]])]:
        np.testing.assert_allclose(mg.grad(function(x), x, upstream=dz)[0].array, slope)
    for label, z, slope in [(1, np.log(2), [[0, -0.5, 0.5]]), (0, INF, [[-1, 0.5, 0.5]])]:
        loss = mg.softmax_cross_entropy(x, [label], reduction="none")
        np.testing.assert_allclose(loss.array, [z])
        np.testing.assert_allclose(mg.grad(loss, x, upstream=np.ones(1))[0].array, slope)


@pytest.mark.parametrize("shape", [(2, 0), (0, 2), (0, 0), (0,), (2, 0, 3)])
def test_softmax_of_nothing_is_nothing(shape):
    x = mg.Tensor(np.zeros(shape), requires_grad=True)
    for function in (mg.softmax, mg.log_softmax):
        z = function(x)
        z.backward(np.zeros(shape))
        assert z.shape == shape and z.dtype == np.float64 and x.grad is not None and x.grad.shape == shape


def test_cross_entropy_of_no_examples_and_no_classes():
    logits = mg.Tensor(np.zeros((0, 0)), requires_grad=True)
    loss = mg.softmax_cross_entropy(logits, np.zeros(0, int), reduction="sum")
    loss.backward()
    assert loss.item() == 0 and logits.grad is not None and logits.grad.shape == (0, 0)


def test_what_stands_for_no_log_probability_is_refused():
    for wrong in ([[2.0, -1.0]], [[0.4, 0.6]]):
        with pytest.raises(IndexError, match="MG158"):
            mg.negative_log_likelihood(wrong, [0])
    assert mg.negative_log_likelihood(mg.log(np.array([[1.0 + 1e-7, 1e-9]])), [0]).item() < 1e-6


def test_changing_the_lists_that_a_gate_was_given_changes_nothing():
    x = mg.Tensor(np.ones(3), requires_grad=True)
    widths, indices, weights = [1, 2], np.array([0, 2]), [1.0, 2.0]
    loss = (mg.pad(x, widths) * np.arange(6.0)).sum() + mg.take_along_axis(x, indices).sum()
    loss = loss + mg.negative_log_likelihood(-x[:2].reshape(1, 2), [0], weights=weights)
    widths[0], indices[0], weights[0] = 3, 1, 9.0
    loss.backward()
    np.testing.assert_array_equal(x.grad, [1 + 1 + 1, 2, 3 + 1])


def test_constant_input_that_wants_a_gradient_is_refused():
    logits = mg.Tensor([0.0], requires_grad=True)
    target = mg.Tensor([1.0], requires_grad=True, name="target")
    with pytest.raises(mg.MinigradError, match="MG128.*target"):
        mg.binary_cross_entropy(logits, target)


def test_power_with_zero_base_and_small_exponents():
    x = mg.Tensor([0.0, 2.0], requires_grad=True)
    for exponent, slope in [(2, [0, 4]), (1, [1, 1]), (0, [0, 0])]:
        x.grad = None
        (x**exponent).sum().backward()
        np.testing.assert_array_equal(x.grad, slope)


def test_the_gradient_of_an_exponent_is_accurate_for_a_base_of_small_integers():
    x = mg.Tensor(np.array([2.0, 3.0]), requires_grad=True)
    (np.array([3, 7], "int8") ** x).sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, [9 * np.log(3), 343 * np.log(7)], rtol=1e-14)


@pytest.mark.parametrize(
    ("gate", "shapes", "flops"),
    [
        (mg.gates.Einsum("ij,jk"), [(2, 3), (3, 4)], 2 * (2 * 3 * 4)),  # a multiplication and an addition each
        (mg.gates.LookupProduct(), [(9, 5), (2, 3), (5, 4), (4,)], 2 * (2 * 3 * 5 * 4)),
        (mg.gates.CumSum(0), [(2, 3)], 2 * 3),
        (mg.gates.Softmax(), [(2, 3)], 5 * (2 * 3)),
        (mg.gates.RNNSequence(), [(5, 6, 4), (5, 4), (4, 4)], 6 * (2 * (5 * 4 * 4) + 8 * (5 * 4))),  # and 8 by element
    ],
)
def test_operations_are_counted_as_by_hand(gate, shapes, flops):
    assert gate.flops(gate.shape(*shapes), *shapes) == flops


@pytest.mark.parametrize(
    "move",
    [
        lambda p: p, lambda p: p.squeeze(1), lambda p: p[:, 0], lambda p: p.reshape(-1), lambda p: p.T[0],
        lambda p: p.astype("float32")[:, 0], lambda p: np.expand_dims(p.squeeze(1), 0),
        lambda p: mg.where(np.arange(4) > 1, p[:, 0], 0.0), lambda p: mg.concatenate([np.zeros(4), p[:, 0]]),
        lambda p: mg.stack([p[0], p[1]]),
    ],
)  # fmt: skip
def test_probabilities_that_were_only_moved_are_not_taken_for_logits(move):
    x = mg.Tensor(np.linspace(-1, 1, 4)[:, None], requires_grad=True)
    with pytest.raises(mg.MinigradError, match="MG157.*Sigmoid"):
        mg.binary_cross_entropy(move(mg.sigmoid(x)), np.ones(move(x).shape))
    with pytest.raises(mg.MinigradError, match="MG157.*Softmax"):
        mg.softmax_cross_entropy(move(mg.softmax(x, axis=0)), np.zeros(move(x).shape[:-1], int))
    mg.binary_cross_entropy(move(2 * mg.sigmoid(x)), np.ones(move(x).shape))


@pytest.mark.parametrize("pick", [lambda p, z: mg.concatenate([p, z], 1)[:, 1:], lambda p, z: mg.stack([p, z])[1],
                                  lambda p, z: mg.where([[True, False]], p, z)[:, 1]])  # fmt: skip
def test_logits_beside_probabilities_in_one_output_are_taken(pick):
    x = mg.Tensor([[1.0], [2.0]], requires_grad=True)
    logits = pick(mg.sigmoid(x), 2 * x)
    loss = mg.binary_cross_entropy(logits, np.ones(logits.shape))
    np.testing.assert_allclose(loss.item(), np.log1p(np.exp([-2.0, -4.0])).mean(), rtol=1e-6)
