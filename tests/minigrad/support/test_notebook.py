"""A notebook is executed as Jupyter would: what each object shows, what a blame calls a cell, and
no red warnings.
"""

import os
import re
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.support.notebook import table
from optim import History

REASON = "needs nbformat, nbclient and ipykernel"
nbformat = pytest.importorskip("nbformat", reason=REASON)
nbclient = pytest.importorskip("nbclient", reason=REASON)
pytest.importorskip("ipykernel", reason=REASON)

CELLS = {
    "imports": """
import sys
sys.modules["ipywidgets"] = None   # as on a machine without it
import numpy as np
import minigrad as mg, layers, optim
from minigrad.data import Batches, load_imdb""",
    "wrong": """
class Squash(mg.Gate):
    def forward(self, x):
        return np.tanh(x)

    def backward(self, dz, z, x):
        return (1 - z * z,)  # without dz

mg.gradcheck(Squash(), np.array([[0.2, 0.5]]))""",
    "right": "report = mg.gradcheck(mg.tanh, np.ones(3))\nreport",
    "curve": "report.step_curve()",
    "where": """
with mg.trace_lines():
    y = mg.tanh(mg.Tensor([1.0], requires_grad=True))
print(y.node.source)""",
    "model": "model = layers.Sequential(layers.Embedding(10_000, 8), layers.RNN(8, 4), "
    "layers.Dense(4, 2))\nmodel",
    "summary": "optim.summary(model, np.zeros((1, 5), int))",
    "data": "imdb = load_imdb()\nimdb",
    "reviews": "imdb.train",
    "optimizer": "optimizer = optim.Adam(model.named_parameters(), lr=0.01)\noptimizer",
    "fit": """
trainer = optim.Trainer(model, mg.softmax_cross_entropy, optimizer, seed=0)
few = imdb.train[:640]
history = trainer.fit(Batches(few.ids, few.labels, batch_size=64), epochs=2)""",
    "trainer": "trainer",
    "history": "history",
    "plot": "history.plot()",
    "graph": "loss = mg.softmax_cross_entropy(model(few.ids[:2]), few.labels[:2])\nmg.Graph(loss)",
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The outputs of each cell of the executed notebook, by its name in CELLS."""
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    folder = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=os.environ | {"PYTHONPATH": str(Path(mg.__file__).parents[1])})
    return {name: cell.outputs for name, cell in zip(CELLS, cells, strict=True)}


@pytest.fixture
def shown(outputs):
    """The last output of each cell that displays something, by type."""
    return {
        name: cell[-1]["data"]
        for name, cell in outputs.items()
        if cell and "data" in cell[-1]
    }


def test_nothing_is_printed_in_red(outputs):
    for name, cell in outputs.items():
        for one in cell:
            assert one.get("name") != "stderr" and one["output_type"] != "error", (
                name,
                one,
            )
    assert any("epoch" in one.get("text", "") for one in outputs["fit"])


def test_objects_are_tables_pictures_and_texts(shown):
    for name in ("model", "summary", "data", "history"):
        assert "<table" in shown[name]["text/html"]
        assert "object at 0x" not in shown[name]["text/plain"]
    for name in ("curve", "plot"):  # without a magic line
        assert shown[name]["image/png"]
    assert (
        "image/svg+xml" in shown["graph"] or "[MG607]" in shown["graph"]["text/plain"]
    )
    assert shown["optimizer"]["text/plain"].startswith(
        "Adam(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-07) of "
    )
    assert (
        shown["reviews"]["text/plain"]
        == "<25,000 reviews of 40 ids, 12,500 of them positive>"
    )
    assert "2 of 2 epochs" in shown["trainer"]["text/plain"]


def test_reports_name_the_cell_and_the_line(outputs, shown):
    cell = {name: number for number, name in enumerate(CELLS, 1)}
    assert f"Cell In[{cell['wrong']}], line 5" in shown["wrong"]["text/plain"]
    assert outputs["where"][-1]["text"].strip() == f"Cell In[{cell['where']}], line 2"


def test_html_is_escaped_and_sets_no_colours():
    nasty = '<script>alert(1)</script>"&'
    html = table(nasty, [nasty], [[nasty, 1234567, 0.25]])
    assert "<script" not in html and "1,234,567" in html and "0.25" in html
    assert not re.search(r"(?<!-)(color|background):(?!inherit|none)", html)
    assert "<script" not in History([{nasty: 1.0}])._repr_html_()
