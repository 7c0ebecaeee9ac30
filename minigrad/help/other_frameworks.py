"""Errors for names and keywords from PyTorch, NumPy, Keras and JAX, with the minigrad equivalents.

The remedies are in other_frameworks.txt, which is read when the first remedy is needed. Each entry
lists names, keywords (`dim=`) or calls (`Linear()`), followed by a bar and the remedy. An entry for
a keyword of one function (`max.dim=`) takes precedence over the general entry (`dim=`). If a remedy
is only a keyword (`dim= | axis=`), both keywords mean exactly the same. The call is then made with
minigrad's keyword and raises no error. docs/coming_from.md shows the entries that people need most.
"""

import sys
from collections.abc import Callable, Mapping
from functools import cache, partial, wraps
from importlib import import_module
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..errors import UnknownImportError, UnknownNameError, UnsupportedError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


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


def answer_attribute(owner: Any, name: str) -> Any:
    """Implement `__getattr__` for a class or module: raise MG119 for any name that it lacks."""
    if name.startswith("_") or hasattr(type(owner), name):
        return object.__getattribute__(owner, name)  # raises the original error again
    return unknown_name(name, owner)


class KnownNames:
    """Base class of objects that raise MG119 for any name that they lack."""

    if not TYPE_CHECKING:  # otherwise type checkers would accept any name

        def __getattr__(self, name: str) -> Any:
            return answer_attribute(self, name)


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

    The attribute would have no effect, because its name is misspelled or from another framework.
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


class ForeignNames:
    """Names that PyTorch's tensors or NumPy's arrays have, but Tensors do not. Each raises MG119.

    They are listed one by one, because a `__getattr__` method would slow down every attribute
    access in Python 3.11.
    """

    __slots__ = ()
    for _name in (
        "H add add_ addmm all allclose amax amin any argmin argsort assign assign_sub at bfloat16 "
        "bmm bool broadcast_to ceil chunk clamp clamp_ clamp_max clamp_min clone contiguous copy "
        "copy_ cosh cross_entropy cuda cumprod data_ptr det detach_ device diag diagonal diff div "
        "div_ dot double dropout element_size eq equal erf exp_ expand expand_as expm1 fill fill_ "
        "flat flatten flip floor gather ge gelu get_device grad_fn gt half hardtanh index_add "
        "index_select int inverse is_contiguous is_cuda is_leaf is_sparse isfinite isnan layout "
        "le leaky_relu lerp log10 log1p log2 logit long lt mT masked_fill masked_fill_ "
        "masked_select matmul median mm moveaxis movedim mul mul_ mv narrow nbytes ndimension ne "
        "neg nelement new_ones new_zeros nonzero norm normal_ outer pin_memory pow prod "
        "ptp quantile ravel reciprocal register_hook relu_ repeat repeat_interleave "
        "requires_grad_ retain_grad roll round rsqrt scatter scatter_add select sigmoid_ sign "
        "silu sinh softplus sort split sqrt_ squeeze_ stack storage stride sub sub_ svd swapdims "
        "take take_along_axis tan tanh_ tensor_split tile to topk trace tril triu trunc type "
        "type_as unbind unflatten unfold uniform_ unique unsqueeze unsqueeze_ view_as where zero_ zero_grad"
    ).split():
        locals()[_name] = property(partial(unknown_name, _name), partial(unknown_name, _name))
    del _name


# ---- arguments ----


# A training step calls functions that take keywords from other frameworks as `**others`. If there
# are any, they call themselves again: `if others: return call_renamed(function, **locals())`. A
# call without such keywords is not slowed down, and its traceback has no frame of this file.
# Constructors and functions that are called once per program are decorated: `@answering`.


@cache
def _parameters(function: Any) -> Mapping[str, Parameter]:
    return signature(function).parameters


def _arguments(function: Any, owner: type | None) -> list[str]:
    """Return the names of a function's arguments. For a class, return those of its constructor,
    with the options that it passes on to the classes it inherits from.
    """
    functions = [function]
    if owner:
        functions = [vars(cls)["__init__"] for cls in owner.__mro__ if "__init__" in vars(cls)]
    names: list[str] = []
    for each in functions:
        passes_on = False
        for name, parameter in _parameters(each).items():
            if parameter.kind is Parameter.VAR_KEYWORD:
                passes_on = True
            # a subclass's constructor supplies the required arguments of an inherited constructor
            elif each is functions[0] or parameter.default is not Parameter.empty:
                names.append(name)
        if not passes_on:
            break
    return [name for name in dict.fromkeys(names) if name != "self"]


def own_keywords(
    function: Any, options: dict[str, Any], owner: type | None = None, problem: str = ""
) -> dict[str, Any]:
    """Return `options` under the names that the function accepts.

    A keyword with an exact equivalent is renamed. Any other keyword that the function does not
    accept raises UnsupportedError MG129, and so does any other `problem` with the arguments.
    For a constructor, `owner` is the class, which may have inherited the function.
    """
    parameters = _parameters(function)
    names = [name for name in parameters if name != "others"]
    accepts_any = any(parameters[name].kind is Parameter.VAR_KEYWORD for name in names)
    unknown = [] if accepts_any else [key for key in options if key not in names]
    if not unknown and not problem:
        return options
    called = owner.__name__ if owner else function.__qualname__.removesuffix(".__init__")
    name = called.split(".")[-1]
    remedies = {key: hint(f"{name}.{key}=") or hint(f"{key}=") for key in unknown}
    renamed = {remedies.get(key, f"{key}=")[:-1]: value for key, value in options.items()}
    if unknown and len(renamed.keys() & names) == len(options):
        return renamed
    raise UnsupportedError(
        "MG129",
        f"{name} " + (problem or f"got an unexpected keyword argument {unknown[0]!r}"),
        cause=f"the signature is {name}({', '.join(_arguments(function, owner))})",
        remedy="; ".join(f"for {key}=: {text}" for key, text in remedies.items() if text)
        or hint(f"{name}()")
        or "pass the arguments it accepts",
    )


def call_renamed(function: Callable[..., T], /, *, others: dict[str, Any], **arguments: Any) -> T:
    """Call the function again with keywords from other frameworks renamed, or raise MG129.

    `arguments` are the local variables of the function at its beginning.
    """
    # an argument that has its default value was probably not passed
    passed = {
        name: arguments[name]
        for name, parameter in _parameters(function).items()
        if name in arguments and arguments[name] is not parameter.default
    }
    return function(**own_keywords(function, passed | others))


def answering(function: F) -> F:
    """Decorate a function to rename or explain arguments from other frameworks.

    Unlike `call_renamed`, it also answers calls in which required arguments are missing.
    """

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError as error:
            if error.__traceback__.tb_next:  # type: ignore[union-attr]  # not from this call
                raise
            # a subclass may have inherited __init__
            owner = type(args[0]) if args and function.__name__ == "__init__" else None
            problem = str(error).partition("() ")[2]
            options = own_keywords(function, options, owner, problem)
        return call(*args, **options)

    return cast(F, call)
