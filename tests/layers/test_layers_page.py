"""The examples of docs/layers.md run and print what the page says."""

from __future__ import annotations

import doctest
from pathlib import Path

import minigrad as mg

PAGE = Path(__file__).resolve().parents[2] / "docs" / "layers.md"


def test_the_page() -> None:
    mg.seed(0)
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 15 and result.failed == 0
