"""The example makes its four pages, of the sizes promised, and says where they are."""

import json
import re


def test_explore_graph(run, tmp_path):
    finished = run("explore_graph.py", "--out", tmp_path)
    pages = {path.stem: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert set(pages) == {"expression", "network", "rnn", "imdb"}
    for name, page in pages.items():
        assert f"{name}.html: " in finished.stdout
        assert page.startswith("<!doctype html>")
    assert len(pages["imdb"].encode()) < 3_000_000
    data = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', pages["imdb"], re.S
    )
    assert len(json.loads(data[0])["words"]) == 40
    # by hand: dz/da = b (1 - tanh² 0.5), dz/db = a (1 - tanh² 0.5)
    assert "dz/da = -2.359343, dz/db = 1.572895, dz/dc = 0.786448" in finished.stdout


def test_one_page(run, tmp_path):
    run(
        "explore_graph.py", "--out", tmp_path / "new" / "folder", "--only", "expression"
    )
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == [
        "expression.html"
    ]
    run("explore_graph.py", "--only", "nothing", code=2)
