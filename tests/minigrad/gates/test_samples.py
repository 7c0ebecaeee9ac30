"""Sample inputs of gates: shapes named by a text, and values."""

from numpy.testing import assert_array_equal

from minigrad.gates.samples import positive, random_samples


def test_random_samples_have_the_named_shapes():
    samples = random_samples(
        ["a", "b"],
        "2x3 4 ()",
        ["3x0", [1, 2]],
    )
    first, second = [(2, 3), (4,), ()], [(3, 0), (2,)]
    found = [
        (
            gate,
            [array.shape for array in arrays],
        )
        for gate, arrays in samples
    ]
    assert found == [
        (
            "a",
            first,
        ),
        ("a", second),
        ("b", first),
        ("b", second),
    ]


def test_random_samples_keep_values_and_may_be_positive():
    samples = random_samples(
        [None],
        [[0, 2, 1], "50x4"],
        draw=positive,
    )
    [(_, (labels, scores))] = samples
    assert_array_equal(labels, [0, 2, 1])
    assert scores.min() >= 0.5
    assert len({*scores.ravel()}) == scores.size
