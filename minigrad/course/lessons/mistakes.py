"""The mistakes that people make in every lesson: their names and descriptions. proofs.py proves them.

mutants.py makes these mistakes.
"""

import ast
import re
from ast import (
    AST,
    Add,
    Assign,
    Attribute,
    AugAssign,
    Call,
    Div,
    MatMult,
    Mult,
    Name,
    Sub,
    Subscript,
)
from dataclasses import dataclass

from ..checking.lesson import Slip
from .proofs import (
    Evidence,
    Proof,
    adds_to_itself,
    calls_the_word,
    changes,
    doubles,
    forgets,
    makes_a_pair,
    moves,
    multiplies,
    multiplies_matrices,
    no_more,
    operators,
    passes_the_axis,
    replaces,
    rounds_down,
    subscripts,
    subtracts,
    takes_a_part,
    takes_the_first,
    transposes,
    two_operators,
    uses_the_word,
)


@dataclass(frozen=True)
class Mistake:
    """A mistake that people make in every lesson."""

    name: str
    kind: str
    """Its description."""
    proof: Proof = lambda evidence: True


MISTAKES = {
    "brackets": Mistake(
        "brackets",
        "A pair of brackets is missing or in the wrong place {where}. Python raises to a "
        "power first, then multiplies and divides, and adds and subtracts last.",
        two_operators,
    ),
    "replaced": Mistake(
        "replaced instead of added",
        "A new value replaces the old one {where}. It should be added to it.",
        replaces,
    ),
    "added": Mistake(
        "added instead of replaced",
        "A value is added to the old one {where}. It should replace the old one.",
        adds_to_itself,
    ),
    "sign": Mistake(
        "a sign",
        "The sign is wrong {where}.",
    ),
    "difference": Mistake(
        "subtracted the wrong way round",
        "The two sides of a minus are exchanged {where}.",
        subtracts,
    ),
    "transpose": Mistake(
        "transpose forgotten",
        "One matrix has to be transposed {where}.",
    ),
    "transposed": Mistake(
        "one transpose too many",
        "One matrix is transposed that must stay as it is {where}.",
        transposes,
    ),
    "exchanged": Mistake(
        "a product the wrong way round",
        "The factors of a matrix product are exchanged {where}.",
        multiplies_matrices,
    ),
    "product": Mistake(
        "a matrix product transposed",
        "The result of a matrix product is transposed {where}.",
        multiplies_matrices,
    ),
    "elementwise": Mistake(
        "`*` where `@` belongs",
        "`*` multiplies element by element {where}. A matrix product is needed.",
        multiplies,
    ),
    "matrix": Mistake(
        "`@` where `*` belongs",
        "`@` is the matrix product {where}. A product element by element is needed.",
        multiplies_matrices,
    ),
    "axis": Mistake(
        "the wrong axis",
        "The axis {word} is used {where}. Another one belongs there.",
        passes_the_axis,
    ),
    "no axis": Mistake(
        "no axis",
        "`axis=` is not passed {where}.",
    ),
    "keepdims": Mistake(
        "`keepdims` forgotten",
        "An axis of size 1 is lost {where}.",
        forgets,
    ),
    "keyword": Mistake(
        "`{word}` forgotten",
        "`{word}=` is not passed {where}.",
        forgets,
    ),
    "index": Mistake(
        "off by one",
        "An index is one too large or one too small {where}.",
        changes(subscripts),
    ),
    "end": Mistake(
        "off by one at an end",
        "A slice or a limit is one too long or one too short {where}.",
        takes_a_part,
    ),
    "first": Mistake(
        "the first for the last",
        "The first element is used {where}. The last one belongs there.",
        takes_the_first,
    ),
    "direction": Mistake(
        "the wrong direction",
        "The elements are visited or returned in the wrong order.",
    ),
    "term": Mistake(
        "a term forgotten",
        "A term is missing {where}.",
        no_more(Add, Sub),
    ),
    "factor": Mistake(
        "a factor forgotten",
        "Two factors belong together {where}. One of them is missing.",
        no_more(Mult, MatMult),
    ),
    "division": Mistake(
        "a division forgotten",
        "One division is missing {where}.",
        no_more(Div),
    ),
    "multiplied": Mistake(
        "multiplied instead of divided",
        "A number is multiplied {where}. It must be divided.",
        multiplies,
    ),
    "integer": Mistake(
        "integer division",
        "`//` rounds down {where}. Use `/`.",
        rounds_down,
    ),
    "square": Mistake(
        "not squared",
        "A number has to be squared {where}.",
    ),
    "doubled": Mistake(
        "doubled instead of squared",
        "A number is multiplied by 2 {where}. It must be multiplied by itself.",
        doubles,
    ),
    "power": Mistake(
        "a power forgotten",
        "A number has to be raised to a power {where}.",
    ),
    "unapplied": Mistake(
        "`{word}` forgotten",
        "A call of `{word}` is missing {where}.",
        forgets,
    ),
    "opposite": Mistake(
        "`{word}` in place of another function",
        "`{word}` is used {where}. Another function belongs there.",
        uses_the_word,
    ),
    "arguments": Mistake(
        "arguments exchanged",
        "The arguments of `{word}` are in the wrong order {where}.",
        calls_the_word,
    ),
    "nothing": Mistake(
        "nothing returned",
        "The result is computed, but the function does not return it.",
    ),
    "results": Mistake(
        "results exchanged",
        "Two results are returned in the wrong order, or under each other's name.",
        makes_a_pair,
    ),
    "tuple": Mistake(
        "not a tuple",
        "The result must be a tuple, also with one element: the comma makes the tuple.",
    ),
    "only": Mistake(
        "only the {word} value returned",
        "All values are needed.",
    ),
    "indentation": Mistake(
        "indentation",
        "A statement is indented wrongly, so it runs too often or too rarely.",
        moves,
    ),
    "step": Mistake(
        "a step left out",
        "One step of the method is left out {where}.",
    ),
    "call": Mistake(
        "a step left out",
        "`{word}` is never called.",
    ),
    "always": Mistake(
        "a condition forgotten",
        "Something always happens. It must happen in one case only.",
        changes(operators),
    ),
    "case": Mistake(
        "a case left out",
        "A special case is not treated.",
        changes(operators),
    ),
    "part": Mistake(
        "a condition forgotten",
        "A part of a condition is missing {where}.",
        changes(operators),
    ),
    "edge": Mistake(
        "the edge of a comparison",
        "Equal numbers are treated wrongly {where}: is it `<` or `<=`?",
        changes(operators),
    ),
    "comparison": Mistake(
        "a comparison the wrong way round",
        "A comparison is the wrong way round {where}.",
        changes(operators),
    ),
    "and": Mistake(
        "`and` or `or`",
        "`and` and `or` are exchanged {where}.",
        changes(operators),
    ),
    "not": Mistake(
        "`not` forgotten",
        "A condition is the wrong way round {where}.",
        changes(operators),
    ),
    "constant": Mistake(
        "a constant",
        "One of the numbers {where} is not the right one.",
    ),
    "variable": Mistake(
        "`{word}` in the wrong place",
        "`{word}` is used {where}, but another variable belongs there.",
    ),
}
"""{where} becomes a phrase such as 'where `da` is computed', and {word} a name."""


PROOFS = {mistake.name: mistake.proof for mistake in MISTAKES.values()}


def proved(slip: Slip, yours: AST, right: AST, wrong: AST, text: str) -> bool:
    """Return whether the learner's function can contain this mistake. See `Evidence`."""
    found = re.search(r"`(\w+)`", slip.name) or re.match(
        r"The (?:axis|arguments of) `?([\w-]+)", slip.kind
    )
    word = found[1] if found else ""
    proof = PROOFS.get(slip.name) or PROOFS.get(slip.name.replace(f"`{word}`", "`{word}`"))
    return proof is None or proof(Evidence(yours, right, wrong, word, text))


METHODS = ("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort")
"""Methods that change a list itself."""


def changed(function: AST, name: str) -> Slip | None:
    """Return how a function can have changed its input `name`, or None if its code does not show it.

    >>> changed(ast.parse("x += 1"), "x").kind
    '`x += 1` changes the input itself, and the caller uses it too.'
    """
    shared, fresh = {name: ""}, set[str]()
    for node in ast.walk(function):
        if isinstance(node, Assign):
            for target, value in assigned(node):
                if whole(value) in shared:
                    shared.setdefault(target, ast.unparse(value))
                else:
                    fresh.add(target)
    for node in ast.walk(function):
        match node:
            case AugAssign(target) | Assign([Subscript() as target]):
                parts = True
            case Call(Attribute(target, word)) if word in METHODS:
                parts = False
            case _:
                continue
        while isinstance(target, Subscript):
            target = target.value
        one = getattr(target, "id", "")
        source = shared.get(one)
        if source is None or one in fresh or ("[" in source and not parts):
            continue
        code = f"`{ast.unparse(node)}` changes the input"
        kind = f"{code} itself, and the caller uses it too."
        if source:
            view = ", but a view that shares its numbers" * ("[" in source)
            kind = f"`{one} = {source}` makes no copy{view}. So {code}."
        return Slip("changes the input", "", kind)
    return None


def assigned(node: Assign) -> list[tuple[str, AST]]:
    """Return the names that an assignment defines, each with its value."""
    target, value = node.targets[0], node.value
    pairs = [(target, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(target.elts, value.elts, strict=False))
    return [(one.id, source) for one, source in pairs if isinstance(one, Name)]


def whole(value: AST) -> str:
    """Return the name of the array of which `value` is a view, or ''. An index that is an array makes a
    copy.
    """
    while isinstance(value, Subscript):
        for index in getattr(value.slice, "elts", [value.slice]):
            if not isinstance(index, ast.Slice | ast.Constant | ast.UnaryOp):
                return ""
        value = value.value
    return getattr(value, "id", "")
