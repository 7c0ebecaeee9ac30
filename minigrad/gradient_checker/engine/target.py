"""The engine under test: find its class and what it can do, and run programs on it."""

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import OptionError
from ...graph import Array
from .operations import ARRAYS, NUMBERS, Operation, function
from .programs import NEW, TWICE, Disagreement, Program

UNWRITTEN = re.compile("NotImplementedError|AssertionError")
"""Errors with which a class says that it does not offer an operation."""

VALUES = ("data", "array", "value", "val", "numpy", "item")
"""Attributes and methods that may contain a Value's number."""

GRADIENTS = ("grad", "gradient")

ARRAY_METHODS = ("__matmul__", "matmul", "shape", "sum", "mean", "reshape", "T")
"""A class with one of these computes with arrays."""


def cannot(what: str, cause: str) -> OptionError:
    """Return the error for something that is not an engine."""
    return OptionError(
        "MG709",
        f"this engine cannot be checked: {what}",
        cause=cause,
        remedy="pass the address of its class, such as micrograd.engine:Value, or write an adapter: "
        'see "Engines of another form" in docs/check_engine.md',
    )


def load(target: str) -> Any:
    """Return the class or function at `package.module:Name`, `file.py:Name` or `file.py`.

    Errors: OptionError MG709.
    """
    path, _, name = target.partition(":")
    folder, module_name = os.getcwd(), path
    if path.endswith(".py"):
        folder, module_name = (str(Path(path).resolve().parent), Path(path).stem)
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        cause = f"importing it raises {type(error).__name__}: {error}".split("\n")[0]
        raise cannot(f"{path} cannot be imported", cause) from error
    finally:
        sys.path.remove(folder)
    classes = [
        key
        for key, one in vars(module).items()
        if inspect.isclass(one) and hasattr(one, "backward") and hasattr(one, "__add__")
    ]
    names = ", ".join(classes) or "none"
    if not name:
        if len(classes) != 1:
            what = f"{path} does not contain exactly one class of Values"
            raise cannot(what, f"its classes with __add__ and backward: {names}")
        name = classes[0]
    if not hasattr(module, name):
        raise cannot(
            f"{path} has no {name}", f"its classes with __add__ and backward: {names}"
        )
    return getattr(module, name)


class Engine:
    """A class whose objects have operators, a value, a gradient and `backward`.

    - `scalar`: True if it computes with single numbers.
    - `texts`: the text of each operation that it can do. `calls` contains, for each method, the
      other methods that it calls, such as `__add__` and `__neg__` for `__sub__`.
    - `untried`: the other operations, each with the reason. `failing` contains methods that exist
      but raise an error.
    - `ending`: the operation at the end of each program, if `backward` needs a single number.
    """

    def __init__(self, target: Any) -> None:
        self.target = target
        self.name = target.__name__
        self.module = target.__module__
        self.ending: Operation | None = None
        self.tolerance = 1e-9
        self.in_backward = False
        self.texts: dict[Operation, str] = {}
        self.calls: dict[str, set[str]] = {}
        self.untried: dict[Operation, str] = {}
        self.failing: dict[str, Disagreement] = {}
        self._failed: dict[Operation, tuple[bool, set[str], Disagreement]] = {}
        self._functions: dict[str, Callable[..., Any]] = {}
        self.names = functions(self.module)
        self._inspect()
        for operation in NUMBERS + ([] if self.scalar else ARRAYS):
            self._try(operation)
        self._decide()
        if not self.texts:
            reason = next(iter(self.untried.values()))
            raise cannot(
                f"{self.name} does not compute a + b, a * b or any other operation",
                reason,
            )
        for called in self.calls.values():
            called.intersection_update(self.calls)

    def _inspect(self) -> None:
        """Find out how to make a Value, and where its number and its gradient are."""
        self.scalar = not any(hasattr(self.target, name) for name in ARRAY_METHODS)
        self.options = {}
        if "requires_grad" in parameters(self.target):
            self.options = {"requires_grad": True}
        made = f"{self.name}({self.argument(np.array(2.5))})"
        try:
            leaf = self.make(np.array(2.5))
        except Exception as error:
            raise cannot(f"{made} raises {type(error).__name__}", str(error)) from error
        for name in (*VALUES, *getattr(leaf, "__dict__", ())):
            self.value_name = name
            value = self.value(leaf)
            if value is not None and value.size == 1 and abs(value - 2.5) < 0.6:
                break
        else:
            known = ", ".join(VALUES)
            raise cannot(
                f"no attribute of {made} contains 2.5",
                f"it looks for {known}, and others",
            )
        dtype = np.asarray(self._content(leaf)).dtype
        if dtype.kind == "f" and dtype.itemsize < 8:
            self.tolerance = 200 * float(np.finfo(dtype).eps)
        grads = [name for name in GRADIENTS if hasattr(leaf, name)]
        if not grads or not callable(getattr(leaf, "backward", None)):
            public = ", ".join(name for name in dir(leaf) if not name.startswith("_"))
            raise cannot(
                f"{made} has no grad, or no backward()",
                f"its public names are {public}",
            )
        self.grad_name = grads[0]

    def argument(self, array: Array) -> str:
        """Return the text of the constructor's argument."""
        return repr(float(array)) if self.scalar else f"np.array({array.tolist()})"

    def make(self, array: Array) -> Any:
        """Return a leaf."""
        content = float(array) if self.scalar else array.copy()
        return self.target(content, **self.options)

    def _content(self, thing: Any) -> Any:
        content = getattr(thing, self.value_name, None)
        if self.value_name in ("numpy", "item") and callable(content):
            return content()
        return content

    def value(self, thing: Any) -> Array | None:
        """Return the numbers in a Value, an array or a number; None if there are none."""
        if isinstance(thing, self.target):
            thing = self._content(thing)
        array = np.asarray(thing)
        return array.astype(float) if array.dtype.kind in "fiub" else None

    def gradient(self, leaf: Any) -> Array | None:
        """Return a leaf's gradient; None if none arrived."""
        return self.value(getattr(leaf, self.grad_name, None))

    def of(self, operation: Operation) -> Callable[..., Any]:
        """Return the function that calls an operation of the engine."""
        text = self.texts.get(operation, operation.text)
        if text not in self._functions:
            self._functions[text] = function(text, self.names)
        return self._functions[text]

    def _try(self, operation: Operation) -> None:
        """Find out which text calls the operation, and which methods it calls."""
        method = operation.method
        exists = hasattr(self.target, method)
        arrays = operation.samples(np.random.default_rng(0), self.scalar)[0]
        reason, broken = f"{self.name} has no {method}", False
        called: set[str] = set()
        for text in operation.candidates():
            call = function(text, self.names)
            try:
                with np.errstate(all="ignore"):
                    result = self._forward(call, arrays, method, called)
            except Exception as error:
                if exists and text == operation.text:
                    reason = f"raises {type(error).__name__}: {error}".split("\n")[0]
                    broken = not unsupported(operation, error)
                continue
            if self.fits(result):
                self.texts[operation] = text
                self.calls.setdefault(method, set()).update(called)
                return
            reason = f"returns {type(result).__name__}, not {self.name}"
            # NumPy may make an array of Values, if an array is on the left.
            broken = exists and not isinstance(result, np.ndarray)
            broken = broken or (exists and not operation.text.startswith("np"))
        self.untried[operation] = reason
        program = Program.of(operation, arrays)
        self._failed[operation] = broken, called, Disagreement(program, reason)

    def _decide(self) -> None:
        """Decide which operations that fail are faults.

        An operator of which every use fails is a fault, but not constants that none accepts.
        """
        constants = any(operation.constant for operation in self.texts)
        right = self.calls.copy()
        for operation, (broken, called, found) in self._failed.items():
            method = operation.method
            operator = method.startswith("__") and "raises" in found.what
            useless = (
                operator and method not in right and not UNWRITTEN.search(found.what)
            )
            if (broken or useless) and (constants or not operation.constant):
                del self.untried[operation]
                self.texts[operation] = operation.text
                self.calls.setdefault(method, set()).update(called)
                self.failing.setdefault(method, found)

    def fits(self, result: Any) -> bool:
        """Return whether an operation returned a Value."""
        return isinstance(result, self.target)

    def _forward(
        self,
        call: Callable[..., Any],
        arrays: Sequence[Array],
        method: str,
        called: set[str],
    ) -> Any:
        """Call an operation, and note the methods of the class that it calls."""
        own = getattr(getattr(self.target, method, None), "__code__", None)
        methods = {}
        for kind in reversed(self.target.__mro__):
            for name, member in vars(kind).items():
                code = getattr(member, "__code__", own)
                if code is not own:
                    methods[code] = name
        leaves = [self.make(array) for array in arrays]
        with profiled(lambda code: called.add(methods.get(code, ""))):
            return call(*leaves)

    def run(
        self, program: Program
    ) -> tuple[Array | None, list[Array | None], list[Array | None]]:
        """Return the result, the leaves' gradients, and the leaves' values afterwards."""
        self.in_backward = False
        leaves = [self.make(array) for array in program.leaves]
        for _ in range(2 if program.calls == NEW else 1):
            self.in_backward = False
            result = last = program.values(leaves, self.of)[-1]
            if self.ending:
                last = self.of(self.ending)(result)
            self.in_backward = True
            for _ in range(2 if program.calls == TWICE else 1):
                last.backward()
        gradients = [self.gradient(leaf) for leaf in leaves]
        return (self.value(result), gradients, [self.value(leaf) for leaf in leaves])

    def helpers(self, method: str) -> set[str]:
        """Return the names of the module's functions that a method, or its rule, uses."""
        codes = [getattr(getattr(self.target, method, None), "__code__", None)]
        found: set[str] = set()
        for code in codes:
            found.update(getattr(code, "co_names", ()))
            inner = getattr(code, "co_consts", ())
            codes.extend(one for one in inner if hasattr(one, "co_names"))
        return {name for name in found if inspect.isfunction(self.names.get(name))}

    def text(self, operation: Operation) -> str:
        return self.texts[operation]

    def lines(self, program: Program) -> list[str]:
        """Return lines to paste into Python that run the program on the engine alone."""
        names = program.names[: len(program.leaves)]
        more = "".join(f", {key}={value}" for key, value in self.options.items())
        lines = self._imports(program)
        for name, array in zip(names, program.leaves, strict=True):
            lines.append(f"{name} = {self.name}({self.argument(array)}{more})")
        graph = program.statements(self.text)
        last = "y"
        if self.ending:
            last = "z"
            graph.append(f"z = {self.text(self.ending).format('y')}")
        graph.append(f"{last}.backward()")
        if program.calls == TWICE:
            graph.append(f"{last}.backward()")
        value = self.value_name + "()" * (self.value_name in ("numpy", "item"))
        grads = ", ".join(f"{name}.{self.grad_name}" for name in names)
        times = 2 if program.calls == NEW else 1
        return [*lines, *times * graph, f"print(y.{value}, {grads})"]

    def _imports(self, program: Program) -> list[str]:
        lines = [] if self.scalar else ["import numpy as np"]
        lines.append(f"from {self.module} import {self.name}")
        texts = map(self.text, program.operations)
        words = {
            word
            for text in texts
            for word in re.findall(r"(?<![.\w])([a-z]\w*)\(", text)
        }
        for word in sorted(words):
            home = getattr(self.names[word], "__module__", None) or self.module
            lines.append(f"from {home} import {word}")
        return lines


class FunctionEngine(Engine):
    """An adapter: a function `value_and_grad(f, *arrays)` that returns f(*arrays) and gradients."""

    def _inspect(self) -> None:
        self.scalar = False

    def value(self, thing: Any) -> Array | None:
        return np.asarray(thing, float)

    def fits(self, result: Any) -> bool:
        return result is not None

    def _forward(
        self,
        call: Callable[..., Any],
        arrays: Sequence[Array],
        method: str,
        called: set[str],
    ) -> Any:
        return self.target(call, *arrays)

    def run(
        self, program: Program
    ) -> tuple[Array | None, list[Array | None], list[Array | None]]:
        def f(*leaves: Any) -> Any:
            return program.values(leaves, self.of)[-1]

        value, gradients = self.target(f, *program.leaves)
        return (self.value(value), list(map(self.value, gradients)), [*program.leaves])

    def lines(self, program: Program) -> list[str]:
        names = ", ".join(program.names[: len(program.leaves)])
        arguments = ", ".join(map(self.argument, program.leaves))
        body = [f"    {line}" for line in program.statements(self.text)]
        head = [*self._imports(program), f"def f({names}):"]
        return [*head, *body, "    return y", "", f"print({self.name}(f, {arguments}))"]


def unsupported(operation: Operation, error: Exception) -> bool:
    """Return whether an error means that an engine does not offer an operation, and is no fault."""
    if isinstance(error, (NotImplementedError, AssertionError)):
        return True
    if isinstance(error, RecursionError):
        return False
    special = operation.constant or operation.method == "__pow__"
    if operation.method.startswith("__") and not special:
        return False
    text = str(error)
    if isinstance(error, TypeError):
        return "unsupported operand" in text or "argument" in text
    return isinstance(error, RuntimeError)


@contextmanager
def profiled(note: Callable[[Any], object]) -> Iterator[None]:
    """Call `note` with the code of each Python function that is called inside this block."""

    def on_event(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            note(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(on_event)
    try:
        yield
    finally:
        sys.setprofile(before)


def parameters(target: Any) -> Sequence[str]:
    """Return the names of the constructor's parameters."""
    try:
        return [*inspect.signature(target).parameters]
    except (TypeError, ValueError):  # a class written in C has no signature
        return []


def functions(name: str) -> dict[str, Any]:
    """Return the functions in the engine's module, and in the module `functions` next to it."""
    found: dict[str, Any] = {}
    package = name.rpartition(".")[0]
    for one in (name, f"{package}.functions"):
        if one in sys.modules:
            found |= vars(sys.modules[one])
    return {key: value for key, value in found.items() if callable(value)}
