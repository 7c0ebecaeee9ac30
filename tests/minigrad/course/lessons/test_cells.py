"""Heat maps: text that can be read on every colour, and their numbers for screen readers."""

import re

import numpy as np
import pytest

from minigrad.course.lessons.cells import BLUE, ORANGE, RED, is_dark, table
from minigrad.course.lessons.lesson_18_attention import shading as attention
from minigrad.course.lessons.lesson_19_gpt import shading as gpt
from minigrad.course.lessons.lesson_20_convolution import shading as convolution
from minigrad.course.milestones import pictures


def luminance(red, green, blue):
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]  # fmt: skip
    return np.dot([0.2126, 0.7152, 0.0722], parts)


@pytest.mark.parametrize("colour", [BLUE, ORANGE, RED])
def test_text_has_a_contrast_of_at_least_4_5(colour):
    """WCAG 2.2, criterion 1.4.3, for each opacity that the pictures use."""
    for opacity in np.linspace(0, 1, 101):
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        ground = luminance(*(1 - opacity + opacity * rgb))
        text = 1.0 if is_dark(colour, opacity) else 0.0
        light, dark = max(ground, text), min(ground, text)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, opacity


CELLS = np.array([[0.31, -1.0], [0.0, 0.625]])
FIGURES = {
    "lesson 18": lambda: attention.figure("a <map>", CELLS),
    "lesson 19": lambda: gpt.figure(gpt.heat(CELLS, "ab", "cd"), "", table("a <map>", CELLS)),
    "lesson 20": lambda: convolution.figure("a <map>", CELLS),
    "milestones": lambda: pictures.heat("a <map>", CELLS),
}


@pytest.mark.parametrize("drawn", FIGURES.values(), ids=FIGURES)
def test_numbers_are_a_table_with_headers(drawn):
    html = drawn()
    assert 'aria-label="a &lt;map&gt;' in html
    assert re.findall(r'<th scope="(\w+)">(\w+)</th>', html) == [
        ("col", "0"), ("col", "1"), ("row", "0"), ("row", "1")
    ]  # fmt: skip
    assert re.findall("<td>([^<]+)</td>", html) == ["0.31", "-1", "0", "0.625"]
    assert "aria-hidden" in html and "role=" not in html  # not announced twice


def test_table_says_what_is_wrong_and_what_is_framed():
    who = np.array([[True, True], [True, False]])
    seen = attention.figure("who", who, wrong=np.triu(who, 1))
    assert re.findall("<td>([^<]+)</td>", seen) == ["yes", "wrong (red)", "yes", "no"]
    framed = convolution.figure("x", CELLS, (0, 0, 2, 1), (1, 1, 1, 1))
    assert "x. Frame: rows 0 to 1, column 0. Frame: row 1, column 1" in framed
