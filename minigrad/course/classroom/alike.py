"""Find files of a class that are alike even after renaming and reordering, because one may be a copy.

A file is taken apart into pieces: its expressions, without the names of its own variables, without
comments, and with the operands of + and * in a fixed order. The order of functions and statements,
and the kind of a loop, therefore make no difference. A piece counts the more, the fewer students
have written it. Pieces of the exercise do not count, and those of the solution count less.
"""

import ast
import builtins
import copy
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ..checking.lesson import Lesson

SMALLEST = 4
"""The number of nodes in the smallest expression that is a piece."""
SHARE = 0.55
"""The share of the pieces' weight that two files must have in common."""
EVIDENCE = 15.0
"""The weight that they must have in common. Short answers, which many write alike, have less."""
OTHERS = 8
"""Students to add to the class, as if none of them had written any of the pieces, because a piece is
not common just because the class is small.
"""
OF_SOLUTION = 3
"""The number of students who are assumed to have written a piece of the solution."""
Pieces = dict[str, set[int]]
"""The lines of each piece."""


@dataclass(frozen=True)
class Pair:
    """Two files that are alike."""

    one: str
    other: str
    share: float
    """The share of the pieces' weight that they have in common, from 0 to 1."""
    evidence: float
    """The weight that they have in common."""
    lines: tuple[str, str]
    """The lines with these pieces in both files, such as '12-20, 25'."""


def alike(lesson: Lesson, texts: Mapping[str, str]) -> list[Pair]:
    """Return the pairs of files that are alike. `texts` contains the students' files by name."""
    given = pieces(lesson.exercise)
    own = {
        name: {
            piece: lines for piece, lines in pieces(text).items() if piece not in given
        }
        for name, text in texts.items()
    }
    common = Counter(piece for found in own.values() for piece in found)
    for piece in pieces(lesson.solution):
        common[piece] += OF_SOLUTION
    weights = {
        piece: max(0.0, math.log((len(texts) + OTHERS) / count))
        for piece, count in common.items()
    }
    found = []
    for one, other in combinations(own, 2):
        shared = own[one].keys() & own[other].keys()
        evidence = _sum(weights, shared)
        whole = (_sum(weights, own[one]) + _sum(weights, own[other])) / 2
        if whole and evidence >= EVIDENCE and evidence >= SHARE * whole:
            first, second = (
                ranges(line for piece in shared for line in own[name][piece])
                for name in (one, other)
            )
            share = evidence / whole
            found.append(Pair(one, other, share, evidence, (first, second)))
    return found


def _sum(weights: Mapping[str, float], pieces: Iterable[str]) -> float:
    return sum(weights[piece] for piece in pieces)


def ranges(lines: Iterable[int]) -> str:
    """Return line numbers as text.

    >>> ranges([3, 4, 5, 9])
    '3-5, 9'
    """
    found: list[list[int]] = []
    for line in sorted(set(lines)):
        if found and line == found[-1][-1] + 1:
            found[-1].append(line)
        else:
            found.append([line])
    return ", ".join(f"{one[0]}-{one[-1]}" if one[1:] else f"{one[0]}" for one in found)


def pieces(text: str) -> Pieces:
    """Return the pieces of a file with their lines. A file with a syntax error has none."""
    found: Pieces = defaultdict(set)
    try:
        tree = ast.parse(text)
        _form(_Inlined().visit(tree), {}, found)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    return found


class _Inlined(ast.NodeTransformer):
    """Replaces each variable that is assigned once and used once in a function by its value."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        names = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
        stored = Counter(one.id for one in names if isinstance(one.ctx, ast.Store))
        loaded = Counter(one.id for one in names if isinstance(one.ctx, ast.Load))
        values = dict[str, ast.expr]()
        for one in ast.walk(node):
            match one:
                case ast.Assign([ast.Name(name)], value):
                    if stored[name] == loaded[name] == 1:
                        values[name] = value
        return _Substituted(values).visit(node)


class _Substituted(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self.values = values

    def visit_Assign(self, node: ast.Assign) -> Any:
        match node.targets:
            case [ast.Name(name)] if name in self.values:
                return None
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> Any:
        if isinstance(node.ctx, ast.Load) and node.id in self.values:
            return self.visit(copy.deepcopy(self.values[node.id]))
        return node


def _form(node: ast.AST, names: Mapping[str, str], found: Pieces) -> tuple[str, int]:
    """Return a node's form, without the names of variables, and its number of nodes. Add the pieces in
    it to `found`.
    """
    label = type(node).__name__
    children: list[ast.AST] = [
        child
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.expr_context | ast.arguments)
    ]
    match node:
        case ast.Expr(ast.Constant()) | ast.Import() | ast.ImportFrom():
            return "", 0
        case ast.FunctionDef(_, arguments, body) | ast.Lambda(arguments, body):
            own = [one.arg for one in ast.walk(arguments) if isinstance(one, ast.arg)]
            # the arguments of the exercise's functions keep their places
            outer = not any(name.startswith("argument") for name in names.values())
            places = (f"argument {i}" if outer else "variable" for i in range(len(own)))
            names = {**names, **dict(zip(own, places, strict=True))}
            children = [*body] if isinstance(body, list) else [body]
        case ast.Name(name):
            default = (
                name if hasattr(builtins, name) or name in ("np", "mg") else "variable"
            )
            label = names.get(name, default)
        case ast.Attribute(_, attribute):
            label = f".{attribute}"
        case ast.Constant(value):
            label = repr(value)
        case ast.keyword(argument):
            label = f"{argument}="
        case ast.BinOp(_, ast.Add() | ast.Mult() as operator, _):
            label = type(operator).__name__
            children = _operands(node, type(operator))
        case ast.Compare(left, [ast.Gt()], [right]):
            label, children = "Compare", [right, ast.Lt(), left]
    parts = [_form(child, names, found) for child in children]
    forms = [form for form, _ in parts]
    if label in ("Add", "Mult"):
        forms.sort()
    form = f"{label}({', '.join(forms)})" if forms else label
    size = 1 + sum(size for _, size in parts)
    if isinstance(node, ast.expr) and size >= SMALLEST:
        found[form].add(node.lineno)
    return form, size


def _operands(node: ast.expr, operator: type[ast.operator]) -> list[ast.AST]:
    """Return the operands of a sum, or of a product."""
    match node:
        case ast.BinOp(left, op, right) if isinstance(op, operator):
            return _operands(left, operator) + _operands(right, operator)
    return [node]
