"""Check docs/design.md: the place of each file, which module may import which, and the modules that
`import minigrad` loads.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("minigrad", "layers", "optim")
FILES = sorted(
    p
    for package in PACKAGES
    for p in (ROOT / package).rglob("*.py")
    if not {"node_modules", "lessons"} & {*p.parts}
)

DESIGN = (ROOT / "docs" / "design.md").read_text()

# Read off the page, so that page and test cannot differ: the engine, lowest first; each may import
# those before it.
(_ARROWS,) = re.findall(r"^    (gates -> .*?)\n\n", DESIGN, re.S | re.M)
ENGINE = tuple(f"minigrad.{name}" for name in reversed(re.findall(r"\w+", _ARROWS)))
# under everything
BASE = ("minigrad.errors", "minigrad.support")
# over everything
ROOF = ("minigrad.course", "minigrad.__main__", "minigrad.layers", "minigrad.optim")
(_ROOMS,) = re.findall(r"other\. (.*?) build on the engine", DESIGN.replace("\n", " "))
SIDE_ROOMS = tuple(f"minigrad.{name}" for name in re.findall(r"\w+", _ROOMS) if name != "and")


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(nodes, path):
    """The names that these nodes of a file import, relative imports resolved.

    `from a import b` yields both a and a.b, for b may be a module.
    """
    package = module_name(path.parent / "__init__.py")
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


def imports(path):
    """All of a file's imports. Those inside functions and for annotations count too: a reader
    follows them all the same.
    """
    return imported(ast.walk(ast.parse(path.read_text())), path)


def under(name, *modules):
    return any(name == module or name.startswith(module + ".") for module in modules)


def forbidden(module):
    """Return the modules that `module` may not import, by the arrows of docs/design.md."""
    if under(module, *ROOF):
        return ("examples", "tests")
    if under(module, "layers"):
        return ("optim", "examples", "tests", *ROOF)
    if under(module, "optim"):
        return ("layers", "examples", "tests", *ROOF)
    banned: tuple[str, ...] = ("layers", "optim", "examples", "tests", *ROOF)
    if module == "minigrad":  # tells type checkers of the two longer names
        banned = tuple(name for name in banned if name not in ("minigrad.layers", "minigrad.optim"))
    if under(module, *ENGINE):
        place = next(i for i, name in enumerate(ENGINE) if under(module, name))
        banned += SIDE_ROOMS + ENGINE[place + 1 :]
    if under(module, "minigrad.data"):
        # Reviews are arrays; reading them needs no Tensor.
        banned += tuple(name for name in ENGINE if name != "minigrad.help")
    if under(module, *BASE):
        banned += ENGINE + SIDE_ROOMS
    return banned


def test_the_page_has_a_place_for_every_file():
    modules = {module_name(path) for path in FILES} - set(PACKAGES)
    places = (*ENGINE, *BASE, *SIDE_ROOMS, *ROOF)
    assert {module for module in modules if not under(module, *places, "layers", "optim")} == set()
    assert set(places) <= modules, "places without a file"
    drawn = set(re.findall(r"^  (\w+)(?:\.py|/) ", DESIGN, re.M))  # in the picture of the house
    assert drawn == {name.partition(".")[2] for name in places}


def test_the_tests_mirror_the_tree():
    for path in FILES:
        place = path.relative_to(ROOT)
        # in a file of its name, or in one of the name of a room that it is in
        rooms = [folder for folder in place.parents if len(folder.parts) > 1]
        files = [ROOT / "tests" / one.parent / f"test_{one.stem}.py" for one in (place, *rooms)]
        assert place.name == "__init__.py" or any(file.is_file() for file in files), place


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_arrows_run_down_only(path):
    banned = forbidden(module_name(path))
    assert {name for name in imports(path) if under(name, *banned)} == set()


def test_optional_libraries_are_imported_where_they_are_used():
    # At module level only the core dependencies, so that a missing extra is met by the function
    # that needs it, with an error that names the extra. The engine itself stands on NumPy alone.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = {re.split(r"[^\w-]", requirement)[0] for requirement in project["dependencies"]}
    for path in FILES:
        libraries = {"numpy"} if under(module_name(path), *ENGINE, *BASE) else core
        names = imported(ast.parse(path.read_text()).body, path)
        known = {*libraries, *PACKAGES, *sys.stdlib_module_names}
        assert {name.partition(".")[0] for name in names} <= known, path


def test_no_modules_import_each_other_in_a_circle():
    modules = {module_name(path): path for path in FILES if path.name != "__init__.py"}
    needs = {module: imports(path) & modules.keys() for module, path in modules.items()}
    list(TopologicalSorter(needs).static_order())  # a CycleError names the circle


def loaded_by(statement):
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    return set(json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT)))


def test_import_minigrad_loads_numpy_and_nothing_else():
    # Counts modules; what the import costs in time is measured by `make bench`. NumPy loads parts
    # of itself on demand, some of them slow (numpy.random): of those only the names for annotations
    # are wanted.
    more = loaded_by("import minigrad") - loaded_by("import numpy")
    known = ("minigrad", "numpy.typing", "numpy._typing", *sys.stdlib_module_names)
    assert {name for name in more if not under(name, *known)} == set()
    assert {name for name in more if under(name, *SIDE_ROOMS)} == set()
