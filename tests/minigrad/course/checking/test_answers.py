"""Raw answers: how they travel, and when two are the same."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.checking import answers
from minigrad.course.checking.answers import (
    Difference,
    decode,
    described_input,
    difference,
    encode,
    relation,
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
    ("yours", "right"),
    [
        (mg.Tensor([1.0, 2.0]), np.array([1.0, 2.0])),
        (np.ones((2, 3)), [np.ones(3), np.ones(3)]),
        (np.uint64(2**64 - 1), 2.0**64),
        (np.longdouble(0.5), 0.5),
        ([math.nan, -math.inf], np.array([math.nan, -math.inf])),
        ([None, True, "\udcff"], [None, True, "\udcff"]),
        ({(1, None): 2.0}, {"(1, None)": 2.0}),
    ],
)
def test_difference_of_equal_answers_is_none(yours, right):
    assert difference(travelled(yours), travelled(right), 1e-6) is None


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
        (math.nan, 1.0, ("", "nan", "1")),
        (1e300, math.inf, ("", "1e+300", "inf")),
        (1.0000021, 1.0, ("", "1.000002", "1")),
        ({"a": 1}, {"b": 1}, ("", "names a", "names b")),
    ],
)
def test_difference_is_described(yours, right, found):
    told = difference(travelled(yours), travelled(right), 1e-6)
    assert told and replace(told, relation="") == Difference(*found)


NUMBERS = np.array([[1.5, -2.0, 0.25], [4.0, 3.0, -1.0]])


@pytest.mark.parametrize(
    ("yours", "sentence"),
    [
        (np.stack([NUMBERS * 0.25, NUMBERS * 0.75]), "Summed over axis 0, your"),
        (np.full((2, 2, 3, 2), NUMBERS[:, :, None] / 4), "Summed over axes 0 and 3"),
        (NUMBERS.T, "Transposed, your answer would be right."),
        (NUMBERS.ravel(), "The numbers are right, but their shape is not."),
        (NUMBERS[::-1], "The order along axis 0 is reversed."),
        (NUMBERS[:, [1, 0, 2]], "These are the right numbers in another order."),
        (np.trunc(NUMBERS), "the right ones without their decimals."),
        (-NUMBERS, "Every number has the wrong sign."),
        (NUMBERS * 3, "Every number is 3 times the right one."),
        (NUMBERS - 0.5, "Every number is 0.5 smaller than the right one."),
        (NUMBERS + np.arange(3), ""),
        (np.zeros((2, 3)), ""),
        (NUMBERS * np.inf, "inf comes from a division by 0"),
        (np.where(NUMBERS > 0, NUMBERS, np.nan), "nan comes from 0 / 0"),
        (np.ones((1,) * 40), ""),
    ],
)
def test_relation_says_how_all_numbers_differ(yours, sentence):
    told = relation(yours, NUMBERS)
    assert sentence in told if sentence else told == ""


def test_relation_of_a_sum_along_an_axis_of_one_element():
    told = relation(NUMBERS, NUMBERS.sum(axis=1, keepdims=True))
    assert told == "Summed over axis 1, your answer would be right."


class Mute:
    def __repr__(self):
        raise SystemError("no words")


ITSELF: list[Any] = []
ITSELF += [ITSELF, ITSELF]


@pytest.mark.parametrize(
    "answer",
    [
        print,
        [1.0, -(10**400)],
        np.array([1j]),
        nested(10_000),
        ITSELF,
        np.array([1, None], dtype=object),
        np.timedelta64(1, "s"),
        np.zeros(2, "i4,f8"),
        {Mute: [Mute()]},
        [0.0] * 1001,
    ],
    ids=range(10),
)
def test_difference_of_an_odd_answer_is_short(answer, monkeypatch):
    monkeypatch.setattr(answers, "MOST_PARTS", 1000)
    yours = travelled(answer)
    for right in (1.0, np.ones(2), [1.0, 2.0], None, yours):
        found = difference(yours, right, 1e-6)
        assert found is not None
        assert len(found.yours) < 300


def array(dtype, shape):
    return {"dtype": dtype, "shape": shape, "data": "AAAA"}


@pytest.mark.parametrize(
    "code",
    [
        nested(5_000),
        10**400,
        {"keys": 5},
        {},
        array("O", [1]),
        array("f8", [9]),
        array("f8", [10**9, 0]),
        array({"names": 1}, [1]),
        array("f8,(", []),
        array("i1", [10**30]),
    ],
    ids=range(10),
)
def test_decode_rejects_what_was_forged(code):
    with pytest.raises(ValueError, match="not an encoded answer"):
        decode(code)


def test_signature_depends_on_numbers_order_and_form():
    different = [
        np.ones(2),
        np.ones(3),
        [np.ones(2)],
        np.array([1.0, 2.0]),
        np.array([2.0, 1.0]),
        {"a": 1.0},
        True,
    ]
    assert len({*map(signature, different)}) == len(different)
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
