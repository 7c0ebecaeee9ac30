"""The site as files: every page is there, every link leads somewhere, and nothing is loaded from
elsewhere.
"""

import html
import re
import zipfile
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from minigrad.course.checking.registry import lessons


class Page:
    """What of a page names other files: where its links go, what it loads; and the names of its
    places.
    """

    def __init__(self, path):
        text = path.read_text("utf-8")
        self.links = values(r"\w+", "href", text)
        self.loaded = values(
            r"\w+",
            "src",
            text,
        ) + values("link", "href", text)
        self.places = values(r"\w+", "id", text)


def values(tag, attribute, text):
    found = re.findall(rf'<{tag}(?=\s)[^>]*\s{attribute}="(.*?)"', text)
    return list(map(html.unescape, found))


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_links_lead_to_files_and_places(site, pages):
    dead = []
    for path, page in pages.items():
        assert len(page.places) == len({*page.places}), path
        for link in page.links + page.loaded:
            if urlsplit(link).scheme:
                continue
            file, place = urldefrag(link)
            target = path
            if file:
                # as 404.html's links
                folder = site if file.startswith("/") else path.parent
                target = folder / unquote(urlsplit(file).path).lstrip("/")
            page_there = pages.get(target.resolve())
            missing = page_there and place and unquote(place) not in page_there.places
            if missing or not target.is_file():
                dead.append(f"{path.relative_to(site)}: {link}")
    assert dead == []


def test_pages_load_nothing_from_elsewhere(site, pages):
    for page in pages.values():
        for link in page.loaded:
            assert not urlsplit(link).netloc
    for sheet in site.rglob("*.css"):
        text = sheet.read_text("utf-8")
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", text)


def test_every_page_has_a_language_and_a_title_of_its_own(site):
    titles = []
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        assert re.search(r'<html[^>]* lang="en"', text), path
        titles += re.findall("<title>(.*?)</title>", text)[:1]
    assert len(titles) == len({*titles}) == len([*site.rglob("*.html")])


def test_list_of_pages_is_in_the_same_order_on_every_page(site):
    orders = set()
    for path in site.rglob("*.html"):
        _, _, tree = path.read_text("utf-8").partition('<div class="sidebar-tree">')
        links = re.findall(r'<a class="[^"]*reference[^>]*>(.*?)</a>', tree.partition("</nav>")[0])
        if links:
            orders.add(tuple(links))
    assert len(orders) == 1


def test_pictures_have_a_text_alternative(site):
    for path in site.rglob("*.html"):
        for alternative in values("img", "alt", path.read_text("utf-8")):
            assert alternative and not alternative.startswith("<"), path


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_alternatives_have_the_words_of_their_source(site, one):
    """Line breaks in an alternative separate words."""
    source = re.findall(r"!\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\([\w.-]+\)", one.read("text.md"))
    for path in (site / f"lessons/{one.name}.html", one.folder / "page.html"):
        shown = [
            alternative.split() for alternative in values("img", "alt", path.read_text("utf-8"))
        ]
        for alternative in source:
            assert alternative.replace("`", "").split() in shown, path


@pytest.mark.parametrize("page", ["index", "readme", "install", "course"])
def test_entry_page_shows_how_to_install(site, pages, page):
    (wheel,) = (site / "downloads").iterdir()
    assert f"downloads/{wheel.name}" in pages[site / f"{page}.html"].links
    text = (site / f"{page}.html").read_text(encoding="utf-8")
    assert f'pip install <span data-address="downloads/{wheel.name}">' in text
    assert "git clone" not in text  # no address of the project is set


def test_wheel_is_complete(site):
    (wheel,) = (site / "downloads").iterdir()
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("data/imdb.npz", "course/checking/grade.py", "__main__.py"):
        assert f"minigrad/{name}" in names


def test_links_to_an_error_code_lead_to_its_row(pages, site):
    place = "mg135-a-parameter-that-became-a-step"
    assert place in pages[site / "errors.html"].places
    assert f"errors/mg1xx.html#{place}" in pages[site / "errors.html"].links
    assert f"errors/mg1xx.html#{place}" in pages[site / "coming_from.html"].links
    assert place in pages[site / "errors/mg1xx.html"].places


def test_explorer_page_has_a_title_and_a_way_back(site):
    titles = set()
    for path in (site / "made").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        titles.add(re.findall("<title>(.*?) · minigrad</title>", text)[0])
        page = f"lessons/{path.stem}" if "lesson" in path.stem else "explorer"
        assert f'href="../{page}.html">Back to ' in text
    assert len(titles) == len(list((site / "made").glob("*.html")))
    assert "Lesson 1: By hand, a correct solution" in titles
