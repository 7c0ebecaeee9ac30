"""Operations: their inputs, and the texts that may call them."""

import numpy as np
import pytest

from minigrad.gradient_checker.engine.operations import ARRAYS, NUMBERS, Operation, nice


@pytest.mark.parametrize("operation", NUMBERS + ARRAYS, ids=str)
def test_samples_are_in_the_domain(operation):
    for scalar in (True, False) if operation in NUMBERS else (False,):
        for arrays in operation.samples(np.random.default_rng(0), scalar):
            assert operation.domain(*arrays)
            assert np.isfinite(operation(*arrays_of_minigrad(arrays)).array).all()


def arrays_of_minigrad(arrays):
    import minigrad as mg

    return [mg.Tensor(array) for array in arrays]


def test_candidates_are_a_method_and_a_function():
    tanh = Operation("{0}.tanh()", "tanh")
    assert tanh.candidates() == ["{0}.tanh()", "tanh({0})"]
    total = Operation("{0}.sum(axis=0)", "sum")
    assert total.candidates() == ["{0}.sum(axis=0)", "sum({0}, axis=0)"]


def test_constant_operations_are_recognised():
    constant = {str(one) for one in NUMBERS + ARRAYS if one.constant}
    assert {"a + 2", "3 / a", "np.array([2.0, -1.0, 0.5]) * a"} <= constant
    assert not {"a + b", "-a", "a.sum()", "a[1]", "a @ b"} & constant


def test_nice_numbers_are_short_and_differ():
    numbers = nice(np.random.default_rng(0), (2, 3))
    assert (numbers * 8 == np.round(numbers * 8)).all()
    assert len(np.unique(np.abs(numbers))) == 6
    assert np.abs(numbers).min() >= 0.5
