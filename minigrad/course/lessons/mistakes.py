"""The mistakes that people make in every lesson: their names, their descriptions, and their proofs.

mutants.py makes these mistakes. Answers alone do not prove one, because different mistakes can give
the same answers. A proof therefore searches the syntax tree of the learner's function for what
everybody has in it who made this mistake: nobody forgot `reshape` who calls it.
"""

from __future__ import annotations

import ast
import re
from ast import (
    AST,
    Add,
    And,
    Assign,
    AugAssign,
    BinOp,
    BoolOp,
    Call,
    Compare,
    Constant,
    Dict,
    DictComp,
    FloorDiv,
    For,
    If,
    IfExp,
    IsNot,
    MatMult,
    Mult,
    Name,
    Not,
    NotIn,
    Return,
    Slice,
    Sub,
    Subscript,
    Tuple,
    UAdd,
    USub,
    While,
    With,
    comprehension,
    stmt,
)
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..checking.lesson import Slip
from ..checking.source import bound


@dataclass(frozen=True)
class Evidence:
    """What a proof may look at."""

    yours: AST
    """The learner's function."""
    right: AST
    wrong: AST
    """The solution's function, without and with the mistake."""
    word: str
    """The name in the mistake's name or description, such as `exp`, or ''."""
    text: str
    """The lesson's text."""


Proof = Callable[[Evidence], bool]


@dataclass(frozen=True)
class Mistake:
    """A mistake that people make in every lesson."""

    name: str
    kind: str
    """Its description."""
    proof: Proof = lambda evidence: True


def has(tree: AST, *kinds: type) -> bool:
    """Return whether a tree contains a node of one of these types."""
    return any(isinstance(node, kinds) for node in ast.walk(tree))


def names(tree: AST) -> Counter[str]:
    """Count the names in a tree: of variables, attributes, functions and arguments. Texts count too,
    because `dict(h0=h)` may be written `{"h0": h}`.
    """
    fields = "id", "attr", "arg", "name", "value"
    found = (getattr(node, field, None) for node in ast.walk(tree) for field in fields)
    return Counter(name for name in found if isinstance(name, str))


def calls(tree: AST) -> Iterator[tuple[str, Call]]:
    """Yield each call with the name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def mentions(tree: AST, *parts: str) -> bool:
    """Return whether one of the tree's names contains one of these texts."""
    return any(part in name for name in names(tree) for part in parts)


def own(statement: AST) -> Iterator[AST]:
    """Yield the nodes of a statement, without the statements inside it."""
    for node in ast.iter_child_nodes(statement):
        if not isinstance(node, stmt):
            yield node
            yield from own(node)


def two_operators(evidence: Evidence) -> bool:
    """A statement has two operators."""
    for statement in statements(evidence.yours):
        count = Counter(type(node) for node in (statement, *own(statement)))
        if count[BinOp] and count[BinOp] + count[AugAssign] + count[USub] > 1:
            return True
    return False


def adds_to_itself(evidence: Evidence) -> bool:
    """`a += b`, or `a = a + b`."""
    for node in ast.walk(evidence.yours):
        match node:
            case AugAssign(op=Add() | Sub()):
                return True
            case Assign([target], BinOp(op=Add() | Sub()) as value):
                first: Any = value
                while isinstance(first, BinOp) and isinstance(first.op, Add | Sub):
                    first = first.left
                if ast.unparse(first) == ast.unparse(target):
                    return True
    return False


def subtracts(evidence: Evidence) -> bool:
    return has(evidence.yours, Sub, USub) or mentions(evidence.yours, "subtract")


def transposes(evidence: Evidence) -> bool:
    turning = "transpose", "swapaxes", "moveaxis", "einsum"
    return names(evidence.yours)["T"] > 0 or mentions(evidence.yours, *turning)


def multiplies(evidence: Evidence) -> bool:
    return has(evidence.yours, Mult) or mentions(evidence.yours, "multiply")


def multiplies_matrices(evidence: Evidence) -> bool:
    return has(evidence.yours, MatMult) or mentions(evidence.yours, "dot", "matmul", "einsum")


def rounds_down(evidence: Evidence) -> bool:
    return has(evidence.yours, FloorDiv)


def doubles(evidence: Evidence) -> bool:
    """`2 * a`, or `a + a`."""
    for node in ast.walk(evidence.yours):
        match node:
            case BinOp(Constant(2), Mult()) | BinOp(_, Mult(), Constant(2)):
                return True
            case BinOp(left, Add(), right) if ast.dump(left) == ast.dump(right):
                return True
    return False


def passes_the_axis(evidence: Evidence) -> bool:
    """The axis is the argument `axis`, or the last argument of a call."""
    for _, call in calls(evidence.yours):
        last = [] if call.keywords else call.args[-1:]
        for value in (*last, *(each.value for each in call.keywords if each.arg == "axis")):
            if evidence.word in map(ast.unparse, getattr(value, "elts", [value])):
                return True
    return False


def takes_a_part(evidence: Evidence) -> bool:
    """There is a slice or a loop."""
    return (
        has(evidence.yours, Slice, For, While, comprehension) or names(evidence.yours)["range"] > 0
    )


def takes_the_first(evidence: Evidence) -> bool:
    found = (node for node in ast.walk(evidence.yours) if isinstance(node, Subscript))
    return any(isinstance(node.slice, Constant) and node.slice.value == 0 for node in found)


def makes_a_pair(evidence: Evidence) -> bool:
    """A tuple is returned, appended or assigned, or there is a dict."""
    for node in ast.walk(evidence.yours):
        match node:
            case Dict() | DictComp() | Return(Tuple()) | Assign(value=Tuple()):
                return True
    pairs = [name == "dict" or (name == "append" and isinstance(call.args[0], Tuple))
             for name, call in calls(evidence.yours) if name == "dict" or call.args]  # fmt: skip
    return any(pairs)


def has_a_block(evidence: Evidence) -> bool:
    return has(evidence.yours, For, While, If, With)


def adds_up(evidence: Evidence) -> bool:
    """A loop may compute the sum or the mean."""
    return evidence.word in ("sum", "mean") and has(evidence.yours, For, While)


def uses_the_word(evidence: Evidence) -> bool:
    return names(evidence.yours)[evidence.word] > 0 and not adds_up(evidence)


def calls_the_word(evidence: Evidence) -> bool:
    called = {name for name, _ in calls(evidence.yours)}
    return evidence.word in called and not adds_up(evidence)


def forgets(evidence: Evidence) -> bool:
    """The name occurs less often than in the solution, or never if the lesson's text shows it."""
    word = re.escape(evidence.word)
    known = re.search(rf"[.`]{word}\b|\b{word}[(=]", evidence.text) is not None
    needed = max(names(evidence.right)[evidence.word], known)
    return names(evidence.yours)[evidence.word] < needed and not adds_up(evidence)


def changes(count: Callable[[AST], Counter[str]]) -> Proof:
    """Return the proof that the learner's function differs from the solution's as the mistake does."""

    def proof(evidence: Evidence) -> bool:
        mine, wrong, good = map(count, (evidence.yours, evidence.wrong, evidence.right))
        return bool((wrong - good) & (mine - good) or (good - wrong) & (good - mine))

    return proof


def operators(tree: AST) -> Counter[str]:
    """Count the operators in conditions. `x >= 0` counts as `x < 0`, because the learner may have
    exchanged the two cases.
    """
    found = Counter[str]()
    for node in ast.walk(tree):
        match node:
            case If() | IfExp():
                found["if"] += 1
            case comprehension(ifs=conditions):
                found["if"] += len(conditions)
            case BoolOp(op, values):
                found["and" if isinstance(op, And) else "or"] += len(values) - 1
            case Compare(ops=ops):
                found.update({"GtE": "Lt", "LtE": "Gt"}.get(type(op).__name__, type(op).__name__)
                             for op in ops if not isinstance(op, ast.In | NotIn | ast.Is | IsNot))  # fmt: skip
                found["is"] += sum(isinstance(op, ast.Is | IsNot) for op in ops)
                found["not"] += sum(isinstance(op, NotIn | IsNot) for op in ops)
            case Not():
                found["not"] += 1
    return found


class Nameless(ast.NodeTransformer):
    """Takes all names as one."""

    def visit_Name(self, node: Name) -> AST:
        return Name("i")

    def visit_Attribute(self, node: ast.Attribute) -> AST:
        return Name("i")


def subscripts(tree: AST) -> Counter[str]:
    """Count the indices, all names taken as one: [t] and [k] are equal, [t] and [t - 1] are not."""
    found = (node.slice for node in ast.walk(tree) if isinstance(node, Subscript))
    plain = (ast.parse(ast.unparse(index)) for index in found if not has(index, Slice, Tuple))
    return Counter(ast.dump(Nameless().visit(index)) for index in plain)


MISTAKES = {
    "brackets": Mistake(
        "brackets",
        "A pair of brackets is missing or in the wrong place {where}. Python raises to a "
        "power first, then multiplies and divides, and adds and subtracts last.",
        two_operators,
    ),
    "replaced": Mistake(
        "`=` where `+=` belongs",
        "A new value replaces the old one {where}. It should be added to it.",
    ),
    "added": Mistake(
        "`+=` where `=` belongs",
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
        "The first or the last element is treated wrongly {where}.",
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
        "Two terms belong together {where}. One of them is missing.",
    ),
    "factor": Mistake(
        "a factor forgotten",
        "Two factors belong together {where}. One of them is missing.",
    ),
    "division": Mistake(
        "a division forgotten",
        "One division is missing {where}.",
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
        "`{word}` is not applied {where}.",
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
        has_a_block,
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


PLACE = re.compile(
    r" (where `[^`]*` is computed|in the value that is returned|in the head of a loop|in a condition)"
)
"""A place in a description, which `place` makes."""


def statements(tree: AST) -> list[stmt]:
    return [node for node in ast.walk(tree) if isinstance(node, stmt)]


def place(statement: stmt) -> str:
    """Return where a statement is, in words."""
    if isinstance(statement, Return):
        return "in the value that is returned"
    if isinstance(statement, For | While):
        return "in the head of a loop"
    if isinstance(statement, If):
        return "in a condition"
    changed = getattr(statement, "targets", [getattr(statement, "target", None)])[0]
    while isinstance(changed, Subscript):
        changed = changed.value
    return (
        f"where `{ast.unparse(changed)}` is computed" if changed is not None else "in one statement"
    )


def places(yours: AST, right: AST) -> set[str]:
    """Return the places in a learner's function that a description may name, as `place` does: only
    where the code differs from the solution's.

    The value that is returned is a place if there is one `return` with more than a name.
    """

    def line(statement: stmt) -> str:
        return ast.unparse(statement).partition("\n")[0]

    known = set(map(line, statements(right)))
    changed = [one for one in statements(yours) if line(one) not in known]
    found = set(map(place, changed)) - {"in the value that is returned"}
    for one in changed:
        if isinstance(one, Assign | AugAssign | ast.AnnAssign):
            found |= {f"where `{name}` is computed" for name in bound(one)}
        conditional = isinstance(one, While) or any(
            isinstance(node, IfExp) or (isinstance(node, comprehension) and node.ifs)
            for node in own(one)
        )
        if conditional:
            found.add("in a condition")
    returned = [node.value for node in ast.walk(yours) if isinstance(node, Return)]
    if len(returned) == 1 and not isinstance(returned[0], Name | Constant | None):
        found.add("in the value that is returned")
    return found


def in_terms_of(slip: Slip, yours: AST, right: AST) -> Slip:
    """Return the slip with a description that fits the learner's code: without a place that the code
    does not have, or where the code is right.
    """
    kind = slip.kind
    if slip.name == "a sign" and not has(yours, Add, Sub, UAdd, USub):
        kind = "The sign is wrong."
    if found := PLACE.search(kind):
        if slip.lines:
            kind = kind.replace(found[0], f" in `{slip.lines[0]}`")
        elif found[1] not in places(yours, right):
            kind = kind.replace(found[0], "")
    return replace(slip, kind=kind)
