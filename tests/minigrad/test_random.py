import numpy as np

import minigrad as mg


def test_seed_gives_the_numbers_of_numpys_generator():
    mg.seed(7)
    np.testing.assert_array_equal(
        mg.generator().random(3), np.random.default_rng(7).random(3)
    )
    mg.seed([7, 1])
    assert mg.generator().integers(1000) == np.random.default_rng([7, 1]).integers(1000)


def test_seed_restarts_the_generator_that_others_hold():
    held = mg.generator()
    mg.seed(3)
    state = held.bit_generator.state
    first = held.random()
    held.bit_generator.state = state
    assert mg.generator() is held and mg.generator().random() == first
