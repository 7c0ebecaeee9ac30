"""A module of the user's that is called `layers` or `optim`: the warning, and the names that it cannot hide."""

import os
import sys
import warnings
from importlib import import_module, util

from ..errors import MinigradError

HOME = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def warn() -> None:
    """Warn (MG134) if `layers` or `optim` is a module of the user's, or will be: nothing is imported to find out."""
    for name in ("layers", "optim"):
        first = sys.path[0] if sys.path else ""  # the folder of the script, or the current one
        places = [os.path.join(first, name + ".py"), os.path.join(first, name, "__init__.py")]
        if name in sys.modules:
            places = [getattr(sys.modules[name], "__file__", None) or name]
        for place in filter(os.path.exists, places):
            if not _is_ours(name, place):
                text = MinigradError(
                    "MG134",
                    f"{place} hides minigrad's {name}",
                    cause="Python takes the first module of a name that it finds, and looks beside the script first",
                    remedy=f"write `from minigrad.{name} import ...` for minigrad's, or rename yours: my_{name}.py",
                )
                warnings.warn(str(text), stacklevel=3)


def take_over(alias: str) -> None:
    """Make `minigrad.layers` the module `layers`; if the user's own hides it, load minigrad's under that name."""
    name = alias.rpartition(".")[2]
    found = sys.modules.get(name) or util.find_spec(name)
    place = getattr(found, "origin", None) or getattr(found, "__file__", None)
    if _is_ours(name, place or ""):
        module = import_module(name)
        ours = {path: part for path, part in sys.modules.items() if path.startswith(f"{name}.")}
        sys.modules.update({f"minigrad.{path}": part for path, part in ours.items()}, **{alias: module})
        return
    spec = util.spec_from_file_location(alias, os.path.join(HOME, name, "__init__.py"))
    assert spec is not None and spec.loader is not None
    sys.modules[alias] = util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[alias])


def _is_ours(name: str, place: str) -> bool:
    return os.path.dirname(os.path.realpath(place)) == os.path.realpath(os.path.join(HOME, name))
