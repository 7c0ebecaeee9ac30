"""Build the page: one HTML file that contains the style and scripts from web/ and the graph's data.

The page's content security policy identifies the page's own script and style by their hashes. The
policy blocks all other code and all network requests, even if a tensor's name contains HTML.
"""

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..support.files import write_whole

# The order in which the modules are joined. Each module imports only from earlier modules.
MODULES = (
    "arrays.js", "gates.js", "model.js", "recompute.js", "explain.js", "slips.js", "view.js", "scopes.js", "dom.js",
    "grid.js", "windows.js", "heat.js", "picture.js", "panzoom.js", "minimap.js", "steps.js", "quiz.js", "whatif.js",
    "strip.js", "list.js", "app.js",
)  # fmt: skip

_IMPORT = re.compile(r"^import [^;]*?;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|class|let)", re.MULTILINE)


def script() -> str:
    """Join all modules into one script.

    The modules' top-level names are distinct, so removing imports and exports is sufficient.
    """
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _part(name))) for name in MODULES)


def build(data: dict[str, Any]) -> str:
    """Return the HTML page for the data from `collect_graph`."""
    code = script()
    style = _part("style.css")
    policy = (
        f"default-src 'none'; img-src data:; script-src {_hash(code)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": html.escape(data["title"]),
        "style": style,
        "script": code,
        "data": as_json(data),
    }
    return _filled("page.html", parts)


def build_pair(parts: dict[str, str]) -> str:
    """Return the page with two explorers. The explorers inherit the page's policy, which must
    therefore allow their code.
    """
    code, style = _part("pair.js"), _part("pair.css")
    policy = (
        "default-src 'none'; frame-src 'self'; img-src data:; "
        f"script-src {_hash(code)} {_hash(script())}; "
        f"style-src {_hash(style)} {_hash(_part('style.css'))}; base-uri 'none'; form-action 'none'"
    )
    return _filled("pair.html", parts | {"policy": policy, "style": style, "script": code})


def as_json(data: dict[str, Any]) -> str:
    """Return data as JSON that can be part of a page."""
    # "</script>" would end the element even inside a JSON string, so write every "<" as \u003c.
    text = json.dumps(
        data, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=float
    )  # a gate's settings may be NumPy numbers
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _filled(template: str, parts: dict[str, str]) -> str:
    # Replace all placeholders in a single pass, because the data may also contain {{...}}.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _part(template))


def save(page: str, target: Path) -> None:
    """Write a page.

    Errors: OptionError if it cannot be written (MG803).
    """
    try:
        write_whole(target, lambda file: file.write(page.encode(errors="backslashreplace")))
    except OSError as error:
        raise OptionError(
            "MG803",
            f"cannot write the page to {str(target)!r}",
            cause=str(error.strerror or error),
            remedy="choose a folder that exists and is writable, or free some disk space",
        ) from None


def frame(page: str) -> str:
    """Wrap the page in an iframe for a notebook cell. Only the page's own script can run in it."""
    source = html.escape(page, quote=True)
    return (
        f'<iframe srcdoc="{source}" sandbox="allow-scripts" title="minigrad explorer" '
        'style="width:100%;height:720px;border:0"></iframe>'
    )


def _part(name: str) -> str:
    return (files(__package__) / "web" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
