"""The pages: their code prints what they show, and their links lead to files."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import DOT, NO_DOT

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    if "node_modules" not in path.parts
}
GALLERY = ROOT / "docs" / "images" / "gallery"
# test_readme_commands.py and test_errors.py run the code of these, and
# tests/minigrad/course/checking/test_lesson.py the lessons'
ELSEWHERE = {"README.md", "docs/errors.md"}
WITH_CODE = [page for page, text in PAGES.items() if "```python\n" in text]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page):
    text = re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert "://" in link or (ROOT / page).parent.joinpath(link).exists(), link


@pytest.mark.parametrize("page", [page for page in WITH_CODE if page not in ELSEWHERE])
def test_code_prints_what_the_page_shows(page, tmp_path):
    if "mg.draw(" in PAGES[page] and not DOT:
        pytest.skip(NO_DOT)
    # its own process, because pages define gates, and import from examples/ by bare names
    path = os.pathsep.join([str(ROOT), str(ROOT / "examples")])
    run = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "tests.run_page",
            str(ROOT / page),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    if page == "docs/gallery.md":  # it draws the pictures that it shows
        shown = set(re.findall(r"\]\(images/gallery/(.*?)\)", PAGES[page]))
        for folder in (tmp_path, GALLERY):
            assert {path.name for path in folder.iterdir()} == shown


def test_gallery_pictures_are_narrow_enough():
    """At 900 pixels the smallest text, of 7 points, is at least 7 pixels high."""
    for picture in GALLERY.iterdir():
        width = int.from_bytes(picture.read_bytes()[16:20], "big")
        assert width <= 2 * 900, picture  # pictures have 144 pixels to the inch


@pytest.mark.parametrize("page", PAGES)
def test_sessions_are_marked_as_python(page):
    """A block with Python's prompt that is not marked as Python would not be run."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page], re.M | re.S):
        assert language == "python" or not block.startswith(">>>"), block
