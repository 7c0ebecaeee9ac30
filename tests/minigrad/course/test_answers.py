"""Raw answers: what travels, and when two are the same."""

from __future__ import annotations

import json
import math
from typing import Any

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


def nested(depth: int) -> list[Any]:
    parts: list[Any] = []
    for _ in range(depth):
        parts = [parts]
    return parts


def holding_itself() -> list[Any]:
    parts: list[Any] = []
    parts += [parts, parts]
    return parts


class Mute:
    def __repr__(self) -> str:
        raise SystemError("no words")


ODD = {
    "an int beyond a float": 10**400,
    "an int beyond a float in a list": [1.0, -(10**400)],
    "complex": 1j,
    "a complex array": np.array([1j]),
    "nested": nested(10_000),
    "itself": holding_itself(),
    "objects": np.array([1, None, "x"], dtype=object),
    "dates": np.array(["2026-01-01"], "M8[D]"),
    "a duration": np.timedelta64(1, "s"),
    "records": np.zeros(2, "i4,f8"),
    "no repr": Mute(),
    "no repr in a dict": {Mute: [Mute()]},
    "a generator": (i for i in range(3)),
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_odd_answers_are_wrong_and_described(answer) -> None:
    yours = travelled(answer)
    for right in (1.0, np.ones(2), [1.0, 2.0], {"a": 1.0}, "x", None):
        found = difference(yours, right, 1e-6)
        assert found is not None and len(found.yours) < 300


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (2**100, 2.0**100),
        (-(2**64), -(2.0**64)),
        (np.uint64(2**64 - 1), 2.0**64),
        (np.longdouble(0.5), 0.5),
        (np.bool_(True), True),
        ([math.nan, -math.inf], np.array([math.nan, -math.inf])),
        ("\udcff", "\udcff"),
        ({(1, None): 2.0}, {"(1, None)": 2.0}),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (nested(20), nested(20)),
    ],
)
def test_unusual_answers_can_be_right(answer, right) -> None:
    assert difference(travelled(answer), right, 1e-6) is None


def test_an_answer_has_so_many_parts_at_most(monkeypatch) -> None:
    monkeypatch.setattr("minigrad.course.answers.MOST_PARTS", 100)
    assert difference(travelled([1.0] * 99), [1.0] * 99, 1e-6) is None
    assert difference(travelled([1.0] * 100), [1.0] * 100, 1e-6) is not None


@pytest.mark.parametrize(
    "code",
    [nested(5_000), 10**400, {"keys": 5}, {}, {"dtype": "f8", "shape": [10**9, 0], "data": ""},
     {"dtype": {"names": 1}, "shape": [1], "data": ""},
     {"dtype": "f8,(", "shape": [], "data": ""}, {"dtype": "f8", "shape": [10**30], "data": "AAAAAAAAAAA="}],
    ids=range(8),
)  # fmt: skip
def test_whatever_was_forged_is_a_value_error(code) -> None:
    with pytest.raises(ValueError, match="not an encoded answer"):
        decode(code)


def test_a_long_array_in_place_of_a_short_list_is_not_listed(monkeypatch) -> None:
    monkeypatch.setattr("minigrad.course.answers.encode", None)
    assert difference(np.zeros(700_000, bool), [1.0, 2.0], 0) == Difference("", "a list of 700000", "a list of 2")


def test_a_signalling_nan_or_a_long_double_is_no_warning() -> None:
    with np.errstate(all="raise"):
        assert difference(np.frombuffer(b"\x01\x00\x80\x7f", "f4"), np.ones(1), 0) == Difference("[0]", "nan", "1")
        huge = np.full(1, np.finfo(np.longdouble).max)
        assert difference(huge, np.ones(1), 0) is not None
