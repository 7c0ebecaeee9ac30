"""The user's script as text: where data comes from, and which lines call a function.

A graph does not contain the names of variables. The lines are only hints for a fault that the arrays have shown.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from .watch import Line

LOSSES = (
    "softmax_cross_entropy",
    "cross_entropy",
    "binary_cross_entropy",
    "negative_log_likelihood",
    "mean_squared_error",
    "mean_absolute_error",
)
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
            text = Path(self.line.file).read_text(encoding="utf-8")
            return ast.parse(text)
        except (OSError, SyntaxError, ValueError):
            return ast.Module([], [])

    def all(self, *kinds: type) -> list[Any]:
        """Return the script's nodes of these kinds."""
        return inside(self.tree, *kinds)

    def at(self, node: Any) -> Line:
        return Line(self.line.file, node.lineno)

    def lines(self, nodes: list[Any]) -> list[Line]:
        """Return the lines of some nodes in the order of the text."""
        lines = set(map(self.at, nodes))
        return sorted(lines)

    def calls(self, *names: str) -> list[Line]:
        """Return the lines that call one of these functions or methods, or use one of these
        operators, such as "FloorDiv".
        """
        found = []
        for node in self.all(ast.expr, ast.stmt):
            if label(node) in names:
                found.append(node)
        return self.lines(found)

    def call(self, *names: str) -> Line | None:
        """Return the first line that `calls` finds, or None."""
        lines = self.calls(*names)
        return lines[0] if lines else None

    def containing(self, word: str) -> list[Line]:
        """Return the lines of assignments, `return` statements and expressions that contain a word."""
        found = []
        for step in self.all(ast.Assign, ast.Return, ast.Expr):
            if word in ast.unparse(step):
                found.append(self.at(step))
        return sorted(found)

    def attributes(self, after: Line, *names: str) -> list[Line]:
        """Return the lines from `after` to ten lines below it that use one of these attributes. If
        there are none, return all assignments that use them.
        """
        near = []
        assigned = []
        for step in self.all(ast.stmt):
            for word in inside(step, ast.Attribute, ast.Name):
                if spelling(word) not in names:
                    continue
                if 0 <= word.lineno - after.number <= 10:
                    near.append(word)
                if isinstance(step, ast.Assign):
                    assigned.append(word)
        return self.lines(near or assigned)

    def argument(self, function: str, position: int, keyword: str) -> Line | None:
        """Return the line of an argument of the first call to a function."""
        found = self._argument([function], position, keyword)
        return self.at(found) if found else None

    def _argument(self, functions: Any, position: int, keyword: str = "") -> Any:
        """Return an argument of the first call that has it, or None."""
        for call in self.all(ast.Call):
            if label(call) not in functions:
                continue
            for one in call.keywords:
                if one.arg == keyword:
                    return one.value
            for value in call.args[position : position + 1]:
                if not isinstance(value, ast.Starred):
                    return value
        return None

    def origins(self, position: int, selections: bool = False) -> list[Line]:
        """Return the lines that assign the inputs (0) or labels (1), and the variables that they
        are computed from, the last assignment first. The search starts at the arguments of
        `Batches(x, y)` or, without it, of the loss. Lines that only select rows are left out unless
        `selections` is set.
        """
        names = self._start(position)
        found = []
        seen = set()
        while names:
            variable = names.pop(0)
            if variable in seen:
                continue
            seen.add(variable)
            for line, value in self._assigned(variable):
                if "requires_grad" in ast.unparse(value):
                    continue
                if selections or not isinstance(value, ast.Subscript):
                    found.append(line)
                names += variables(value)
            for step in self._steps(variable):
                found.append(self.at(step))
                names += variables(step)
        return found

    def _start(self, position: int) -> list[str]:
        """Return the variables of the inputs (0) or labels (1)."""
        for functions in ("Batches",), LOSSES:
            argument = self._argument(functions, position)
            if argument:
                return variables(argument)
        # a loss by hand: from `loss.backward()` on
        found = []
        for step in self.all(ast.Expr):
            if step.lineno == self.line.number:
                found += variables(step)
        return found

    def _assigned(self, variable: str) -> list[tuple[Line, ast.expr]]:
        """Return the lines and values that are assigned to a variable, the last first."""
        found = []
        for step in self.all(ast.Assign):
            for target in step.targets:
                for one, value in pairs(target, step.value):
                    if isinstance(one, ast.Name) and one.id == variable:
                        found.append((self.at(step), value))
        found.sort(key=lambda pair: -pair[0].number)
        return found

    def _steps(self, name: str) -> list[ast.stmt]:
        """Return the assignments and `return` statements in a function of the script."""
        found = []
        for function in self.all(ast.FunctionDef):
            if function.name == name:
                found += inside(function, ast.Assign, ast.AugAssign, ast.Return)
        return found

    def reordering(self) -> list[Line]:
        """Return the lines that draw a random order, unless this order selects the rows of several
        arrays.
        """
        lines = set(self.calls("shuffle", "permutation", "roll"))
        for step in self.all(ast.Assign, ast.For):
            line = self.at(step)
            if line in lines:
                order, _ = target_and_value(step)
                if len(self._selected_by(order)) > 1:
                    lines.discard(line)
        for selection in self.all(ast.Subscript):
            # rows that are drawn for one array only
            for call in inside(selection.slice, ast.Call):
                if label(call) in DRAWING:
                    lines.add(self.at(call))
        return sorted(lines)

    def _selected_by(self, order: str) -> set[str]:
        """Return the names of the arrays that a variable, or a part of it, indexes."""
        parts = {order}
        for step in self.all(ast.Assign, ast.For):
            part, value = target_and_value(step)
            if order in variables(value):
                parts.add(part)
        selected = set()
        for node in self.all(ast.Subscript):
            if not parts.isdisjoint(variables(node.slice)):
                selected.add(ast.unparse(node.value))
        return selected - parts

    def dropped_scaling(self) -> list[Line]:
        """Return the lines that compute a scaled copy and do not use it."""
        found = []
        for step in self.all(ast.Expr):
            if isinstance(step.value, ast.Call):
                name = label(step.value).lower()
                if any(word in name for word in SCALING):
                    found.append(step)
        return self.lines(found)


def inside(tree: ast.AST, *kinds: type) -> list[Any]:
    """Return the nodes of these kinds in a part of the script."""
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def label(node: ast.AST) -> str:
    """Return the name of the function or method that is called, or of an operator."""
    if isinstance(node, ast.Call):
        return spelling(node.func)
    operator = getattr(node, "op", None)
    return type(operator).__name__


def spelling(node: ast.AST) -> str:
    """Return the name of a variable, or of an attribute without its object."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def pairs(target: Any, value: Any) -> Iterable[tuple[Any, Any]]:
    """Divide `a, b = c, d` into its assignments. In `a, b = f()`, both get the same value."""
    if not isinstance(target, ast.Tuple):
        return [(target, value)]
    values = getattr(value, "elts", [])
    if len(values) != len(target.elts):
        values = [value] * len(target.elts)
    return zip(target.elts, values, strict=True)


def target_and_value(step: Any) -> tuple[str, ast.expr]:
    """Return what an assignment or a loop sets, and where it comes from."""
    if isinstance(step, ast.Assign):
        return ast.unparse(step.targets[0]), step.value
    return ast.unparse(step.target), step.iter


def variables(tree: ast.AST) -> list[str]:
    """Return the variables of an expression, in the order of the text."""
    names = []
    for node in inside(tree, ast.Name):
        names.append((node.lineno, node.col_offset, node.id))
    return [name for *_, name in sorted(names)]
