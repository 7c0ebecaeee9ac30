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

import numpy as np
import pytest

import minigrad as mg
from layers import Dense, Sequential
from optim import SGD

ROOT = Path(__file__).resolve().parents[1]
DESIGN = (ROOT / "docs" / "design.md").read_text()
PACKAGES = ("minigrad", "layers", "optim")
FILES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if not {"node_modules", "lessons", "milestones"} & {*path.relative_to(ROOT).parts}
)


def row(first, package):
    """The modules of a row of arrows on the page, lowest first. Each may import those before it."""
    (arrows,) = re.findall(rf"^    ({first} -> .*)\n", DESIGN, re.M)
    return tuple(f"{package}.{name}" for name in reversed(arrows.split(" -> ")))


ENGINE = row("gates", "minigrad")
COURSE = row("commands", "minigrad.course")
BASE = ("minigrad.errors", "minigrad.support")
ROOF = ("minigrad.course", "minigrad.__main__", "minigrad.layers", "minigrad.optim")
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

    `from a import b` yields both a and a.b, because b may be a module.
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
    """All of a file's imports, including those inside functions and for annotations."""
    return imported(ast.walk(ast.parse(path.read_text())), path)


def under(name, *modules):
    return any(name == module or name.startswith(module + ".") for module in modules)


def select(names, *modules):
    return {name for name in names if under(name, *modules)}


def after(module, modules):
    """Those of the modules that come after the one that contains `module`."""
    places = [i for i, name in enumerate(modules) if under(module, name)]
    return modules[places[0] + 1 :] if places else ()


def forbidden(module):
    """Return the modules that `module` may not import, by the arrows of docs/design.md."""
    if under(module, *COURSE):
        return ("examples", "tests", "minigrad.__main__", *after(module, COURSE))
    if under(module, *ROOF):
        return ("examples", "tests")
    banned = {"layers", "optim", "examples", "tests", *ROOF}
    if under(module, "layers", "optim"):
        return banned - {module.partition(".")[0]}
    if module == "minigrad":  # tells type checkers about the two longer names
        return banned - {"minigrad.layers", "minigrad.optim"}
    if under(module, *ENGINE):
        banned |= {*SIDE_ROOMS, *after(module, ENGINE)}
    if under(module, "minigrad.data"):
        banned |= {*ENGINE} - {"minigrad.help"}  # reviews are arrays
    if under(module, *BASE):
        banned |= {*ENGINE, *SIDE_ROOMS}
    return banned


def test_design_has_a_place_for_every_file():
    modules = {module_name(path) for path in FILES} - {*PACKAGES}
    places = {*ENGINE, *BASE, *SIDE_ROOMS, *ROOF}
    assert modules - select(modules, *places, "layers", "optim") == set()
    assert places <= modules
    drawn = re.findall(r"^  (\w+)(?:\.py|/) ", DESIGN, re.M)
    assert {f"minigrad.{name}" for name in drawn} == places
    course = {name for name in modules if under(name, "minigrad.course")}
    assert course - select(course, *COURSE) == {"minigrad.course"}
    assert {*COURSE} <= course


def test_tests_mirror_the_tree():
    for path in FILES:
        place = path.relative_to(ROOT)
        # in a file with its name, or with the name of a package that it is in
        names = [place, *(folder for folder in place.parents if len(folder.parts) > 1)]
        files = [ROOT / "tests" / one.parent / f"test_{one.stem}.py" for one in names]
        if place.name != "__init__.py":
            assert any(file.is_file() for file in files), place


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_run_down_only(path):
    assert select(imports(path), *forbidden(module_name(path))) == set()


def test_lessons_import_only_checking():
    rooms = [f"minigrad.course.{name}" for name in ("checking", "lessons", "milestones")]
    for number, folder in enumerate(("lessons", "milestones"), 2):
        for path in (ROOT / "minigrad/course" / folder).rglob("*.py"):
            names = select(imports(path), "minigrad.course")
            assert names - select(names, *rooms[:number]) <= {"minigrad.course"}, path


def test_optional_libraries_are_imported_where_they_are_used():
    """A missing extra then raises an error that names the extra. The engine needs only NumPy."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = {re.split(r"[^\w-]", one)[0] for one in project["dependencies"]}
    for path in FILES:
        libraries = {"numpy"} if under(module_name(path), *ENGINE, *BASE) else core
        names = imported(ast.parse(path.read_text()).body, path)
        known = {*libraries, *PACKAGES, *sys.stdlib_module_names}
        assert {name.partition(".")[0] for name in names} <= known, path


def test_no_circular_imports():
    modules = {module_name(path): path for path in FILES if path.name != "__init__.py"}
    needs = {module: imports(path) & modules.keys() for module, path in modules.items()}
    list(TopologicalSorter(needs).static_order())  # a CycleError names the circle


def loaded_by(statement):
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT)
    return set(json.loads(printed))


def test_import_minigrad_loads_only_numpy():
    """NumPy loads parts of itself on demand, such as the slow numpy.random. Only the names for
    annotations are allowed.
    """
    more = loaded_by("import minigrad") - loaded_by("import numpy")
    known = ("minigrad", "numpy.typing", "numpy._typing", *sys.stdlib_module_names)
    assert more - select(more, *known) == set()
    assert select(more, *SIDE_ROOMS, "minigrad.course") == set()


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


def test_check_never_loads_the_classroom(tmp_path):
    child = "import minigrad.course.checking.child"
    for code in (CHECK.format(folder=str(tmp_path)), child):
        modules = loaded_by(code)
        assert select(modules, "minigrad.course.checking")
        assert not select(modules, "minigrad.course.classroom")


def foreign_assignments(path):
    """Return the lines of a file that change an attribute of a class or module that it imports.

    `Tensor.sum = ...` and `setattr(Tensor, name, ...)` count. Attributes of instances, such as
    `self.x`, do not.
    """
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {
        alias.asname or alias.name.partition(".")[0]
        for node in nodes
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }

    def is_imported(node):
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        return isinstance(node, ast.Name) and node.id in names

    lines = set()
    changed: ast.expr | None
    for node in nodes:
        changed = None
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            changed = node
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "setattr",
            "delattr",
        ):
            changed = node.args[0]
        if changed and is_imported(changed):
            lines.add(changed.lineno)
    return sorted(lines)


def test_only_operators_change_a_class_of_another_file(tmp_path):
    example = tmp_path / "example.py"
    example.write_text(
        "import a\nfrom b import C, d\nC.x = 1\na.b.c = 2\nsetattr(C, 'x', 1)\nd.e, f = 1, 2\n"
        "class E:\n    x = 1\nE.x = 2\nC.x: int = 1\n"
    )
    assert foreign_assignments(example) == [3, 4, 5, 6, 10]
    changed = {module_name(path) for path in FILES if foreign_assignments(path)}
    # The process that runs a learner's file removes functions of the standard library.
    assert changed == {"minigrad.gates.operators", "minigrad.course.checking.child"}


def test_training_step_runs_the_listed_files():
    model = Sequential(Dense(3, 4), mg.tanh, Dense(4, 2))
    optimizer = SGD(model.named_parameters(), lr=0.1)
    files: dict[Path, None] = {}

    def watch(frame, event, argument):
        if event == "call":
            files.setdefault(Path(frame.f_code.co_filename))

    sys.setprofile(watch)
    optimizer.zero_grad()
    x = np.ones((5, 3), "float32")
    loss = mg.softmax_cross_entropy(model(x), [0, 1, 0, 1, 0])
    loss.backward()
    optimizer.step()
    sys.setprofile(None)
    run = [str(path.relative_to(ROOT)) for path in files if path in FILES]
    assert run == re.findall(r"^\d+\. ([\w/]+\.py): ", DESIGN, re.M)
    assert len(run) <= 15
    assert not any(path.startswith("minigrad/help/") for path in run)
