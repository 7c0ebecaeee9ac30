"""The site as it is built where Pyodide's NumPy is missing: readers are told so in plain words, and are
not promised an editor. The builder is told why.
"""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from minigrad.course.checking.registry import lessons

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "site"))
import runtime  # noqa: E402


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of this site, and what the build printed."""
    pytest.importorskip("furo")
    folder = tmp_path_factory.mktemp("site")
    options = (
        f"-q -E -a -n -W --keep-going -d {folder / 'doctrees'} docs {folder / 'html'}"
    )
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options.split()],
        cwd=ROOT,
        env={**os.environ, "MINIGRAD_PYODIDE": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return folder / "html", done.stdout + done.stderr


def text_of(page):
    return " ".join(
        re.sub(r"<(script|style).*?</\1>|<.*?>", "", page, flags=re.DOTALL).split()
    )


def test_the_builder_is_told_at_the_end_what_is_missing_and_what_to_do(built):
    last = built[1].strip().splitlines()[-1]
    assert last.startswith(
        "This site has no editor, and its code cannot be run: numpy-"
    )
    assert "MINIGRAD_PYODIDE" in last


def test_the_page_of_the_course_does_not_promise_an_editor(built):
    text = text_of((built[0] / "course.html").read_text("utf-8"))
    assert "so its pages have no editor. To take it in a terminal, type:" in text
    assert "has an editor" not in text and "exports your work" not in text


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_a_lesson_speaks_of_commands_instead_of_buttons(built, one):
    text = text_of((built[0] / f"lessons/{one.name}.html").read_text("utf-8"))
    assert "This copy of the site has no editor" in text
    assert f"minigrad course check {one.number}" in text
    for word in ("editor below", "ress Check", "ress Run", "Opens when you pass"):
        assert word not in text


def test_no_page_shows_readers_why_it_was_built_so(built):
    pages = [path.read_text("utf-8") for path in built[0].rglob("*.html")]
    assert sum("was built without Python" in page for page in pages) > 20
    for page in pages:
        assert "MINIGRAD_PYODIDE" not in page and "urlopen" not in page


def test_a_failed_download_is_explained_in_plain_words(monkeypatch, tmp_path):
    def refuse(address, timeout):
        raise urllib.error.URLError(OSError("Name or service not known"))

    monkeypatch.delenv("MINIGRAD_PYODIDE", raising=False)
    monkeypatch.setattr(runtime, "ROOT", tmp_path / "a")
    monkeypatch.setattr(runtime, "CACHE", tmp_path)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(runtime.Unavailable) as raised:
        runtime.numpy_wheel()
    assert "cannot be downloaded (Name or service not known). Build again" in str(
        raised.value
    )
    assert "urlopen" not in str(raised.value)
