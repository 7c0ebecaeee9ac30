"""The core is small enough to be read in one sitting: graph, gate, backward and tensor."""

import ast
import inspect
import io
import tokenize
from pathlib import Path

from minigrad import backward

CORE = [
    Path(__file__).parents[1] / "minigrad" / f"{name}.py"
    for name in ("graph", "gate", "backward", "tensor")
]
NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def tokens(source):
    """How many tokens of Python the source has, without comments and docstrings. Packing lines does
    not change it.
    """
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            docstrings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    found = tokenize.generate_tokens(io.StringIO(source).readline)
    return sum(token.type not in NO_CODE and token.start[0] not in docstrings for token in found)


def test_the_core_is_small():
    assert tokens('"""Doc."""\nx = (1,  # why\n     2)\n') == 7
    assert sum(tokens(path.read_text(encoding="utf-8")) for path in CORE) <= 3400


def test_the_sweep_is_on_one_screen():
    tree = ast.parse(inspect.getsource(backward.sweep))
    loop = next(node for node in ast.walk(tree) if isinstance(node, ast.For))
    assert len(ast.unparse(loop).splitlines()) <= 45
