"""The site as it is built where Pyodide's NumPy is missing: readers are told so in plain words, and are
not promised an editor. The builder is told why.
"""

import re
import sys
import urllib.error
import urllib.request

import pytest

from minigrad.course.checking.registry import lessons
from tests.needs import package

from .conftest import ROOT, sphinx

sys.path.insert(0, str(ROOT / "docs" / "site"))
import runtime


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of this site, and what the build printed."""
    package("furo")
    folder = tmp_path_factory.mktemp("site")
    printed = sphinx(folder, MINIGRAD_PYODIDE=str(folder))
    return folder / "html", printed


def text_of(folder, page):
    source = (folder / page).read_text("utf-8")
    text = re.sub(r"<(script|style).*?</\1>|<.*?>", "", source, flags=re.DOTALL)
    return " ".join(text.split())


def test_build_without_python_ends_with_what_is_missing(built):
    last = built[1].strip().splitlines()[-1]
    assert last.startswith("This site has no editor, and its code cannot be run: numpy-")
    assert "MINIGRAD_PYODIDE" in last


def test_course_page_promises_no_editor(built):
    text = text_of(built[0], "course.html")
    assert "so its pages have no editor. To take the course in a terminal, type:" in text
    assert "has an editor" not in text and "exports your work" not in text


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_lesson_page_shows_commands_instead_of_buttons(built, one):
    text = text_of(built[0], f"lessons/{one.name}.html")
    assert "This copy of the site has no editor" in text
    assert f"minigrad course check {one.number}" in text
    for word in ("editor below", "ress Check", "ress Run", "Opens when you pass"):
        assert word not in text


def test_pages_do_not_show_why_python_is_missing(built):
    pages = [path.read_text("utf-8") for path in built[0].rglob("*.html")]
    assert sum("was built without Python" in page for page in pages) > 20
    for page in pages:
        assert "MINIGRAD_PYODIDE" not in page and "urlopen" not in page


def test_numpy_wheel_explains_a_failed_download(monkeypatch, tmp_path):
    def refuse(address, timeout):
        raise urllib.error.URLError(OSError("Name or service not known"))

    monkeypatch.delenv("MINIGRAD_PYODIDE", raising=False)
    monkeypatch.setattr(runtime, "ROOT", tmp_path / "a")
    monkeypatch.setattr(runtime, "CACHE", tmp_path)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    message = r"cannot be downloaded \(Name or service not known\)\. Build again"
    with pytest.raises(runtime.Unavailable, match=message) as raised:
        runtime.numpy_wheel()
    assert "urlopen" not in str(raised.value)
