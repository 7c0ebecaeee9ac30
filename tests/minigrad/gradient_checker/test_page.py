"""docs/gradcheck.md says what happens, and names every mistake that the checker knows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from minigrad.gradient_checker import guess

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "gradcheck.md"


def kinds() -> set[str]:
    """Every kind in the source: what a guess yields first, and what a plain slip or an error of a rule is made with."""
    found = set()
    for name in ("guess.py", "rules.py"):
        for node in ast.walk(ast.parse((ROOT / "minigrad" / "gradient_checker" / name).read_text())):
            first: ast.AST | None = None
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 3:
                first = node.value.elts[0]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 2:
                first = {"RuleError": node.args[2], "Slip": node.args[1]}.get(node.func.id)
            elif isinstance(node, ast.Assign) and "kind" in ast.unparse(node.targets[0]):
                first = node.value.elts[0] if isinstance(node.value, ast.Tuple) else node.value
            for part in ast.walk(first) if first else ():
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    found.add(part.value)
                elif isinstance(part, ast.Name) and part.id.isupper():
                    found.add(getattr(guess, part.id))
    return found - {"unrecognised"}


def test_the_page_names_every_mistake():
    listed = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.M)
    assert sorted(listed[1:]) == sorted(kinds())
