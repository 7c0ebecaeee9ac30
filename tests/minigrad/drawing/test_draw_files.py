"""Pictures as files and in notebooks: whole or not at all, and a way out where no program can draw."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

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
def test_dpi_scales_a_png(tmp_path):
    sizes = {dpi: pixels(mg.draw(product(), str(tmp_path / f"{dpi}.png"), dpi=dpi).path) for dpi in (72, 144)}
    assert sizes[144] == pytest.approx(tuple(2 * side for side in sizes[72]), abs=3)


@needs_dot
def test_a_wide_picture_stays_within_bounds(tmp_path):
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


@needs_dot
def test_notebooks_show_a_graph_and_a_drawing():
    graph = mg.Graph(product())
    for shown in (graph, graph.draw(legend=True)):
        bundle = shown._repr_mimebundle_()
        assert set(bundle) == {"image/svg+xml", "text/plain"}
        texts = [element.text for element in ET.fromstring(bundle["image/svg+xml"]).iter() if element.text]
        assert "\N{NO-BREAK SPACE}MultiplyGate" in texts  # a plain space at the beginning is not shown


@pytest.mark.parametrize("name", ["graph", "graph.jpeg", "graph.", ".png"])
def test_suffixes_that_are_no_format(tmp_path, name):
    with pytest.raises(OptionError, match="MG602") as caught:
        mg.draw(product(), tmp_path / name)
    assert ".svg" in caught.value.remedy
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("dpi", [0, 5, 5000, 96.5, "high"])
def test_dpi_that_makes_no_sense(tmp_path, dpi):
    with pytest.raises(OptionError, match="MG610"):
        mg.draw(product(), tmp_path / "g.png", dpi=dpi)
    assert not list(tmp_path.iterdir())


def test_a_path_that_cannot_be_written(tmp_path):
    with pytest.raises(DrawError, match="MG606") as caught:
        mg.draw(product(), tmp_path / "nowhere" / "g.dot")
    assert "nowhere" in caught.value.remedy
    (tmp_path / "folder.dot").mkdir()
    with pytest.raises(DrawError, match="MG606"):
        mg.draw(product(), tmp_path / "folder.dot")
    assert [file.name for file in tmp_path.iterdir()] == ["folder.dot"]


def refuse(*_, **__):
    raise PermissionError(13, "Permission denied")


# Each path with a part of what is said of it.
PATHS = {
    "": "suffix", "folder/": "suffix", "folder": "suffix", ".dot": "suffix", "\0": "suffix",
    "a\0b.dot": "no file can have that name", "\0/a.dot": "no file can have that name",
    "\ud800.dot": "no file can have that name",
    "n" * 300 + ".dot": "name too long",
    "d/" * 3000 + "a.dot": "name too long", "folder.dot": "it is a folder", "no/where.dot": "No such file",
    "file/a.dot": "Not a directory",
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_none_is_named_with_its_cause(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.dot").mkdir()
    (tmp_path / "file").touch()
    for given in (path, Path(path)):
        with pytest.raises((DrawError, OptionError)) as caught:
            mg.draw(product(), given)
        error = caught.value
        assert repr(str(given))[1:-1] in error.what
        assert PATHS[path].lower() in f"{error.what} {error.cause}".lower()
        assert error.code == ("MG602" if PATHS[path] == "suffix" else "MG606")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder", "folder.dot"]


def test_no_permission_to_write(tmp_path, monkeypatch):
    monkeypatch.setattr("minigrad.support.files.open", refuse, raising=False)
    with pytest.raises(DrawError, match="MG606") as caught:
        mg.draw(product(), tmp_path / "g.dot")
    assert caught.value.cause == "Permission denied"
    assert "mkdir" not in caught.value.remedy  # the folder is there


def test_no_permission_to_run_graphviz(monkeypatch):
    monkeypatch.setattr("graphviz.pipe", refuse)
    with pytest.raises(DrawError, match="MG608.*Permission denied"):
        render.render("digraph {}", "svg")


def test_the_command_in_a_remedy_can_be_copied(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DrawError, match="MG606") as caught:
        mg.draw(product(), "no; rm x/g.dot")
    assert "mkdir -p 'no; rm x')" in caught.value.remedy


def test_a_failure_leaves_the_old_picture(tmp_path, monkeypatch):
    path = tmp_path / "g.dot"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(DrawError, match="MG606") as caught:
        mg.draw(product(), path)
    assert caught.value.cause == "No space left on device"
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["g.dot"]


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


@pytest.mark.parametrize(
    ("platform", "manager", "command"),
    [
        ("darwin", None, "brew install graphviz"),
        ("win32", None, "winget install Graphviz.Graphviz"),
        ("linux", "apt-get", "sudo apt-get install graphviz"),
        ("linux", "dnf", "sudo dnf install graphviz"),
        ("linux", "pacman", "sudo pacman -S graphviz"),
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


def test_a_notebook_without_a_program_shows_the_way_out(no_program):
    bundle = mg.Graph(product())._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "MG607" in bundle["text/plain"]


@needs_pure
@pytest.mark.parametrize("options", [{"values": True, "legend": True}, {"mode": "unrolled"}])
def test_graphviz_pure_draws_too(no_dot, tmp_path, options):
    loss = rnn(4) if "mode" in options else product()
    width, height = pixels(mg.draw(loss, tmp_path / "g.png", **options).path)
    assert width > 200
    assert height > 200
    mg.draw(loss, tmp_path / "g.svg", **options)
    root = ET.parse(tmp_path / "g.svg").getroot()
    nodes = [element for element in root.iter() if element.attrib.get("class") == "node"]
    names = {element.findtext("{http://www.w3.org/2000/svg}title", "") for element in nodes}
    assert {name for name in names if name.startswith("n")} == set(Read(mg.Graph(loss).dot(**options)).nodes)


@needs_pure
def test_graphviz_pure_draws_no_pdf(no_dot, tmp_path):
    with pytest.raises(DrawError, match="MG607") as caught:
        mg.draw(product(), tmp_path / "g.pdf")
    assert "no PDF" in str(caught.value)
    assert "pip install" not in caught.value.remedy  # it is installed


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
