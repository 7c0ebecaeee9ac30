"""The user's script as text: where data comes from, and which lines call a function.

A graph knows no variable names. The lines are only hints for a fault that the arrays have shown.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from .watch import Line

LOSSES = (
    "softmax_cross_entropy", "cross_entropy", "binary_cross_entropy", "negative_log_likelihood",
    "mean_squared_error", "mean_absolute_error",
)  # fmt: skip
SCALING = (
    "transform",
    "scale",
    "scaled",
    "normalize",
    "normalise",
    "standardize",
    "standardise",
)


class Source:
    """A script and the line that runs the training, such as `trainer.fit(...)` or the backward pass."""

    def __init__(self, line: Line) -> None:
        self.line = line

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree, empty if the file cannot be read."""
        try:
            return ast.parse(Path(self.line.file).read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            return ast.Module([], [])

    def at(self, node: ast.expr | ast.stmt) -> Line:
        return Line(self.line.file, node.lineno)

    def calls(self, *names: str) -> list[Line]:
        """Return the lines that call one of these functions or methods, or use one of these
        operators, such as "FloorDiv".
        """
        return sorted({self.at(node) for node in self._called(*names)})

    def _called(self, *names: str) -> Iterator[ast.expr | ast.stmt]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                label = called(node)
            elif isinstance(node, ast.BinOp | ast.AugAssign):
                label = type(node.op).__name__
            else:
                continue
            if label in names:
                yield node

    def attributes(self, after: Line, *names: str) -> list[Line]:
        """Return the lines from `after` on, up to ten, that read one of these attributes."""
        found = {
            self.at(node)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Attribute | ast.Name)
            and (node.attr if isinstance(node, ast.Attribute) else node.id) in names
            and 0 <= node.lineno - after.number <= 10
        }
        return sorted(found)

    def origins(self, position: int) -> list[Line]:
        """Return the lines that assign the inputs (0) or labels (1) of `Batches(x, y)` or of the
        model's call, and the variables that these come from; the last assignment first.
        """
        names: list[str] = []
        for node in [*self._called("Batches"), *self._called(*LOSSES)]:
            arguments = node.args if isinstance(node, ast.Call) else []
            if position < len(arguments) and not isinstance(
                arguments[position], ast.Starred
            ):
                names = _names(arguments[position])
                break
        found: list[Line] = []
        seen: set[str] = set()
        while names:
            variable = names.pop(0)
            if variable in seen:
                continue
            seen.add(variable)
            for line, value in self._assigned(variable):
                found.append(line)
                names += _names(value)
        return found

    def _assigned(self, variable: str) -> list[tuple[Line, ast.expr]]:
        """Return the lines and values that are assigned to a variable, the last first."""
        found = []
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                parts = [(target, node.value)]
                if isinstance(target, ast.Tuple):
                    values = [node.value] * len(target.elts)
                    if isinstance(node.value, ast.Tuple) and len(
                        node.value.elts
                    ) == len(values):
                        values = node.value.elts
                    parts = list(zip(target.elts, values, strict=True))
                for one, value in parts:
                    if isinstance(one, ast.Name) and one.id == variable:
                        found.append((self.at(node), value))
        return sorted(found, key=lambda pair: -pair[0].number)

    def dropped_scaling(self) -> list[Line]:
        """Return the lines that compute a scaled copy and do not use it."""
        return [
            self.at(node)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and any(word in called(node.value).lower() for word in SCALING)
        ]


def called(node: ast.Call) -> str:
    """Return the name of the function or method that is called."""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def _names(node: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
