"""examples/explore_graph.py writes its four pages."""

import json
import re


def test_explore_graph(run, tmp_path):
    printed = run("explore_graph.py", "--out", tmp_path).stdout
    pages = {path.stem: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert pages.keys() == {"expression", "network", "rnn", "imdb"}
    for name, page in pages.items():
        assert f"{name}.html: " in printed
        assert page.startswith("<!doctype html>")
    assert len(pages["imdb"].encode()) < 3_000_000
    data = re.findall(
        r'id="data">(.*?)</script>',
        pages["imdb"],
        re.S,
    )[0]
    assert len(json.loads(data)["words"]) == 40
    # by hand: dz/da = b (1 - tanh² 0.5), dz/db = a (1 - tanh² 0.5)
    assert "dz/da = -2.359343, dz/db = 1.572895, dz/dc = 0.786448" in printed


def test_explore_graph_only(run, tmp_path):
    folder = tmp_path / "new" / "folder"
    run("explore_graph.py", "--out", folder, "--only", "expression")
    assert [path.name for path in folder.iterdir()] == ["expression.html"]
    run("explore_graph.py", "--only", "nothing", code=2)
