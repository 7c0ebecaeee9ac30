"""Raw answers: what travels, and when two are the same."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.checking.answers import (
    Difference,
    decode,
    described_input,
    difference,
    encode,
    signature,
)


def travelled(answer):
    return decode(json.loads(json.dumps(encode(answer))))


def nested(depth):
    parts: list[Any] = []
    for _ in range(depth):
        parts = [parts]
    return parts


@pytest.mark.parametrize(
    ("yours", "right", "found"),
    [
        (
            np.ones((2, 3)),
            np.ones((3, 2)),
            ("", "an array of shape (2, 3)", "an array of shape (3, 2)"),
        ),
        ([1.0, 2.5], np.array([1.0, 2.0]), ("[1]", "2.5", "2")),
        (np.ones(3), [1.0, 1.0], ("", "a list of 3", "a list of 2")),
        (np.zeros(700_000, bool), [1.0, 2.0], ("", "a list of 700000", "a list of 2")),
        (None, 2.0, ("", "nothing (None): does the function return its result?", "2")),
        (float("nan"), 1.0, ("", "nan", "1")),
        (1e300, math.inf, ("", "1e+300", "inf")),
        (1.0000021, 1.0, ("", "1.000002", "1")),
        ({"a": 1}, {"b": 1}, ("", "names a", "names b")),
        (mg.Tensor([1.0, 2.0]), np.array([1.0, 2.0]), None),
        (np.ones((2, 3)), [np.ones(3), np.ones(3)], None),
        (np.uint64(2**64 - 1), 2.0**64, None),
        (np.longdouble(0.5), 0.5, None),
        ([math.nan, -math.inf], np.array([math.nan, -math.inf]), None),
        ([None, True, "\udcff"], [None, True, "\udcff"], None),
        ({(1, None): 2.0}, {"(1, None)": 2.0}, None),
    ],
)
def test_differences(yours, right, found):
    expected = None if found is None else Difference(*found)
    assert difference(travelled(yours), travelled(right), 1e-6) == expected


class Mute:
    def __repr__(self):
        raise SystemError("no words")


ITSELF: list[Any] = []
ITSELF += [ITSELF, ITSELF]
ODD = [
    print, [1.0, -(10**400)], np.array([1j]), nested(10_000), ITSELF, np.array([1, None], dtype=object),
    np.timedelta64(1, "s"), np.zeros(2, "i4,f8"), {Mute: [Mute()]}, [0.0] * 1_000_001,
]  # fmt: skip


@pytest.mark.parametrize("answer", ODD, ids=range(len(ODD)))
def test_odd_answers_are_wrong_and_described(answer):
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
def test_whatever_was_forged_is_a_value_error(code):
    with pytest.raises(ValueError, match="not an encoded answer"):
        decode(code)


def test_signatures_depend_on_every_number_their_order_and_the_form():
    answers = [
        np.ones(2),
        np.ones(3),
        [np.ones(2)],
        np.array([1.0, 2.0]),
        np.array([2.0, 1.0]),
        {"a": 1.0},
        True,
    ]
    assert len({signature(answer) for answer in answers}) == len(answers)
    assert signature([1.0, 2.0]) == signature(np.array([1.0, 2.0]))
    assert signature(np.array([1.0, np.nan])) == ("(2,) nan", 1.0)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.array([[1.0, 0.25]]), "(1, 2) [[1, 0.25]]"),
        (np.ones((5, 5)), "(5, 5)"),
        (mg.Tensor(np.array(2.0)), "2"),
        ([np.ones(1), 3], "[(1,) [1], 3]"),
        (((2, 3), (4,)), "((2, 3), (4,))"),
        ("abc", "'abc'"),
        (math.sin, "Return the sine of x (measured in radians)."),
    ],
)
def test_described_input_shows_what_a_reader_can_copy(value, shown):
    assert described_input(value) == shown
