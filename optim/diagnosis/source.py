"""The user's script as text: where data comes from, and which lines call a function.

A graph knows no variable names. The lines are only hints for a fault that the arrays have shown.
"""

from __future__ import annotations

import ast
from functools import cached_property
from pathlib import Path
from typing import Any

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

    def at(self, node: Any) -> Line:
        return Line(self.line.file, node.lineno)

    def calls(self, *names: str) -> list[Line]:
        """Return the lines that call one of these functions or methods, or use one of these
        operators, such as "FloorDiv".
        """
        nodes = inside(self.tree, ast.expr, ast.stmt)
        return sorted({self.at(node) for node in nodes if label(node) in names})

    def call(self, *names: str) -> Line | None:
        """Return the first of these lines."""
        return next(iter(self.calls(*names)), None)

    def containing(self, word: str) -> list[Line]:
        """Return the lines of assignments and results that contain a word."""
        steps = inside(self.tree, ast.Assign, ast.Return, ast.Expr)
        return sorted(self.at(step) for step in steps if word in ast.unparse(step))

    def in_loops(self, name: str, without: str) -> list[Line]:
        """Return the lines that call a function in a loop, if the loop does not call `without`."""
        found = set()
        for loop in inside(self.tree, ast.For, ast.While):
            calls = inside(loop, ast.Call)
            if without not in map(label, calls):
                found |= {self.at(one) for one in calls if label(one) == name}
        return sorted(found)

    def attributes(self, after: Line, *names: str) -> list[Line]:
        """Return the lines from `after` on, up to ten, that read one of these attributes, or else all
        that assign something with them.
        """
        near = [
            line
            for line in self._words(self.tree, names)
            if 0 <= line.number - after.number <= 10
        ]
        if near:
            return sorted(near)
        assigned = set()
        for step in inside(self.tree, ast.Assign):
            assigned |= self._words(step, names)
        return sorted(assigned)

    def _words(self, tree: ast.AST, names: tuple[str, ...]) -> set[Line]:
        """Return the lines with one of these attributes or variables."""
        return {self.at(one) for one in inside(tree, ast.expr) if word(one) in names}

    def argument(self, function: str, position: int, keyword: str) -> Line | None:
        """Return the line of an argument of the first call to a function."""
        for call in inside(self.tree, ast.Call):
            if label(call) == function:
                named = [one.value for one in call.keywords if one.arg == keyword]
                for value in named + call.args[position:]:
                    return self.at(value)
        return None

    def origins(self, position: int, selections: bool = False) -> list[Line]:
        """Return the lines that assign the inputs (0) or labels (1) of `Batches(x, y)` or of the
        model's call, and the variables that these come from; the last assignment first. Lines that
        only select rows count if `selections` is set.
        """
        names = self._arguments(position)
        found = []
        seen = set()
        while names:
            variable = names.pop(0)
            if variable in seen:
                continue
            seen.add(variable)
            for line, value in self._assigned(variable):
                if "requires_grad" not in ast.unparse(value):
                    if selections or not isinstance(value, ast.Subscript):
                        found.append(line)
                    names += variables(value)
            for step in self._steps(variable):
                found.append(self.at(step))
                names += variables(step)
        return found

    def _arguments(self, position: int) -> list[str]:
        """Return the variables of the inputs (0) or labels (1)."""
        calls = inside(self.tree, ast.Call)
        for names in ("Batches",), LOSSES:
            for call in calls:
                if label(call) in names and len(call.args) > position:
                    argument = call.args[position]
                    if not isinstance(argument, ast.Starred):
                        return variables(argument)
        # a loss by hand: from `loss.backward()` on
        found = []
        for step in inside(self.tree, ast.Expr):
            if step.lineno == self.line.number:
                found += variables(step)
        return found

    def _assigned(self, variable: str) -> list[tuple[Line, ast.expr]]:
        """Return the lines and values that are assigned to a variable, the last first."""
        found = []
        for step in inside(self.tree, ast.Assign):
            for target in step.targets:
                targets = getattr(target, "elts", [target])
                values = getattr(step.value, "elts", [])
                if target is targets[0] or len(values) != len(targets):
                    values = [step.value] * len(targets)
                for one, value in zip(targets, values, strict=True):
                    if isinstance(one, ast.Name) and one.id == variable:
                        found.append((self.at(step), value))
        return sorted(found, key=lambda pair: -pair[0].number)

    def _steps(self, name: str) -> list[ast.stmt]:
        """Return the assignments and results in a function of the script."""
        found = []
        for node in inside(self.tree, ast.FunctionDef):
            if node.name == name:
                found += inside(node, ast.Assign, ast.AugAssign, ast.Return)
        return found

    def reordering(self) -> list[Line]:
        """Return the lines that draw an order, unless one order selects the rows of several arrays."""
        lines = set(self.calls("shuffle", "permutation", "roll"))
        for step in inside(self.tree, ast.Assign, ast.For):
            if self.at(step) in lines and len(self._selected_by(set_by(step))) > 1:
                lines.discard(self.at(step))
        for selection in inside(self.tree, ast.Subscript):
            # rows that are drawn for one array only
            for call in inside(selection.slice, ast.Call):
                if label(call) in DRAWING:
                    lines.add(self.at(call))
        return sorted(lines)

    def _selected_by(self, order: str) -> set[str]:
        """Return what is indexed by a variable, or by a part of it."""
        parts = {order}
        for step in inside(self.tree, ast.Assign, ast.For):
            value = step.value if isinstance(step, ast.Assign) else step.iter
            if order in variables(value):
                parts.add(set_by(step))
        selected = set()
        for node in inside(self.tree, ast.Subscript):
            if not parts.isdisjoint(variables(node.slice)):
                selected.add(ast.unparse(node.value))
        return selected - parts

    def dropped_scaling(self) -> list[Line]:
        """Return the lines that compute a scaled copy and do not use it."""
        lines = []
        for step in inside(self.tree, ast.Expr):
            name = label(step.value).lower()
            if isinstance(step.value, ast.Call) and any(one in name for one in SCALING):
                lines.append(self.at(step))
        return lines


def inside(tree: ast.AST, *kinds: type) -> list[Any]:
    """Return the nodes of some kinds in a part of the script."""
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def label(node: ast.AST) -> str:
    """Return the name of the function or method that is called, or of an operator."""
    if isinstance(node, ast.Call):
        return word(node.func)
    return type(getattr(node, "op", None)).__name__


def word(node: ast.AST) -> str:
    """Return the name of a variable, or of an attribute without its object."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def set_by(step: Any) -> str:
    """Return the variables that an assignment or a loop sets."""
    one = step.targets[0] if isinstance(step, ast.Assign) else step.target
    return ast.unparse(one)


def variables(tree: ast.AST) -> list[str]:
    """Return the variables of an expression, in the order of the text."""
    found = inside(tree, ast.Name)
    found.sort(key=lambda one: (one.lineno, one.col_offset))
    return [one.id for one in found]
