"""Sample inputs of gates: the shapes that a text names, and values that are given."""

import numpy as np

from minigrad.gates.samples import positive, random_samples


def test_a_text_names_the_shapes_of_a_gates_inputs():
    samples = random_samples(["a", "b"], "2x3 4 ()", ["3x0", [1, 2]])
    found = [(gate, [array.shape for array in arrays]) for gate, arrays in samples]
    shapes = [[(2, 3), (4,), ()], [(3, 0), (2,)]]
    assert found == [
        ("a", shapes[0]),
        ("a", shapes[1]),
        ("b", shapes[0]),
        ("b", shapes[1]),
    ]


def test_values_are_kept_and_random_numbers_may_be_positive():
    [(_, (labels, scores))] = random_samples([None], [[0, 2, 1], "50x4"], draw=positive)
    np.testing.assert_array_equal(labels, [0, 2, 1])
    assert scores.min() >= 0.5 and len(set(scores.ravel())) == scores.size
