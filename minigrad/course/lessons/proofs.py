"""Prove mistakes by the syntax tree of the learner's function.

Answers alone do not prove a mistake, because different mistakes can give the same answers. A proof
therefore searches the syntax tree for what everybody who made this mistake has in it. For example,
if the function calls `reshape`, the learner did not forget it.
"""

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
    USub,
    While,
    With,
    comprehension,
    stmt,
)
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Evidence:
    """The code and the texts that a proof may use."""

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
    """Yield each call with the name of the called function."""
    for node in ast.walk(tree):
        if isinstance(node, Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def mentions(tree: AST, *parts: str) -> bool:
    """Return whether one of the tree's names contains one of these texts."""
    return any(part in name for name in names(tree) for part in parts)


def statements(tree: AST) -> list[stmt]:
    return [node for node in ast.walk(tree) if isinstance(node, stmt)]


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


def additions_to_itself(tree: AST) -> int:
    """Count the statements `a += b` and `a = a + b`."""
    count = 0
    for node in ast.walk(tree):
        match node:
            case AugAssign(op=Add() | Sub()):
                count += 1
            case Assign([target], BinOp(op=Add() | Sub()) as value):
                first: Any = value
                while isinstance(first, BinOp) and isinstance(first.op, Add | Sub):
                    first = first.left
                count += ast.unparse(first) == ast.unparse(target)
    return count


def adds_to_itself(evidence: Evidence) -> bool:
    return additions_to_itself(evidence.yours) > 0


def replaces(evidence: Evidence) -> bool:
    """There are not more statements that add to a value than in the mistake."""
    return additions_to_itself(evidence.yours) <= additions_to_itself(evidence.wrong)


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


def no_more(*kinds: type) -> Proof:
    """Return the proof that the learner's function has no more of these operators than the mistake.
    If it has all of them, the learner did not forget a term.
    """

    def count(tree: AST) -> int:
        return sum(isinstance(getattr(node, "op", None), kinds) for node in ast.walk(tree))

    return lambda evidence: count(evidence.yours) <= count(evidence.wrong)


def moves(evidence: Evidence) -> bool:
    """A statement is in more or fewer blocks than in the solution, as in the mistake."""
    mine, wrong, good = map(depths, (evidence.yours, evidence.wrong, evidence.right))
    return bool((wrong - good) & (mine - good)) and bool((good - wrong) & (good - mine))


def depths(tree: AST) -> Counter[tuple[str, int]]:
    """Count the statements by type and by the number of loops and conditions around them."""
    found = Counter[tuple[str, int]]()

    def below(node: AST, depth: int) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, stmt):
                found[type(child).__name__, depth] += 1
                below(child, depth + isinstance(child, For | While | If | With))

    below(tree, 0)
    return found


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
    """Replaces all names with the same one."""

    def visit_Name(self, node: Name) -> AST:
        return Name("i")

    def visit_Attribute(self, node: ast.Attribute) -> AST:
        return Name("i")


def subscripts(tree: AST) -> Counter[str]:
    """Count the indices, with all names treated as equal: [t] and [k] are equal, [t] and [t - 1]
    are not.
    """
    found = (node.slice for node in ast.walk(tree) if isinstance(node, Subscript))
    plain = (ast.parse(ast.unparse(index)) for index in found if not has(index, Slice, Tuple))
    return Counter(ast.dump(Nameless().visit(index)) for index in plain)
