"""Programs: their results against numbers by hand, and how they become smaller."""

from itertools import islice

import numpy as np

from minigrad.gradient_checker.engine.operations import OPERATIONS
from minigrad.gradient_checker.engine.programs import TWICE, Program, random_programs

ADD, MULTIPLY = OPERATIONS[:2]
TWO, THREE = np.array(2.0), np.array(3.0)
FORK = Program.of(MULTIPLY, [TWO, THREE]).then(ADD, "s1", "a")


def test_reference_is_the_result_by_hand():
    results = FORK.reference()
    assert {what: float(one) for what, one in results.items()} == {
        "the value": 8,
        "the value of a afterwards": 2,
        "the value of b afterwards": 3,
        "the gradient of a": 4,
        "the gradient of b": 2,
    }
    twice = Program(FORK.leaves, FORK.steps, TWICE).reference()
    assert float(twice["the gradient of a"]) == 8


def test_text_names_results_that_are_used_twice():
    assert str(FORK) == "y = (a * b) + a"
    square = Program.of(ADD, [TWO, THREE]).then(MULTIPLY, "s1", "s1")
    assert str(square) == "s1 = a + b; y = s1 * s1"
    assert (FORK.shared, Program.of(ADD, [TWO, THREE]).shared) == (True, False)


def test_pruned_program_has_only_what_its_result_needs():
    program = Program({"a": TWO, "b": THREE, "c": THREE}).then(MULTIPLY, "a", "b")
    program = program.then(ADD, "b", "c").pruned("s2")
    assert str(program) == "y = a + b"
    assert [*program.leaves] == ["b", "c"]


def test_smaller_programs_have_a_leaf_or_an_input_in_place_of_a_step():
    assert [str(one) for one in FORK.smaller()] == [
        "y = a * b",
        "y = b + a",
        "y = a + a",
        "y = b + a",
    ]


def test_shrunk_program_is_the_smallest_that_fails():
    rng = np.random.default_rng(0)
    programs = random_programs(rng, [ADD, MULTIPLY], [ADD], [(), ()], 6)
    for program in islice(programs, 20):
        if MULTIPLY in program.operations:
            small = program.shrunk(lambda one: MULTIPLY in one.operations)
            assert [operation for operation, _ in small.steps.values()] == [MULTIPLY]


def test_random_programs_stay_in_their_domain():
    rng = np.random.default_rng(0)
    numbers = [one for one in OPERATIONS if not one.array]
    for program in islice(random_programs(rng, numbers, numbers, [(), ()], 5), 40):
        assert np.isfinite([*map(float, program.reference().values())]).all()


def test_inputs_are_numbers_or_shapes():
    program = Program.of(ADD, [np.array(800.0), np.zeros((2, 3))])
    assert program.inputs == "a = 800, b of shape (2, 3)"
