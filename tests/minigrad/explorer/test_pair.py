"""The page of a comparison in a browser: both explorers open at the first difference and step
together.
"""

import pytest

import minigrad as mg
from tests.blocks import parameter

from .conftest import Explorer


def graph(function):
    a, b = parameter(2.0, "a"), parameter(-3.0, "b")
    return mg.sigmoid(function(mg.exp(a * b)) + 1.0)


@pytest.fixture
def page(chromium, tmp_path):
    path = tmp_path / "both.html"
    with mg.scope("<b>"):
        two = graph(lambda h: mg.tanh(h) * 2.0)
    mg.compare(graph(mg.tanh), two, names=("one", "<i>two")).save(path)
    page = Explorer(chromium)
    page.open(path)
    return page


def inside(page, side, script):
    page.driver.switch_to.frame(side)
    try:
        return page.run(script)
    finally:
        page.driver.switch_to.default_content()


def titles(page):
    script = "return document.querySelector('#panel h2').textContent"
    return [inside(page, side, script) for side in (0, 1)]


def test_explorers_step_together(page):
    page.wait(lambda: titles(page) == ["Tanh", "Hadamard"])
    note = "return document.getElementById('note').textContent"
    assert page.run(note) == "Only <i>two has this."
    inside(page, 0, "document.getElementById('next').click()")
    page.wait(lambda: titles(page) == ["AddGate", "AddGate"])
    inside(page, 1, "document.getElementById('backward').click()")
    backward = "return document.getElementById('backward').ariaPressed"
    page.wait(lambda: inside(page, 0, backward) == "true")
    assert titles(page) == ["AddGate", "AddGate"]
    assert page.run(note) == ""
    assert page.driver.get_log("browser") == []
