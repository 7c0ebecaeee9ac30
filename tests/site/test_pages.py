"""The site as files: every page is there, every link leads somewhere, and nothing is loaded from
elsewhere.
"""

import html
import re
import zipfile
from urllib.parse import unquote, urldefrag, urlsplit

import pytest


class Page:
    """What of a page names other files: where its links go, what it loads; and the names of its
    places.
    """

    def __init__(self, path):
        tags = re.findall(r"<(\w+)([^>]*)>", path.read_text(encoding="utf-8"))
        self.links = values(tags, "href")
        self.loaded = values(tags, "src")
        self.loaded += values([tag for tag in tags if tag[0] == "link"], "href")
        self.places = values(tags, "id")


def values(tags, attribute):
    pattern = re.compile(rf'\s{attribute}="(.*?)"')
    return [html.unescape(value) for _, text in tags for value in pattern.findall(text)]


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_link_and_every_file_of_a_page_is_there(site, pages):
    dead = []
    for path, page in pages.items():
        assert len(page.places) == len(set(page.places)), (
            f"{path} has two places of one name"
        )
        for link in page.links + page.loaded:
            if urlsplit(link).scheme:
                continue
            file, place = urldefrag(link)
            folder = (
                site if file.startswith("/") else path.parent
            )  # as 404.html's links
            target = (
                (folder / unquote(urlsplit(file).path).lstrip("/")).resolve()
                if file
                else path
            )
            known = (
                pages[target].places if place and target in pages else [unquote(place)]
            )
            if not target.is_file() or unquote(place) not in known:
                dead.append(f"{path.relative_to(site)}: {link}")
    assert dead == []


def test_nothing_is_loaded_from_elsewhere(site, pages):
    from_page = [
        link for page in pages.values() for link in page.loaded if urlsplit(link).netloc
    ]
    sheets = "".join(sheet.read_text(encoding="utf-8") for sheet in site.rglob("*.css"))
    assert (
        from_page
        == re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheets)
        == []
    )


@pytest.mark.parametrize("page", ["index", "readme", "install", "course"])
def test_an_entry_page_shows_how_to_get_minigrad(site, pages, page):
    (wheel,) = (site / "downloads").iterdir()
    assert f"downloads/{wheel.name}" in pages[site / f"{page}.html"].links
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    assert f'pip install <span data-address="downloads/{wheel.name}">' in text
    assert "git clone" not in text  # no address of the project is set


def test_the_wheel_is_complete(site):
    (wheel,) = (site / "downloads").iterdir()
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "minigrad/data/imdb.npz",
        "minigrad/course/checking/grade.py",
        "minigrad/__main__.py",
    } <= names


def test_an_old_link_to_an_error_code_leads_to_its_row(pages, site):
    place = "mg135-a-parameter-that-became-a-step"
    assert place in pages[site / "errors.html"].places
    assert f"errors/mg1xx.html#{place}" in pages[site / "errors.html"].links
    assert f"errors/mg1xx.html#{place}" in pages[site / "coming_from.html"].links
    assert place in pages[site / "errors/mg1xx.html"].places


def test_an_explorer_has_a_title_and_a_way_back(site):
    titles = set()
    for path in (site / "made").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        titles.add(re.findall("<title>(.*?) · minigrad</title>", text)[0])
        page = f"lessons/{path.stem}" if "lesson" in path.stem else "explorer"
        assert f'href="../{page}.html">Back to ' in text
    assert len(titles) == len(list((site / "made").glob("*.html")))
    assert "Lesson 1: By hand, a correct solution" in titles
