"""A notebook, executed as in Jupyter: objects are shown, errors name the cell."""

import os
import re
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.support.notebook import table
from optim import History
from tests.needs import package

nbformat = package("nbformat")
nbclient = package("nbclient")
package("ipykernel")

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
    folder = tmp_path_factory.mktemp("notebook")
    client = nbclient.NotebookClient(
        nbformat.v4.new_notebook(cells=cells),
        timeout=120,
        resources={"metadata": {"path": str(folder)}},
    )
    package = Path(mg.__file__).parent
    client.execute(env=os.environ | {"PYTHONPATH": str(package.parent)})
    return {name: cell.outputs for name, cell in zip(CELLS, cells, strict=True)}


@pytest.fixture
def shown(outputs):
    """`shown(name, kind)`: the last output of a cell, as text, HTML or an image."""
    return lambda name, kind: outputs[name][-1]["data"][kind]


def test_cells_print_nothing_in_red(outputs):
    for name, cell in outputs.items():
        for output in cell:
            assert output.get("name") != "stderr", name
            assert output["output_type"] != "error", name
    assert "epoch" in str(outputs["fit"])


@pytest.mark.parametrize("name", ["model", "summary", "data", "history"])
def test_object_is_shown_as_table(shown, name):
    assert "<table" in shown(name, "text/html")
    assert "object at 0x" not in shown(name, "text/plain")


@pytest.mark.parametrize("name", ["curve", "plot"])
def test_curve_is_shown_without_magic_line(shown, name):
    assert shown(name, "image/png")


def test_graph_is_shown_as_picture(shown, outputs):
    (output,) = outputs["graph"]
    if "image/svg+xml" not in output["data"]:
        assert "[MG607]" in shown("graph", "text/plain")


@pytest.mark.parametrize(
    "name, text",
    [
        ("optimizer", "Adam(lr=0.01, beta1=0.9, beta2=0.999, eps=1e-07) of "),
        ("reviews", "<25,000 reviews of 40 ids, 12,500 of them positive>"),
        ("trainer", "2 of 2 epochs"),
    ],
)
def test_object_is_shown_as_text(shown, name, text):
    assert text in shown(name, "text/plain")


def cell_number(name):
    return list(CELLS).index(name) + 1


def test_report_names_cell_and_line(shown):
    place = f"Cell In[{cell_number('wrong')}], line 5"
    assert place in shown("wrong", "text/plain")


def test_trace_lines_names_cell_and_line(outputs):
    (output,) = outputs["where"]
    assert output["text"] == f"Cell In[{cell_number('where')}], line 2\n"


def test_html_is_escaped_and_sets_no_colours():
    nasty = '<script>alert(1)</script>"&'
    html = table(nasty, [nasty], [[nasty, 1234567, 0.25]])
    assert "<script" not in html
    assert "1,234,567" in html
    assert "0.25" in html
    assert not re.search(r"(?<!-)(color|background):(?!inherit|none)", html)
    assert "<script" not in History([{nasty: 1.0}])._repr_html_()
