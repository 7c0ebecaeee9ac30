"""The library of mistakes: each kind is made from a small right function."""

import pytest

from minigrad.course.lessons.mutants import mutants

CLASS = """class Tanh:
    def forward(self, x):
        return x

    def backward(self, dz, z):
        return dz * (1 - z)"""
LOOP = "for x in a:\n        b += x\n        h += 1\n    return b"
SLIPPED = "for x in a:\n        b += x\n    h += 1\n    return b"


@pytest.mark.parametrize(
    ("body", "name", "made"),
    [
        ("return a * (1 - b)", "brackets", "return a * 1 - b"),
        ("return (a - b) / (2 * h)", "brackets", "return (a - b) / 2 * h"),
        ("a[0] += b", "replaced instead of added", "a[0] = b"),
        ("return a - b", "a sign", "return a + b"),
        ("return a - b", "subtracted the wrong way round", "return b - a"),
        ("return a * b", "a factor forgotten", "return a"),
        ("return a @ b + h", "a term forgotten", "return a @ b"),
        ("return 1 - h * h", "not squared", "return 1 - h"),
        ("return h ** 2", "doubled instead of squared", "return 2 * h"),
        ("return np.tanh(a)", "`tanh` forgotten", "return a"),
        ("return a.sum(axis=0)", "`mean` in place of another function", "return a.mean(axis=0)"),
        ("return a.sum(axis=0)", "the wrong axis", "return a.sum(axis=1)"),
        ("return a @ b.T", "transpose forgotten", "return a @ b"),
        ("return a @ b", "a product the wrong way round", "return b @ a"),
        ("return a * b", "`@` where `*` belongs", "return a @ b"),
        ("return a[h - 1]", "off by one", "return a[h]"),
        ("return a[1:]", "off by one at an end", "return a[:]"),
        ("return list(range(h))", "off by one at an end", "return list(range(1, h))"),
        ("return list(reversed(a))", "the wrong direction", "return list(a)"),
        ("return a", "nothing returned", "a"),
        ("return (a, b)", "results exchanged", "return (b, a)"),
        (LOOP, "indentation", SLIPPED),
        ("h.clear()\n    return a", "a step left out", "return a"),
        ("return a < b", "the edge of a comparison", "return a <= b"),
        ("return a == b", "a comparison the wrong way round", "return a != b"),
        ("return a / b", "integer division", "return a // b"),
        ("return a", "`b` in the wrong place", "return b"),
    ],
)  # fmt: skip
def test_mutants_makes_a_mistake(body, name, made):
    found = {(slip.name, slip.code) for slip in mutants(f"def f(a, b, h):\n    {body}", "f")}
    assert (name, f"def f(a, b, h):\n    {made}") in found


def test_mutants_rewrites_one_method_of_a_class():
    codes = [slip.code for slip in mutants(CLASS, "Tanh.backward")]
    start = "class Tanh:\n\n    def forward(self, x):\n        return x\n"
    assert all(code.startswith(start) for code in codes)
    assert "return dz * 1 - z" in "\n".join(codes)
    assert len({*codes}) == len(codes)


def test_mutants_of_a_variable_are_none():
    assert list(mutants("x = 1", "x")) == []
