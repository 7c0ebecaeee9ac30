"""The code on the pages runs and prints what they say; links between the pages lead somewhere."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    if "node_modules" not in path.parts
}
ELSEWHERE = {"README.md", "docs/errors.md"}
"""Pages whose code is run by test_readme_commands.py and test_errors.py. The
lessons' is run by tests/minigrad/course/checking/test_lesson.py."""
GALLERY = ROOT / "docs" / "images" / "gallery"
WITH_CODE = [
    page
    for page, text in PAGES.items()
    if "```python\n" in text and page not in ELSEWHERE
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    dead = [
        link
        for link in links
        if "://" not in link and not (ROOT / page).parent.joinpath(link).exists()
    ]
    assert dead == []


@pytest.mark.parametrize("page", WITH_CODE)
def test_the_code_of_a_page_runs_and_prints_what_it_shows(page, tmp_path):
    if "mg.draw(" in PAGES[page] and shutil.which("dot") is None:
        pytest.skip("Graphviz's program dot is not installed")
    # A process of its own: pages define gates, and import from examples/ by bare names.
    path = os.pathsep.join([str(ROOT), str(ROOT / "examples")])
    command = [sys.executable, "-W", "error", "-m", "tests.run_page", str(ROOT / page)]
    environment = os.environ | {"PYTHONPATH": path}
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    if page == "docs/gallery.md":  # it draws the pictures that it shows
        drawn, stored = (
            {path.name for path in folder.iterdir()} for folder in (tmp_path, GALLERY)
        )
        assert (
            drawn
            == stored
            == set(re.findall(r"\]\(images/gallery/(.*?)\)", PAGES[page]))
        )


def test_no_picture_of_the_gallery_is_too_wide():
    """At 900 pixels the smallest text, of 7 points, is at least 7 pixels high."""
    for picture in GALLERY.iterdir():
        width = int.from_bytes(picture.read_bytes()[16:20], "big")
        assert width <= 2 * 900, picture  # pictures have 144 pixels to the inch


@pytest.mark.parametrize("page", PAGES)
def test_what_is_written_as_a_session_is_run(page):
    """No block shows Python's prompt without being marked as Python."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page], re.M | re.S)
    assert [
        block
        for language, block in blocks
        if language != "python" and block.startswith(">>>")
    ] == []
