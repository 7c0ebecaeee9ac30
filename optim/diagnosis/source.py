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
DRAWING = ("choice", "integers", "randint")
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

    def containing(self, word: str) -> list[Line]:
        """Return the lines of assignments and results that contain a word."""
        return sorted(
            self.at(node)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Assign | ast.Return | ast.Expr)
            and word in ast.unparse(node)
        )

    def in_loops(self, *names: str, without: str) -> list[Line]:
        """Return the lines that call one of these in a loop, if the loop does not call `without`."""
        found = set()
        for loop in ast.walk(self.tree):
            if isinstance(loop, ast.For | ast.While):
                calls = [one for one in ast.walk(loop) if isinstance(one, ast.Call)]
                if all(called(one) != without for one in calls):
                    found |= {self.at(one) for one in calls if called(one) in names}
        return sorted(found)

    def attributes(self, after: Line, *names: str) -> list[Line]:
        """Return the lines from `after` on, up to ten, that read one of these attributes, or else all
        that assign something with them.
        """
        near, assigned = set(), set()
        for node in ast.walk(self.tree):
            words = [
                one
                for one in ast.walk(node)
                if isinstance(one, ast.Attribute | ast.Name)
                and getattr(one, "attr", getattr(one, "id", "")) in names
            ]
            near |= {self.at(n) for n in words if 0 <= n.lineno - after.number <= 10}
            if isinstance(node, ast.Assign):
                assigned |= {self.at(one) for one in words}
        return sorted(near or assigned)

    def argument(self, function: str, position: int, keyword: str) -> Line | None:
        """Return the line of an argument of the first call to a function."""
        for call in self._called(function):
            if isinstance(call, ast.Call):
                named = {one.arg: one.value for one in call.keywords}
                if keyword in named:
                    return self.at(named[keyword])
                if position < len(call.args):
                    return self.at(call.args[position])
        return None

    def origins(self, position: int, selections: bool = False) -> list[Line]:
        """Return the lines that assign the inputs (0) or labels (1) of `Batches(x, y)` or of the
        model's call, and the variables that these come from; the last assignment first. Lines that
        only select rows count if `selections` is set.
        """
        names: list[str] = []
        for node in [*self._called("Batches"), *self._called(*LOSSES)]:
            arguments = node.args if isinstance(node, ast.Call) else []
            if position < len(arguments) and not isinstance(
                arguments[position], ast.Starred
            ):
                names = _names(arguments[position])
                break
        if not names:  # a loss by hand: from `loss.backward()` on
            names = [
                name
                for node in ast.walk(self.tree)
                if isinstance(node, ast.Expr) and node.lineno == self.line.number
                for name in _names(node)
            ]
        found: list[Line] = []
        seen: set[str] = set()
        while names:
            variable = names.pop(0)
            if variable in seen:
                continue
            seen.add(variable)
            for line, value in self._assigned(variable):
                if "requires_grad" not in ast.unparse(value):
                    if selections or not isinstance(value, ast.Subscript):
                        found.append(line)
                    names += _names(value)
            for step in self._steps(variable):
                found.append(self.at(step))
                names += _names(step)
        return found

    def _steps(self, function: str) -> list[ast.stmt]:
        """Return the assignments and results in a function of the script."""
        return [
            step
            for node in ast.walk(self.tree)
            if isinstance(node, ast.FunctionDef) and node.name == function
            for step in ast.walk(node)
            if isinstance(step, ast.Assign | ast.AugAssign | ast.Return)
        ]

    def reordering(self) -> list[Line]:
        """Return the lines that draw an order, unless one order selects the rows of several arrays."""
        lines = set(self.calls("shuffle", "permutation", "roll"))
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign | ast.For) and self.at(node) in lines:
                if len(self._selected_by(ast.unparse(_target(node)))) > 1:
                    lines.discard(self.at(node))
            elif isinstance(node, ast.Subscript):
                # rows that are drawn for one array only
                calls = [n for n in ast.walk(node.slice) if isinstance(n, ast.Call)]
                lines |= {self.at(n) for n in calls if called(n) in DRAWING}
        return sorted(lines)

    def _selected_by(self, order: str) -> set[str]:
        """Return what is indexed by a variable, or by a part of it."""
        parts = {order}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign | ast.For):
                value = node.value if isinstance(node, ast.Assign) else node.iter
                if order in _names(value):
                    parts.add(ast.unparse(_target(node)))
        return {
            ast.unparse(node.value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Subscript)
            and parts & set(_names(node.slice))
            and ast.unparse(node.value) not in parts
        }

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


def _target(node: ast.Assign | ast.For) -> ast.expr:
    return node.targets[0] if isinstance(node, ast.Assign) else node.target


def called(node: ast.Call) -> str:
    """Return the name of the function or method that is called."""
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def _names(node: ast.AST) -> list[str]:
    """Return the variables of an expression, in the order of the text."""
    found = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
    found.sort(key=lambda one: (one.lineno, one.col_offset))
    return [one.id for one in found]
