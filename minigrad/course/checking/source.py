"""A learner's file as text: read it, and find the names that it defines and imports."""

import ast
import codecs
import hashlib
import io
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...support.files import open_file

LONGEST = 1 << 20
"""The maximum size of a file to read, in bytes."""
_parsing = threading.Lock()
IMPORTED = re.compile(r"^[ \t]*(?:from|import) +(\w+(?: *, *\w+)*)", re.M)


def as_text(data: bytes) -> str:
    r"""Return a file's contents as text, with \n line endings and without a byte order mark.

    Errors: OSError if they are longer than 1 MB, or are neither UTF-8 text nor UTF-16 text with its
    byte order mark.
    """
    if len(data) > LONGEST:
        raise OSError("it is longer than 1 MB")
    marks = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE
    encoding = "utf-16" if data.startswith(marks) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise OSError("it is not UTF-8 text") from None
    if "\0" in text:
        raise OSError("it contains null characters, so it is not UTF-8 text")
    return io.StringIO(text, newline=None).read()


def read_text(path: Path) -> str:
    """Return the text of a file. See `as_text`.

    Errors: as for `as_text`, and OSError if the path cannot be read or is a folder or a device.
    """
    with open_file(path) as file:
        return as_text(file.read(LONGEST + 1))


def parse(text: str) -> ast.Module:
    """Return the syntax tree of a file. Errors: as for `ast.parse`.

    Only one thread parses at a time, because Python 3.11 sometimes raises SystemError otherwise
    ("AST constructor recursion depth mismatch"). See https://github.com/python/cpython/issues/106905
    """
    with _parsing:
        return ast.parse(text)


def digest(text: str) -> str:
    """Return 16 characters that identify the text of a file."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def definitions(tree: Any) -> dict[str, Any]:
    r"""Return {name: the statement that defines it} for a file or class. The methods of its classes
    have names such as 'Tanh.backward'. The last definition of a name counts.

    >>> list(definitions(ast.parse("import numpy as np\nclass Tanh:\n    def backward(self): ...")))
    ['np', 'Tanh', 'Tanh.backward']
    """
    found: dict[str, Any] = {}
    for node in tree.body:
        found |= dict.fromkeys(bound(node), node)
        if isinstance(node, ast.ClassDef):
            for name, part in definitions(node).items():
                found[f"{node.name}.{name}"] = part
    return found


def bound(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            return {node.name}
        case ast.Import() | ast.ImportFrom():
            names = [alias.asname or alias.name for alias in node.names]
            return {name.partition(".")[0] for name in names}
    stored = set[str]()
    for part in ast.walk(node):
        match part:
            case ast.Name(name, ast.Store()):
                stored.add(name)
    return stored


def imported(files: Mapping[str, str]) -> dict[str, str]:
    """Return the Python files in a folder that any file in it imports. `files` maps names to texts.

    >>> imported({"a.py": "from b import c", "b.py": "import numpy, d", "c.py": "", "d.py": ""})
    {'b.py': 'import numpy, d', 'd.py': ''}
    """
    code = "\n".join(files.values())
    found = ",".join(IMPORTED.findall(code))
    used = {f"{name.strip()}.py" for name in found.split(",")}
    return {name: text for name, text in files.items() if name in used}
