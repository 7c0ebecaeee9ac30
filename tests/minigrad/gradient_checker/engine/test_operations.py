"""Operations: their inputs, and the texts that may call them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.gradient_checker.engine.operations import OPERATIONS, Operation, nice


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_samples_are_in_the_domain(operation):
    for scalar in (False,) if operation.array else (True, False):
        samples = operation.samples(np.random.default_rng(0), scalar)
        assert samples
        for arrays in samples:
            equal = len({number for x in arrays for number in x.flat}) == 1
            assert operation.domain(*arrays) or equal
            assert np.isfinite(operation(*map(mg.Tensor, arrays)).array).all()


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("{0} * {1}", [0, 800, -800]),
        ("{0}.tanh()", [0, 800, -800]),
        ("{0}.relu()", [800, -800]),  # it has a kink at 0
        ("{0} ** -1", [800, -800]),
        ("{0}.log()", [800]),
        ("{0}.sin()", [0]),
        ("{0}.exp()", [0, -800]),
    ],
)
def test_samples_end_with_zeros_and_large_numbers(text, numbers):
    samples = Operation(text).samples(np.random.default_rng(0), True)
    assert [float(arrays[0]) for arrays in samples[6:]] == numbers


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("{0} ** 3", "__pow__"),
        ("2 - {0}", "__rsub__"),
        ("-{0}", "__neg__"),
        ("{0}[:, 1]", "__getitem__"),
        ("{0}.sum(axis=1)", "sum"),
        ("np.array([2.5, -1.25]) @ {0}", "__rmatmul__"),
    ],
)
def test_method_is_the_one_that_python_calls(text, method):
    assert Operation(text).method == method


def test_constants_are_whole_fractional_negative_and_larger_arrays():
    texts = {*map(str, OPERATIONS)}
    for sign in "+-*/":
        for constant in (
            "2",
            "-0.71828",
            "np.array([[2.5, -1.25, 0.75], [-0.5, 3.0, 1.5]])",
        ):
            assert {f"a {sign} {constant}", f"{constant} {sign} a"} <= texts


def test_candidates_are_a_method_and_a_function():
    tanh = Operation("{0}.tanh()")
    assert tanh.candidates() == ["{0}.tanh()", "tanh({0})"]
    total = Operation("{0}.sum(axis=0)")
    assert total.candidates() == ["{0}.sum(axis=0)", "sum({0}, axis=0)"]


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("{0} + {1}", True),
        ("-{0}", True),
        ("2 - {0}", True),
        ("{0} @ np.array([[1.0]])", True),
        ("np.array([[1.0]]) @ {0}", False),
        ("{0}.sum()", False),
        ("{0}[1]", False),
    ],
)
def test_class_determines_the_results_of_its_operators(text, own):
    assert Operation(text).own == own


def test_nice_numbers_are_short_and_differ():
    numbers = nice(np.random.default_rng(0), (2, 3))
    assert (numbers * 8 == np.round(numbers * 8)).all()
    assert len(np.unique(np.abs(numbers))) == 6
    assert np.abs(numbers).min() >= 0.5
