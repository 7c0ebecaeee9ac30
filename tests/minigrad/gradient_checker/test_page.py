"""docs/gradcheck.md says what happens, and names every mistake that the checker knows."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import minigrad as mg

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "gradcheck.md"


def test_the_examples_of_the_page():
    gates = dict(mg.GATES)
    try:
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags)
    finally:
        mg.GATES.clear()
        mg.GATES.update(gates)
    assert tried > 8 and failed == 0


def test_the_page_names_every_mistake():
    source = (ROOT / "minigrad" / "gradient_checker" / "guess.py").read_text()
    known = set(re.findall(r'return \(?\s*"([a-z= +2]+)"', source))
    listed = set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.M)) - {"report.guess"}
    assert listed == known
