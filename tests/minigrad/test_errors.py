"""Errors: the examples in docs/errors.md raise the messages that the page shows."""

from __future__ import annotations

import ast
import os
import re
import stat
import sys
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import minigrad as mg

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text()
IMPORTS = re.findall(r"```python\n(.*?)```", PAGE, re.S)[0]
SECTIONS = {
    code: (example, message)
    for code, example, message in re.findall(
        r"^### (MG\d{3}) [^\n]*\n+(?:(?!```|#)[^\n]+\n+)*```python\n(.*?)```\n+```text\n(.*?)```",
        PAGE,
        re.S | re.M,
    )
}


@pytest.fixture
def world(tmp_path, monkeypatch) -> Iterator[dict[str, Any]]:
    """What an example may use: the page's imports and its three helpers, in an empty folder; all is
    put back after.
    """
    monkeypatch.chdir(tmp_path)
    servers: list[HTTPServer] = []

    def serve(content: bytes, announce: int | None = None) -> str:
        """The address of a server that answers every request with `content`, announced as longer if
        so asked.
        """

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(announce or len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=[0.01], daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    def without_programs() -> None:
        """As on a machine without Graphviz."""
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))

    def with_program(name: str, script: str) -> None:
        """As on a machine where a program does what the script says."""
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    modules = dict(sys.modules)
    # an example may put None there: a module that cannot be imported
    loaded: dict[str, Any] = sys.modules
    namespace: dict[str, Any] = {
        "serve": serve,
        "without_programs": without_programs,
        "with_program": with_program,
    }
    exec(IMPORTS, namespace)
    mg.seed(0)
    with mock.patch.dict(mg.GATES):
        yield namespace
    sys.modules.update(modules)
    for name in [name for name, module in loaded.items() if module is None]:
        sys.modules.pop(name)
    for server in servers:
        server.shutdown()
        server.server_close()


def message_of(code: str, example: str, namespace: dict[str, Any]) -> str:
    """The message of the error, or of the warning, that an example brings about."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            exec(compile(example, f"{code}.py", "exec"), namespace)
        except mg.MinigradError as error:
            assert error.code == code
            return str(error)
    return next(
        str(warning.message) for warning in caught if str(warning.message).startswith("[MG")
    )


@pytest.mark.parametrize("code", SECTIONS)
def test_error_message_is_the_page_s(code, world):
    example, message = SECTIONS[code]
    text = message_of(code, example, world)
    # `...`: differs from machine to machine
    pattern = re.escape(message.rstrip("\n")).replace(r"\.\.\.", r"[\s\S]*?")
    assert re.fullmatch(pattern, text), f"{code} says:\n{text}"
    assert text.startswith(f"[{code}] ")
    assert re.search(r"\n  cause:  .{10}", text) and re.search(r"\n  remedy: .{10}", text)


def sources() -> Iterator[str]:
    """Return the source files that mention an error's code."""
    for package in ("minigrad", "layers", "optim"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text()
            if '"MG' in text:
                yield text


@pytest.fixture(scope="module")
def calls() -> list[tuple[str, ast.Call]]:
    """(code, call) of every call in the packages whose first argument is a code."""
    found = []
    for text in sources():
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Call(args=[ast.Constant(value=str(code)), *_]):
                    if re.fullmatch(r"MG\d{3}", code):
                        found.append((code, node))
    return found


def test_errors_page_has_every_code_and_no_other():
    codes = {code for text in sources() for code in re.findall(r'"(MG\d{3})"', text)}
    titles = re.findall(r"^### (MG\d{3}) ", PAGE, re.M)
    assert titles == list(SECTIONS)
    assert titles == sorted(codes)


def test_errors_have_a_cause_and_a_remedy(calls):
    for code, call in calls:
        keywords = {keyword.arg for keyword in call.keywords}
        assert {"cause", "remedy"} <= keywords, f"{code}, line {call.lineno}"


def test_error_code_stands_for_one_class(calls):
    classes: dict[str, str] = {}
    for code, call in calls:
        name = ast.unparse(call.func)
        assert classes.setdefault(code, name) == name
