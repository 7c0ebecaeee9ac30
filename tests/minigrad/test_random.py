"""seed and generator."""

import numpy as np
import pytest

import minigrad as mg


@pytest.mark.parametrize("seed", [7, [7, 1]])
def test_seed_gives_the_numbers_of_numpy_s_generator(seed):
    mg.seed(seed)
    expected = np.random.default_rng(seed).random(3)
    assert mg.generator().random(3).tolist() == expected.tolist()


def test_seed_restarts_the_same_generator():
    held = mg.generator()
    mg.seed(3)
    first = held.random()
    mg.seed(3)
    assert mg.generator() is held
    assert held.random() == first
