"""The text of a page: names stay inside the data."""

import pytest

import minigrad as mg
from tests.blocks import parameter

from .explored_graphs import data_of


@pytest.mark.parametrize(
    "text",
    [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "{{data}}",
        "\u2028",
        "\ud800",
    ],
)
def test_hostile_names_stay_inside_data(text):
    with mg.scope(text):
        z = parameter(1.0, text) * 2.0
    z.name = text
    page = mg.explore(z)
    assert page.html.count("<script") == 2
    assert page.html.count("</script>") == 2
    leaf, *_ = data_of(page)["nodes"]
    assert leaf["name"] == text
