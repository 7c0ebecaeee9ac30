"""Raw answers: what travels, and when two are the same."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import minigrad as mg
from minigrad.course.answers import Difference, Unusable, decode, difference, encode

NUMBERS = arrays.arrays(np.float64, arrays.array_shapes(min_dims=1, max_dims=3), elements=st.floats(width=64))
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.text() | st.floats() | st.integers(-(2**60), 2**60) | NUMBERS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=6,
)


def travelled(answer):
    return decode(json.loads(json.dumps(encode(answer))))


@given(ANSWERS)
def test_an_answer_equals_itself_after_the_journey(answer) -> None:
    assert difference(travelled(answer), travelled(answer), 0.0) is None


@pytest.mark.parametrize(
    ("yours", "right", "found"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), Difference("", "an array of shape (2, 3)", "an array of shape (3, 2)")),
        ([1.0, 2.5], np.array([1.0, 2.0]), Difference("[1]", "2.5", "2")),
        (None, 2.0, Difference("", "nothing (None): does it return its result?", "2")),
        (True, 1.0, Difference("", "True", "1")),
        (float("nan"), 1.0, Difference("", "nan", "1")),
        (1 + 1e-7, 1.0, None),
        (1.0000011, 1.0, Difference("", "1.000001", "1")),
        (1e9 + 100, 1e9, None),
        ({"a": 1}, {"b": 1}, Difference("", "names a", "names b")),
        (mg.Tensor([1.0, 2.0]), np.array([1.0, 2.0]), None),
        (np.array([1.0, 2.0]), [1.0, 2.0], None),
        ("left", "right", Difference("", "'left'", "'right'")),
    ],
)
def test_differences(yours, right, found) -> None:
    assert difference(travelled(yours), travelled(right), 1e-6) == found


def test_what_cannot_travel_equals_nothing() -> None:
    answer = travelled(print)
    assert isinstance(answer, Unusable)
    assert difference(answer, answer, 1.0) is not None


@pytest.mark.parametrize(
    "code", [{"dtype": "O", "shape": [1], "data": "AAAA"}, {"dtype": "f8", "shape": [9], "data": ""}]
)
def test_forged_arrays_are_refused(code) -> None:
    with pytest.raises(ValueError):
        decode(code)
