"""Find files of a class that are alike even after renaming and reordering, because one may be a copy.

A file is taken apart into pieces: its expressions, without the names of its own variables and
attributes, without comments, and with the operands of + and * in a fixed order. The order of functions and statements,
and the kind of a loop, therefore make no difference. The fewer students have written a piece, the
more it counts. Pieces of the exercise do not count, and those of the solution count less.
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
from ..checking.source import parse

SMALLEST = 4
"""The number of nodes in the smallest expression that counts as a piece."""
SHARE = 0.55
"""The share of the pieces' weight that two files must have in common."""
EVIDENCE = 15.0
"""The weight that they must have in common. Short answers, which many students write in the same
way, weigh less.
"""
OTHERS = 8
"""The number of students to add to the class, as if they had written none of the pieces. Otherwise,
a piece would count as common just because the class is small.
"""
OF_SOLUTION = 3
"""The number of students who are assumed to have written a piece of the solution."""
Pieces = dict[str, set[int]]
"""The lines of each piece."""
Names = Mapping[str, str]
COMMUTATIVE = "Add", "Mult"
MODULES = "np", "mg"
VARIABLE = "variable"


@dataclass(frozen=True)
class Pair:
    """Two files that are alike."""

    one: str
    other: str
    share: float
    """The share of the pieces' weight that they have in common, from 0 to 1."""
    lines: tuple[str, str]
    """The lines with these pieces in both files, such as '12-20, 25'."""


def alike(lesson: Lesson, texts: Mapping[str, str]) -> list[Pair]:
    """Return the pairs of files that are alike. `texts` contains the students' files by name."""
    names = frozenset(map(_attribute, ast.walk(parse(lesson.exercise))))
    given = pieces(lesson.exercise, names)
    own = {name: pieces(text, names) for name, text in texts.items()}
    for found in own.values():
        for piece in given.keys() & found.keys():
            del found[piece]
    common = Counter(piece for found in own.values() for piece in found)
    for piece in pieces(lesson.solution, names):
        common[piece] += OF_SOLUTION
    students = sum(map(bool, own.values())) + OTHERS  # without files that have no pieces
    weights = dict[str, float]()
    for piece, count in common.items():
        weights[piece] = max(0.0, math.log(students / count))
    pairs = []
    for one, other in combinations(own, 2):
        shared = own[one].keys() & own[other].keys()
        evidence = _sum(weights, shared)
        both = [*own[one], *own[other]]
        whole = _sum(weights, both) / 2
        if whole and evidence >= EVIDENCE and evidence >= SHARE * whole:
            first, second = set[int](), set[int]()
            for piece in shared:
                first |= own[one][piece]
                second |= own[other][piece]
            lines = ranges(first), ranges(second)
            share = evidence / whole
            pairs.append(Pair(one, other, share, lines))
    return pairs


def _sum(weights: Mapping[str, float], pieces: Iterable[str]) -> float:
    return sum(weights[piece] for piece in pieces)


def ranges(lines: Iterable[int]) -> str:
    """Return line numbers as text.

    >>> ranges([3, 4, 5, 9])
    '3-5, 9'
    """
    own = set(lines)
    first = sorted(line for line in own if line - 1 not in own)
    last = sorted(line for line in own if line + 1 not in own)
    return ", ".join(
        str(start) if start == end else f"{start}-{end}"
        for start, end in zip(first, last, strict=True)
    )


def pieces(text: str, names: frozenset[str] = frozenset()) -> Pieces:
    """Return the pieces of a file with their lines. A file with a syntax error has none. `names`
    contains the attributes of the exercise, which everybody has to use.
    """
    found: Pieces = defaultdict(set)
    try:
        tree = parse(text)
        _rename_attributes(tree, names)
        _form(_Inlined().visit(tree), {}, found)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return found


def _attribute(node: ast.AST) -> str:
    """Return the name of an attribute that a node uses or a method that it defines, or ''."""
    match node:
        case ast.Attribute(_, name) | ast.FunctionDef(name):
            return name
    return ""


def _rename_attributes(tree: ast.AST, kept: frozenset[str]) -> None:
    """Give all attributes that the file itself sets or defines the same name, except those in `kept`."""
    own = set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(_, name, ast.Store()):
                own.add(name)
            case ast.ClassDef(body=body):
                own.update(map(_defined, body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in own - kept:
            node.attr = VARIABLE


def _defined(node: ast.stmt) -> str:
    """Return the name that a statement in a class defines, or ''."""
    match node:
        case ast.FunctionDef(name):
            return name
        case ast.AnnAssign(ast.Name(name)) | ast.Assign([ast.Name(name)]):
            return name
    return ""


class _Inlined(ast.NodeTransformer):
    """Replaces each variable that is assigned once and used once in a function by its value."""

    def __init__(self) -> None:
        self.values: dict[str, ast.expr] = {}

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        names = Counter[tuple[str, bool]]()
        for one in ast.walk(node):
            match one:
                case ast.Name(name, context):
                    names[name, isinstance(context, ast.Load)] += 1
        for one in ast.walk(node):
            match one:
                case ast.Assign([ast.Name(name)], value):
                    if names[name, True] == names[name, False] == 1:
                        self.values[name] = value
        self.generic_visit(node)
        self.values.clear()
        return node

    def visit_Assign(self, node: ast.Assign) -> Any:
        match node.targets:
            case [ast.Name(name)] if name in self.values:
                return None
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> Any:
        value = self.values.get(node.id)
        if value is None or not isinstance(node.ctx, ast.Load):
            return node
        return self.visit(copy.deepcopy(value))


def _form(node: ast.AST, names: Names, found: Pieces) -> tuple[str, int]:
    """Return a node's form, without the names of variables, and its number of nodes. Add the pieces in
    it to `found`. `names` contains the names of arguments.
    """
    label = _label(node, names)
    children: list[ast.AST] = list(ast.iter_child_nodes(node))
    match node:
        case ast.Expr(ast.Constant()) | ast.Import() | ast.ImportFrom():
            return "", 0
        case ast.arguments() | ast.expr_context():
            return "", 0
        case ast.FunctionDef() | ast.Lambda():
            names = {**names, **_arguments(node, names)}
        case ast.BinOp(_, ast.Add() | ast.Mult() as operator, _):
            children = _operands(node, type(operator))
    forms = list[str]()
    size = 1
    for child in children:
        form, count = _form(child, names, found)
        size += count
        if form:
            forms.append(form)
    if label in COMMUTATIVE:
        forms.sort()
    form = label
    if forms:
        inside = ", ".join(forms)
        form += f"({inside})"
    if isinstance(node, ast.expr) and size >= SMALLEST:
        found[form].add(node.lineno)
    return form, size


def _label(node: ast.AST, names: Names) -> str:
    match node:
        case ast.Name(name) if name in names:
            return names[name]
        case ast.Name(name):
            if hasattr(builtins, name) or name in MODULES:
                return name
            return VARIABLE
        case ast.Attribute(_, name):
            return f".{name}"
        case ast.Constant(value):
            return repr(value)
        case ast.keyword(name):
            return f"{name}="
        case ast.BinOp(_, operator, _):
            return type(operator).__name__
    return type(node).__name__


def _arguments(node: ast.FunctionDef | ast.Lambda, names: Names) -> Names:
    """Return a name for each argument. An argument of an exercise's function is named by its
    position. Arguments of functions inside it are treated like variables.
    """
    own = [one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)]
    if names:
        return dict.fromkeys(own, VARIABLE)
    return {name: f"argument {place}" for place, name in enumerate(own)}


def _operands(node: ast.expr, operator: type[ast.operator]) -> list[ast.AST]:
    """Return the operands of a sum, or of a product."""
    match node:
        case ast.BinOp(left, op, right) if isinstance(op, operator):
            return _operands(left, operator) + _operands(right, operator)
    return [node]
