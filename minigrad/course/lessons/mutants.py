"""Apply the mistakes that people make in every lesson to a lesson's solution.

`mutants(source, function)` rewrites the syntax tree of one function of a solution: it forgets a pair of
brackets, turns `+=` into `=`, flips a sign, moves an index by one, and so on, one mistake at a time.
key.py runs every rewritten function and stores its answers. If a learner's function gives the same
answers, it contains this mistake or an equivalent one.
"""

import ast
from ast import (
    AST,
    FunctionDef,
    Name,
    Pass,
    Store,
    stmt,
)
from collections.abc import Iterator
from typing import Any

from ..checking.lesson import Slip
from ..checking.source import definitions
from .mistakes import MISTAKES
from .places import place
from .rewrites import compiles, in_arrays, in_names, in_numbers, in_sequences, in_statements

UNSURE = ("variable", "constant", "edge", "step", "call", "keyword")
"""Mistakes that often have the same answers as another one. They are named only if the learner's
function contains the line with the mistake.
"""


def mutants(source: str, function: str) -> Iterator[Slip]:
    r"""Yield the slips of one function of a solution: 'backward' or 'Tanh.backward'.

    >>> source = "def f(a, b):\n    return a * (1 - b)"
    >>> [slip.name for slip in mutants(source, "f")][:3]
    ['brackets', 'a sign', 'subtracted the wrong way round']
    """
    found = definitions(ast.parse(source))
    outer, inner = found.get(function.partition(".")[0]), found.get(function)
    if not isinstance(inner, FunctionDef):
        return
    names = [argument.arg for argument in inner.args.args if argument.arg != "self"]
    names += [n.id for n in ast.walk(inner) if isinstance(n, Name) and isinstance(n.ctx, Store)]
    original = ast.unparse(outer)
    seen = {original}
    before = [line.strip() for line in original.splitlines()]
    names = list(dict.fromkeys(names))
    rules = (
        in_numbers,
        in_sequences,
        in_arrays,
        in_statements,
        lambda node: in_names(node, names),
    )
    for rule in rules:
        for statement, node in nodes(inner):
            for new, key, *word in rule(node):
                code = ast.unparse(ast.fix_missing_locations(substitute(outer, node, new)))
                if code in seen or not compiles(code):
                    continue
                seen.add(code)
                mistake = MISTAKES[key]
                name, kind = (
                    text.format(
                        word="".join(word),
                        where=place(statement),
                    )
                    for text in (mistake.name, mistake.kind)
                )
                changed = [line.strip() for line in code.splitlines() if line.strip() not in before]
                lines = tuple(changed or ["?"]) if key in UNSURE else ()
                yield Slip(
                    name,
                    code,
                    kind,
                    function=function,
                    lines=lines,
                )


def nodes(function: FunctionDef) -> Iterator[tuple[stmt, AST]]:
    """Yield every node of the function's body with the statement that contains it."""

    def below(node: AST, statement: stmt) -> Iterator[tuple[stmt, AST]]:
        statement = node if isinstance(node, stmt) else statement
        yield statement, node
        for child in ast.iter_child_nodes(node):
            yield from below(child, statement)

    yield function, function
    for statement in function.body:
        yield from below(statement, statement)


def substitute(tree: Any, old: AST, new: Any) -> Any:
    """Return a copy of the tree with `new`, a node or several statements, in place of `old`."""
    if tree is old:
        return new
    if isinstance(tree, list):
        parts = [substitute(part, old, new) for part in tree]
        flat = [p for part in parts for p in (part if isinstance(part, list) else [part])]
        return flat or ([Pass()] if tree and isinstance(tree[0], stmt) else [])
    if not isinstance(tree, AST):
        return tree
    return type(tree)(
        **{name: substitute(value, old, new) for name, value in ast.iter_fields(tree)}
    )
