"""What people type who come from PyTorch, NumPy, Keras or JAX, and what to write here: the table in habits.txt.

A name or a keyword that minigrad does not have ends up here, led by the functions called `answer_...`. If it means the
same as something that exists, it works (`_WORKS`, `_RENAMED`); if not, an error says what to write, by the table or a
rule. Only what would fail comes here. docs/coming_from.md shows the most used entries.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from dis import opmap
from functools import cache, wraps
from itertools import product
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ..errors import UnknownImportError, UnknownNameError, UnsupportedError

# Keywords that have another name here, and the same meaning.
_RENAMED = {
    "dim": "axis", "keepdim": "keepdims", "p": "rate", "in_features": "inputs", "out_features": "outputs", "weight":
    "weights", "class_weight": "weights", "num_embeddings": "vocabulary", "embedding_dim": "width", "use_bias": "bias",
    "num_layers": "layers", "learning_rate": "lr", "epsilon": "eps", "gradient": "upstream", "grad_outputs": "upstream",
    "correction": "ddof",
}  # fmt: skip

# What a name means here exactly, of the object on which it is met.
_WORKS: dict[str, Callable[[Any], Any]] = {
    "x.numpy": lambda x: lambda **_: x.array, "x.tolist": lambda x: x.array.tolist, "x.view": lambda x: x.reshape,
    "x.dim": lambda x: lambda: x.ndim, "x.numel": lambda x: lambda: int(x.size), "x.nelement": lambda x: x.numel,
    "x.t": lambda x: lambda: x.T, "x.mT": lambda x: x.swapaxes(-1, -2), "x.is_leaf": lambda x: x.node.gate is None,
    "x.cpu": lambda x: lambda: x, "x.contiguous": lambda x: lambda: x, "x.float": lambda x: lambda: x.astype("float32"),
    "x.double": lambda x: lambda: x.astype("float64"), "x.ndimension": lambda x: lambda: x.ndim,
    "model.parameters": lambda model: lambda: list(model.named_parameters().values()),
    "mg.cat": lambda mg: mg.concatenate, "mg.concat": lambda mg: mg.concatenate,
    "mg.float32": lambda mg: np.float32, "mg.float64": lambda mg: np.float64,
}  # fmt: skip


@cache
def _hints() -> dict[str, str]:
    return {name: text for names, text in _entries() for name in names.split()}


def _entries() -> list[list[str]]:
    """The table's entries, each with its names and what to write instead."""
    table = Path(__file__).with_name("other_frameworks.txt").read_text(encoding="utf-8").replace("\n  ", " ")
    return [line.split(" | ") for line in table.splitlines() if not line.startswith("#")]


def hint(kind: str, name: str) -> str | None:
    """What to write for a name of another framework that was met on this kind of thing."""
    return _hints().get(f"{kind}.{name}") or _hints().get(name)


def _words(kind: str, name: str, thing: Any) -> tuple[str, str]:
    """Cause and remedy for a name that a thing, or a module, does not have."""
    if text := hint(kind, name):
        return "another framework calls it that", text
    for package in ("minigrad", "layers", "optim") if kind == "mg" else ():
        if name in getattr(sys.modules.get(package), "__all__", ()):
            return f"it is in {package}", f"from {package} import {name}"
    if text := _rule(name) if kind in ("x", "mg") else "":
        return "PyTorch or NumPy has it, and minigrad has not", text
    from difflib import get_close_matches

    public = getattr(thing, "__all__", None) or dir(thing)
    spelt = {other.lower(): other for other in sorted(public) if not other.startswith("_")}
    if close := get_close_matches(name.lower(), spelt, 2, 0.7):
        return "no name here is spelt that way", f"did you mean {' or '.join(spelt[one] for one in close)}?"
    parts = ", ".join(getattr(thing, "__dict__", {}).get("_members", ()))
    return "there is nothing of that name, or like it", f"it has {parts}" if parts else "dir() lists what there is"


def _rule(name: str) -> str:
    """What to write for a name that is in no row: PyTorch's in place, a function here, or NumPy's."""
    mg = sys.modules["minigrad"]
    if name.endswith("_") and (base := name.rstrip("_")):
        text = f"x.{base}(...)" if callable(getattr(mg.Tensor, base, None)) else hint("x", base)
        return f"{text or 'a new tensor'}, for x is not written into; w.array = ... changes a parameter"
    if name in mg.__all__:
        return f"mg.{name}(x), a function"
    if isinstance(inspect.getattr_static(mg.Tensor, name, None), FunctionType):
        return f"x.{name}(...), a method"
    for text, home in (("x.array.", np.ndarray), ("np.", np), ("np.linalg.", np.linalg)):
        if name in vars(home):
            return f"{text}{name}, of a plain array and without gradient"
    return ""


def _missing(thing: Any, cls: type, kind: str, name: str) -> Any:
    """What a name means that a thing of this class lacks; or the error for it."""
    if thing is not None and (works := _WORKS.get(f"{kind}.{name}")):
        return works(thing)
    cause, remedy = _words(kind, name, thing)
    raise UnknownNameError("MG119", f"a {cls.__name__} has no {name}", cause=cause, remedy=remedy)


class _Elsewhere(str):
    """A kind and a name that a class lacks: "x.view". A `__getattr__` makes Python 3.11 read all attributes slower."""

    def __get__(self, thing: Any, cls: type) -> Any:
        return _missing(thing, cls, *self.split("."))


class _NeverSet(_Elsewhere):
    """One that would change nothing, silently, if it were set."""

    def __set__(self, thing: Any, value: Any) -> None:
        self.__get__(thing, type(thing))


def answer_names(cls: type, kind: str) -> None:
    """Have the table's names, and on a Tensor NumPy's, work or be answered (MG119) where this class lacks them."""
    named = {name.removeprefix(f"{kind}.") for name in (*_hints(), *_WORKS)}
    if kind == "x":
        named |= {*sys.modules["minigrad"].__all__, *vars(np.ndarray), *vars(np), *vars(np.linalg)}
        named |= {f"{name}_" for name in (*named, *dir(cls))}
    listed = {name for name in named if name.isidentifier() and name[0].islower() and not hasattr(cls, name)}
    for name in listed:
        setattr(cls, name, (_NeverSet if name == "learning_rate" else _Elsewhere)(f"{kind}.{name}"))
    hidden = listed.difference
    cls.__dir__ = lambda x: {*object.__dir__(x)} - hidden(getattr(x, "__dict__", ()))  # type: ignore[assignment,misc]


def answer_attributes(cls: type, kind: str) -> None:
    """As `answer_names`, for whatever name an object lacks; only for a class that no loop reads attributes of."""

    def missing(thing: Any, name: str) -> Any:
        if name.startswith("_") or hasattr(type(thing), name):
            return object.__getattribute__(thing, name)  # fails as it did: what Python asks for, a property
        return _missing(thing, type(thing), kind, name)

    cls.__getattr__ = missing  # type: ignore[attr-defined]


def answer_import(module: str, name: str) -> Any:
    """What a name that a module lacks means; or UnknownNameError MG119, UnknownImportError MG133 for an import."""
    if name.startswith("_"):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    if works := _WORKS.get(f"mg.{name}" if module == "minigrad" else ""):
        return works(sys.modules[module])
    caller = sys._getframe(2)  # `from layers import Linear` would swallow an AttributeError, and its text
    what, (cause, remedy) = f"the module {module} has no {name}", _words("mg", name, sys.modules[module])
    if caller.f_code.co_code[caller.f_lasti] == opmap["IMPORT_FROM"]:
        raise UnknownImportError("MG133", what, cause=cause, remedy=remedy)
    raise UnknownNameError("MG119", what, cause=cause, remedy=remedy)


def answer_calls(owners: Iterable[Any], names: Iterable[str]) -> None:
    """Have functions of a module or class called with what they do not take work by other keywords, or be answered."""
    for owner, name in product(owners, names):
        function = getattr(owner, name, None)
        if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
            setattr(owner, name, wrapped := answering(function))
            wrapped.__module__ = getattr(owner, "__module__", owner.__name__)  # where pickle finds it


@cache
def answering(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function: keywords that it calls otherwise are renamed, and other calls that do not fit raise MG129."""

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        while True:
            try:
                return function(*args, **options)
            except TypeError as error:
                if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                    raise  # the function was entered: its arguments did fit
                options = refit(function, options, str(error))

    return call


def refit(function: Callable[..., Any], options: dict[str, Any], said: str) -> dict[str, Any]:
    """The keywords as they are called here; UnsupportedError MG129 where that is not all that is wrong."""
    known, name = inspect.signature(function).parameters, function.__name__
    unknown = [key for key in options if key not in known]
    new = {_RENAMED.get(key, key) if key in unknown else key: value for key, value in options.items()}
    special = any(f"{name}.{key}=" in _hints() for key in unknown)  # max and var mean something else by dim=
    if new.keys() != options.keys() and len(new) == len(options) and new.keys() <= known.keys() and not special:
        return new
    title = function.__qualname__.removesuffix(".__init__").split(".")[-1]
    takes = [p.name if p.default is p.empty else f"{p.name}=" for p in known.values() if p.name != "self"]
    raise unfit_call(title, said.removeprefix(f"{function.__qualname__}() "), takes, unknown, name) from None


def unfit_call(title: str, said: str, takes: Iterable[str], unknown: Iterable[str], name: str = "") -> UnsupportedError:
    """The error for a call with keywords that `title` does not take, or with too many arguments or too few."""
    texts = {key: _hints().get(f"{name}.{key}=") or hint("", f"{key}=") for key in unknown}
    known = [f"for {key}= {text or _RENAMED[key] + '='}" for key, text in texts.items() if text or key in _RENAMED]
    remedy = "; ".join(known) or hint("", f"{title}()") or "give it what it takes"
    return UnsupportedError("MG129", f"{title} {said}", cause=f"the call is {title}({', '.join(takes)})", remedy=remedy)


def answer_modules(namespace: dict[str, Any], names: Iterable[str]) -> None:
    """Have modules of a package answer as it does, also when called (`optim.adam()`) or imported and not there."""
    for name in names:
        namespace[name].__class__ = _Module


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        return answer_import(self.__name__, name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        package, name = self.__name__.split(".")
        cause, remedy = _words("mg", name, sys.modules[package])
        raise UnsupportedError("MG129", f"{self.__name__} is a module, which is not called", cause=cause, remedy=remedy)


class _Missing:  # asked for a module when nobody else has it, such as minigrad.nn
    @classmethod
    def find_spec(cls, module: str, *_: Any) -> None:
        package, _dot, name = module.rpartition(".")
        if "_habits" in vars(sys.modules.get(package, sys)):  # one of minigrad's, and not a folder called `layers`
            cause, remedy = _words("mg", name, sys.modules[package])
            error = UnknownImportError("MG133", f"there is no module {module}", cause=cause, remedy=remedy)
            error.name = module  # by which `from layers import Linear` goes on to ask for a name instead
            raise error


sys.meta_path.append(_Missing)
