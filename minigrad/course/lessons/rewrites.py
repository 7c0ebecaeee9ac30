"""Rewrite a node of a syntax tree as people write it by mistake, one mistake at a time.

Each rule yields the new code and the key of the mistake in mistakes.py.
"""

import ast
from ast import (
    Add,
    And,
    Assign,
    Attribute,
    AugAssign,
    BinOp,
    BoolOp,
    Call,
    Compare,
    Constant,
    Dict,
    Div,
    Eq,
    Expr,
    FloorDiv,
    For,
    Gt,
    GtE,
    If,
    In,
    Load,
    Lt,
    LtE,
    MatMult,
    Mult,
    Name,
    Not,
    NotEq,
    NotIn,
    Or,
    Pow,
    Return,
    Slice,
    Sub,
    Subscript,
    Tuple,
    UnaryOp,
    USub,
    While,
    expr,
)
from collections.abc import Iterator
from typing import Any

Found = Iterator[tuple[Any, ...]]
"""The new code (a node, or a list of statements), the mistake's key in MISTAKES, and {word}'s
value.
"""

OPPOSITES = {
    "sum": "mean", "mean": "sum", "min": "max", "max": "min", "argmin": "argmax", "argmax": "argmin",
    "any": "all", "all": "any", "minimum": "maximum", "maximum": "minimum", "zeros": "ones", "ones": "zeros",
    "zeros_like": "ones_like", "ones_like": "zeros_like", "exp": "log", "log": "exp", "tanh": "sigmoid",
    "sigmoid": "tanh", "sin": "cos", "cos": "sin",
}  # fmt: skip
EDGES: dict[type, Any] = {Lt: LtE, LtE: Lt, Gt: GtE, GtE: Gt}
CONTRARIES: dict[type, Any] = {
    Lt: Gt, LtE: GtE, Gt: Lt, GtE: LtE, Eq: NotEq, NotEq: Eq, In: NotIn, NotIn: In,
}  # fmt: skip
ONE = Constant(1)
NO_FUNCTIONS = ("range", "zip", "enumerate", "len", "super")


def compiles(code: str) -> bool:
    """Return whether the code is valid Python."""
    try:
        compile(code, "", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def in_numbers(node: Any) -> Found:
    """Brackets, signs, and squares."""
    if isinstance(node, expr):
        yield from without_brackets(node)
    match node:
        case BinOp(left, Div(), BinOp(first, op, second)):
            yield BinOp(BinOp(left, Div(), first), op, second), "brackets"
        case BinOp(left, Add(), right):
            yield BinOp(left, Sub(), right), "sign"
        case BinOp(left, Sub(), right):
            yield BinOp(left, Add(), right), "sign"
            yield BinOp(right, Sub(), left), "difference"
        case UnaryOp(USub(), operand) if not isinstance(operand, Constant):
            yield operand, "sign"
        case BinOp(left, Pow(), Constant(2)):
            yield BinOp(Constant(2), Mult(), left), "doubled"
            yield left, "square"
        case BinOp(left, Mult(), right) if ast.dump(left) == ast.dump(right):
            yield left, "square"


def without_brackets(node: expr) -> Found:
    """Remove a pair of brackets: a - b * c for (a - b) * c."""
    text = ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        inner = ast.unparse(child)
        before, found, after = text.partition(f"({inner})")
        plain = f"{before}{inner}{after}".strip()
        called = before[-1:].isalnum() or before.endswith(("_", ")", "]"))
        if (
            isinstance(child, BinOp | UnaryOp | Compare)
            and found
            and not called
            and compiles(plain)
        ):
            yield ast.parse(plain, mode="eval").body, "brackets"


def in_sequences(node: Any) -> Found:
    """Change sequences: h_t for h_{t-1}, the first or last element left out, the wrong
    direction.
    """
    match node:
        case Subscript(value, BinOp(index, Add() | Sub(), Constant(1)), context):
            yield Subscript(value, index, context), "index"
        case Subscript(value, Name() as index, context):
            for by in (-1, 1):
                yield Subscript(value, moved(index, by), context), "index"
        case Subscript(value, UnaryOp(USub(), Constant()), context):
            yield Subscript(value, Constant(0), context), "first"
        case Subscript(value, Slice(lower, upper, step), context):
            yield Subscript(value, Slice(lower, upper), context), "direction"
            ends = [(a, upper) for a in (None, moved(lower, 1), moved(lower, -1))]
            ends += [(lower, b) for b in (None, moved(upper, 1), moved(upper, -1))]
            for a, b in ends:
                yield Subscript(value, Slice(a, b, step), context), "end"
        case Call(Name("range") as name, bounds):
            for i, bound in enumerate(bounds[:2]):
                for by in (1, -1):
                    yield (
                        Call(name, [*bounds[:i], moved(bound, by), *bounds[i + 1 :]], []),
                        "end",
                    )
            if len(bounds) == 1:
                yield Call(name, [ONE, *bounds], []), "end"
            if len(bounds) == 3:
                yield (
                    Call(name, [moved(bounds[1], 1), moved(bounds[0], 1)], []),
                    "direction",
                )
        case Call(Name("reversed"), [sequence]):
            yield sequence, "direction"
        case For(variable, sequence, body, after):
            items = Call(Name("list"), [sequence], [])
            yield (
                For(variable, Call(Name("reversed"), [items], []), body, after),
                "direction",
            )
            for part in (Slice(ONE, None), Slice(None, Constant(-1))):
                yield For(variable, Subscript(items, part), body, after), "end"


def moved(node: Any, by: int) -> expr:
    """Return the expression, or 0 for None, plus 1 or minus 1."""
    match node:
        case None:
            return Constant(by)
        case Constant(int(value)):
            return Constant(value + by)
        case BinOp(left, Add(), Constant(1)) if by < 0:
            return left
        case BinOp(left, Sub(), Constant(1)) if by > 0:
            return left
    return BinOp(node, Add() if by > 0 else Sub(), ONE)


def in_arrays(node: Any) -> Found:
    """Change array code: transposes, axes, * for @, and functions that are forgotten or
    exchanged.
    """
    match node:
        case Attribute(value, "T"):
            yield value, "transpose"
        case BinOp(left, Mult(), right):
            yield BinOp(left, MatMult(), right), "matrix"
        case BinOp(left, MatMult() as op, right):
            yield BinOp(left, Mult(), right), "elementwise"
            yield BinOp(right, op, left), "exchanged"
            (turned_left, key), (turned_right, other) = turned(left), turned(right)
            yield BinOp(turned_left, op, right), key
            yield BinOp(left, op, turned_right), other
            yield BinOp(turned_right, op, turned_left), "product"
        case Call(func, arguments, keywords):
            for i, keyword in enumerate(keywords):
                before, after, name = keywords[:i], keywords[i + 1 :], str(keyword.arg)
                for other in (0, 1, -1, 2) if name == "axis" else ():
                    new = ast.keyword("axis", Constant(other))
                    yield Call(func, arguments, [*before, new, *after]), "axis", str(other)
                key = {"axis": "no axis", "keepdims": "keepdims"}.get(name, "keyword")
                yield Call(func, arguments, [*before, *after]), key, name
            yield from other_function(func, arguments, keywords)


def other_function(func: Any, arguments: list[Any], keywords: list[Any]) -> Found:
    """Change a call: x for tanh(x) and x.sum(), mean for sum, arguments exchanged."""
    name = getattr(func, "attr", getattr(func, "id", ""))
    match func:
        case Attribute(Name("np" | "mg" | "math" | "self" | "init")) | Name():
            if arguments and name not in NO_FUNCTIONS:
                yield arguments[0], "unapplied", name
        case Attribute(value):
            yield value, "unapplied", name
    if name in OPPOSITES:
        other = OPPOSITES[name]
        new = Attribute(func.value, other) if isinstance(func, Attribute) else Name(other)
        yield Call(new, arguments, keywords), "opposite", other
    if len(arguments) == 2:
        yield Call(func, arguments[::-1], keywords), "arguments", name


def turned(node: expr) -> tuple[expr, str]:
    """Return the expression transposed, and the mistake's key."""
    match node:
        case Attribute(value, "T"):
            return value, "transpose"
    return Attribute(node, "T"), "transposed"


def in_statements(node: Any) -> Found:
    """Change statements: = for +=, statements left out or indented wrongly, wrong results and
    conditions.
    """
    match node:
        case AugAssign(op=op, value=value):
            name: Any = node.target
            yield Assign([name], value), "replaced"
            yield (
                AugAssign(name, Sub() if isinstance(op, Add) else Add(), value),
                "sign",
            )
            yield [], "step"
        case Assign([name], value):
            if isinstance(name, Subscript | Attribute):
                yield AugAssign(name, Add(), value), "added"
            yield [], "step"
        case Expr(Call(func)):
            yield [], "call", ast.unparse(func)
        case If(_, body, []):
            yield body, "always"
            yield [], "case"
        case Return(expr() as value):
            yield Expr(value), "nothing"
            for i, which in ((-1, "last"), (0, "first")):
                yield Return(Subscript(value, Constant(i))), "only", which
        case Tuple([first, second], Load()):
            yield Tuple([second, first]), "results"
        case Tuple([only], Load()):
            yield only, "tuple"
        case Dict(keys, values):
            for i in range(len(values) - 1):
                yield (
                    Dict(keys, [*values[:i], values[i + 1], values[i], *values[i + 2 :]]),
                    "results",
                )
        case Compare(left, [op], right):
            for key, others in (("edge", EDGES), ("comparison", CONTRARIES)):
                if type(op) in others:
                    yield Compare(left, [others[type(op)]()], right), key
        case BoolOp(op, values):
            yield BoolOp(Or() if isinstance(op, And) else And(), values), "and"
            for value in values:
                yield value, "part"
        case UnaryOp(Not(), operand):
            yield operand, "not"
    if isinstance(inside := getattr(node, "body", None), list):
        yield from indented(node, inside)


def indented(node: Any, body: list[Any]) -> Found:
    """Move a loop's last statement out of it, or the statement after a loop into it."""
    if isinstance(node, For | While | If) and len(body) > 1:
        yield [remade(node, body[:-1]), body[-1]], "indentation"
        yield [body[0], remade(node, body[1:])], "indentation"
    for i, (block, after) in enumerate(zip(body, body[1:], strict=False)):
        if isinstance(block, For | While | If):
            inside = remade(block, [*block.body, after])
            yield remade(node, [*body[:i], inside, *body[i + 2 :]]), "indentation"


def remade(node: Any, body: list[Any]) -> Any:
    """Return the statement with a different body."""
    return type(node)(**{**dict(ast.iter_fields(node)), "body": body})


def in_names(node: Any, names: list[str]) -> Found:
    """Change an expression: a forgotten term or factor, a different number, one variable for
    another.
    """
    match node:
        case BinOp(left, Add() | Sub(), right):
            yield left, "term"
            yield right, "term"
        case BinOp(left, Mult() | MatMult(), right):
            yield left, "factor"
            yield right, "factor"
        case BinOp(left, Pow()):
            yield left, "power"
        case BinOp(left, Div(), right):
            yield left, "division"
            yield BinOp(left, Mult(), right), "multiplied"
            yield BinOp(left, FloorDiv(), right), "integer"
        case Constant(bool() | str() | None):
            pass
        case Constant(int()):
            for number in (0, 1, 2, -1):
                yield Constant(number), "constant"
        case Constant(float(value)):
            for real in (0.0, 1.0, value / 2, value * 2):
                yield Constant(real), "constant"
        case Name(name, Load()) if name in names:
            for other in names:
                yield Name(other, Load()), "variable", other
