"""The example draws what its options say, and explains what it cannot do."""

import shutil

import pytest

needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None, reason="Graphviz's program dot is not installed"
)


@needs_dot
def test_the_default_is_a_rolled_picture(run, tmp_path):
    done = run("render_graph.py", "--out", tmp_path / "graph.png")
    assert "mode rolled" in done.stdout
    assert "<Graph of 244 gates" in done.stdout
    assert (tmp_path / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_dot_text_needs_no_graphviz(run, tmp_path):
    model = ("--model", "lstm", "--steps", 6, "--stacked", 2, "--truncate", 2)
    run(
        "render_graph.py",
        *model,
        "--mode",
        "unrolled",
        "--grads",
        "--out",
        tmp_path / "graph.dot",
    )
    text = (tmp_path / "graph.dot").read_text()
    assert text.count("subgraph cluster_") == 2 * (6 + 1)
    assert "cut before classifier/rnn/cell/t04" in text


def test_what_cannot_be_drawn_is_explained(run, tmp_path):
    done = run(
        "render_graph.py", "--window", 50, 60, "--out", tmp_path / "graph.dot", code=1
    )
    assert "[MG603]" in done.stderr
    assert not list(tmp_path.iterdir())


@needs_dot
def test_the_gallery(run, tmp_path):
    run("render_graph.py", "--gallery", tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {
        "first.png",
        "dense.png",
        "rnn_rolled.png",
        "gru_body.png",
        "layers.png",
    }
