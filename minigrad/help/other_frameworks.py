"""Errors for what people type who come from PyTorch, NumPy, Keras or JAX: they tell what to write
here.

What to write for a name, a keyword (`dim=`) or a call (`Linear()`) comes from other_frameworks.txt,
which is read when the first of them is met. docs/coming_from.md shows the most used entries. The
functions called `answer_...` lead here.
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

    text = Path(__file__).with_suffix(".txt").read_text("utf-8").replace("\n  ", " ")
    entries = [line.split(" | ") for line in text.splitlines()]
    return {name: remedy for names, remedy in entries for name in names.split()}


def hint(name: str) -> str | None:
    """What to write for a name of another framework."""
    return _remedies().get(name)


# ---- names ----


def unknown_name(name: str, owner: Any, *_value: Any) -> Any:
    """Raise UnknownNameError MG119 for a name that an object or a module lacks."""
    cause, remedy = "this is a name from another framework", hint(name)
    if not remedy:
        from difflib import get_close_matches

        public = getattr(owner, "__all__", dir(owner))
        close = get_close_matches(name, public, 2, 0.7)
        cause = "nothing has that name here"
        remedy = (
            f"did you mean {' or '.join(close)}?"
            if close
            else "call dir() to list the available names"
        )
    title = getattr(owner, "__name__", type(owner).__name__)
    raise UnknownNameError("MG119", f"{title} has no {name}", cause=cause, remedy=remedy)


def answer_names(cls: type, names: Any) -> None:
    """Answer these names on a class. Python 3.11 would read every attribute slower if it had a
    `__getattr__`.
    """
    for name in names:
        answer = partial(unknown_name, name)
        setattr(cls, name, property(answer, answer))


def answer_attribute(owner: Any, name: str) -> Any:
    """Answer any name that an object lacks: for the `__getattr__` of a class."""
    if name.startswith("_") or hasattr(type(owner), name):
        return object.__getattribute__(owner, name)  # raises what Python or a property raised
    return unknown_name(name, owner)


def answer_import(package: str, name: str) -> Any:
    """Import a module of a package, or answer a name that it lacks: for the `__getattr__` of the
    package.
    """
    from importlib.util import find_spec

    if find_spec(f"{package}.{name}"):
        return import_module(f"{package}.{name}")
    try:
        return answer_attribute(sys.modules[package], name)
    except UnknownNameError as error:
        # Python's, for `from package import name`
        if sys._getframe(2).f_code.co_name != "_handle_fromlist":
            raise
        raise UnknownImportError(
            "MG133", error.what, cause=error.cause, remedy=error.remedy
        ) from None


# ---- calls ----


def answer_calls(owner: Any, names: Any) -> None:
    """Answer calls that do not fit, for these functions of a class or a module."""
    for name in names:
        function = answering(getattr(owner, name))
        function.__module__ = getattr(owner, "__module__", owner.__name__)  # where pickle finds it
        setattr(owner, name, function)


@cache
def answering(function: Any) -> Any:
    """Wrap a function so that calls that do not fit are answered."""

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError as error:
            check_call(function, options, error)
            raise

    return call


def check_call(function: Any, options: dict[str, Any], error: TypeError) -> None:
    """Raise UnsupportedError MG129 if a function raised this error because it does not take the
    arguments.
    """
    if not error.__traceback__.tb_next:  # type: ignore[union-attr]
        name = function.__qualname__.removesuffix(".__init__").split(".")[-1]
        takes = [parameter for parameter in signature(function).parameters if parameter != "self"]
        raise unfit_call(name, str(error).partition("() ")[2], takes, options) from None


def unfit_call(name: str, what: str, takes: Any, options: Any) -> UnsupportedError:
    """The error for a call with keywords that a function does not take, or with too many arguments
    or too few.
    """
    remedies = [
        f"for {key}=: {text}"
        for key in options
        if key not in takes and (text := hint(f"{name}.{key}=") or hint(f"{key}="))
    ]
    remedy = "; ".join(remedies) or hint(f"{name}()") or "pass the arguments it accepts"
    return UnsupportedError(
        "MG129",
        f"{name} {what}",
        cause=f"the signature is {name}({', '.join(takes)})",
        remedy=remedy,
    )
