"""The engine under test: find its class and what it can do, and run programs on it."""

import importlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import OptionError
from ...graph import Array
from .operations import ARRAYS, NUMBERS, Operation, function
from .disagreement import Disagreement
from .programs import NEW, TWICE, Program

UNSUPPORTED = (NotImplementedError, TypeError, AssertionError)
"""Errors that mean that an engine does not offer an operation for these operands."""

VALUE_NAMES = ("data", "array", "value", "val", "numpy", "item")
GRAD_NAMES = ("grad", "gradient")
ARRAY_METHODS = ("__matmul__", "matmul", "shape", "sum", "mean", "reshape", "T")


def cannot(what: str, cause: str) -> OptionError:
    return OptionError(
        "MG709",
        f"this engine cannot be checked: {what}",
        cause=cause,
        remedy='write an adapter of a few lines; see "Engines of another form" in docs/check_engine.md',
    )


def load(target: str) -> Any:
    """Return the class or the function of `package.module:Name`, `file.py:Name` or `file.py`.

    Errors: OptionError MG709.
    """
    path, _, name = target.partition(":")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)) if path.endswith(".py") else "")
    try:
        module = importlib.import_module(Path(path).stem if path.endswith(".py") else path)
    except Exception as error:
        cause = f"importing {path!r} raises {type(error).__name__}: {error}"
        raise cannot(f"{path!r} cannot be imported", cause) from error
    classes = [
        one.__name__
        for one in vars(module).values()
        if inspect.isclass(one) and hasattr(one, "backward") and hasattr(one, "__add__")
    ]
    if not name and len(classes) == 1:
        name = classes[0]
    if not hasattr(module, name or " "):
        names = ", ".join(classes) or "none"
        what = f"{path} has no {name!r}" if name else f"{path} has more than one class, or none"
        raise cannot(what, f"its classes with __add__ and backward: {names}")
    return getattr(module, name)


class Engine:
    """A class of Values with operators, a value, a gradient and `backward`, or a function
    `value_and_grad(f, *arrays)` that returns f(*arrays) and a list of gradients.

    - `scalar`: True if the engine computes with single numbers.
    - `operations`: what it can do. `texts` contains the text of each, and `calls` the names of the
      class's methods that it calls.
    - `untried`: the other operations, each with the reason.
    """

    def __init__(self, target: Any) -> None:
        self.target = target
        self.name = target.__name__
        self.is_class = inspect.isclass(target)
        self.scalar = self.is_class and not any(hasattr(target, m) for m in ARRAY_METHODS)
        self.grad_name = self.value_name = ""
        self.ending: Operation | None = None
        self.tolerance = 1e-9
        if self.is_class:
            self._inspect()
        self.texts: dict[Operation, str] = {}
        self.calls: dict[Operation, set[str]] = {}
        self.untried: dict[Operation, str] = {}
        self.failing: dict[str, Disagreement] = {}
        self.in_backward = self.slow = False
        names = _functions(target)
        for operation in NUMBERS + ([] if self.scalar else ARRAYS):
            self._try(operation, names)

    @property
    def operations(self) -> list[Operation]:
        return list(self.texts)

    def _inspect(self) -> None:
        """Find the constructor, the value, the gradient and backward."""
        options: list[dict[str, Any]] = [{}]
        try:
            if "requires_grad" in inspect.signature(self.target).parameters:
                options = [{"requires_grad": True}]
        except (TypeError, ValueError):  # a class written in C has no signature
            pass
        self.options = options[0]
        try:
            leaf = self.make(np.array(2.5))
        except Exception as error:
            what = f"{self.name}({self.argument(np.array(2.5))}) raises {type(error).__name__}"
            raise cannot(what, str(error)) from error
        own = [*getattr(leaf, "__dict__", ())]
        for name in [*VALUE_NAMES, *own]:
            self.value_name = name
            found = self.value(leaf)
            if found is not None and found.size == 1 and abs(found - 2.5) < 0.6:
                break
        else:
            raise cannot(
                f"no attribute of {self.name}(2.5) contains 2.5",
                f"tried: {', '.join([*VALUE_NAMES, *own])}",
            )
        if isinstance(found := self.raw(leaf), (np.ndarray, np.generic)):
            if found.dtype.kind == "f" and found.dtype.itemsize < 8:
                self.tolerance = 200 * float(np.finfo(found.dtype).eps)
        names = [name for name in GRAD_NAMES if hasattr(leaf, name)]
        if not names or not callable(getattr(leaf, "backward", None)):
            raise cannot(
                f"{self.name} has no attribute grad, or no method backward()",
                f"its public names: {', '.join(n for n in dir(leaf) if n[0] != '_')}",
            )
        self.grad_name = names[0]

    def argument(self, array: Array) -> str:
        """Return the text of the constructor's argument."""
        if self.scalar:
            return repr(float(array))
        return f"np.array({array.tolist()})"

    def make(self, array: Array) -> Any:
        """Return a leaf."""
        return self.target(float(array) if self.scalar else array.copy(), **self.options)

    def raw(self, thing: Any) -> Any:
        found = getattr(thing, self.value_name, None)
        if callable(found) and self.value_name in ("numpy", "item"):
            found = found()
        return found

    def value(self, thing: Any) -> Array | None:
        """Return the numbers in a Value, an array or a number; None if there are none."""
        if isinstance(thing, self.target if self.is_class else ()):
            thing = self.raw(thing)
        try:
            array = np.asarray(thing)
            return array.astype(float) if array.dtype.kind in "fiub" else None
        except Exception:  # a list of lists of different lengths, or an object that is no array
            return None

    def gradient(self, leaf: Any) -> Array | None:
        """Return a leaf's gradient; None if nothing arrived."""
        found = getattr(leaf, self.grad_name, None)
        return None if found is None else self.value(found)

    def call(self, operation: Operation) -> Callable[..., Any]:
        return self.functions[operation]

    functions: dict[Operation, Callable[..., Any]]

    def _try(self, operation: Operation, names: dict[str, Any]) -> None:
        """Find out which text calls the operation, and which methods it calls."""
        self.__dict__.setdefault("functions", {})
        arrays = operation.samples(np.random.default_rng(0), self.scalar)[0]
        reason, failing = f"{self.name} has no {operation.method}", ""
        for text in operation.candidates():
            call = function(text, names)
            called: set[str] = set()
            try:
                with np.errstate(all="ignore"):
                    result = self._forward(call, arrays, called, operation.method)
            except Exception as error:
                if hasattr(self.target, operation.method) and text == operation.text:
                    reason = f"raises {type(error).__name__}: {error}"
                    if operation.method[0] == "_" and not isinstance(error, UNSUPPORTED):
                        failing = reason
                continue
            if self.is_class and not isinstance(result, self.target):
                reason = f"returns {type(result).__name__}, not {self.name}"
                if result is None:
                    failing = reason
                continue
            self.functions[operation] = call
            self.texts[operation] = text
            self.calls[operation] = called
            return
        if failing:
            program = Program(tuple(arrays), ((operation, tuple(range(operation.count))),))
            self.texts[operation] = operation.text
            self.functions[operation] = function(operation.text, names)
            self.calls[operation] = set()
            self.failing.setdefault(operation.method, Disagreement(program, failing))
        else:
            self.untried[operation] = reason.split("\n")[0]

    def _forward(
        self, call: Callable[..., Any], arrays: Sequence[Array], called: set[str], method: str
    ) -> Any:
        if not self.is_class:
            return self.target(call, *arrays)
        leaves = [self.make(array) for array in arrays]
        own = getattr(getattr(self.target, method, None), "__code__", None)
        methods = {
            member.__code__: name
            for kind in reversed(self.target.__mro__)
            for name, member in vars(kind).items()
            if inspect.isfunction(member) and member.__code__ is not own
        }

        def note(frame: Any, event: str, argument: Any) -> None:
            if event == "call" and frame.f_code in methods:
                called.add(methods[frame.f_code])

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            return call(*leaves)
        finally:
            sys.setprofile(before)

    def run(self, program: Program) -> tuple[Array | None, list[Array | None], list[Array | None]]:
        """Return the result, the leaves' gradients, and the leaves' values afterwards."""
        if not self.is_class:

            def f(*leaves: Any) -> Any:
                return program.values(leaves, self.call)[-1]

            value, gradients = self.target(f, *program.leaves)
            return self.value(value), [self.value(one) for one in gradients], [*program.leaves]
        self.in_backward = False
        leaves = [self.make(array) for array in program.leaves]
        for _ in range(2 if program.calls == NEW else 1):
            result = program.values(leaves, self.call)[-1]
            last = self.functions[self.ending](result) if self.ending else result
            self.in_backward = True
            for _ in range(2 if program.calls == TWICE else 1):
                last.backward()
            self.in_backward = False
        return (
            self.value(result),
            [self.gradient(leaf) for leaf in leaves],
            [self.value(leaf) for leaf in leaves],
        )

    def lines(self, program: Program) -> list[str]:
        """Return lines to paste into Python that run the program on the engine alone."""
        module = sys.modules[self.target.__module__]
        texts = [self.texts[operation] for operation in program.operations]
        used = {w for text in texts for w in re.findall(r"(?<![.\w])([a-z]\w*)(?=\()", text)}
        lines = [f"from {module.__name__} import {self.name}"]
        for word in sorted(used):
            home = getattr(_functions(self.target)[word], "__module__", module.__name__)
            lines.append(f"from {home} import {word}")
        if not self.scalar:
            lines.insert(0, "import numpy as np")
        names = program.names[: len(program.leaves)]
        arguments = [self.argument(array) for array in program.leaves]
        text = self.texts.__getitem__
        statements = program.statements(text)
        if not self.is_class:
            body = Program(program.leaves, program.steps)
            code = "; ".join(body.statements(text))
            lines.append(f"def f({', '.join(names)}):")
            lines.append(f"    {code}; return y")
            return [*lines, f"print({self.name}(f, {', '.join(arguments)}))"]
        more = "".join(f", {key}={value}" for key, value in self.options.items())
        for name, argument in zip(names, arguments, strict=True):
            lines.append(f"{name} = {self.name}({argument}{more})")
        end = text(self.ending).format("y") if self.ending else "y"
        backward = f"{end}.backward()"
        again = [*statements, backward] if program.calls == NEW else []
        if program.calls == TWICE:
            statements.append(f"z = {end}")
            statements[-1:] = [f"z = {end}"] if self.ending else []
            backward = "z.backward(); z.backward()" if self.ending else f"{backward}; {backward}"
        grads = ", ".join(f"{name}.{self.grad_name}" for name in names)
        value = self.value_name + ("()" if self.value_name in ("numpy", "item") else "")
        return [*lines, *statements, backward, *again, f"print(y.{value}, {grads})"]


def _functions(target: Any) -> dict[str, Any]:
    """Return the functions of the engine's module, and of the module `functions` next to it."""
    module = sys.modules.get(target.__module__)
    found = dict(vars(module)) if module else {}
    package = target.__module__.rpartition(".")[0]
    if beside := sys.modules.get(f"{package}.functions"):
        found |= vars(beside)
    return {name: one for name, one in found.items() if callable(one)}
