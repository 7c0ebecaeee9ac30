"""A Sphinx extension that puts the exercise of a lesson or milestone into its page, and the learner's
progress into the page of the course and the page of the milestones.

In a lesson's page, `web/lesson.js` adds an editor below "Your turn". The sections that show the
result are folded until the lesson is passed. The checks run in the page: `gather` writes what they
need into the site. A lesson's solution and its answer key are in separate files, which the page
fetches for the first check.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

import cells
from docutils import nodes
from pages import LESSONS, OWN
from sphinx.application import Sphinx

from minigrad.course.checking import quiz
from minigrad.course.checking.lesson import ENGINE_LESSON, Lesson
from minigrad.course.checking.registry import FOLDER, milestone, milestones
from minigrad.course.checking.sandbox import SECONDS

HERE = Path(__file__).parent
ESBUILD = HERE / "node_modules/.bin/esbuild"
FOLDED = ("What to notice afterwards", "The page of a correct solution")
"""Headings of the sections that give the exercise away."""
FOR_A_CHECK = ("solution.py", "key.json.gz", "weights.safetensors")
"""A lesson's files that are fetched when it is checked."""
WORDS = (
    (r"Open `(lesson_\w+\.py)` and write", r"In the editor below, write"),
    (r"Open `(lesson_\w+\.py)`", r"The editor below contains `\1`"),
    (r"Run the file with `python lesson_\w+\.py`", "Press Run"),
    (r"([Rr])un `python lesson_\w+\.py`", lambda found: "pP"[found[1] == "R"] + "ress Run"),
    (r"`python lesson_\w+\.py`", "Run"),
    (r"([Rr])un `minigrad course check \d+`", lambda found: "pP"[found[1] == "R"] + "ress Check"),
    (r"`minigrad course check \d+`", "Check"),
    (r"saves it as `pages/\w+\.html`", "shows it in the explorer below the editor"),
    (r"Open this page", "Use it"),
    (
        r"(The page )?`pages/\w+\.html`",
        lambda found: f"{'tT'[bool(found[1])]}he explorer below the editor",
    ),
)
"""The texts are written for a terminal. (pattern, what it is called in a page.)"""
MILESTONE_WORDS = (
    (
        r"([Rr])un `minigrad course milestones \d+`",
        lambda found: "pP"[found[1] == "R"] + "ress Check",
    ),
    (r"in `milestone_\w+\.py`", "in the editor below"),
    (
        r"`minigrad course milestones` lists them",
        "[the list](../../../../docs/milestones.md) shows them",
    ),
    (
        r"run `minigrad course milestones`, which lists",
        "open [the list](../../../../docs/milestones.md), which shows",
    ),
    (r"a page in `pages/` (shows|lists)", r"a picture below the editor \1"),
    (r"The milestone's page in `pages/` shows", "The picture below the editor shows"),
    (r"trains the network for a second or two", "trains the network"),
    (r" On most computers, the training takes a few seconds\.", ""),
    (
        r"delete `my_engine.py` and run `minigrad course milestones`[^.]*\. The course then copies "
        r"`lesson_07_engine.py` again",
        "copy `lesson_07_engine.py` again: the page with the list of milestones has a button for it",
    ),
)
"""The same for the texts and hints of milestones."""
SECONDS_IN_A_PAGE = {
    "xor": 1,
    "spiral": 5,
    "words": 35,
    "truncation": 20,
    "lstm": 15,
    "sorting": 5,
    "names": 50,
    "digits": 10,
}
"""About how long a milestone's training takes in a browser, with lesson 7's solution as the engine."""
EDITOR = "<!-- editor -->"
"""A comment in a page's Markdown. The paragraph after it is true only if the site has an editor."""
NO_EDITOR = (
    "On other copies of this site, you can take the course in a browser. This copy was built without "
    "Python, so its pages have no editor."
)
"""The paragraph that replaces it otherwise."""
FILES = re.compile(r"<!-- files: ([\d ]+) -->")
"""A comment in the course's ending: the numbers of the lessons whose files are shown there."""
YOUR_ENGINE = "<!-- engine -->"
"""A comment in the page of the milestones: where the learner's engine is shown."""
RUN_MILESTONE = r"([Rr])un `minigrad course milestones (\d+)`"
"""The command in a lesson's text that becomes a link to the milestone's page."""
OFFLINE = re.compile(
    r"(index|course|ending|readme|milestones|lessons/.*|milestones/.*)\.html|_static/|_images/|made/"
)
"""The site's files for "make this course available offline"."""
NOT_NEEDED = (
    ".svg",
    ".html",
    "slips.py",
    "right.py",
    "mutants.py",
    "rewrites.py",
    "figures.py",
    ".pyc",
    ".toml",
    *FOR_A_CHECK,
)


def described(one: Lesson) -> dict[str, Any]:
    """Return what the scripts need to know about a lesson or milestone."""
    sources = "".join(
        one.read(name) for name in ("text.md", "exercise.py", "solution.py", "check.py")
    )
    hints = [in_a_page(text, MILESTONE_WORDS) for text in one.hints]
    return {
        "name": one.name, "number": one.number, "title": one.title, "file": one.file, "kind": one.kind,
        "exercise": one.read("exercise.py"), "hints": hints, "quiz": quiz.read(one),
        "reviews": "load_imdb" in sources, "questions": len(one.questions),
        "seconds": SECONDS, "training": one.training,
    }  # fmt: skip


def add_exercise(app: Sphinx, document: nodes.document) -> None:
    """Add the exercise to the page of a lesson or milestone, and fold the sections that give it away."""
    folder, _, name = app.env.docname.rpartition("/")
    if folder not in ("lessons", "milestones"):
        return
    (one,) = (one for one in (*LESSONS, *milestones()) if one.name == name)
    python = app.config.cells_python
    sections = list(document.findall(nodes.section))
    turns = [section for section in sections if section[0].astext().startswith("Your turn")]
    shown = exercise(one) if python else without_python(one)
    if folder == "milestones":
        shown += cells.data(app)  # a lesson's page has it below its first cell
    (turns or sections)[-1] += nodes.raw("", shown, format="html")
    for section in sections:
        heading = section[0].astext()
        if heading in FOLDED:
            place = section.parent.index(section)
            label = f"Open{'s' * bool(python)} when you pass (it shows the result)"
            opened = f'<details class="after-pass"><summary>{label}</summary>'
            section.parent.insert(place + 1, nodes.raw("", "</details>", format="html"))
            section.parent.insert(place, nodes.raw("", opened, format="html"))


def exercise(one: Lesson) -> str:
    """Return the HTML of the exercise of a lesson or milestone, which lesson.js completes."""
    is_lesson = one.kind == "Lesson"
    earlier = [
        {"name": other.name, "number": other.number, "quiz": quiz.read(other)}
        for other in LESSONS if is_lesson and other.number <= one.number - 2
    ]  # fmt: skip
    data = json.dumps({**described(one), "earlier": earlier}).replace("</", "<\\/")
    command = f"minigrad course {'check' if is_lesson else 'milestones'} {one.number}"
    return f"""<div class="lesson" id="exercise"><script type="application/json">{data}</script>
<p class="needs-server">To write and check your code here, this page needs JavaScript and a server. If
you opened the page as a file, run <code>python -m http.server</code> in the site's folder and open
<code>http://localhost:8000</code>, or take the course in a terminal: <code>minigrad course start
my-course</code>.</p>
<p class="served-only">You can write your code here, in <code>{one.file}</code>. The button Check does
what <code>{command}</code> does in a terminal.{"" if is_lesson else about_training(one)}</p>
<template class="lesson-next">{next_links(one)}</template>
</div>"""


def about_training(one: Lesson) -> str:
    """Return the sentences in a milestone's page about its training."""
    seconds = SECONDS_IN_A_PAGE[one.word]
    takes = f"about {seconds} seconds" if seconds > 1 else "a second"
    return f""" The network trains with your <a href="../milestones.html#your-engines-file">engine, in
<code>my_engine.py</code></a>. In a browser, the training takes {takes} on most computers, or several times as
long on a slow or busy one. A bar shows how much of it is done."""


def next_links(one: Lesson) -> str:
    """Return the links that appear when a lesson or milestone is passed."""
    is_lesson = one.kind == "Lesson"
    later = [
        other for other in (LESSONS if is_lesson else milestones()) if other.number > one.number
    ]
    if later:
        other = min(later, key=lambda other: other.number)
        link = linked(other, f"{other.name}.html")
    elif is_lesson:
        link = '<a href="../ending.html">what you built</a>'
    else:
        link = '<a href="../milestones.html">all milestones</a>'
    if not is_lesson:
        return f'<p class="lesson-next-link">Next: {link}.</p>'
    made = "<code>my_engine.py</code> contains your engine. " if one == ENGINE_LESSON else ""
    networks = [other for other in milestones() if other.number == one.number and one not in OWN]
    network = "".join(
        f"<p>{made}The same network on your own engine: "
        f"{linked(other, f'../milestones/{other.name}.html')}.</p>"
        for other in networks
    )
    return f"""<p class="lesson-next-link">Read "What to notice afterwards" below.
Next: {link}.</p>{network}"""


def linked(one: Lesson, address: str) -> str:
    """Return a link to a lesson or milestone."""
    return f'<a href="{address}">{one.kind.lower()} {one.number}, {escape(one.title)}</a>'


def without_python(one: Lesson) -> str:
    """Return the HTML of an exercise on a site that was built without Python."""
    checks = (
        f" with <code>{one.file}</code>, and <code>minigrad course check {one.number}</code> checks it there"
        if one.kind == "Lesson"
        else f". In it, <code>minigrad course milestones {one.number}</code> makes and checks "
        f"<code>{one.file}</code>"
    )
    return f"""<p>This copy of the site has no editor, because it was built without Python. Write your code in
a terminal: <code>minigrad course start my-course</code> makes the folder <code>my-course</code>{checks}.</p>"""


def change_source(app: Sphinx, page: str, source: list[str]) -> None:
    """Add the learner's progress to the pages of the course and of the milestones, the learner's files to
    the ending, and speak of buttons in the lessons and milestones. Without Python in the pages, there is
    none of these, and no page promises an editor.
    """
    if not app.config.cells_python:
        source[0] = re.sub(rf"{EDITOR}\n.*?\n\n", f"{NO_EDITOR}\n\n", source[0], flags=re.DOTALL)
        return
    if page.startswith("lessons/"):
        source[0] = in_a_page(source[0], ((RUN_MILESTONE, milestone_link), *WORDS))
    if page.startswith("milestones/"):
        source[0] = in_a_page(source[0], MILESTONE_WORDS)
    if page == "milestones":
        source[0] = source[0].replace(YOUR_ENGINE, box("course-milestones", milestones()))
    if page == "course":
        title, _, rest = source[0].partition("\n")
        source[0] = f"{title}\n\n{box('course-home', LESSONS)}\n{rest}"
    if page == "ending":
        source[0] = FILES.sub(own_files, source[0])


def in_a_page(text: str, words: Iterable[tuple[str, Any]]) -> str:
    """Return a text that was written for a terminal in the words of a page."""
    for pattern, word in words:
        # sentences and commands may continue on the next line
        text = re.sub(pattern.replace(" ", r"\s+"), word, text)
    return text


def milestone_link(found: re.Match[str]) -> str:
    """Return a link from a lesson's text to a milestone, in place of its command."""
    one = milestone(found[2])
    verb = "oO"[found[1] == "R"] + "pen"
    return f"{verb} [milestone {one.number}, {one.title}](../../milestones/{one.name}/text.md)"


def own_files(comment: re.Match[str]) -> str:
    """Return the box that built.js fills with the learner's files."""
    numbers = set(map(int, comment[1].split()))
    return box("course-built", [one for one in LESSONS if one.number in numbers])


def box(name: str, lessons: Iterable[Lesson]) -> str:
    """Return an element for a script, with the lessons that it shows."""
    shown = [
        {"name": o.name, "number": o.number, "title": o.title, "file": o.file} for o in lessons
    ]
    data = json.dumps(shown)
    return f'<div class="{name}"><script type="application/json">{data}</script></div>'


def gather(app: Sphinx, config: Any) -> None:
    """Write the editor, the course and each lesson's answers into the site. Without Python in the
    page, nothing is written.
    """
    sizes = config.cells_python
    if not sizes:
        return
    folder = Path(app.outdir) / cells.FOLDER
    options = "--bundle --format=esm --minify --log-level=error".split()
    bundle = [str(ESBUILD), str(HERE / "web/editor.js"), *options, f"--outfile={folder}/editor.js"]
    subprocess.run(bundle, check=True)
    archive(folder / "course.zip", course_files())
    for one in (*LESSONS, *milestones()):
        files = [one.folder / name for name in FOR_A_CHECK if (one.folder / name).exists()]
        inside = f"minigrad/course/{one.kind.lower()}s/{one.name}"
        archive(
            folder / f"{one.name}.zip",
            {f"{inside}/{path.name}": path.read_bytes() for path in files},
        )
        shutil.copyfile(one.folder / "solution.py", folder / f"{one.name}.solution.py")
    for path in [*folder.glob("*.zip"), folder / "imdb.npz"]:
        if path.name != "python_stdlib.zip":
            # the size twice, because these files are compressed already; fetched only if needed
            sizes[path.name] = (path.stat().st_size, path.stat().st_size, True)


def add_worker(app: Sphinx, error: Exception | None) -> None:
    """Write the service worker, and the list of the files for offline use. Their cache is named
    after the contents of the whole site.
    """
    if error is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    files = [
        path for path in sorted(out.rglob("*")) if path.is_file() and ".doctrees" not in path.parts
    ]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    wanted = [
        [name, path.stat().st_size]
        for path in files
        if OFFLINE.match(name := path.relative_to(out).as_posix())
    ]
    cache = f"minigrad-{digest}"
    listed = json.dumps({"cache": cache, "files": wanted})
    (out / "offline.json").write_text(listed, encoding="utf-8")
    script = (HERE / "web/sw.js").read_text(encoding="utf-8")
    (out / "sw.js").write_text(script.replace("minigrad-BUILD", cache), encoding="utf-8")


def course_files() -> dict[str, bytes]:
    """Return the files of the course that a check needs, except solutions and answers. A check does
    not load the classroom.
    """
    files = {"checker.py": (HERE / "web/checker.py").read_bytes()}
    folders = {"course": FOLDER.parent, **{f"course/lessons/{one.name}": one.folder for one in OWN}}
    for name, folder in folders.items():
        for path in sorted(folder.rglob("*")):
            classroom = FOLDER.parent / "classroom" in path.parents
            if path.is_file() and not classroom and not path.name.endswith(NOT_NEEDED):
                content = path.read_bytes()
                if path.name == "text.md":  # only its title is used
                    content = content.partition(b"\n")[0]
                files[f"minigrad/{name}/{path.relative_to(folder).as_posix()}"] = content
    return files


def archive(path: Path, files: dict[str, bytes]) -> None:
    """Write a zip file, with the same bytes for the same files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name, content in files.items():
            target.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)


def add_files(
    app: Sphinx, page: str, template: str, context: dict[str, Any], document: nodes.document | None
) -> None:
    """Add the scripts and styles of a lesson, and of the pages about the whole course."""
    if re.fullmatch(r"lessons/lesson_\w+", page):
        app.add_css_file("cells/lesson.css")
    if page in ("course", "ending", "milestones") or page.startswith("milestones/"):
        app.add_js_file("cells/page.js", type="module")
        app.add_css_file("cells/cell.css")
        app.add_css_file("cells/lesson.css")


def setup(app: Sphinx) -> dict[str, Any]:
    """Set up the extension. Called by Sphinx."""
    app.connect("config-inited", gather, priority=900)  # after cells.gather
    app.connect("source-read", change_source)
    app.connect("doctree-read", add_exercise, priority=900)  # after the cells were found
    app.connect("html-page-context", add_files)
    app.connect("build-finished", add_worker, priority=900)  # after all files were written
    return {"parallel_read_safe": True, "parallel_write_safe": True}
