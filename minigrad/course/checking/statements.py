"""Find out what each statement of a file does: which names it changes, and whether it computes
something.
"""

import ast
import contextlib

from .source import parse
from .trace import RESULT

DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def statements(text: str) -> dict[int, ast.stmt]:
    """Return {first line: statement} for a file. Statements that share their first line,
    definitions, imports and docstrings are left out. In `def f(x): return x`, the statement is the
    return.
    """
    found: dict[int, list[ast.stmt]] = {}
    for node in ast.walk(parse(text)):
        if isinstance(node, ast.stmt) and not isinstance(node, DEFINITION):
            found.setdefault(node.lineno, []).append(node)
    others = ast.Import | ast.ImportFrom
    return {
        line: node
        for line, (node, *more) in found.items()
        if not more and not isinstance(node, others) and not _is_text(node)
    }


def joined(node: ast.stmt) -> str:
    r"""Return a statement that takes several lines in one line, without comments, or '' if it takes
    only one. A compound statement ends before its body.

    >>> joined(ast.parse("for i in (1,\n    2):\n    f(i)").body[0])
    'for i in (1, 2):'
    """
    last = node.end_lineno or 0
    if hasattr(node, "body") or isinstance(node, ast.Match):
        children = ast.iter_child_nodes(node)
        heads = [one for one in children if isinstance(one, ast.expr | ast.withitem)]
        parts = [part for head in heads for part in ast.walk(head)]
        last = max((getattr(part, "end_lineno", 0) for part in parts), default=0)
    return ast.unparse(node).partition("\n")[0] if last > node.lineno else ""


def _is_text(node: ast.stmt) -> bool:
    """Return whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def assigned(node: ast.stmt) -> set[str]:
    """Return the names that a statement may change, and `RESULT` if it returns.

    >>> sorted(assigned(ast.parse("dW[i] += x").body[0]))
    ['dW', 'i']
    """
    changed: list[ast.AST] = []
    match node:
        case ast.Return():
            return {RESULT}
        case ast.Assign(targets):
            changed += targets
        case ast.AugAssign(target) | ast.AnnAssign(target) | ast.For(target):
            changed.append(target)
        case ast.Expr(ast.Call(ast.Attribute() as method)):
            changed.append(method)
    inside = [part for target in changed for part in ast.walk(target)]
    return {part.id for part in inside if isinstance(part, ast.Name)}


def computes(node: ast.stmt) -> bool:
    """Return whether a simple statement does more than copy names and constants."""
    works = ast.AugAssign | ast.BinOp | ast.Call | ast.Subscript
    return not hasattr(node, "body") and any(isinstance(part, works) for part in ast.walk(node))


def differ(text: str, other: str) -> bool:
    """Return whether two files differ in more than comments, and both can be parsed as Python."""
    with contextlib.suppress(SyntaxError):
        return ast.dump(parse(text)) != ast.dump(parse(other))
    return False
