"""The reference has an entry for every public name, and every entry has the parts that its kind
needs.

What calculates has a formula, shapes, errors, an example, and the paper or textbook that it comes
from. What holds, runs, shows or stores something has errors and an example. What takes no
arguments, or only keeps them (a
dataclass), has none to refuse. An exception has codes: the page of errors shows an example of each.
"""

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

PAGES = [
    path.read_text(encoding="utf-8")
    for path in (ROOT / "docs" / "reference").glob("*.md")
]
LISTED = [
    (name, kind)
    for page in PAGES
    for kind, names in re.findall(
        r"^```\{reference\} (\w+)\n(.*?)```", page, re.MULTILINE | re.DOTALL
    )
    for name in names.split()
]
# on the page of gates
GATES = [f"minigrad.{name}" for name in mg.gates.__all__ if name in mg.GATES]
ENTRIES = [*LISTED, *((gate, "calculates") for gate in GATES)]

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
    entries, names = [name for name, _ in ENTRIES], set(docstrings.public_names())
    assert names - set(entries) == set(), (
        "a new public name needs a line in a page of docs/reference"
    )
    assert sorted(entries) == sorted(names)


def parts(name):
    """Which parts an entry has."""
    one = docstrings.lookup(name)
    found = docstrings.describe(one)
    gate = isinstance(one, mg.Gate) or (
        inspect.isclass(one) and issubclass(one, mg.Gate)
    )
    refuses = gate or (
        docstrings.signature(one) not in ("", "()") and not is_dataclass(one)
    )
    there: dict[str, Any] = {
        "formula": FORMULA.search(found.text),
        "shapes": "Shapes" in found.labelled or SHAPES.search(found.text),
        "errors": "Errors" in found.labelled or not refuses,
        "example": found.example,
        "source": re.search(
            r"\(\d{4}\)|documentation|manual", found.labelled.get("Source", "")
        ),
    }
    return {part for part, value in there.items() if value}


def test_every_code_is_listed_with_its_exception():
    listed = [
        code
        for name, kind in ENTRIES
        if kind == "exceptions"
        for code in docstrings.codes(docstrings.lookup(name))
    ]
    assert set(listed) == set(docstrings.error_titles())


@pytest.mark.parametrize(("name", "kind"), ENTRIES)
def test_an_entry_has_its_parts(name, kind):
    if kind == "exceptions":
        assert docstrings.codes(docstrings.lookup(name))
    else:
        assert NEEDED[kind] <= parts(name)


@pytest.mark.parametrize("name", [name for name, _ in ENTRIES])
def test_an_entry_has_the_version_in_which_its_name_appeared(name):
    one = docstrings.lookup(name)
    own = docstrings._comment_on_gates() if one is mg.GATES else inspect.getdoc(one)
    since = docstrings.parse(own or "").labelled["Since"]
    assert re.fullmatch(r"\d+\.\d+\.", since)
    assert mg.__version__ >= since.removesuffix(".")
