"""The core is small enough to be read in one sitting: graph, gate, backward and tensor."""

import ast
import inspect
import io
import re
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


def code(source):
    """The tokens of Python that the source has, without comments and docstrings."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            docstrings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    found = tokenize.generate_tokens(io.StringIO(source).readline)
    return [
        token for token in found if token.type not in NO_CODE and token.start[0] not in docstrings
    ]


def tokens(source):
    """The number of tokens, which does not depend on how the code is broken into lines."""
    return len(code(source))


def lines(source):
    """The number of lines with code."""
    return len({row for token in code(source) for row in range(token.start[0], token.end[0] + 1)})


def test_the_core_is_small():
    assert tokens('"""Doc."""\nx = (1,  # why\n     2)\n') == 7
    assert sum(tokens(path.read_text(encoding="utf-8")) for path in CORE) <= 3400


def test_the_readme_says_how_many_lines_the_core_has():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"four files with about (\d+) lines of code", readme)
    assert abs(sum(lines(path.read_text(encoding="utf-8")) for path in CORE) - int(shown)) < 20


def test_the_sweep_is_on_one_screen():
    tree = ast.parse(inspect.getsource(backward.sweep))
    loop = next(node for node in ast.walk(tree) if isinstance(node, ast.For))
    assert len(ast.unparse(loop).splitlines()) <= 45
