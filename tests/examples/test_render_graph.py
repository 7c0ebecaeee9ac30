"""examples/render_graph.py draws the graph that its options ask for."""

from tests.examples.conftest import is_png
from tests.needs import needs_dot


@needs_dot
def test_default_is_rolled(run, tmp_path):
    printed = run("render_graph.py", "--out", tmp_path / "graph.png").stdout
    assert "mode rolled" in printed
    assert "<Graph of 244 gates" in printed
    assert is_png(tmp_path / "graph.png")


def test_dot_text_needs_no_graphviz(run, tmp_path):
    out = tmp_path / "graph.dot"
    options = "--model lstm --steps 6 --stacked 2 --truncate 2 --mode unrolled --grads"
    run("render_graph.py", *options.split(), "--out", out)
    text = out.read_text()
    assert text.count("subgraph cluster_") == 2 * (6 + 1)
    assert "cut before classifier/rnn/cell/t04" in text


def test_window_beyond_the_graph(run, tmp_path):
    options = ("--window", 50, 60, "--out", tmp_path / "graph.dot")
    assert "[MG603]" in run("render_graph.py", *options, code=1).stderr
    assert not list(tmp_path.iterdir())


@needs_dot
def test_gallery(run, tmp_path):
    run("render_graph.py", "--gallery", tmp_path)
    names = {path.stem for path in tmp_path.glob("*.png")}
    assert names >= {"first", "dense", "rnn_rolled", "gru_body", "layers"}
