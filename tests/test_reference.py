"""The reference has an entry for every public name, and every entry has the parts that its kind
needs.

What calculates has a formula, shapes, errors, an example, and the paper or textbook that it comes
from. What holds, runs, shows or stores something has errors and an example. What takes no
arguments, or only keeps them (a
dataclass), has none to refuse. An exception has codes: the page of errors shows an example of each.
"""

import ast
import inspect
import re
import sys
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs" / "site"))

import docstrings  # noqa: E402

BLOCK = re.compile(r"^```\{reference\} (\w+)\n(.*?)```", re.M | re.S)
# on the page of gates
ENTRIES = [(f"minigrad.{name}", "calculates") for name in mg.gates.__all__ if name in mg.GATES]
for path in (ROOT / "docs" / "reference").glob("*.md"):
    for kind, names in BLOCK.findall(path.read_text(encoding="utf-8")):
        ENTRIES += [(name, kind) for name in names.split()]

NEEDED = {
    "calculates": {"formula", "shapes", "errors", "example", "source"},
    "tools": {"errors", "example"},
    "exceptions": {"codes"},
}
FORMULA = re.compile(r" (=|←|·|/|⊙|@) |[√Σ^±⌊]|\bd\(?\w+\)?/d")
SHAPES = re.compile(
    r"\bshape|element|\bscalar|(single|one) number|of size 1|\ban? (array|number|matrix)"
    r"|\(((\w+|\.\.\.), ?)+(\w+|\.\.\.)?\)",
    re.IGNORECASE,
)


def test_every_public_name_has_one_entry():
    # a new public name needs a line in a page of docs/reference
    entries = sorted(name for name, _ in ENTRIES)
    assert entries == sorted(docstrings.public_names())


def parts(name):
    """Which parts an entry has."""
    one = docstrings.lookup(name)
    found = docstrings.describe(one)
    gate = issubclass(one if inspect.isclass(one) else type(one), mg.Gate)
    plain = docstrings.signature(one) in ("", "()") or is_dataclass(one)
    source = found.labelled.get("Source", "")
    there: dict[str, Any] = {
        "formula": FORMULA.search(found.text),
        "shapes": "Shapes" in found.labelled or SHAPES.search(found.text),
        "errors": "Errors" in found.labelled or plain and not gate,
        "example": found.example,
        "source": re.search(r"\(\d{4}\)|documentation|manual", source),
    }
    return {part for part, value in there.items() if value}


def test_every_code_has_an_exception():
    listed = set()
    for name, kind in ENTRIES:
        if kind == "exceptions":
            listed |= {*docstrings.codes(docstrings.lookup(name))}
    assert listed == {*docstrings.error_titles()}


# a class and the codes that a docstring lists for it: "ShapeError for x (MG221), a mask (MG222)"
LISTED = re.compile(r"\b\w+Error\b(?:[^.;()]|\([^()]*\))*?\(?\bMG\d{3}(?:[^.;]*?MG\d{3})*")


def listed_codes():
    """Yield (where, class, code) for each code that a docstring lists for a class."""
    for package in docstrings.PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    text = " ".join((ast.get_docstring(node) or "").split())
                    where = f"{path.relative_to(ROOT)}: {getattr(node, 'name', 'module')}"
                    for found in LISTED.findall(text):
                        kind = ""
                        for word in re.findall(r"\w+Error\b|MG\d{3}", found):
                            if word.startswith("MG"):
                                yield where, kind, word
                            else:
                                kind = word


def test_docstrings_name_the_class_that_is_raised_with_a_code():
    raised = docstrings._raised()
    listed = [*listed_codes()]
    assert ("layers/recurrent.py: Recurrent", "ShapeError", "MG222") in listed
    assert not [one for one in listed if one[2] not in raised.get(one[1], ())]


@pytest.mark.parametrize(("name", "kind"), ENTRIES)
def test_entry_has_its_parts(name, kind):
    if kind == "exceptions":
        assert docstrings.codes(docstrings.lookup(name))
    else:
        assert NEEDED[kind] <= parts(name)


@pytest.mark.parametrize("name", [name for name, _ in ENTRIES])
def test_entry_has_a_version(name):
    one = docstrings.lookup(name)
    own = docstrings._comment_on_gates() if one is mg.GATES else inspect.getdoc(one)
    since = docstrings.parse(own or "").labelled["Since"]
    assert re.fullmatch(r"\d+\.\d+\.", since)
    assert mg.__version__ >= since.removesuffix(".")
