"""The engine under test: find its class and what it can do, and run programs on it."""

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import OptionError
from ...graph import Array
from .limit import limited
from .operations import OPERATIONS, Operation, function
from .programs import NEW, TWICE, Program, Results

VALUES = ("data", "array", "value", "val", "numpy", "item")
"""Attributes and methods that may contain a Value's number."""

ARRAY_METHODS = (
    "__matmul__",
    "matmul",
    "shape",
    "sum",
    "mean",
    "reshape",
    "T",
)
"""A class with one of these computes with arrays."""

LIMIT = 10.0
"""Seconds of processor time in which a program must end."""


def cannot(what: str, cause: str) -> OptionError:
    """Return the error for something that is not an engine."""
    return OptionError(
        "MG709",
        f"this engine cannot be checked: {what}",
        cause=cause,
        remedy="pass the address of a class in an installed package or a file, such as "
        "micrograd.engine:Value or my_engine.py:Value; or write an adapter: see "
        "help(minigrad.check_engine)",
    )


def load(target: str) -> Any:
    """Return the object at `package.module:Name`, `file.py:Name` or `file.py`.

    Errors: OptionError MG709.
    """
    path, _, name = target.partition(":")
    folder, module_name = os.getcwd(), path
    if path.endswith(".py"):
        folder, module_name = (
            str(Path(path).resolve().parent),
            Path(path).stem,
        )
    sys.path.insert(0, folder)
    try:
        members = vars(importlib.import_module(module_name))
    except Exception as error:
        raise cannot(f"{path} cannot be imported", _first_line(error)) from error
    finally:
        sys.path.remove(folder)
    classes = [
        key
        for key, one in members.items()
        if isinstance(one, type)
        and hasattr(one, "backward")
        and (hasattr(one, "__add__") or hasattr(one, "__mul__"))
    ]
    if not name and len(classes) == 1:
        name = classes[0]
    if name not in members:
        what = f"{path} does not contain {name or 'exactly one class of Values'}"
        cause = f"its classes with operators and backward: {', '.join(classes) or 'none'}"
        raise cannot(what, cause)
    return members[name]


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split("\n")[0]


class Engine:
    """A class whose objects have operators, a value, a gradient and `backward`.

    - `scalar`: True if it computes with single numbers.
    - `texts`: the text of each operation that it can do.
    - `calls`: for each method, the other methods that it calls, such as `__add__` for `__sub__`.
    - `missing`: the methods that it lacks.
    - `unsupported`: the expressions that raise an error, each with the error's text, by its type.
    - `ending`: the operation at the end of each program, if `backward` needs a single number.
    - `running`: the program that ran last.
    - `limit`: the seconds of processor time in which each program must end.
    """

    is_class = True

    def __init__(self, target: Any, limit: float = LIMIT) -> None:
        self.target, self.limit = target, limit
        self.name = target.__name__
        self.module = target.__module__
        self.ending: Operation | None = None
        self.tolerance = 1e-9
        self.in_backward = False
        self.texts: dict[Operation, str] = {}
        self.calls: dict[str, set[str]] = {}
        self.missing: dict[str, None] = {}
        self.unsupported: dict[str, dict[str, str]] = {}
        self.names = functions(self.module)
        self.options: dict[str, bool] = {}
        self.scalar = False
        self._inspect()

    def _inspect(self) -> None:
        """Find out how to make a Value, and which attributes contain its number and its gradient."""
        self.scalar = not any(hasattr(self.target, name) for name in ARRAY_METHODS)
        with suppress(TypeError, ValueError):  # a class written in C has no signature
            if "requires_grad" in inspect.signature(self.target).parameters:
                self.options = {"requires_grad": True}
        made = f"{self.name}({self.argument(np.array(2.5))})"
        try:
            leaf = self.make(np.array(2.5))
        except Exception as error:
            raise cannot(f"{made} raises an error", _first_line(error)) from error
        for self.value_name in (*VALUES, *getattr(leaf, "__dict__", ())):
            value = self.value(leaf)
            if value is not None and value.size == 1 and abs(value - 2.5) < 0.6:
                break
        else:
            what = f"no attribute of {made} contains 2.5"
            raise cannot(what, f"it looks for {', '.join(VALUES)}, and others")
        dtype = np.asarray(self._content(leaf)).dtype
        if dtype == np.float32:
            self.tolerance = 2.4e-5
        grads = [name for name in ("grad", "gradient") if hasattr(leaf, name)]
        if not grads or not hasattr(leaf, "backward"):
            public = ", ".join(name for name in dir(leaf) if not name.startswith("_"))
            what = f"{made} has no grad, or no backward()"
            raise cannot(what, f"its public names are {public}")
        self.grad_name = grads[0]

    def argument(self, array: Array) -> str:
        """Return the text of the constructor's argument."""
        return repr(float(array)) if self.scalar else f"np.array({array.tolist()})"

    def make(self, array: Array) -> Any:
        """Return a leaf."""
        content = float(array) if self.scalar else np.array(array)
        return self.target(content, **self.options)

    def _content(self, thing: Any) -> Any:
        content: Any = getattr(thing, self.value_name, None)
        called = self.value_name in ("numpy", "item") and callable(content)
        return content() if called else content

    def value(self, thing: Any) -> Array | None:
        """Return the numbers in a Value or an array; None if there are none."""
        if isinstance(thing, self.target):
            thing = self._content(thing)
        array = np.asarray(thing)
        return array.astype(float) if array.dtype.kind in "fiub" else None

    def gradient(self, leaf: Any) -> Array | None:
        """Return a leaf's gradient; None if none arrived."""
        return self.value(getattr(leaf, self.grad_name, None))

    def of(self, operation: Operation) -> Callable[..., Any]:
        """Return the function that calls an operation of the engine."""
        names = self.names if operation in self.texts else {}
        return function(self.text(operation), names)

    def find_operations(self) -> None:
        """Find out which texts call the operations, and which methods they call.

        Errors: OptionError MG709 if there is no operation.
        """
        for operation in OPERATIONS:
            if not (self.scalar and operation.array):
                self._find(operation)
        if not self.texts:
            what = f"{self.name} does not compute a + b, a * b or any other operation"
            raise cannot(what, next(self.limits()))
        for method, called in self.calls.items():
            called.intersection_update(self.calls.keys() - {method})

    def limits(self) -> Iterator[str]:
        """Describe what the engine cannot do. The most frequent error comes first."""
        for kind in sorted(self.unsupported.values(), key=len, reverse=True):
            some, (reason, *_) = [*kind][:3], kind.values()
            if len(kind) > 3:
                some[2] += f" and {len(kind) - 3} more"
            yield f"Not supported: {', '.join(some)}: {reason}"
        if self.missing:
            yield f"Missing: {', '.join(self.missing)}"

    def _find(self, operation: Operation) -> None:
        samples = operation.samples(np.random.default_rng(0), self.scalar)
        exists = hasattr(self.target, operation.method)
        reasons: list[str] = []
        for text, arrays in product(operation.candidates(), samples):
            self.running = Program.of(operation, arrays)
            call = function(text, self.names)
            called: set[Any] = set()
            before = sys.getprofile()
            sys.setprofile(lambda frame, *_, called=called: called.add(frame.f_code))
            try:
                with limited(self.limit):
                    result = self._call(call, arrays)
            except Exception as error:
                reasons.append(f"raises {_first_line(error)}")
                continue
            finally:
                sys.setprofile(before)
            if self.is_class and not isinstance(result, self.target):
                kind = type(result).__name__
                reasons.append(f"returns {kind}, not {self.name}")
                if not (exists and operation.own):
                    continue
            self.texts[operation] = text
            self.calls.setdefault(operation.method, set()).update(
                code.co_name for code in called if code is self.code(code.co_name)
            )
            return
        if exists:
            self._refuse(str(operation), reasons[0])
        else:
            self.missing[operation.method] = None

    def code(self, method: str) -> Any:
        """Return the code of a method of the class that is written in Python; otherwise None."""
        return getattr(getattr(self.target, method, None), "__code__", None)

    def refuse(self, program: Program, error: Exception) -> None:
        """Note that the engine does not support a program."""
        stage = "backward() raises" if self.in_backward else "raises"
        if program.calls == TWICE:
            stage = f"a second {stage}"
        reason = f"{stage} {_first_line(error)}, for {program.inputs}"
        self._refuse(str(program).removeprefix("y = "), reason)

    def _refuse(self, expression: str, reason: str) -> None:
        kind, *_ = reason.split(":")
        self.unsupported.setdefault(kind, {}).setdefault(expression, reason)

    def _call(self, call: Callable[..., Any], arrays: tuple[Array, ...]) -> Any:
        return call(*map(self.make, arrays))

    def run(self, program: Program) -> Results:
        """Return the program's results.

        Errors: TooLong if it takes longer than the limit. Any other error is the engine's.
        """
        self.running, self.in_backward = program, False
        with limited(self.limit):
            return self._run(program)

    def _run(self, program: Program) -> Results:
        leaves = {name: self.make(array) for name, array in program.leaves.items()}
        for _ in range(2 if program.calls == NEW else 1):
            self.in_backward = False
            *_, result = program.values(leaves, self.of).values()
            if not isinstance(result, self.target):
                continue  # a plain number sends no gradients
            end = self.of(self.ending)(result) if self.ending else result
            self.in_backward = True
            for _ in range(2 if program.calls == TWICE else 1):
                end.backward()
        after = map(self.value, leaves.values())
        gradients = map(self.gradient, leaves.values())
        return program.results(self.value(result), after, gradients)

    def helpers(self, method: str) -> set[str]:
        """Return the names of the module's functions that a method, or its rule, uses."""
        codes = [self.code(method)]
        found: set[str] = set()
        for code in codes:
            found.update(getattr(code, "co_names", ()))
            inner = getattr(code, "co_consts", ())
            codes.extend(one for one in inner if hasattr(one, "co_names"))
        known = self.names | vars(self.target)
        return {name for name in found if inspect.isfunction(known.get(name))}

    def text(self, operation: Operation) -> str:
        return self.texts.get(operation, operation.text)

    def lines(self, program: Program) -> list[str]:
        """Return lines to paste into Python that run the program on the engine alone."""
        more = "".join(f", {key}={value}" for key, value in self.options.items())
        lines = self._imports()
        for name, array in program.leaves.items():
            made = f"{self.name}({self.argument(array)}{more})"
            lines.append(f"{program.names[name]} = {made}")
        graph, last = program.statements(self.text), "y"
        if self.ending:
            last = "z"
            graph.append(f"z = {self.text(self.ending).format('y')}")
        graph += [f"{last}.backward()"] * (2 if program.calls == TWICE else 1)
        value = self.value_name + "()" * (self.value_name in ("numpy", "item"))
        grads = [f"{name}.{self.grad_name}" for name in program.names.values()]
        times = 2 if program.calls == NEW else 1
        return [
            *lines,
            *times * graph,
            f"print(y.{value}, {', '.join(grads)})",
        ]

    def _imports(self) -> list[str]:
        lines = [] if self.scalar else ["import numpy as np"]
        return [*lines, f"from {self.module} import *"]


class FunctionEngine(Engine):
    """An adapter: a function `value_and_grad(f, *arrays)` that returns f(*arrays) and gradients."""

    is_class = False

    def _inspect(self) -> None:
        self.value_name = ""

    def value(self, thing: Any) -> Array | None:
        return np.asarray(thing, float)

    def _call(self, call: Callable[..., Any], arrays: tuple[Array, ...]) -> Any:
        return self.target(call, *arrays)

    def _run(self, program: Program) -> Results:
        def f(*leaves: Any) -> Any:
            named = dict(zip(program.leaves, leaves, strict=True))
            return [*program.values(named, self.of).values()][-1]

        leaves = program.leaves.values()
        value, gradients = self.target(f, *leaves)
        return program.results(self.value(value), leaves, map(self.value, gradients))

    def lines(self, program: Program) -> list[str]:
        names = ", ".join(program.names.values())
        arguments = ", ".join(map(self.argument, program.leaves.values()))
        body = [f"    {line}" for line in program.statements(self.text)]
        head = [*self._imports(), f"def f({names}):"]
        return [
            *head,
            *body,
            "    return y",
            "",
            f"print({self.name}(f, {arguments}))",
        ]


def functions(name: str) -> dict[str, Any]:
    """Return the functions in the engine's module, and in a module `functions` next to it."""
    found: dict[str, Any] = {}
    for one in (name, f"{name.rpartition('.')[0]}.functions"):
        if one in sys.modules:
            found |= vars(sys.modules[one])
    return {key: value for key, value in found.items() if callable(value)}
