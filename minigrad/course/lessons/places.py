"""Describe where a mistake is, in terms of the learner's code."""

import ast
import re
from ast import (
    AST,
    Add,
    Assign,
    AugAssign,
    Constant,
    For,
    If,
    IfExp,
    Name,
    Return,
    Sub,
    Subscript,
    UAdd,
    USub,
    While,
    comprehension,
    stmt,
)
from dataclasses import replace

from ..checking.lesson import Slip
from ..checking.source import bound
from .proofs import has, own, statements

PLACE = re.compile(
    r" (where `[^`]*` is computed|in the value that is returned|in the head of a loop|in a condition)"
)
"""A place in a description, which `place` makes."""


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

    The returned value counts as a place only if the function has exactly one `return` statement,
    and it returns an expression, not a single name or constant.
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
    """Return the slip with a description that fits the learner's code. The description mentions a place
    only if the code has this place and is wrong there.
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
