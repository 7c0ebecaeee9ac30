"""Parse the docstrings of public names, add their shared parts, and convert them to Markdown.

The paragraphs of a docstring explain what a name computes, with its formula and shapes. Four parts
have a marker: `>>> ` for an example, "Errors: ", "Source: " and "Since: ", which is the version in
which the name first appeared. Parts that many names share are written only once: in the docstring
of the gate that a function records, in a base class, or in the module. A module's docstring may
also contain "Shapes: ". The reference shows the shared parts in each entry.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import minigrad as mg  # noqa: E402
from minigrad.numpy_api import ArrayMethods  # noqa: E402

PACKAGES = ("minigrad", "layers", "optim")
MODULES = ("minigrad", "minigrad.data", "minigrad.errors", "layers", "layers.init", "optim")
LABEL = re.compile(r"(?:^|(?<=[.;]\s))(Errors|Shapes|Since|Source)s?:\s")


@cache
def public_names() -> dict[str, Any]:
    """Return {public name: object}, with names such as "minigrad.Tensor" and "layers.init.ones"."""
    names: dict[str, Any] = {"minigrad.GATES": mg.GATES}
    for path in MODULES:
        module = importlib.import_module(path)
        own = [
            name
            for name, one in vars(module).items()
            if getattr(one, "__module__", "") == path and name[0] != "_"
        ]
        if path == "minigrad.errors":  # this module also defines helpers
            own = [name for name in own if name.endswith("Error") and name != "MinigradError"]
        names.update(
            (f"{path}.{name}", getattr(module, name)) for name in getattr(module, "__all__", own)
        )
    return {name: one for name, one in names.items() if name not in MODULES}


def lookup(path: str) -> Any:
    """Return the object at a dotted path, such as "layers.init.zeros"."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@dataclass
class Docstring:
    """A parsed docstring: its text blocks and examples in order, and {label: text} for its labelled
    parts.
    """

    blocks: list[str] = field(default_factory=list)
    labelled: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text without examples."""
        return "\n\n".join(block for block in self.blocks if not block.startswith(">>>"))

    @property
    def example(self) -> str:
        """The text of all examples."""
        return "\n\n".join(block for block in self.blocks if block.startswith(">>>"))

    @property
    def summary(self) -> str:
        """The first sentence."""
        return re.split(r"(?<=[.])\s", self.blocks[0])[0]


def parse(doc: str) -> Docstring:
    r"""Parse a docstring.

    >>> parts = parse("z = 2x. Any shape.\n\n>>> 1\n1\n\nErrors: as Gate. Source: Euclid,\nElements.")
    >>> parts.summary, parts.example, parts.labelled
    ('z = 2x.', '>>> 1\n1', {'Errors': 'as Gate.', 'Source': 'Euclid, Elements.'})
    """
    result = Docstring()
    label = ""
    for block in doc.split("\n\n"):
        if block.startswith(("- ", "    ")) and result.labelled.get(label, "").endswith(":"):
            result.labelled[label] += f"\n\n{block}"
        elif block.startswith((">>>", "- ", "    ")):
            result.blocks.append(block)
        else:
            before, *pairs = LABEL.split(block)
            result.blocks += [before.strip()] if before.strip() else []
            for label, content in zip(pairs[::2], pairs[1::2], strict=True):
                result.labelled[label] = " ".join(content.split())
    return result


def gate_of(function: Any) -> str | None:
    """Return the name of the gate that a function records, or None. If the function is not a gate
    itself, this is the first gate that its docstring names.
    """
    if isinstance(function, mg.Gate):
        return function.name
    if not inspect.isfunction(function) or not inspect.unwrap(function).__module__.startswith(
        "minigrad.gates."
    ):
        return None
    return next(
        (word for word in re.findall(r"\w+", function.__doc__ or "") if word in mg.GATES), None
    )


def recorded_by(method: Any) -> str | None:
    """Return the name of the gate that a Tensor method records."""
    return "Transpose" if isinstance(method, property) else gate_of(inspect.unwrap(method))


def describe(one: Any) -> Docstring:
    """Return the parsed docstring of an object, with its shared parts.

    If a class has no example, it gets the example of a subclass or of a function that returns it.
    """
    own = parse(_comment_on_gates() if one is mg.GATES else inspect.getdoc(one) or "")
    if gate := gate_of(one):
        shared = describe(mg.GATES[gate])
        if not own.example:  # this docstring only supplements the gate's docstring
            opening = r"^`[^`]*`(: see the class for the formula)?[.:;]?\s*"
            added = re.sub(opening, "", own.blocks[0])
            own.blocks = [
                *shared.blocks,
                *filter(None, [added[:1].upper() + added[1:], *own.blocks[1:]]),
            ]
        own.labelled = {**shared.labelled, **own.labelled}
        both = own.labelled["Errors"].replace(
            "as for the class", shared.labelled["Errors"].rstrip(".")
        )
        own.labelled["Errors"] = both
        return own
    name = getattr(one, "__name__", "GATES")
    for family in _families(one):
        shared = parse(inspect.getdoc(family) or "")
        own.labelled = {**shared.labelled, **own.labelled}
        if (
            not own.example
            and inspect.ismodule(family)
            and re.search(rf"\b{name}\b", shared.example)
        ):
            own.blocks.append(shared.example)
    if not own.example and inspect.isclass(one):
        makers = (
            (maker, parse(inspect.getdoc(maker) or ""))
            for maker in public_names().values()
            if _makes(maker, one)
        )
        for maker, shared in [(maker, shared) for maker, shared in makers if shared.example][:1]:
            own.blocks += [f"As in `{maker.__name__}`:", shared.example]
    return own


def _makes(maker: Any, cls: type) -> bool:
    """Return whether `maker` is a subclass of the class, or a function that returns it."""
    if inspect.isclass(maker):
        return maker is not cls and issubclass(maker, cls)
    returned = maker.__annotations__.get("return") if inspect.isfunction(maker) else None
    return returned is cls or re.match(rf"{cls.__name__}\b", str(returned)) is not None


def _comment_on_gates() -> str:
    """Return the docstring of GATES, which is the string below its definition."""
    (found,) = re.findall(
        r'^GATES.*\n"""(.*?)"""', inspect.getsource(sys.modules["minigrad.gate"]), re.M | re.S
    )
    return str(found)


def _families(one: Any) -> Iterator[Any]:
    """Yield the objects whose docstrings may contain shared parts for this object: its private base
    classes, its module, its public base classes, and the enclosing packages.
    """
    bases = [
        base
        for base in getattr(one, "__mro__", [])[1:]
        if base.__module__.split(".")[0] in PACKAGES
    ]
    yield from (base for base in bases if base.__name__.startswith("_"))
    module = "minigrad.gate" if one is mg.GATES else inspect.unwrap(one).__module__
    if "." in module:
        yield sys.modules[module]
    yield from bases
    while "." in (module := module.rpartition(".")[0]):
        yield sys.modules[module]


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class, including those that it inherits from a
    base class without an entry.

    Members without a docstring are left out, except for NumPy's methods. No members are listed for
    gates, because they only have the members of Gate.
    """
    if issubclass(cls, mg.Gate) and cls is not mg.Gate:
        return
    seen = set()
    for base in cls.__mro__:
        if base.__module__.split(".")[0] not in PACKAGES or (
            base is not cls and base in list(public_names().values())
        ):
            continue
        for name, value in vars(base).items():
            function = inspect.unwrap(
                getattr(value, "fget", None) or getattr(value, "__func__", value)
            )
            if name[0] == "_" or name in seen or not inspect.isfunction(function):
                continue
            if function.__qualname__ == f"{base.__name__}.{name}" and (
                function.__doc__ or base is ArrayMethods
            ):
                seen.add(name)
                yield name, value


def signature(one: Any) -> str:
    """Return the arguments with their defaults, without types. Return "" for exceptions, because
    users do not create them.
    """
    if not callable(one) or (inspect.isclass(one) and issubclass(one, Exception)):
        return ""
    found: list[str] = []
    for parameter in inspect.signature(
        one.forward if isinstance(one, mg.Gate) else one
    ).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not any(shown[0] == "*" for shown in found):
            found.append("*")
        star = (
            "**"
            if parameter.kind is parameter.VAR_KEYWORD
            else "*" * (parameter.kind is parameter.VAR_POSITIONAL)
        )
        value = parameter.default
        found.append(
            star + parameter.name + ("" if value is parameter.empty else f"={_default(value)}")
        )
    return f"({', '.join(one for one in found if one not in ('self', 'cls'))})"


def _default(value: Any) -> str:
    if isinstance(value, mg.Gate):
        return f"mg.{value.name.lower()}"
    return (
        getattr(value, "__qualname__", "...").partition(".")[0] if callable(value) else repr(value)
    )


@cache
def error_titles() -> dict[str, str]:
    """Return {code: title} from docs/errors.md."""
    return dict(
        re.findall(r"^### (MG\d{3}) (.+)$", (ROOT / "docs" / "errors.md").read_text("utf-8"), re.M)
    )


def codes(error: type) -> list[str]:
    """Return the error codes of an exception class. A warning's docstring names its code."""
    warned = re.findall(r"MG\d{3}", error.__doc__ or "") if issubclass(error, Warning) else []
    return sorted({*_raised().get(error.__name__, ()), *warned})


@cache
def _raised() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        text = path.read_text("utf-8")
        for name, code in re.findall(r'(\w+Error)\(\s*"(MG\d{3})"', text):
            found.setdefault(name, set()).add(code)
        for name in re.findall(r"raise (\w+Error)\(code,", text):  # from a table of codes
            found.setdefault(name, set()).update(re.findall(r'"(MG\d{3})": \(', text))
    return found


def link_to_error(code: str, page: str = "../errors.md") -> str:
    """Return a link to an error code's section in docs/errors.md."""
    return f"[{code}]({page}#{slug(f'{code} {error_titles()[code]}')})"


def slug(title: str) -> str:
    """Return the anchor of a heading.

    >>> slug("MG101 Shapes that `a @ b` cannot multiply")
    'mg101-shapes-that-a--b-cannot-multiply'
    """
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def link_to_name(text: str, entry: str) -> str | None:
    """Return a link for the text in backticks in an entry, or None if it is not a public name.

    A word in lower case is a method of the entry or a name in the entry's module. If an argument of
    the entry has the same name, the word gets no link.
    """
    module = entry.rpartition(".")[0]
    name = re.sub(r"^mg[.]", "minigrad.", text.removesuffix("()"))
    owner, _, member = name.rpartition(".")
    known = public_names()
    its_own = (
        dir(mg.MinigradError("", ""))
        if entry == "minigrad.MinigradError"
        else signature(lookup(entry))
    )
    if not owner and name in re.findall(r"\w+", str(its_own)):
        return None
    places = [name, f"{module}.{name}", f"minigrad.{name}"]
    if name[:1].isupper():
        places += [one for one in known if one.endswith(f".{owner or name}")]
    found = next((place for place in places if place in known), None)
    if owner and found and found.endswith(f".{owner}"):
        found = found + f".{member}" if member in dict(members(lookup(found))) else None
    elif (
        not found
        and not owner
        and inspect.isclass(lookup(entry))
        and name in dict(members(lookup(entry)))
    ):
        found = f"{entry}.{name}"
    return f"{{py:obj}}`{text} <{found}>`" if found and found != entry else None


def markdown(doc: str, entry: str = "", names: bool = False) -> str:
    """Convert a docstring to Markdown. Examples become code blocks, and asterisks and angle
    brackets are escaped.

    In a reference entry, names in backticks, error codes and exception classes become links. If
    `names` is true, all class names become links.
    """

    def replace(hit: re.Match[str]) -> str:
        code, special, word = hit.groups()
        if special:
            return f"\\{special}"
        if not entry:
            return hit[0]
        if code:
            return link_to_name(code, entry) or hit[0]
        if word in error_titles():
            return link_to_error(word)
        linked = link_to_name(word, entry) if names or word.endswith(("Error", "Warning")) else None
        return linked or hit[0]

    parts = []
    for paragraph in doc.split("\n\n"):
        if paragraph.startswith(">>>"):
            parts.append(f"```python\n{paragraph}\n```")
        elif paragraph.startswith("    "):
            parts.append(paragraph)
        else:
            paragraph = (
                paragraph
                if paragraph.startswith("- ") or not entry
                else " ".join(paragraph.split("\n"))
            )
            parts.append(re.sub(r"`([^`]*)`|([*<])|\b([A-Z]\w+)\b", replace, paragraph))
    return "\n\n".join(parts)
