"""All gates on their sample inputs: gradients, layouts, dtypes and second derivatives.

The finite differences are this file's own, so that mg.gradcheck is judged separately.
"""

from copy import deepcopy
from inspect import signature
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from minigrad.gate import GATES
from minigrad.gates import activation, convolution
from minigrad.gates.fused import recurrent, transformer
from minigrad.gradients import dense
from minigrad.support import arrays as kernels
from tests.layouts import LAYOUTS

OWN = {
    name: gate
    for name, gate in sorted(GATES.items())
    if gate.__module__.startswith("minigrad.gates.")
}
CASES = {
    f"{name}-{number}": sample
    for name, gate in OWN.items()
    for number, sample in enumerate(gate.sample_inputs())
}
all_gates = pytest.mark.parametrize(("gate", "arrays"), CASES.values(), ids=CASES)


def is_float(array):
    return array.dtype.kind == "f"


def differentiable(gate, arrays):
    """Return the positions of the inputs that get a gradient."""
    floats = {k for k, array in enumerate(arrays) if is_float(array)}
    return sorted(floats - {*gate.constant_inputs})


def tensors(arrays, places):
    return [mg.Tensor(a, requires_grad=k in places) for k, a in enumerate(arrays)]


def random(shape, seed=0):
    # Upstream gradients of 1 would hide errors: the gradient of a softmax's sum is 0.
    return np.random.default_rng(seed).normal(size=shape)


def numeric_gradient(function, arrays, k, step=1e-6):
    """Return central differences of a scalar function of arrays, along arrays[k]."""
    gradient = np.zeros(arrays[k].shape)
    for index in np.ndindex(gradient.shape):
        ends = []
        for change in (step, -step):
            moved = [array.copy() for array in arrays]
            moved[k][index] += change
            ends.append(function(*moved))
        gradient[index] = (ends[0] - ends[1]) / (2 * step)
    return gradient


def apply_rule(gate, dz, z, *arrays):
    parts = gate.backward(dz, z, *arrays)
    parts = [part() if callable(part) else part for part in parts]
    return [dense(part) for part in parts if part is not None]


def derivatives(z, parameters, dz):
    """Return recorded gradients, and the gradients of their weighted sum."""
    firsts = mg.grad(z, parameters, upstream=dz, create_graph=True)
    # a linear gate's gradients are constants
    total = sum((0.0 * parameter).sum() for parameter in parameters)
    for first in firsts:
        weights = random(first.shape, seed=5).astype(first.dtype)
        total += (first * weights).sum()
    return [*firsts, *mg.grad(total, parameters)]


@pytest.mark.parametrize("name", OWN)
def test_gate_has_samples_symbol_and_docstring(name):
    gate = OWN[name]
    assert f"{name}-0" in CASES
    assert gate.symbol
    assert gate.__doc__
    assert not gate.foreign


@all_gates
def test_gradient_matches_finite_differences(gate, arrays):
    places = differentiable(gate, arrays)
    z = gate.value(*arrays)
    assert np.shape(z) == gate.shape(*(array.shape for array in arrays))
    dz = random(np.shape(z))

    def total(*moved):
        return np.sum(gate.value(*moved) * dz)

    inputs = tensors(arrays, places)
    gate(*inputs).backward(dz)
    for k in places:
        expected = numeric_gradient(total, arrays, k)
        assert_allclose(inputs[k].grad, expected, rtol=1e-7, atol=1e-7)


@all_gates
def test_float32_stays_float32(gate, arrays):
    narrow = [a.astype("float32") if is_float(a) else a for a in arrays]
    z = gate(*tensors(narrow, differentiable(gate, arrays)))
    assert z.dtype == np.float32 or isinstance(gate, mg.Cast)
    dz = random(z.shape).astype("float32")
    dz.setflags(write=False)
    for part in apply_rule(gate, dz, z.array, *z.node.arrays):
        assert part.dtype == np.float32


# The sizes at which a gate changes its method. Small arrays are on one side with the
# first value, and on the other side with the second.
THRESHOLDS = [
    (kernels, "BLOCK", 1, 7),
    (
        kernels,
        "SPARSE_IDS",
        0,
        1 << 20,
    ),
    (kernels, "RADIX_PLACES", 0, 1 << 16),
    (kernels, "PLACES_PER_ADDITION", 0, 1 << 20),
    (activation, "NO_OVERFLOW_BELOW", -1000, 40),
    (convolution, "BLOCK", 1, 60),
    (recurrent, "BLOCK", 1, 7),
    (transformer, "QUERIES", 1, 2),
    (transformer, "CACHED", 1, 6),
]


@pytest.mark.parametrize("side", [0, 1])
@all_gates
def test_layout_and_method_do_not_matter(monkeypatch, gate, arrays, side):
    def run(arrays, layout):
        z = gate.forward(*arrays)
        z, *saved = z if isinstance(z, tuple) else [np.asarray(z)]
        dz = random(np.shape(z))
        dz = layout(dz) if dz.ndim else dz
        return [z, *apply_rule(gate, dz, z, *arrays, *saved)]

    expected = run(arrays, np.asarray)
    for module, constant, *values in THRESHOLDS:
        monkeypatch.setattr(module, constant, values[side])
    for name, layout in LAYOUTS.items():
        inputs = [layout(a) if a.ndim else a for a in arrays]
        for found, one in zip(run(inputs, layout), expected, strict=True):
            assert np.shape(found) == np.shape(one)
            assert_allclose(found, one, rtol=1e-10, atol=1e-12, err_msg=name)
        for unchanged, array in zip(inputs, arrays, strict=True):
            assert_array_equal(unchanged, array, err_msg=name)


@all_gates
def test_second_derivative_matches_finite_differences(gate, arrays):
    places = differentiable(gate, arrays)
    inputs = tensors(arrays, places)
    if not gate.differentiable_twice:
        with pytest.raises(mg.MinigradError, match="MG124"):
            mg.grad(gate(*inputs).sum(), inputs[:1], create_graph=True)
        return
    dz = random(gate.shape(*(array.shape for array in arrays)))

    def total(*moved):
        inputs = tensors(moved, places)
        gate(*inputs).backward(dz)
        found = [inputs[k].grad for k in places]
        return sum(np.sum(g * random(g.shape, seed=5)) for g in found)

    found = derivatives(gate(*inputs), [inputs[k] for k in places], dz)
    for k, second in zip(places, found[len(places) :], strict=True):
        expected = numeric_gradient(total, arrays, k)
        assert_allclose(second.array, expected, rtol=1e-6, atol=1e-6)


# Settings and constants that the caller changes after the call


def changeable(setting):
    """Return a setting as lists and arrays that the caller can change."""
    if isinstance(setting, (bool, str, slice, np.dtype, type(None), type(...))):
        return setting
    if isinstance(setting, (list, tuple)):
        return [changeable(part) for part in setting]
    return np.array(setting)


def change(setting):
    if isinstance(setting, list):
        for part in setting:
            change(part)
        setting.clear()
    elif isinstance(setting, np.ndarray):
        setting[...] = ~setting if setting.dtype == bool else setting + 1


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("case", [case for case in CASES if vars(CASES[case][0])])
def test_settings_are_copied(case, deep):
    gate, arrays = deepcopy(CASES[case])
    names = [name for name in signature(type(gate)).parameters if name in vars(gate)]
    settings = {name: vars(gate)[name] for name in names}
    places = differentiable(gate, arrays)
    for name, setting in settings.items():
        argument = changeable(setting)
        if not deep and isinstance(setting, (list, tuple)):
            argument = [*setting]
        try:
            gate = type(gate)(**{**settings, name: argument})
            inputs = tensors(arrays, places)
            z = gate(*inputs)
        except (TypeError, ValueError, IndexError):
            continue  # refused
        wanted = [inputs[k] for k in places]
        dz = random(z.shape)
        before = mg.grad(z, wanted, upstream=dz)
        change(argument)
        assert_array_equal(gate.value(*arrays), z.array)
        for found, one in zip(mg.grad(z, wanted, upstream=dz), before, strict=True):
            assert_array_equal(found.array, one.array, err_msg=name)


X = random((4, 4))


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        (
            lambda x, a: x[0, a],
            [0, 1, 1],
        ),
        (
            lambda x, a: x[mg.Tensor(a)],
            np.array([0, 2]),
        ),
        (
            lambda x, a: x[a:],
            np.array(1),
        ),
        (
            lambda x, a: x[None, a:],
            np.array(1),
        ),
        (
            lambda x, a: mg.lookup(x, a),
            np.array([0, 1, 1]),
        ),
        (
            lambda x, a: mg.where(a, x, 0.0),
            X > 0,
        ),
        (
            lambda x, a: mg.scaled_dot_product_attention(x, x, x, a),
            np.tri(4) > 0,
        ),
        (
            lambda x, a: mg.scaled_dot_product_attention(x, x, x, causal=a),
            np.array(True),
        ),
        (
            lambda x, a: mg.cross_entropy(x, a),
            np.array([0, 1, 2, -100]),
        ),
        (
            lambda x, a: mg.softmax_cross_entropy(x, [0, 1, 2, 3], weights=a),
            [1.0, 2.0, 3.0, 4.0],
        ),
        (
            lambda x, a: mg.RNNSequence()(x[None], X[:1], X, a),
            np.ones((1, 4), bool),
        ),
    ],
)
def test_arguments_are_copied(function, argument):
    x = mg.Tensor(X, requires_grad=True)
    z = function(x, argument)
    dz = random(z.shape, seed=1)
    (before,) = mg.grad(z, x, upstream=dz)
    change(argument)
    (after,) = mg.grad(z, x, upstream=dz)
    assert_array_equal(after.array, before.array)


# Dtypes. tests/fuzz/test_integers.py mixes them at random, with second derivatives.

STEEP = [
    "Exp",
    "Power",
    "RNNSequence",
    "GRUSequence",
    "LSTMSequence",
    "ScaledDotProductAttention",
]


def as_constants(gate, arrays, dtype):
    """Return inputs in another dtype, in which squares of int8 overflow."""
    scale = 3 if gate.name in STEEP else 40  # steep gates saturate
    constants = []
    for k, array in enumerate(arrays):
        if k not in gate.constant_inputs:
            array = (scale * array).clip(-120, 120)
            if gate.name == "NegativeLogLikelihood" and dtype in ("bool", "uint8"):
                array = 0 * array  # log probabilities are negative
            array = array if dtype == "float16" else np.rint(array)
            array = abs(array) if dtype == "uint8" else array
            array = np.asarray(array, dtype)
        constants.append(array)
    return constants


def widened(gate, arrays):
    return [
        array if k in gate.constant_inputs else array.astype(float)
        for k, array in enumerate(arrays)
    ]


@pytest.mark.parametrize("kind", ["bool", "uint8", "int8", "int16", "float16"])
@all_gates
def test_constants_of_any_dtype_are_exact(gate, arrays, kind):
    constants = as_constants(gate, arrays, kind)
    if kind == "bool" and gate.name in ("Negate", "Subtract"):
        with pytest.raises(mg.MinigradError, match="MG106"):  # as in NumPy
            gate(*constants)
        return
    wide = widened(gate, constants)
    z = gate(*constants).array
    if z.dtype.kind == "f" and not isinstance(gate, mg.Cast):
        half = kind == "float16" and gate.name != "LookupProduct"
        assert (z.dtype == np.float16) == half
        room = 2e-3 if half else 1e-5 if kind == "float16" else 1e-12
        truth = gate(*wide).array.astype(z.dtype)
        assert_allclose(z, truth, 0, room * np.max(abs(truth), initial=1))
    if len(arrays) == 1:
        return
    for k in differentiable(gate, arrays):
        parameter = mg.Tensor(arrays[k].astype(float), requires_grad=True)
        found, truth = (
            gate(*inputs[:k], parameter, *inputs[k + 1 :]) for inputs in (constants, wide)
        )
        dz = random(found.shape)
        (slope,) = mg.grad(found, parameter, upstream=dz)
        (expected,) = mg.grad(truth, parameter, upstream=dz)
        room = 5e-5 if kind == "float16" else 1e-12
        size = np.max(abs(expected.array), initial=1)
        assert_allclose(slope.array, expected.array, 0, room * size)


NORMAL = np.random.default_rng(1).normal(size=(2, 768))
ONES = np.ones((4096, 2))  # in float16, 2048 + 1 is 2048


@pytest.mark.parametrize(
    ("function", "arrays"),
    [
        (
            mg.layer_norm,
            [12 * NORMAL, np.ones(768), np.zeros(768)],
        ),
        (
            mg.Var(),
            [12 * NORMAL],
        ),
        (
            lambda x: x.std(),
            [600 * NORMAL],
        ),
        (
            mg.Sum(0),
            [ONES],
        ),
        (
            mg.CumSum(0),
            [ONES],
        ),
        (
            mg.LogSumExp(0),
            [ONES],
        ),
        (
            mg.Softmax(0),
            [ONES],
        ),
        (
            mg.LogSoftmax(0),
            [ONES],
        ),
        (mg.gelu, [300 * NORMAL]),
        (
            mg.mean_squared_error,
            [np.array([300.0, 0.0]), np.zeros(2)],
        ),
        (
            mg.mean_absolute_error,
            [np.full(400, 200.0), np.zeros(400)],
        ),
        (
            mg.binary_cross_entropy,
            [np.full(400, 200.0), np.zeros(400)],
        ),
        (
            mg.scaled_dot_product_attention,
            [90 * NORMAL, 90 * NORMAL, NORMAL],
        ),
        (
            mg.Einsum("i,i,i->i"),
            [np.full(2, c) for c in (300.0, 300.0, 0.125)],
        ),
    ],
)
def test_float16_does_not_overflow(function, arrays):
    narrow = [mg.Tensor(array.astype("float16")) for array in arrays]
    z = function(*narrow)
    truth = function(*(x.astype(float) for x in narrow)).array
    assert z.dtype == np.float16
    assert_allclose(z.array, truth, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
@pytest.mark.parametrize(
    "function",
    [
        mg.sigmoid,
        mg.softplus,
        mg.softmax,
        mg.log_softmax,
        mg.logsumexp,
        lambda x: mg.mean_squared_error(x, np.roll(x, 1)),
        lambda x: mg.mean_absolute_error(x, np.roll(x, 1)),
        lambda x: mg.binary_cross_entropy(x, [1, 0, 1]),
        lambda x: mg.softmax_cross_entropy(x, 2),
        lambda x: mg.conv(x[None, None], x[None, None, :2]),
        lambda x: mg.scaled_dot_product_attention(*[x[:, None]] * 3),
    ],
)
def test_integers_are_computed_in_float64(function, dtype):
    x = np.array([0, 100, 1]).astype(dtype)
    z = function(x)
    assert z.dtype == np.float64
    assert_allclose(z.array, function(x.astype(float)).array, rtol=1e-15)


@pytest.mark.parametrize("size", [1e3, 1e30])
@pytest.mark.parametrize(
    ("function", "value", "slope"),
    [
        (
            lambda x: mg.softplus(x).sum(),
            1,
            [0, 1],
        ),
        (
            mg.logsumexp,
            1,
            [0, 1],
        ),
        (
            lambda x: mg.binary_cross_entropy(x, [1, 1], reduction="sum"),
            1,
            [-1, 0],
        ),
        (
            lambda x: mg.softmax_cross_entropy(x, 0),
            2,
            [-1, 1],
        ),
    ],
)
def test_huge_inputs_do_not_overflow(function, value, slope, size):
    x = mg.Tensor(np.array([-size, size]), requires_grad=True)
    z = function(x)
    assert z.item() == value * size
    assert_array_equal(mg.grad(z, x)[0].array, slope)


@pytest.mark.parametrize("size", [2, np.array(2), np.int8(2), [2], np.array([2])])
def test_sizes_and_axes_can_be_arrays(size: Any):
    one: Any = np.array(1)
    axes: Any = np.array([0, 2])
    x = np.arange(6.0).reshape(1, 1, 6)
    assert_array_equal(mg.max_pool(x, size).array, [[[1, 3, 5]]])
    conv = mg.conv(x, np.ones((1, 1, 2)), size, one)
    assert_array_equal(conv.array, [[[0, 3, 7, 5]]])
    assert mg.expand_dims(x, axes).shape == (1, 1, 1, 1, 6)


# At other kinks: gates/test_gates_pytorch.py.
@pytest.mark.parametrize(
    ("function", "x", "slope"),
    [
        (
            lambda x: x.max(),
            [2, 2, 1],
            [0.5, 0.5, 0],
        ),
        (
            lambda x: x.clip(-1, 1),
            [-2, -1, 1, 2],
            [0, 1, 1, 0],
        ),
        (
            lambda x: x**2,
            [0, 2],
            [0, 4],
        ),
        (
            lambda x: x**0,
            [0, 2],
            [0, 0],
        ),
        (
            lambda x: np.array([3, 7], "int8") ** x,
            [2, 3],
            [9 * np.log(3), 343 * np.log(7)],
        ),
    ],
)
def test_gradients_by_hand(function, x, slope):
    x = mg.Tensor(np.array(x, float), requires_grad=True)
    function(x).sum().backward()
    assert_allclose(x.grad, slope, rtol=1e-14)


def test_power_gradient_by_exponent_is_exact():
    base = mg.Tensor(np.array(1.125, "float16"))
    exponent = mg.Tensor(np.array(0.3), requires_grad=True)
    (slope,) = mg.grad(base**exponent, [exponent])
    assert slope.item() == pytest.approx(1.125**0.3 * np.log(1.125), rel=1e-14)


@pytest.mark.parametrize(
    ("gate", "shapes", "flops"),
    [
        # a multiplication and an addition each
        (
            mg.Einsum("ij,jk"),
            [(2, 3), (3, 4)],
            2 * (2 * 3 * 4),
        ),
        # and 8 for each element
        (
            mg.RNNSequence(),
            [(5, 6, 4), (5, 4), (4, 4)],
            6 * (2 * (5 * 4 * 4) + 8 * (5 * 4)),
        ),
    ],
)
def test_flops_by_hand(gate, shapes, flops):
    assert gate.flops(gate.shape(*shapes), *shapes) == flops
