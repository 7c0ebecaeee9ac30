"""Images in a notebook: the place and shade of each pixel."""

import re

import numpy as np

from layers import Images

from .helpers import leaf, normal, raises


def pixels(images):
    """{(row, column): (colour, strength)} for each picture."""
    pictures = []
    for svg in re.findall(r"<svg.*?</svg>", images._repr_html_(), re.S):
        shades = {}
        paths = re.findall(r'd="(.*?)" fill="(.*?)" opacity="(.*?)"', svg)
        for d, fill, opacity in paths:
            for column, row in re.findall(r"M(\d+) (\d+)h1v1h-1z", d):
                shades[int(row), int(column)] = (fill, float(opacity))
        pictures.append(shades)
    return pictures


def test_images_have_colours_by_sign_on_one_scale():
    filters = leaf(
        [
            [[1.0, -2.0, 0.0]],
            [[0.0, np.nan, 0.5]],
        ]
    )
    first, second = pixels(Images(filters))
    orange, blue = "#e8861a", "#2f7fd6"
    assert first == {
        (0, 0): (orange, 0.5),
        (0, 1): (blue, 1.0),
    }
    assert second == {(0, 2): (orange, 0.25)}


def test_images_without_negative_numbers_are_grey():
    (image,) = pixels(Images([[0, 255], [51, 0]]))
    assert image == {
        (0, 1): ("currentColor", 1.0),
        (1, 0): ("currentColor", 0.2),
    }


def test_images_are_at_most_64():
    images = Images(normal(70, 1, 2, 2))
    assert len(pixels(images)) == 64
    assert "Images of shape (70, 1, 2, 2)" in images._repr_html_()
    none = Images(normal(0, 3, 3))
    assert pixels(none) == []


def test_images_of_a_vector():
    images = Images([0.0, 0.0])
    assert pixels(images) == [{}]


def test_images_are_numbers():
    with raises("MG110"):
        Images("digits.png")
