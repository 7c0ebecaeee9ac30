"""Programs: their results against numbers by hand, and how they become smaller."""

from itertools import islice

import numpy as np
import pytest

from minigrad.gradient_checker.engine.operations import NUMBERS
from minigrad.gradient_checker.engine.programs import TWICE, Program, random_programs

ADD, MULTIPLY = NUMBERS[:2]
TWO, THREE = np.array(2.0), np.array(3.0)
FORK = Program((TWO, THREE), ((MULTIPLY, (0, 1)), (ADD, (2, 0))))


def test_reference_is_the_result_by_hand():
    values, gradients = FORK.reference()
    assert [float(value) for value in values] == [2, 3, 6, 8]
    assert [float(gradient) for gradient in gradients] == [4, 2]
    twice = Program(FORK.leaves, FORK.steps, TWICE)
    assert [float(gradient) for gradient in twice.reference()[1]] == [8, 4]


def test_text_names_results_that_are_used_twice():
    assert str(FORK) == "y = (a * b) + a"
    square = Program((TWO, THREE), ((ADD, (0, 1)), (MULTIPLY, (2, 2))))
    assert str(square) == "s1 = a + b; y = s1 * s1"
    assert (FORK.shared, Program.of(ADD, [TWO, THREE]).shared) == (True, False)


def test_pruned_program_has_only_what_its_result_needs():
    program = Program((TWO, THREE, THREE), ((MULTIPLY, (0, 1)), (ADD, (1, 2)))).pruned()
    assert str(program) == "y = a + b"
    assert len(program.leaves) == 2


@pytest.mark.parametrize(
    ("n", "source", "text"),
    [(0, 0, "y = a + a"), (0, THREE, "y = b + a"), (0, 1, "y = b + a")],
)
def test_without_replaces_a_step(n, source, text):
    assert str(FORK.without(n, source)) == text


def test_shrunk_program_is_the_smallest_that_fails():
    rng = np.random.default_rng(0)
    programs = random_programs(rng, [ADD, MULTIPLY], [ADD], [(), ()], 6)
    for program in islice(programs, 20):
        if MULTIPLY in program.operations:
            small = program.shrunk(lambda one: MULTIPLY in one.operations, rng)
            assert [operation for operation, _ in small.steps] == [MULTIPLY]


def test_random_programs_stay_in_their_domain():
    rng = np.random.default_rng(0)
    for program in islice(random_programs(rng, NUMBERS, NUMBERS, [(), ()], 5), 40):
        values, gradients = program.reference()
        assert np.isfinite([*map(float, values), *map(float, gradients)]).all()
