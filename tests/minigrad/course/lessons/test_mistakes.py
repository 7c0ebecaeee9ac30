"""Proofs of mistakes: what everybody has in the code who made one, and what contradicts it."""

from ast import parse

import pytest

from minigrad.course.checking.lesson import Slip
from minigrad.course.lessons.mistakes import MISTAKES, changed, proved
from minigrad.course.lessons.mutants import mutants
from minigrad.course.lessons.places import in_terms_of, places

RIGHT = """def f(a, b, h):
    total = np.zeros_like(a)
    for t in range(1, len(h) - 1):
        total[t] += a[t - 1] * (1 - h[t] ** 2) @ b.T / 2
    if not total.any() and len(h) >= 2:
        total = -total
    first, last = h[0], h[-1]
    return (total.max(axis=0, keepdims=True), np.exp(first - last), {"a": a * a, "b": b[1:]})"""


def is_proved(name, yours, right="", wrong="", kind="", text=""):
    return proved(Slip(name, "", kind), parse(yours), parse(right), parse(wrong), text)


def test_every_mistake_is_proved_by_its_own_code():
    made = list(mutants(RIGHT, "f"))
    assert len({slip.name for slip in made}) > 35
    for slip in made:
        assert proved(slip, parse(slip.code), parse(RIGHT), parse(slip.code), ""), slip


@pytest.mark.parametrize(
    ("name", "yours", "expected"),
    [
        ("brackets", "x = a * b - c", True),
        ("brackets", "x = a * b\ny = b - c", False),
        ("added instead of replaced", "x[0] = x[0] + 1 - y", True),
        ("added instead of replaced", "x = y + 1", False),
        ("subtracted the wrong way round", "np.subtract(a, b)", True),
        ("subtracted the wrong way round", "a + b", False),
        ("one transpose too many", "np.swapaxes(a, 0, 1)", True),
        ("a product the wrong way round", "np.tensordot(a, b)", True),
        ("`*` where `@` belongs", "a ** 2", False),
        ("integer division", "a // b", True),
        ("doubled instead of squared", "a[0] + a[0]", True),
        ("doubled instead of squared", "1 - y ** 2", False),
        ("off by one at an end", "[x for x in a]", True),
        ("the first for the last", "a[0]", True),
        ("the first for the last", "[0]", False),
        ("results exchanged", "return (b, a)", True),
        ("results exchanged", "return dict(a=b, b=a)", True),
        ("results exchanged", "return (a + b) * (a - b)", False),
        ("indentation", "return a", False),
        ("`log` in place of another function", "np.log(a)", True),
        ("`mean` in place of another function", "for x in a: mean += x", False),
        ("nothing returned", "a", True),
    ],
)
def test_proved_reads_the_syntax_parse(name, yours, expected):
    assert is_proved(name, yours) is expected


def test_proved_reads_the_word_in_the_description():
    axis = "The axis 1 is used. Another one belongs there."
    for yours, expected in (
        ("a.sum(axis=1)", True),
        ("np.sum(a, 1)", True),
        ("a.sum(axis=(0, 1))", True),
        ("a.sum(axis=-1)", False),
        ("a.sum(axis=0)", False),
    ):
        assert is_proved("the wrong axis", yours, kind=axis) is expected, yours
    arguments = "The arguments of `dot` are in the wrong order."
    assert is_proved("arguments exchanged", "np.dot(a, b)", kind=arguments)
    assert not is_proved("arguments exchanged", "a @ b", kind=arguments)


def test_a_forgotten_name_occurs_less_often_than_in_the_solution():
    for yours, right, text, expected in (
        ("return x", "return exp(x)", "", True),
        ("return exp(-x)", "return exp(x)", "", False),
        ("return x", "return np.e ** x", "Use `exp(x)`.", True),
        ("return x", "return np.e ** x", "", False),
        ("return dict(h=h)", 'return {"exp": x, "h": h}', "", True),
    ):
        assert is_proved("`exp` forgotten", yours, right, text=text) is expected, yours
    assert not is_proved("`f` forgotten", "f(x)", "f(x)")


@pytest.mark.parametrize(
    ("name", "yours", "wrong", "right", "expected"),
    [
        ("a comparison the wrong way round", "if 0 < x: pass", "if x >= 0: pass", "if x > 0: pass", True),
        ("a comparison the wrong way round", "if x > 0: pass", "if x < 0: pass", "if x > 0: pass", False),
        ("`not` forgotten", "if x: pass", "if x: pass", "if not x: pass", True),
        ("off by one", "a[k]", "a[t]", "a[t - 1]", True),
        ("off by one", "a[k - 1]", "a[t]", "a[t - 1]", False),
    ],
)  # fmt: skip
def test_a_changed_operator_or_index_differs_as_in_the_mistake(name, yours, wrong, right, expected):
    assert is_proved(name, yours, right, wrong) is expected


def test_a_forgotten_term_needs_fewer_operators():
    wrong = "y = (f(x + h) - f(x)) / h"
    for name, yours, expected in (
        ("a term forgotten", "up = f(x + h)\ny = (up - f(x)) / h", True),
        ("a term forgotten", "x += h\nup = f(x)\nx -= h\ny = (up - f(x)) / h", False),
        ("a factor forgotten", "y = f(x) / h", True),
        ("a factor forgotten", "y = f(2 * x) / h", False),
        ("a division forgotten", "y = f(x) / h", True),
        ("a division forgotten", "y = f(x / h) / h", False),
    ):
        assert is_proved(name, yours, "", wrong) is expected, yours


def test_a_wrong_indentation_moves_a_statement_into_a_block_or_out_of_one():
    right = "for x in a:\n    b = 0\n    b += x"
    wrong = "b = 0\nfor x in a:\n    b += x"
    assert is_proved("indentation", "c = 0\nfor y in a:\n    c += y", right, wrong)
    more = "d = 1\nfor y in a:\n    c = 0\n    c += y"
    assert not is_proved("indentation", more, right, wrong)


def test_places_are_where_the_code_differs():
    right = "def f(x):\n    y = x\n    for i in x: y += i\n    return y * 2"
    yours = "def f(x):\n    y = 2 * x\n    for i in x[1:]: y += i\n    z, w = y if y else 1, 2\n    return y * 3"
    found = places(parse(yours), parse(right))
    for place in (
        "where `y` is computed",
        "where `z` is computed",
        "in the head of a loop",
        "in a condition",
        "in the value that is returned",
    ):
        assert place in found
    assert places(parse(right), parse(right)) == {"in the value that is returned"}
    assert places(parse("def f(x):\n    return x"), parse(right)) == set()


@pytest.mark.parametrize(
    ("name", "kind", "code", "told"),
    [
        ("a sign", "A plus and a minus are exchanged.", "return x / y", "The sign is wrong."),
        ("a factor", "One is missing where `z` is computed.", "z = x", "One is missing where `z` is computed."),
        ("a factor", "One is missing where `z` is computed.", "return x", "One is missing."),
        ("a factor", "One is missing in the value that is returned.",
         "def f(x):\n    return x * 2\nreturn f(x)", "One is missing."),
    ],
)  # fmt: skip
def test_in_terms_of_the_learners_code(name, kind, code, told):
    slip = in_terms_of(Slip(name, "", kind), parse(code), parse("z = x * x"))
    assert slip.kind == told


def test_descriptions_are_sentences():
    for mistake in MISTAKES.values():
        assert mistake.kind[-1] in ".?}"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("x[1] = 3", "`x[1] = 3` changes the input itself"),
        ("x.pop(0)", "`x.pop(0)` changes the input itself"),
        ("a, b = x[:, 1:], 2\na[i] = 3", "`a = x[:, 1:]` makes no copy, but a view"),
        ("y = x\ny += 1", "`y = x` makes no copy. So `y += 1` changes the input."),
        ("x = x.copy()\nx += 1", None),
        ("y = x[:, mask]\ny += 1", None),
        ("y = x[1:]\ny.pop()", None),
        ("y = [x]\ny.append(3)", None),
    ],
)
def test_changed_names_only_what_can_change_the_input(code, told):
    slip = changed(parse(code), "x")
    assert (told or "") in (slip.kind if slip else "")
    assert (slip is None) == (told is None)
