"""The site as files: every page is there, every link leads somewhere, and nothing is loaded from
elsewhere.
"""

import html
import re
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
        assert len(page.places) == len(set(page.places)), f"{path} has two places of one name"
        for link in page.links + page.loaded:
            if urlsplit(link).scheme:
                continue
            file, place = urldefrag(link)
            target = (path.parent / unquote(urlsplit(file).path)).resolve() if file else path
            known = pages[target].places if place and target in pages else [unquote(place)]
            if not target.is_file() or unquote(place) not in known:
                dead.append(f"{path.relative_to(site)}: {link}")
    assert dead == []


def test_nothing_is_loaded_from_elsewhere(site, pages):
    from_page = [link for page in pages.values() for link in page.loaded if urlsplit(link).netloc]
    sheets = "".join(sheet.read_text(encoding="utf-8") for sheet in site.rglob("*.css"))
    assert from_page == re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheets) == []
