"""The reference has an entry for every public name."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs" / "site"))

import docstrings  # noqa: E402

PAGES = [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "reference").glob("*.md")]
LISTED = [
    (name, kind)
    for page in PAGES
    for kind, names in re.findall(r"^```\{reference\} (\w+)\n(.*?)```", page, re.MULTILINE | re.DOTALL)
    for name in names.split()
]
GATES = re.findall(r"^### (\w+)$", (ROOT / "docs" / "gates.md").read_text(encoding="utf-8"), re.MULTILINE)
ENTRIES = [*LISTED, *((f"minigrad.{gate}", "calculates") for gate in GATES)]


def test_every_public_name_has_one_entry() -> None:
    assert sorted(name for name, _ in ENTRIES) == sorted(docstrings.public_names())


@pytest.mark.parametrize("name", [name for name, kind in LISTED if kind == "exceptions"])
def test_an_exception_has_codes(name: str) -> None:
    assert docstrings.codes(docstrings.lookup(name))
