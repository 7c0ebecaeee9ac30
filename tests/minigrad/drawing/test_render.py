"""Pictures as files and in notebooks: whole or not at all, and a way out where no program can draw."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

import minigrad as mg
from minigrad.drawing import render, set_renderer
from minigrad.errors import DrawError, OptionError

from .drawn_graphs import Read, needs_dot, product, rnn

needs_pure = pytest.mark.skipif(render.pure_program() is None, reason="graphviz-pure is not installed")


def pixels(path):
    """(width, height) from a PNG's header."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


@needs_dot
@pytest.mark.parametrize(
    ("name", "start"),
    [("g.png", b"\x89PNG"), ("g.svg", b"<?xml"), ("g.pdf", b"%PDF"), ("g.dot", b"digraph"), ("g.PNG", b"\x89PNG")],
)
def test_formats_by_suffix(tmp_path, name, start):
    drawing = mg.draw(product(), tmp_path / name)
    assert drawing.path == tmp_path / name
    assert (tmp_path / name).read_bytes().startswith(start)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@needs_dot
def test_dpi_scales_a_png_within_bounds(tmp_path):
    sizes = {dpi: pixels(mg.draw(product(), str(tmp_path / f"{dpi}.png"), dpi=dpi).path) for dpi in (72, 144)}
    assert sizes[144] == pytest.approx(tuple(2 * side for side in sizes[72]), abs=3)
    width, _ = pixels(mg.draw(rnn(100), tmp_path / "wide.png", mode="unrolled", dpi=300).path)
    assert 10_000 < width <= 14_300


@needs_dot
def test_svg_has_tooltips_for_boxes_and_arrows(tmp_path):
    mg.draw(product(), tmp_path / "g.svg")
    root = ET.parse(tmp_path / "g.svg").getroot()
    title = "{http://www.w3.org/1999/xlink}title"
    tooltips = [element.attrib[title] for element in root.iter() if title in element.attrib]
    assert any(tip.startswith("MultiplyGate()\nat the top level\n(1, 1) float32, 4 bytes") for tip in tooltips)
    assert any(tip.startswith("W → MultiplyGate, input 1") for tip in tooltips)


def refuse(*_, **__):
    raise PermissionError(13, "Permission denied")


def test_no_permission_to_run_graphviz(monkeypatch):
    monkeypatch.setattr("graphviz.pipe", refuse)
    with pytest.raises(DrawError, match="MG608.*Permission denied"):
        render.render("digraph {}", "svg")


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.fixture
def no_program(no_dot, monkeypatch):
    monkeypatch.setattr(render, "pure_program", lambda: None)


def test_a_renderer_that_was_given_draws_every_svg(no_program, tmp_path, monkeypatch):
    monkeypatch.setattr(render, "_renderer", None)  # and put back afterwards
    set_renderer(lambda dot: f"<svg>{len(Read(dot).nodes)} nodes</svg>")
    mg.draw(product(), tmp_path / "g.svg")
    assert (tmp_path / "g.svg").read_text() == "<svg>4 nodes</svg>"
    assert mg.Graph(product())._repr_mimebundle_()["image/svg+xml"] == "<svg>4 nodes</svg>"
    with pytest.raises(DrawError, match="MG607"):
        mg.draw(product(), tmp_path / "g.png")
    set_renderer(lambda dot: dot[99_999])  # fails as it likes
    with pytest.raises(DrawError, match="MG608.*the renderer could not draw .* index out of range"):
        mg.draw(product(), tmp_path / "other.svg")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["empty", "g.dot", "g.svg"]


def test_where_no_program_can_be_started_an_error_names_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "emscripten")
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(DrawError, match="MG607") as caught:
        mg.draw(product(), tmp_path / "g.svg")
    assert "set_renderer" in caught.value.remedy
    assert "MG607" in mg.Graph(product())._repr_mimebundle_()["text/plain"]


def test_without_a_program_the_dot_text_is_written_all_the_same(no_program, tmp_path):
    with pytest.raises(DrawError, match="MG607") as caught:
        mg.draw(product(), tmp_path / "g.png")
    written = tmp_path / "g.dot"
    assert str(written) in str(caught.value)
    assert len(Read(written.read_text()).nodes) == 4
    assert not (tmp_path / "g.png").exists()
    mg.draw(product(), tmp_path / "other.dot")  # which needs no program
    bundle = mg.Graph(product())._repr_mimebundle_()
    assert list(bundle) == ["text/plain"] and "MG607" in bundle["text/plain"]


@pytest.mark.parametrize(
    ("platform", "manager", "command"),
    [
        ("darwin", None, "brew install graphviz"),
        ("win32", None, "winget install Graphviz.Graphviz"),
        ("linux", "apt-get", "sudo apt-get install graphviz"),
        ("linux", None, "package manager"),
    ],
)
def test_the_way_out_is_that_of_the_platform(no_program, monkeypatch, platform, manager, command):
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("shutil.which", lambda name, path=None: f"/bin/{name}" if name == manager else None)
    with pytest.raises(DrawError) as caught:
        render.render("digraph {}", "png")
    assert command in caught.value.remedy
    assert "pip install graphviz-pure" in caught.value.remedy


@needs_pure
def test_graphviz_pure_fails_with_a_reason(no_dot, tmp_path, monkeypatch):
    with pytest.raises(DrawError, match="MG607.*no PDF") as caught:
        mg.draw(product(), tmp_path / "g.pdf")
    assert "pip install" not in caught.value.remedy  # it is installed
    with pytest.raises(DrawError, match="MG608.*graphviz-pure"):
        render.render("digraph { a -> ", "svg")
    monkeypatch.setattr("subprocess.run", refuse)
    with pytest.raises(DrawError, match="MG608.*Permission denied"):
        render.render("digraph {}", "svg")


@needs_dot
def test_what_graphviz_says_when_it_fails_is_passed_on():
    with pytest.raises(DrawError, match="MG608") as caught:
        render.render("digraph { a -> ", "svg")
    assert "syntax error" in str(caught.value)
    assert "try .svg" not in caught.value.remedy  # that was tried


def test_drawing_is_imported_when_used():
    script = "import sys, minigrad; print('graphviz' in sys.modules, 'minigrad.drawing' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


def test_a_path_that_cannot_be_written_is_named_with_its_cause(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.dot").mkdir()

    def refused(path, word):
        with pytest.raises((DrawError, OptionError)) as caught:
            mg.draw(product(), path)
        assert path in caught.value.what and word in str(caught.value)
        return caught.value

    for path in ("", "graph", "graph.jpeg", ".dot"):
        refused(path, "end the path in .png, .svg")
    refused("folder.dot", "it is a folder")
    refused("no; rm x/g.dot", "mkdir -p 'no; rm x')")
    monkeypatch.setattr("minigrad.support.files.open", refuse, raising=False)
    assert "mkdir" not in refused("g.dot", "Permission denied").remedy  # the folder is there
    assert [file.name for file in tmp_path.iterdir()] == ["folder.dot"]


@needs_pure
def test_graphviz_pure_draws_too(no_dot, tmp_path):
    drawing = mg.draw(rnn(4), mode="unrolled", legend=True)
    assert min(pixels(drawing.save(tmp_path / "g.png"))) > 200
    root = ET.parse(drawing.save(tmp_path / "g.svg")).getroot()
    nodes = [one for one in root.iter() if one.attrib.get("class") == "node"]
    names = {one.findtext("{http://www.w3.org/2000/svg}title", "") for one in nodes}
    assert {name for name in names if name.startswith("n")} == set(Read(drawing.dot).nodes)
