"""Count lines of code: without blank lines, comments and docstrings.

    python tests/count_code_lines.py [FILE ...]

Without files it counts the core, which is to be read in one sitting: graph, gate, backward and tensor.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from pathlib import Path

CORE = [Path(__file__).parents[1] / "minigrad" / name for name in ("graph.py", "gate.py", "backward.py", "tensor.py")]
NO_CODE = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip


def code_lines(source: str) -> int:
    r"""The number of lines that hold code, or part of it.

    >>> code_lines("x = 1  # one\n\n# two\ndef f():\n    '''Three.'''\n    return x\n")
    3
    """
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        for statement in getattr(node, "body", []) if not isinstance(node, ast.Lambda | ast.IfExp) else []:
            value = getattr(statement, "value", None)
            if isinstance(statement, ast.Expr) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                lines -= set(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))
    return len(lines)


def main() -> None:
    total = 0
    for path in map(Path, sys.argv[1:]) if sys.argv[1:] else CORE:
        count = code_lines(path.read_text(encoding="utf-8"))
        total += count
        print(f"{count:5}  {path}")
    print(f"{total:5}  in all")


if __name__ == "__main__":
    main()
