"""Images as a notebook shows them: each pixel in its place, in its shade."""

import re

import numpy as np
import pytest

import minigrad as mg
from layers import Images


def pixels(html):
    """{(row, column): (colour, strength)} for each picture."""
    pictures = re.findall(r"<svg.*?</svg>", html, re.S)
    return [
        {
            (int(row), int(column)): (fill, float(opacity))
            for d, fill, opacity in re.findall(
                r'd="(.*?)" fill="(.*?)" opacity="(.*?)"', picture
            )
            for column, row in re.findall(r"M(\d+) (\d+)h1v1h-1z", d)
        }
        for picture in pictures
    ]


def test_each_pixel_has_its_place_and_strength():
    filters = mg.Tensor(
        [[[[1.0, -2.0, 0.0]]], [[[0.0, np.nan, 0.5]]]], requires_grad=True
    )
    first, second = pixels(Images(filters)._repr_html_())
    assert first == {(0, 0): ("#e8861a", 0.5), (0, 1): ("#2f7fd6", 1.0)}
    assert second == {(0, 2): ("#e8861a", 0.25)}  # the same scale


def test_numbers_without_a_sign_are_grey():
    (image,) = pixels(Images([[0, 255], [51, 0]])._repr_html_())
    assert image == {(0, 1): ("currentColor", 1.0), (1, 0): ("currentColor", 0.2)}


def test_at_most_64_images_and_none():
    html = Images(np.ones((70, 1, 2, 2)))._repr_html_()
    assert len(pixels(html)) == 64 and "Images of shape (70, 1, 2, 2)" in html
    assert pixels(Images(np.zeros((0, 3, 3)))._repr_html_()) == []
    assert pixels(Images(np.zeros(4))._repr_html_()) == [{}]


def test_text_is_not_an_image():
    with pytest.raises(mg.errors.DtypeError, match="MG110"):
        Images("digits.png")
