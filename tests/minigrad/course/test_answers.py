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
from minigrad.course.answers import Difference, decode, difference, encode

NUMBERS = arrays.arrays(
    np.float64, arrays.array_shapes(min_dims=1, max_dims=3), elements=st.floats(width=64)
)
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


def nested(depth: int) -> list[Any]:
    parts: list[Any] = []
    for _ in range(depth):
        parts = [parts]
    return parts


def differs(yours: str, right: str, place: str = "") -> Difference:
    return Difference(place, yours, right)


@pytest.mark.parametrize(
    ("yours", "right", "found"),
    [
        (
            np.ones((2, 3)),
            np.ones((3, 2)),
            differs("an array of shape (2, 3)", "an array of shape (3, 2)"),
        ),
        ([1.0, 2.5], np.array([1.0, 2.0]), differs("2.5", "2", "[1]")),
        (np.ones(3), [1.0, 1.0], differs("a list of 3", "a list of 2")),
        (None, 2.0, differs("nothing (None): does it return its result?", "2")),
        (float("nan"), 1.0, differs("nan", "1")),
        (1.0000011, 1.0, differs("1.000001", "1")),
        ({"a": 1}, {"b": 1}, differs("names a", "names b")),
        (mg.Tensor([1.0, 2.0]), np.array([1.0, 2.0]), None),
        (np.array([1.0, 2.0]), [1.0, 2.0], None),
        (np.ones((2, 3)), [np.ones(3), np.ones(3)], None),
        (np.uint64(2**64 - 1), 2.0**64, None),
        (np.longdouble(0.5), 0.5, None),
        ([math.nan, -math.inf], np.array([math.nan, -math.inf]), None),
        ("\udcff", "\udcff", None),
        ({(1, None): 2.0}, {"(1, None)": 2.0}, None),
    ],
)
def test_differences(yours, right, found) -> None:
    assert difference(travelled(yours), travelled(right), 1e-6) == found


class Mute:
    def __repr__(self) -> str:
        raise SystemError("no words")


ITSELF: list[Any] = []
ITSELF += [ITSELF, ITSELF]
ODD = [
    print, [1.0, -(10**400)], np.array([1j]), nested(10_000), ITSELF, np.array([1, None], dtype=object),
    np.timedelta64(1, "s"), np.zeros(2, "i4,f8"), {Mute: [Mute()]}, [0.0] * 1_000_001,
]  # fmt: skip


@pytest.mark.parametrize("answer", ODD, ids=range(len(ODD)))
def test_odd_answers_are_wrong_and_described(answer) -> None:
    yours = travelled(answer)
    for right in (1.0, np.ones(2), [1.0, 2.0], None, yours):
        found = difference(yours, right, 1e-6)
        assert found is not None and len(found.yours) < 300


@pytest.mark.parametrize(
    "code",
    [nested(5_000), 10**400, {"keys": 5}, {}, *({"dtype": dtype, "shape": shape, "data": "AAAA"} for dtype, shape in [
        ("O", [1]), ("f8", [9]), ("f8", [10**9, 0]), ({"names": 1}, [1]), ("f8,(", []), ("i1", [10**30])])],
    ids=range(10),
)  # fmt: skip
def test_whatever_was_forged_is_a_value_error(code) -> None:
    with pytest.raises(ValueError, match="not an encoded answer"):
        decode(code)


def test_a_long_array_is_not_listed_and_odd_numbers_are_no_warning() -> None:
    assert difference(np.zeros(700_000, bool), [1.0, 2.0], 0) == differs(
        "a list of 700000", "a list of 2"
    )
    with np.errstate(all="raise"):
        assert difference(np.frombuffer(b"\x01\x00\x80\x7f", "f4"), np.ones(1), 0) == differs(
            "nan", "1", "[0]"
        )
        huge = np.full(1, np.finfo(np.longdouble).max)
        assert difference(huge, np.ones(1), 0) is not None
