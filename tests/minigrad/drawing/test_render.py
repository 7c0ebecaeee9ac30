"""Pictures as files and in notebooks: whole or not at all, and a way out where no program can
draw.
"""

from __future__ import annotations

import pytest

import minigrad as mg
from minigrad.drawing import render, set_renderer
from minigrad.errors import DrawError, OptionError

from .drawn_graphs import Read, needs_dot, product, rnn

needs_pure = pytest.mark.skipif(
    render.pure_program() is None, reason="graphviz-pure is not installed"
)


def pixels(path):
    """(width, height) from a PNG's header."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


@needs_dot
@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("g.svg", b"<?xml"),
        ("g.pdf", b"%PDF"),
        ("g.dot", b"digraph"),
        ("g.PNG", b"\x89PNG"),
    ],
)
def test_formats_by_suffix(tmp_path, name, start):
    drawing = mg.draw(product(), tmp_path / name)
    assert list(tmp_path.iterdir()) == [drawing.path]
    assert (tmp_path / name).read_bytes().startswith(start)


@needs_dot
def test_a_png_has_144_pixels_to_the_inch_or_fewer_if_it_is_wide(tmp_path):
    width, _ = pixels(mg.draw(rnn(3), tmp_path / "g.png", mode="unrolled").path)
    assert 700 < width < 1800
    width, _ = pixels(mg.draw(rnn(100), tmp_path / "wide.png", mode="unrolled").path)
    assert 10_000 < width <= 14_300


def refuse(*_, **__):
    raise PermissionError(13, "Permission denied")


@needs_dot
def test_graphviz_that_fails_is_quoted():
    with pytest.raises(DrawError, match="MG608.*syntax error") as caught:
        render.render("digraph { a -> ", "svg")
    assert "try .svg" not in caught.value.remedy  # that was tried


@pytest.fixture
def no_dot(monkeypatch):
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def no_program(no_dot, monkeypatch):
    monkeypatch.setattr(render, "pure_program", lambda: None)


def test_a_renderer_that_was_given_draws_every_svg(no_program, tmp_path, monkeypatch):
    monkeypatch.setattr(render, "_renderer", None)  # and put back afterwards
    set_renderer(lambda dot: f"<svg>{len(Read(dot).nodes)} nodes</svg>")
    mg.draw(product(), tmp_path / "g.svg")
    assert (tmp_path / "g.svg").read_text() == "<svg>4 nodes</svg>"
    assert (
        mg.Graph(product())._repr_mimebundle_()["image/svg+xml"] == "<svg>4 nodes</svg>"
    )
    with pytest.raises(DrawError, match="MG607"):
        mg.draw(product(), tmp_path / "g.png")
    set_renderer(lambda dot: dot[99_999])  # fails as it likes
    with pytest.raises(
        DrawError, match="MG608.*the renderer could not draw .* index out of range"
    ):
        mg.draw(product(), tmp_path / "other.svg")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["g.dot", "g.svg"]


def test_without_a_program_the_dot_text_is_written_all_the_same(no_program, tmp_path):
    with pytest.raises(DrawError, match="MG607") as caught:
        mg.draw(product(), tmp_path / "g.png")
    written = tmp_path / "g.dot"
    assert (
        str(written) in str(caught.value)
        and "pip install graphviz-pure" in caught.value.remedy
    )
    assert len(Read(written.read_text()).nodes) == 4
    assert not (tmp_path / "g.png").exists()
    mg.draw(product(), tmp_path / "other.dot")  # which needs no program
    bundle = mg.Graph(product())._repr_mimebundle_()
    assert list(bundle) == ["text/plain"] and "MG607" in bundle["text/plain"]


@needs_pure
def test_graphviz_pure_draws_or_fails_with_a_reason(no_dot, tmp_path):
    assert min(pixels(mg.draw(rnn(4), tmp_path / "g.png", mode="unrolled").path)) > 200
    assert ">MultiplyGate<" in mg.Graph(product())._repr_mimebundle_()["image/svg+xml"]
    with pytest.raises(DrawError, match="MG608") as caught:
        mg.draw(product(), tmp_path / "g.pdf")
    assert "try .svg" in caught.value.remedy
    with pytest.raises(DrawError, match="MG608.*graphviz-pure"):
        render.render("digraph { a -> ", "svg")


def test_a_path_that_cannot_be_written_is_named_with_its_cause(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.dot").mkdir()
    for path, word in {
        **dict.fromkeys(
            ("", "graph", "graph.jpeg", ".dot"), "end the path with one of .png, .svg"
        ),
        "folder.dot": "it is a folder",
        "no; rm x/g.dot": "`mkdir -p 'no; rm x'`",
    }.items():
        with pytest.raises((DrawError, OptionError)) as caught:
            mg.draw(product(), path)
        assert path in caught.value.what and word in str(caught.value)
    monkeypatch.setattr("minigrad.support.files.open", refuse, raising=False)
    with pytest.raises(DrawError, match="Permission denied") as caught:
        mg.draw(product(), "g.dot")
    assert "mkdir" not in caught.value.remedy  # the folder is there
    assert [file.name for file in tmp_path.iterdir()] == ["folder.dot"]
