"""The findings as a page: self-contained, escaped, and with the curves."""

from html.parser import HTMLParser

import numpy as np
import pytest

from optim.diagnosis.finding import Finding
from optim.diagnosis.page import page
from optim.diagnosis.report import Diagnosis
from optim.diagnosis.watch import Line

EMPTY = {"meta", "text/", "polyline", "!doctype"}


class Reader(HTMLParser):
    """Collects the elements and texts, and checks that all elements are closed."""

    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def read(*findings, script="train.py"):
    return Reader(page(Diagnosis([*findings], 7), script))


def finding(**options):
    texts = "weights <w> & b are 0", "no gradient", 'use "init"'
    return Finding("equal-weights", *texts, **options)


def test_page_without_findings():
    reader = read()
    assert "Why does train.py not learn?" in reader.text
    assert "No fault was found in 7 backward passes." in reader.text


def test_page_loads_nothing():
    reader = read(finding(run=[2, 2], trial=[2, 1]))
    tags = {tag for tag, _ in reader.elements}
    assert tags.isdisjoint({"script", "link", "img", "iframe"})
    for _, attributes in reader.elements:
        assert attributes.keys().isdisjoint({"src", "href", "onload"})
    assert "url(" not in reader.text


def test_texts_are_escaped():
    reader = read(finding(line=Line(__file__, 1)), script="<b>.py")
    assert "Weights <w> & b are 0" in reader.text
    assert 'use "init"' in reader.text
    assert "Why does <b>.py not learn?" in reader.text
    assert reader.all("w") == []
    assert "tests/optim/diagnosis/test_page.py:1" in reader.text


def test_curves():
    reader = read(finding(run=[4, 4, 4], trial=[4, 2, 0], changed="with x"))
    run, trial = (line["points"].split() for line in reader.all("polyline"))
    assert run == ["56.0,10.0", "346.0,10.0", "636.0,10.0"]
    assert trial == ["56.0,10.0", "346.0,105.0", "636.0,200.0"]
    (picture,) = reader.all("svg")
    words = "Your run ends at 4; repeated with x, it ends at 0."
    assert picture["aria-label"] == words
    assert words in reader.text


@pytest.mark.parametrize(("end", "points"), [(np.inf, 2), (np.nan, 1)])
def test_curves_of_losses_that_are_not_finite(end, points):
    reader = read(finding(run=[1, end], trial=[1, 0.5]))
    run, trial = (line["points"].split() for line in reader.all("polyline"))
    assert (len(run), len(trial)) == (points, 2)


def test_curves_of_equal_losses():
    reader = read(finding(run=[1.0], trial=[1.0]))
    assert len(reader.all("polyline")) == 2
