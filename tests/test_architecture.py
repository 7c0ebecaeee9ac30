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
# the course, lowest first
(_COURSE,) = re.findall(r"^    (commands -> .*?)\n\n", DESIGN, re.S | re.M)
COURSE = tuple(
    f"minigrad.course.{name}" for name in reversed(re.findall(r"\w+", _COURSE))
)
# beside each other, on the engine
SIDE_ROOMS = tuple(
    f"minigrad.{name}"
    for name in (
        "gradient_checker",
        "debug",
        "drawing",
        "explorer",
        "tools",
        "checkpoint",
        "data",
    )
)


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
    if under(module, *COURSE):
        place = next(i for i, name in enumerate(COURSE) if under(module, name))
        return ("examples", "tests", "minigrad.__main__", *COURSE[place + 1 :])
    if under(module, *ROOF):
        return ("examples", "tests")
    if under(module, "layers"):
        return ("optim", "examples", "tests", *ROOF)
    if under(module, "optim"):
        return ("layers", "examples", "tests", *ROOF)
    banned: tuple[str, ...] = ("layers", "optim", "examples", "tests", *ROOF)
    if module == "minigrad":  # tells type checkers of the two longer names
        banned = tuple(
            name for name in banned if name not in ("minigrad.layers", "minigrad.optim")
        )
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
    assert {
        module for module in modules if not under(module, *places, "layers", "optim")
    } == set()
    assert set(places) <= modules, "places without a file"
    drawn = set(
        re.findall(r"^  (\w+)(?:\.py|/) ", DESIGN, re.M)
    )  # in the picture of the house
    assert drawn == {name.partition(".")[2] for name in places}


def test_the_tests_mirror_the_tree():
    for path in FILES:
        place = path.relative_to(ROOT)
        # in a file of its name, or in one of the name of a room that it is in
        rooms = [folder for folder in place.parents if len(folder.parts) > 1]
        files = [
            ROOT / "tests" / one.parent / f"test_{one.stem}.py"
            for one in (place, *rooms)
        ]
        assert place.name == "__init__.py" or any(file.is_file() for file in files), (
            place
        )


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_arrows_run_down_only(path):
    banned = forbidden(module_name(path))
    assert {name for name in imports(path) if under(name, *banned)} == set()


def test_every_file_of_the_course_is_in_a_room():
    course = {module_name(path) for path in FILES if "course" in path.parts}
    assert {one for one in course if not under(one, *COURSE)} == {"minigrad.course"}
    assert set(COURSE) <= course, "rooms without a file"


def test_lessons_import_only_checking():
    for path in sorted((ROOT / "minigrad" / "course" / "lessons").rglob("*.py")):
        of_course = {name for name in imports(path) if under(name, "minigrad.course")}
        checks = "minigrad.course.checking"
        assert {
            name
            for name in of_course
            if not under(name, checks, "minigrad.course.lessons")
        } <= {"minigrad.course"}, path


def test_optional_libraries_are_imported_where_they_are_used():
    # At module level only the core dependencies, so that a missing extra is met by the function
    # that needs it, with an error that names the extra. The engine itself stands on NumPy alone.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = {
        re.split(r"[^\w-]", requirement)[0] for requirement in project["dependencies"]
    }
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
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    return set(
        json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT))
    )


def test_import_minigrad_loads_numpy_and_nothing_else():
    # Counts modules; what the import costs in time is measured by `make bench`. NumPy loads parts
    # of itself on demand, some of them slow (numpy.random): of those only the names for annotations
    # are wanted.
    more = loaded_by("import minigrad") - loaded_by("import numpy")
    known = ("minigrad", "numpy.typing", "numpy._typing", *sys.stdlib_module_names)
    assert {name for name in more if not under(name, *known)} == set()
    assert {name for name in more if under(name, *SIDE_ROOMS)} == set()


CHECK = """
import contextlib, os
sys.path.insert(0, os.getcwd())
os.chdir({folder!r})
from minigrad.__main__ import main
with contextlib.redirect_stdout(sys.stderr):
    for words in ("start", "."), ("check", "1"), ("hint", "1"), ("answer",), ("list",):
        sys.argv = ["minigrad", "course", *words]
        main()
"""


def test_a_check_never_loads_the_classroom(tmp_path):
    rooms = "minigrad.course.checking", "minigrad.course.classroom"
    for code in (
        CHECK.format(folder=str(tmp_path)),
        "import minigrad.course.checking.child",
    ):
        modules = loaded_by(code)
        assert [any(under(name, room) for name in modules) for room in rooms] == [
            True,
            False,
        ], code
    assert not any(
        under(name, "minigrad.course") for name in loaded_by("import minigrad")
    )


OPERATORS = ROOT / "minigrad" / "gates" / "operators.py"


def foreign_assignments(path):
    """Return the lines of a file that change an attribute of a class or module that it imports.

    `Tensor.sum = ...` and `setattr(Tensor, name, ...)` count. Attributes of instances, such as
    `self.x`, do not.
    """
    tree = ast.parse(path.read_text())
    imported_names = {
        alias.asname or alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }

    def root(node):
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        return node.id if isinstance(node, ast.Name) else None

    lines = set()
    for node in ast.walk(tree):
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        for target in targets:
            for part in getattr(target, "elts", [target]):
                if isinstance(part, ast.Attribute) and root(part) in imported_names:
                    lines.add(part.lineno)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("setattr", "delattr")
            and root(node.args[0]) in imported_names
        ):
            lines.add(node.lineno)
    return sorted(lines)


def test_only_operators_change_a_class_that_another_file_defines(tmp_path):
    example = tmp_path / "example.py"
    example.write_text(
        "import a\nfrom b import C, d\nC.x = 1\na.b.c = 2\nsetattr(C, 'x', 1)\nd.e, f = 1, 2\n"
        "class E:\n    x = 1\nE.x = 2\nC.x: int = 1\n"
    )
    assert foreign_assignments(example) == [3, 4, 5, 6, 10]
    changed = {path for path in FILES if foreign_assignments(path)}
    # The process in which a learner's file runs gives up functions of the standard library.
    assert changed == {
        OPERATORS,
        ROOT / "minigrad" / "course" / "checking" / "child.py",
    }


def test_a_training_step_runs_the_files_that_the_page_lists():
    code = """
import json, os, sys
import numpy as np, minigrad as mg
from layers import Dense, Sequential
from optim import SGD
model = Sequential(Dense(3, 4), mg.tanh, Dense(4, 2))
optimizer = SGD(model.named_parameters(), lr=0.1)
files = {}
def watch(frame, event, argument):
    if event == "call":
        files.setdefault(os.path.relpath(frame.f_code.co_filename, os.getcwd()))
sys.setprofile(watch)
optimizer.zero_grad()
loss = mg.softmax_cross_entropy(model(np.ones((5, 3), "float32")), [0, 1, 0, 1, 0])
loss.backward()
optimizer.step()
sys.setprofile(None)
print(json.dumps([file for file in files if file.startswith(("minigrad", "layers", "optim"))]))
"""
    run = json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT))
    listed = re.findall(r"^\d+\. ([\w/]+\.py): ", DESIGN, re.M)
    assert run == listed and len(run) <= 15
    assert not any(file.startswith("minigrad/help/") for file in run)
