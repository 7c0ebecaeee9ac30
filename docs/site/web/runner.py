"""Run the cells of a page, both in the browser and when the site is built.

A `Runner` passes each piece of a cell's output to `show(kind, content, title)`. The kinds are
`text` (printed text), `error` (a traceback), `svg` and `png` (a picture; png in base64), `html` (a
table) and `page` (an explorer's whole page).

If you run this file as a program, it reads a JSON list with the source of each cell on one page
from stdin, and prints their outputs as JSON.
"""

import ast
import base64
import builtins
import contextlib
import importlib
import io
import json
import linecache
import os
import re
import sys
import tempfile
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIMIT = (
    100_000  # maximum number of characters that a run may print; more would slow down the browser
)

CELLS = Path("/cells")
"""The working directory in a browser, which is on Python's path."""
Show = Callable[[str, str, str], object]
OWN: set[str] = set()
"""The names of the cells and files that a traceback shows. Other lines of a traceback are not the
reader's.
"""


class Runner:
    """Runs the cells of one page, which share their variables."""

    def __init__(self, show: Show) -> None:
        self.show = show
        self.module = sys.modules["__main__"] = types.ModuleType("__main__")
        builtins.input = no_input

    def run(self, name: str, source: str) -> bool:
        """Run a cell, and show its printed text, its last expression and the files that it writes.
        Returns False if the cell raised an error.

        Reports and errors show the cell's name: "Cell 2, line 5".
        """
        OWN.add(name)
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        before = _files()
        printed = Printed(self.show)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                value = self._execute(source, name)
                printed.flush()
                self.display(value)
                return True
            except BaseException as error:  # also SystemExit, because other cells may run later
                printed.flush()
                self.show("error", explain(error), "")
                return False
            finally:
                printed.flush()
                seen = getattr(locals().get("value"), "path", None)
                for file in sorted(_files() - before):
                    if seen is None or Path(seen).resolve() != Path(file[0]).resolve():
                        self.display_file(Path(file[0]))

    def _execute(self, source: str, name: str) -> object:
        """Run a cell, and return the value of its last statement if it is an expression, else None."""
        tree = ast.parse(source, name)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body[-1].value)
            del tree.body[-1]
        names = self.module.__dict__
        exec(compile(tree, name, "exec", dont_inherit=True), names)
        return None if last is None else eval(compile(last, name, "eval", dont_inherit=True), names)

    def run_program(self, name: str, source: str) -> bool:
        """Run a file with fresh variables, as `python file.py` does."""
        cells, self.module = self.module, types.ModuleType("__main__")
        self.module.__file__ = name
        sys.modules["__main__"] = self.module
        try:
            return self.run(name, source)
        finally:
            self.module = sys.modules["__main__"] = cells

    def display(self, value: Any) -> None:
        """Show a value in the same way as a notebook."""
        explorer = sys.modules.get("minigrad.explorer")
        if value is None:
            return
        if explorer and isinstance(value, explorer.Page):
            self.show("page", value.html, "minigrad explorer")
            return
        bundle = value._repr_mimebundle_() if hasattr(value, "_repr_mimebundle_") else {}
        for kind, key, method in (
            ("svg", "image/svg+xml", "_repr_svg_"),
            ("png", "image/png", "_repr_png_"),
            ("html", "text/html", "_repr_html_"),
        ):
            content = bundle.get(key) or (
                getattr(value, method)() if hasattr(value, method) else None
            )
            if content:
                self.show(
                    kind,
                    content if isinstance(content, str) else base64.b64encode(content).decode(),
                    getattr(value, "description", "") or repr(value),
                )
                return
        self.show("text", bundle.get("text/plain", repr(value)) + "\n", "")

    def display_file(self, path: Path) -> None:
        """Show a picture or a page that the cell wrote."""
        content = path.read_bytes()
        if path.suffix in (".html", ".htm"):
            self.show("page", content.decode(errors="replace"), path.name)
        elif content.startswith(b"\x89PNG"):
            self.show("png", base64.b64encode(content).decode(), path.name)
        elif path.suffix in (".svg", ".png"):  # in the browser, a .png file contains SVG
            self.show("svg", content.decode(errors="replace"), path.name)


def write_own(file: str, text: str) -> None:
    """Write a learner's file where cells and other files import it, the next time with this text."""
    # compiled files are outdated if the text changes within a second and keeps its length
    sys.dont_write_bytecode = True
    (CELLS / file).write_text(text, encoding="utf-8")
    sys.modules.pop(file.removesuffix(".py"), None)
    importlib.invalidate_caches()
    OWN.add(file)


def no_input(prompt: object = "") -> str:
    """Raise an error, as a replacement for `input`."""
    raise RuntimeError(
        "input() does not work in a cell, because a cell cannot read the keyboard; write the "
        "value into the code"
    )


class Printed(io.TextIOBase):
    """A stream that shows each line when it is printed, up to LIMIT characters."""

    def __init__(self, show: Show) -> None:
        self.show, self.line, self.length = show, "", 0

    def write(self, text: str) -> int:
        """Show the complete lines so far."""
        before, self.length = self.length, self.length + len(text)
        if before <= LIMIT:
            self.line += text
            if self.length > LIMIT:
                self.line += f"\n... and more: only the first {LIMIT:,} characters are shown\n"
            if "\n" in self.line:
                self.flush()
        return len(text)

    def flush(self) -> None:
        """Show the text so far, even if its last line is not complete."""
        if self.line:
            line, self.line = self.line, ""
            self.show("text", line, "")


def explain(error: BaseException) -> str:
    """Return a traceback that shows only lines of cells."""
    report = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = report
    while part is not None:
        own = [frame for frame in part.stack if _is_own(frame.filename)]
        part.stack = traceback.StackSummary.from_list(own) if own else None  # type: ignore[assignment]
        cause = part.__cause__ or part.__context__
        if cause is not None and not any(_is_own(frame.filename) for frame in cause.stack):
            # an internal error that minigrad's error replaces
            part.__cause__ = part.__context__ = cause = None
        part = cause
    return re.sub(r'File "(?:.*/)?(.*)", (?=line)', r"\1, ", "".join(report.format()))


def _is_own(file: str) -> bool:
    return file.rpartition("/")[2] in OWN


def _files() -> set[tuple[str, int, int]]:
    """Return (name, size, modification time) of the pictures and pages in the working directory."""
    with os.scandir() as entries:
        return {
            (
                entry.name,
                entry.stat().st_size,
                entry.stat().st_mtime_ns,
            )
            for entry in entries
            if entry.name.endswith((".svg", ".png", ".html", ".htm"))
        }


Names = Any
"""A dict or another mapping: the names of a module or class."""
_at_start: list[tuple[Names, str, Any]] = []
"""Every function, class and module that was loaded at the start: where it is, its name, and itself."""


def remember() -> None:
    """Remember what readers' code must not replace."""
    modules: list[tuple[str, Any]] = list(sys.modules.items())
    for name, module in modules:
        if not isinstance(module, types.ModuleType) or name == "__main__":
            continue
        _at_start.append((sys.modules, name, module))
        for key, value in list(vars(module).items()):
            if callable(value) or isinstance(value, types.ModuleType | float):
                _at_start.append((vars(module), key, value))
            if isinstance(value, type) and value.__module__ == name:
                parts = list(vars(value).items())
                _at_start.extend((vars(value), k, v) for k, v in parts if callable(v))
    _at_start.append((_settings(), "", None))


def damage() -> bool:
    """Return whether readers' code has replaced or deleted something since Python was started."""
    try:
        *functions, (settings, _, _) = _at_start
        return settings != _settings() or any(n.get(k) is not v for n, k, v in functions)
    except BaseException:  # this function itself needs something that was replaced
        return True


def _settings() -> dict[str, Any]:
    import numpy as np

    return {
        **np.geterr(),
        "recursion": sys.getrecursionlimit(),
        "folder": os.getcwd(),
    }


def in_browser(show: Show, svg_of: Callable[[str], str]) -> Runner:
    """Return the runner of a page in the browser. `svg_of` converts DOT text to SVG."""
    from minigrad.drawing import drawing, render, set_renderer

    def draw(text: str, suffix: str) -> bytes:
        """Return SVG even for a .png file, as a replacement for `render`. `display_file` handles
        it.
        """
        return render.render(
            re.sub(r'graph \[dpi="\d+"\];', "", text), "svg" if suffix == "png" else suffix
        )

    set_renderer(svg_of)
    drawing.__dict__["render"] = draw
    made = Runner(show)
    remember()
    return made


def main() -> None:
    """Run the cells of one page in a new folder."""
    shown: list[list[tuple[str, str, str]]] = []
    runner = Runner(lambda *piece: shown[-1].append(piece))
    out = sys.stdout
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for number, source in enumerate(json.load(sys.stdin), 1):
            shown.append([])
            runner.run(f"Cell {number}", source)
    json.dump(shown, out)


if __name__ == "__main__":
    main()
