"""Pictures as files and in notebooks, with and without a program that draws."""

import pytest

import minigrad as mg
from minigrad.drawing import render, set_renderer
from minigrad.errors import DrawError, MinigradError
from tests.needs import needs_dot

from .drawn_graphs import Read, product, rnn

needs_pure = pytest.mark.skipif(
    render.pure_program() is None, reason="no graphviz-pure (make setup)"
)


def pixels(path):
    """(width, height) from a PNG's header."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width = int.from_bytes(data[16:20], "big")
    height = int.from_bytes(data[20:24], "big")
    return width, height


@needs_dot
@pytest.mark.parametrize(
    "name, start",
    [
        ("g.svg", b"<?xml"),
        ("g.pdf", b"%PDF"),
        ("g.dot", b"digraph"),
        ("g.PNG", b"\x89PNG"),
    ],
)
def test_draw_writes_format_of_suffix(tmp_path, name, start):
    path = tmp_path / name
    assert mg.draw(product(), path).path == path
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes().startswith(start)


@needs_dot
@pytest.mark.parametrize(
    "steps, least, most",
    [(3, 700, 1800), (100, 10_000, 14_300)],
)
def test_png_has_144_pixels_per_inch_unless_wide(tmp_path, steps, least, most):
    drawing = mg.draw(rnn(steps), tmp_path / "g.png", mode="unrolled")
    width, _ = pixels(drawing.path)
    assert least < width <= most


@needs_dot
def test_error_of_graphviz_is_quoted():
    with pytest.raises(DrawError, match="MG608.*syntax error") as caught:
        render.render("digraph { a -> ", "svg")
    assert "try .svg" not in caught.value.remedy  # that was tried


@pytest.fixture
def no_dot(monkeypatch):
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def no_program(no_dot, monkeypatch):
    monkeypatch.setattr(render, "pure_program", lambda: None)


@pytest.fixture
def renderer(no_program, monkeypatch):
    monkeypatch.setattr(render, "_renderer", None)  # and put back afterwards
    set_renderer(lambda dot: f"<svg>{len(Read(dot).nodes)} nodes</svg>")


def test_set_renderer_draws_every_svg(renderer, tmp_path):
    path = tmp_path / "g.svg"
    mg.draw(product(), path)
    assert path.read_text() == "<svg>4 nodes</svg>"
    bundle = mg.Graph(product())._repr_mimebundle_()
    assert bundle["image/svg+xml"] == "<svg>4 nodes</svg>"
    with pytest.raises(DrawError, match="MG607"):
        mg.draw(product(), tmp_path / "g.png")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "g.dot", path]


def test_error_of_renderer_is_quoted(renderer, tmp_path):
    set_renderer(lambda dot: dot[99_999])
    message = "MG608.*the renderer could not draw .* index out of range"
    with pytest.raises(DrawError, match=message):
        mg.draw(product(), tmp_path / "g.svg")
    assert list(tmp_path.iterdir()) == []


def test_draw_without_program_writes_dot(no_program, tmp_path):
    with pytest.raises(DrawError, match="MG607") as caught:
        mg.draw(product(), tmp_path / "g.png")
    dot = tmp_path / "g.dot"
    assert str(dot) in str(caught.value)
    assert "pip install graphviz-pure" in caught.value.remedy
    assert len(Read(dot.read_text()).nodes) == 4
    assert list(tmp_path.iterdir()) == [dot]
    mg.draw(product(), tmp_path / "other.dot")  # which needs no program


def test_notebook_without_program_shows_error(no_program):
    bundle = mg.Graph(product())._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "MG607" in bundle["text/plain"]


@needs_pure
def test_graphviz_pure_draws(no_dot, tmp_path):
    drawing = mg.draw(rnn(4), tmp_path / "g.png", mode="unrolled")
    assert min(pixels(drawing.path)) > 200
    bundle = mg.Graph(product())._repr_mimebundle_()
    assert ">MultiplyGate<" in bundle["image/svg+xml"]


@needs_pure
def test_graphviz_pure_fails_with_reason(no_dot, tmp_path):
    with pytest.raises(DrawError, match="MG608") as caught:
        mg.draw(product(), tmp_path / "g.pdf")
    assert "try .svg" in caught.value.remedy
    with pytest.raises(DrawError, match="MG608.*graphviz-pure"):
        render.render("digraph { a -> ", "svg")


@pytest.mark.parametrize(
    "path, remedy",
    [
        ("", "end the path with one of .png, .svg"),
        ("graph", "end the path with one of .png, .svg"),
        ("graph.jpeg", "end the path with one of .png, .svg"),
        (".dot", "end the path with one of .png, .svg"),
        ("folder.dot", "it is a folder"),
        ("no; rm x/g.dot", "`mkdir -p 'no; rm x'`"),
    ],
)
def test_draw_refuses_path(tmp_path, monkeypatch, path, remedy):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "folder.dot"
    folder.mkdir()
    with pytest.raises(MinigradError) as caught:
        mg.draw(product(), path)
    assert path in caught.value.what
    assert remedy in str(caught.value)
    assert list(tmp_path.iterdir()) == [folder]


def refuse(*_, **__):
    raise PermissionError(13, "Permission denied")


def test_draw_quotes_error_of_system(tmp_path, monkeypatch):
    monkeypatch.setattr("minigrad.support.files.open", refuse, raising=False)
    with pytest.raises(DrawError, match="Permission denied") as caught:
        mg.draw(product(), tmp_path / "g.dot")
    assert "mkdir" not in caught.value.remedy  # the folder is there
