"""Write each lesson's page.html from its text.md. The pages contain their pictures and work
offline.

Run `python docs/make_course.py` after you change a lesson's text or one of its pictures. Set
MINIGRAD_LESSONS to write the pages of your own lessons.
"""

from __future__ import annotations

import argparse
import base64
import html
import re
import sys
from pathlib import Path

from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from minigrad.course.checking.lesson import Lesson  # noqa: E402
from minigrad.course.checking.registry import lesson, lessons  # noqa: E402

ALTERNATIVE = re.compile(r"!\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(")
"""The beginning of a picture in Markdown, with its text alternative."""
FORMATTER = HtmlFormatter(nowrap=True)
STYLE = """
:root { color-scheme: light dark; --paper: #faf9f6; --panel: #fff; --ink: #22242a; --muted: #6a6e78; --line: #d9d6ce;
  --accent: #1f5fbf; --keyword: #1f5fbf; --text: #7a4b00; --comment: #6a6e78; --number: #8a2f6b; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181d; --panel: #1e2127; --ink: #e8e6e1; --muted: #a0a5b0; --line: #3a3f4a;
    --accent: #7fb2ff; --keyword: #7fb2ff; --text: #e0b050; --comment: #a0a5b0; --number: #e58fc3; } }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main, nav { max-width: 46rem; margin: 0 auto; padding: 0 1.1rem; }
nav { display: flex; justify-content: space-between; gap: 1rem; padding-top: 0.9rem; font-size: 0.85rem; }
main { padding-bottom: 3rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 1rem 0 0.6rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 0.4rem; }
a { color: var(--accent); }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono", "DejaVu Sans Mono", monospace; }
code { font-size: 0.88em; }
p code, li code, td code {
  background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: 0 0.25em; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 0.7rem 0.9rem;
  overflow-x: auto; font-size: 0.95em; line-height: 1.45; }
pre.printed { border-style: dashed; margin-top: -0.6rem; }
pre.printed::before { content: "prints"; float: right; color: var(--muted); font-size: 0.8em; }
@media (max-width: 40rem) { pre.printed::before { content: none; } }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: 0.3rem 0.7rem; text-align: start; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
blockquote { margin: 1rem 0; padding: 0.1rem 1rem;
  border-inline-start: 4px solid var(--accent); background: var(--panel); }
.k, .kn, .kc, .ow, .bp { color: var(--keyword); } .s1, .s2, .sd, .sa, .si { color: var(--text); }
.c1 { color: var(--comment); } .mi, .mf { color: var(--number); }
"""


def page(one: Lesson) -> str:
    """Return a lesson's text as a single HTML file."""
    # markdown-it drops the line breaks in a picture's alternative, and with them the spaces between words
    text = ALTERNATIVE.sub(lambda found: f"![{' '.join(found[1].split())}](", one.text)
    body = MarkdownIt("commonmark", {"highlight": _highlighted}).enable("table").render(text)
    body = body.replace(
        '<pre><code class="language-text">', '<pre class="printed"><code class="language-text">'
    )
    body = re.sub(
        r"<!-- drawing: (.*?)\s+-->\n<pre>",
        lambda found: f'<pre role="img" aria-label="{html.escape(" ".join(found[1].split()))}">',
        body,
        flags=re.S,
    )
    body = re.sub(
        r'<img src="([\w.-]+)"',
        lambda picture: f'<img src="{_data(one.folder / picture[1])}"',
        body,
    )
    # in a table with an empty corner, the first cells of the rows are headings
    body = re.sub(
        r"<tr>\n<th></th>.*?</table>",
        lambda table: re.sub(r"<tr>\n<td>(.*?)</td>", r'<tr>\n<th scope="row">\1</th>', table[0]),
        body,
        flags=re.S,
    )
    # boxes that may scroll are reachable by keyboard, and no heading is empty
    body = re.sub("<(pre|table)", r'<\1 tabindex="0"', body).replace("<th></th>", "<td></td>")
    last = lessons()[-1].number
    before, after = _link(one, -1, "← lesson {}"), _link(one, 1, "lesson {} →")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Lesson {one.number}: {html.escape(one.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<nav>{before}<span>{one.number} of {last}</span>{after}</nav>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _highlighted(code: str, language: str, _: str) -> str:
    return (
        highlight(code, PythonLexer(), FORMATTER)
        if language in ("python", "py")
        else html.escape(code)
    )


def _data(path: Path) -> str:
    kind = {".svg": "svg+xml", ".png": "png"}[path.suffix]
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _link(one: Lesson, step: int, label: str) -> str:
    for other in lessons():
        if other.number == one.number + step:
            return f'<a href="{other.name}.html">{label.format(other.number)}</a>'
    return "<span></span>"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lesson", nargs="*", help="its number (default: all lessons)")
    for one in [lesson(which) for which in parser.parse_args().lesson] or lessons():
        (one.folder / "page.html").write_text(page(one), encoding="utf-8")
