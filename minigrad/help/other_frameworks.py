"""Errors for names and keywords from PyTorch, NumPy, Keras and JAX, with the minigrad equivalents.

The remedies are in other_frameworks.txt, which is read when the first remedy is needed. Each entry
lists names, keywords (`dim=`) or calls (`Linear()`), followed by a bar and the remedy. An entry for
a keyword of one function (`max.dim=`) takes precedence over the general entry (`dim=`). If a remedy
is only a keyword (`dim= | axis=`), both keywords mean exactly the same. The call is then made with
minigrad's keyword and raises no error. docs/coming_from.md shows the entries that people need most.
"""

import sys
from functools import cache, partial, wraps
from importlib import import_module
from inspect import signature
from typing import Any

from ..errors import UnknownImportError, UnknownNameError, UnsupportedError


@cache
def _remedies() -> dict[str, str]:
    from pathlib import Path

    text = Path(__file__).with_suffix(".txt").read_text("utf-8")
    return {
        name: remedy
        for line in text.replace("\n  ", " ").splitlines()
        for names, remedy in [line.split(" | ")]
        for name in names.split()
    }


def hint(name: str) -> str:
    """Return the remedy for a name from another framework, or an empty string."""
    return _remedies().get(name, "")


# ---- names ----


def unknown_name(name: str, owner: Any, *_value: Any) -> Any:
    """Raise UnknownNameError MG119 for a name that an object or a module lacks."""
    cause = "this is a name from another framework"
    remedy = hint(name)
    if not remedy and (own := hint(f"{type(owner).__name__}.{name}=") or hint(f"{name}=")):
        remedy = f"use {own[:-1]}" if own.endswith("=") else own
    if not remedy:
        from difflib import get_close_matches

        close = " or ".join(get_close_matches(name, getattr(owner, "__all__", dir(owner))))
        cause = "the name is misspelled, or minigrad has no such name"
        remedy = f"did you mean {close}?" if close else "call dir() to list the available names"
    what = f"{getattr(owner, '__name__', type(owner).__name__)} has no {name}"
    raise UnknownNameError("MG119", what, cause=cause, remedy=remedy)


def answer_names(cls: type, names: Any) -> None:
    """Make these attributes of a class raise MG119.

    With a `__getattr__` method instead, Python 3.11 would read all attributes more slowly.
    """
    for name in names:
        answer = partial(unknown_name, name)
        setattr(cls, name, property(answer, answer))


def answer_attribute(owner: Any, name: str) -> Any:
    """Implement `__getattr__` for a class or module: raise MG119 for any name that it lacks."""
    if name.startswith("_") or hasattr(type(owner), name):
        return object.__getattribute__(owner, name)  # raises the original error again
    return unknown_name(name, owner)


def answer_import(package: str, name: str) -> Any:
    """Implement `__getattr__` for a package: import a module, or raise MG119 or MG133."""
    from importlib.util import find_spec

    if find_spec(f"{package}.{name}"):
        return import_module(f"{package}.{name}")
    try:
        return answer_attribute(sys.modules[package], name)
    except UnknownNameError as error:
        # the function in Python that runs `from package import name`
        if sys._getframe(2).f_code.co_name != "_handle_fromlist":
            raise
        raise UnknownImportError(
            "MG133", error.what, cause=error.cause, remedy=error.remedy
        ) from None


def check_assignment(owner: Any, name: str) -> None:
    """Raise MG119 if an attribute that `owner` lacks is assigned outside the methods of its class.

    The attribute would have no effect, because it is misspelled or another framework's.
    """
    if hasattr(owner, name):
        return
    frame = sys._getframe(1)
    while frame.f_code.co_name == "__setattr__" and frame.f_back:
        frame = frame.f_back
    defined_in = frame.f_code.co_qualname.split(".")[-2:-1]
    if defined_in and defined_in[0] in [cls.__name__ for cls in type(owner).__mro__]:
        return
    unknown_name(name, owner)


# ---- calls ----


def answer_calls(owner: Any, names: Any) -> None:
    """Replace these functions of a class or module with the wrappers that `answering` returns."""
    for name in names:
        function = answering(getattr(owner, name))
        function.__module__ = getattr(owner, "__module__", owner.__name__)  # pickle looks here
        setattr(owner, name, function)


def _arguments(function: Any, owner: Any) -> list[str]:
    """Return the names of a function's arguments, or of a class's, with the options that its
    constructor passes on to the classes it inherits from.
    """
    names = ["self"]
    chain = (
        [vars(cls)["__init__"] for cls in owner.__mro__ if "__init__" in vars(cls)] if owner else []
    )
    for each in chain or [function]:
        takes = signature(each).parameters.values()
        options = [one.name for one in takes if one.kind is one.VAR_KEYWORD]
        names += [
            one.name
            for one in takes
            if one.name not in names + options
            and (each in (chain[:1] or [function]) or one.default is not one.empty)
        ]
        if not options:
            break
    return names[1:]


@cache
def answering(function: Any) -> Any:
    """Wrap a function so that it translates or explains keywords from other frameworks.

    A keyword with an exact equivalent is renamed. Any other call with invalid arguments raises
    MG129.
    """

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError as error:
            # a subclass may have inherited __init__
            owner = type(args[0]) if args and function.__name__ == "__init__" else None
            if not (options := check_call(function, options, error, owner)):
                raise
        return call(*args, **options)

    return call


def check_call(function: Any, options: Any, error: TypeError, owner: Any = None) -> Any:
    """Return the options with the function's own keywords, if only the names differ. For a
    constructor, `owner` is the class, which may have inherited the function.

    Otherwise raise UnsupportedError MG129. Return None if the error came from inside the function.
    """
    if error.__traceback__.tb_next:  # type: ignore[union-attr]
        return None
    name = owner.__name__ if owner else function.__qualname__.split(".")[-1]
    takes = signature(function).parameters
    unknown = {
        key: hint(f"{name}.{key}=") or hint(f"{key}=") for key in options if key not in takes
    }
    renamed = {unknown.get(key, f"{key}=")[:-1]: value for key, value in options.items()}
    if unknown and len(takes.keys() & renamed) == len(options):
        return renamed
    raise UnsupportedError(
        "MG129",
        f"{name} {str(error).partition('() ')[2]}",
        cause=f"the signature is {name}({', '.join(_arguments(function, owner))})",
        remedy="; ".join(f"for {key}=: {text}" for key, text in unknown.items() if text)
        or hint(f"{name}()")
        or "pass the arguments it accepts",
    ) from None
