"""Hostile names of tensors, scopes, gates and layers: in pictures, tables and messages, and on
pages in Chromium.

A name is text and nothing else: no script runs, no element appears, no control character reaches a
terminal, and the page has nothing to complain of in its console.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from layers import Layer
from minigrad.drawing.render import render

from .fuzzer import Fuzzer, Generator

RUN = "window.ran=1"
PIECES = [
    f"<script>{RUN}</script>", f"</script><script>{RUN}</script>", f"<img src=x onerror={RUN}>",
    f"'\"><svg onload={RUN}>", f"javascript:{RUN}", f"${{{RUN}}}", f"');{RUN};('",
    f"\\u003cscript>{RUN}\\u003c/script>",
    "</text></svg>", "{{script}}", "{{data}}", "</style>", "<!--", "-->", "]]>", "&lt;b&gt;", "&#60;", "<b>",
    "\\N\\G\\L", '"]; a -> b; x [label="', "{a|b}", "%s{0}$x", "__proto__", "constructor", "toString",
    "hasOwnProperty", "valueOf", "null", "undefined", "NaN", "\x00", "\x1b[31m", "\x9b2J", "\r\n", "\t", "\u202eabc",
    "\u2028", "\u2029", "\ufeff", "\u200b", "\ud800", "\udfff", "名前", "שלום", "\U0001f600", "e\u0301", "\\", "/",
    "..", "t00", "backward", " ", ".", "=1+1", "'", '"', "`", "W",
]  # fmt: skip
TAGS = {
    "svg",
    "g",
    "title",
    "polygon",
    "path",
    "text",
    "ellipse",
    "polyline",
    "a",
    "linearGradient",
    "stop",
    "defs",
}
CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None
)


@dataclass(frozen=True)
class Names:
    """Names for a graph and a layer."""

    names: tuple[str, ...]


class Pictures(Fuzzer):
    """DOT text, SVG, tables, HTML, messages and what `repr` says."""

    name = "names"
    most = 4

    def case(self, rng: Generator) -> Names:
        def name() -> str:
            pieces = [
                PIECES[int(rng.integers(len(PIECES)))] for _ in range(int(rng.choice([1, 1, 2, 3])))
            ]
            if rng.random() < 0.2:
                pieces.append(
                    "".join(map(chr, rng.integers(1, 0x3000, int(rng.integers(1, 20))).tolist()))
                )
            return "".join(pieces) * int(rng.choice([1, 1, 1, 1, 1, 1, 1, 30]))

        return Names(tuple(name() for _ in range(int(rng.integers(1, self.most + 1)))))

    def fault(self, case: Names) -> str:
        z, layer = graph(case.names), holder(case.names)
        z.backward()
        drawn = mg.Graph(z)
        said = [repr(z), repr(layer), *map(repr, drawn.nodes), repr(drawn.draw())]
        for call in (
            lambda: z.backward(np.ones(3)),
            lambda: layer.load_state_dict({case.names[0]: np.ones(2)}),
        ):
            try:
                call()
            except mg.MinigradError as error:
                said.append(str(error))
        if strange := [text for text in said if not text.replace("\n", "").isprintable()]:
            return f"not printable: {strange[0]!r}"
        if problem := strange_tags(layer._repr_html_()):
            return f"element: {problem} in the table of the layer"
        views: list[Any] = [{}, {"mode": "unrolled", "values": True, "grads": True}, {"depth": 1}]
        for options in views:
            dot = drawn.dot(**options)
            if shutil.which("dot") and (problem := strange_svg(render(dot, "svg"))):
                return f"element: {problem} in the SVG with {options}"
        return ""

    def smaller(self, case: Names) -> Iterator[Names]:
        for place, name in enumerate(case.names):
            rest = case.names[:place], case.names[place + 1 :]
            if len(case.names) > 1:
                yield Names(rest[0] + rest[1])
            for end in (len(name) // 2, len(name) - 1):
                if 0 < end < len(name):
                    yield Names((*rest[0], name[:end], *rest[1]))
                    yield Names((*rest[0], name[-end:], *rest[1]))

    def as_test(self, case: Names) -> str:
        kind = type(self).__name__
        return (
            f"from tests.fuzz.names import Names, {kind}\n\n\ndef test_a_name():\n    fuzzer = "
            f"{kind}()\n    try:\n        assert fuzzer.fault({ascii(case)}) == ''\n    finally:\n "
            "       fuzzer.close()\n"
        )


class Pages(Pictures):
    """Pages of the explorer, in Chromium, walked through from the first step to the last."""

    name = "pages"
    share = 1.0
    most = 8

    def __init__(self) -> None:
        self.browser: Browser | None = None

    def missing(self) -> str:
        return "" if CHROMIUM and os.name == "posix" else "there is no Chromium"

    def close(self) -> None:
        if self.browser is not None:
            self.browser.close()

    def fault(self, case: Names) -> str:
        if self.browser is None:
            self.browser = Browser()
        return self.browser.visit(mg.explore(graph(case.names), words=[case.names[0]]).html)


def graph(names: tuple[str, ...]) -> mg.Tensor:
    """A graph in which each name is that of a parameter, a result, a scope, and a gate with its
    symbol.
    """
    before = dict(mg.GATES)
    z = mg.Tensor(1.0, requires_grad=True, name=names[0])
    try:
        for number, name in enumerate(names):
            title = "".join(c for c in name if c != "\0" and not "\ud800" <= c <= "\udfff")[:500]
            kind = type(
                title or "Odd", (mg.Tanh,), {"symbol": name, "__doc__": f"{title} = {title}"}
            )
            with mg.scope(name), mg.scope("t00") if number == 0 else contextlib.nullcontext():
                z = kind()(z * mg.Tensor(0.5, requires_grad=True, name=name))
            z.name = name
    finally:
        mg.GATES.clear()
        mg.GATES.update(before)
    return z


def holder(names: tuple[str, ...]) -> Layer:
    """A layer with a parameter of each name that an attribute can have."""
    layer = Layer()
    for name in names:
        # no name of a parameter, or of an attribute
        with contextlib.suppress(mg.MinigradError, UnicodeEncodeError):
            setattr(layer, name, mg.Tensor([1.0], requires_grad=True))
    return layer


def strange_svg(svg: bytes) -> str:
    """What there is in the SVG besides a drawing: an element that Graphviz does not make, a
    handler, a link.
    """
    for element in ET.fromstring(svg).iter():
        tag = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
        if tag not in TAGS or any(
            one.lower().startswith("on") or one.endswith("href") for one in element.attrib
        ):
            return f"<{tag} {element.attrib}>"
    return ""


def strange_tags(html: str) -> str:
    """The first element of a table that has no business there."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: Any) -> None:
            if tag not in "div b table thead tbody tr th td".split() or {
                name for name, _ in attributes
            } - {"style"}:
                found.append(f"<{tag} {attributes}>")

    Reader().feed(html)
    return "".join(found[:1])


WALK = """
    const press = (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    const slider = document.getElementById("slider");
    for (const direction of ["f", "b"]) {
      press("e"); press(direction); press("Home");
      for (let step = 0; step <= Number(slider.max); step++) press("ArrowRight");
    }
    press("q"); press("Home"); press("ArrowRight"); press("q"); press("w"); press("c");
    document.querySelectorAll(".box").forEach((box) => box.dispatchEvent(new MouseEvent("click", { bubbles: true })));
    window.ran !== undefined ? "script: a name ran"
      : document.scripts.length !== 2 || document.styleSheets.length !== 1
        || document.querySelector("img, b, [onerror], [onload]")
        ? "element: a name became one" : "";
"""


class Browser:
    """Chromium without a window, spoken to through a pipe by its own protocol, so that no library
    is needed.
    """

    def __init__(self) -> None:
        import fcntl

        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.folder = Path(self.home.name)
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        # not 3 or 4 themselves
        given = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]

        def pass_on() -> None:  # Chromium reads from 3 and writes to 4
            os.dup2(given[0], 3)
            os.dup2(given[1], 4)

        assert CHROMIUM is not None
        flags = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run".split()
        flags += ["--remote-debugging-pipe", "--disable-background-networking"]
        self.process = subprocess.Popen(
            [CHROMIUM, *flags, f"--user-data-dir={self.folder / 'profile'}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(3, 4), preexec_fn=pass_on,
        )  # fmt: skip
        for end in (theirs_in, theirs_out, *given):
            os.close(end)
        self.out, self.into = os.fdopen(ours_out, "wb", 0), os.fdopen(ours_in, "rb", 0)
        self.rest, self.number, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> Any:
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.rest:
                if not (more := self.into.read(1 << 16)):
                    raise RuntimeError("Chromium has ended")
                self.rest += more
            text, self.rest = self.rest.split(b"\0", 1)
            answer = json.loads(text)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, script: str) -> Any:
        answer = self.ask("Runtime.evaluate", expression=script)
        if "exceptionDetails" in answer:
            return f"exception: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def visit(self, html: str) -> str:
        """Open the page and walk through it: what is wrong, or ""."""
        page = self.folder / f"page-{self.number}.html"
        page.write_text(html, "utf-8", errors="backslashreplace")
        self.events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        end = time.monotonic() + 30
        ready = f"document.URL.endsWith({page.name!r}) && document.documentElement.dataset.ready"
        while not (state := self.evaluate(ready)) or state.startswith("exception"):
            if time.monotonic() > end:
                return f"not ready: the page does not start; {self.problems()}"
            time.sleep(0.01)
        problem = str(self.evaluate("{" + WALK + "}")) or self.problems(page.name)
        page.unlink()
        return problem

    def problems(self, page: str = "") -> str:
        for event in self.events:
            method, given = event.get("method"), event.get("params", {})
            if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                return f"console: {json.dumps(given)[:600]}"
            url = (
                given.get("request", {}).get("url", "")
                if method == "Network.requestWillBeSent"
                else ""
            )
            if url and not url.endswith(page) and not url.startswith(("data:", "about:")):
                return f"request: the page asks for {url}"
        return ""

    def close(self) -> None:
        self.out.close()
        self.into.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.home.cleanup()
