"""The report of an engine check, as text."""

import re

import minigrad as mg

from .engines import engine


def test_report_names_the_fault_and_fits_the_terminal():
    text = str(mg.check_engine(engine(right="self * -1", wrong="self * 1"), count=20))
    assert "  __neg__           WRONG     -a" in text
    assert "  __sub__           unknown   (calls __neg__)" in text
    assert "Likely mistake: it computes a." in text
    assert "    from planted import *\n" in text
    assert text.endswith("programs: 1 fault; expressions not supported: 2.")
    assert max(map(len, text.splitlines())) <= 80


def test_report_of_a_right_engine_lists_what_was_not_tried():
    text = repr(mg.check_engine(engine(), count=20))
    assert text.startswith("planted:Value computes with numbers.")
    assert "  Missing: __rmul__, __rtruediv__, __rpow__, tanh" in text
    assert re.search(r"Not supported: a \*\* b: raises TypeError: ", text)
    assert text.endswith("no disagreement with minigrad; expressions not supported: 2.")
