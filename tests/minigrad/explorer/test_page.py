"""The page as text: names stay inside the data, and the script has every module."""

import pytest

import minigrad as mg

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
def test_hostile_names_stay_inside_the_data(text):
    with mg.scope(text):
        z = mg.Tensor(1.0, requires_grad=True, name=text) * 2.0
    z.name = text
    page = mg.explore(z)
    assert page.html.count("<script") == 2 and page.html.count("</script>") == 2
    assert data_of(page)["nodes"][0]["name"] == text
