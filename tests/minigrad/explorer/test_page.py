"""The page as text: names stay inside the data, and the script has every module."""

import re
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.explorer import page as pages
from minigrad.explorer.page import MODULES, script

from .explored_graphs import data_of


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--<script>", "{{data}}", "\u2028", "\ud800"]
)
def test_hostile_names_stay_inside_the_data(text):
    with mg.scope(text):
        z = mg.Tensor(1.0, requires_grad=True, name=text) * 2.0
    z.name = text
    page = mg.explore(z)
    assert page.html.count("<script") == 2 and page.html.count("</script>") == 2
    assert data_of(page)["nodes"][0]["name"] == text


def test_modules_are_joined_completely():
    code = script()
    assert not re.search(r"^(import|export) ", code, re.M)
    folder = Path(pages.__file__).parent / "web"
    assert {path.name for path in folder.glob("*.js")} == set(MODULES)
    names = re.findall(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", code, re.M)
    assert len(names) == len(set(names)), "joined to one script, two modules would share a name"
    for place, module in enumerate(MODULES):
        for other in re.findall(r'from "\./(.*?)"', (folder / module).read_text(encoding="utf-8")):
            assert other in MODULES[:place], f"{module} needs {other} before it"
