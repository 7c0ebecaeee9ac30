"""The warning about a user's module called `layers` or `optim` that hides minigrad's package.

`take_over` makes the packages available as `minigrad.layers` and `minigrad.optim`, which cannot be
hidden.
"""

import os
import sys
import warnings
from importlib import import_module
from importlib.machinery import PathFinder

from ..errors import MinigradError

HOME = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def _hidden_by(name: str) -> str | None:
    """Return the user's file that `import name` loads instead of minigrad's package, or None."""
    found = sys.modules.get(name) or PathFinder.find_spec(name)
    place = getattr(found, "__file__", None) or getattr(found, "origin", None)
    ours = os.path.realpath(os.path.join(HOME, name))
    return place if place and os.path.dirname(os.path.realpath(place)) != ours else None


def warn() -> None:
    """Warn (MG134) if a user's module hides `layers` or `optim`, without importing the module."""
    for name in ("layers", "optim"):
        if place := _hidden_by(name):
            text = MinigradError(
                "MG134",
                f"{place} hides minigrad's {name}",
                cause="Python imports the first module with this name, and searches the script's "
                "folder first",
                remedy=f"import minigrad's module with `from minigrad.{name} import ...`, or "
                f"rename your module, for example to my_{name}.py",
            )
            warnings.warn(str(text), stacklevel=3)


def take_over(alias: str) -> None:
    """Make a package available under an alias, such as `layers` under `minigrad.layers`.

    If a user's module hides the package, load minigrad's package under the alias.
    """
    name = alias.rpartition(".")[2]
    if not _hidden_by(name):
        import_module(name)
        for path in list(sys.modules):
            if path == name or path.startswith(f"{name}."):
                sys.modules[f"minigrad.{path}"] = sys.modules[path]
        return
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(alias, os.path.join(HOME, name, "__init__.py"))
    assert spec is not None and spec.loader is not None
    sys.modules[alias] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[alias])
