"""The script as text: where the data comes from, and which lines call a function."""

import numpy as np

import minigrad as mg
import optim
from minigrad.data import Batches
from optim.diagnosis.source import Source
from optim.diagnosis.watch import Line
from tests.optim.diagnosis.helpers import X, Y, crossed, named_first, network


def argmax_of_rows(output, labels):
    return (output.argmax(axis=0)[:1] == labels[:1]).mean()


def test_axis_of_a_metric():
    mg.seed(0)
    model = network()
    optimizer = optim.SGD(model.named_parameters(), lr=0.5)
    with optim.diagnose(quiet=True) as diagnosis:
        trainer = optim.Trainer(
            model,
            crossed,
            optimizer,
            metrics={"right": argmax_of_rows},
            callbacks=[],
        )
        trainer.fit(Batches(X, Y, batch_size=16), 10)
    result = diagnosis.result
    named_first(result, "metric-axis", "output.argmax(axis=0)", "likely")


def load(name):
    return np.ones(3), np.ones(3)


def prepare(scaler):
    """Code that is read, and never run."""
    raw, labels = load("a"), load("b")
    half = raw // 2
    scaler.transform(half)
    x = half[labels]
    x += 1
    hidden = x.detach()
    return Batches(x, labels, batch_size=4), hidden


def source():
    return Source(Line(__file__, 1))


def texts(lines):
    return [line.text for line in lines]


def test_lines_that_call_a_function_or_an_operator():
    assert texts(source().calls("load")) == ['raw, labels = load("a"), load("b")']
    assert texts(source().calls("FloorDiv")) == ["half = raw // 2"]
    assert texts(source().calls("Add"))[-1:] == ["x += 1"]
    assert source().calls("nothing") == []


def test_lines_that_read_an_attribute():
    start = source().calls("FloorDiv")[0]
    assert texts(source().attributes(start, "detach")) == ["hidden = x.detach()"]
    far = Line(__file__, start.number - 20)
    assert source().attributes(far, "detach") == source().attributes(start, "detach")
    assert source().attributes(far, "append") == []


def test_line_of_an_argument():
    here = source()
    assert here.argument("Batches", 0, "inputs").text.startswith("return Batches")
    assert here.argument("Batches", 9, "batch_size") == here.argument("Batches", 0, "x")
    assert here.argument("Batches", 9, "nothing") is None


def test_lines_where_data_comes_from():
    only = Source(Line(__file__, 1))
    first = next(node for node in only.tree.body if getattr(node, "name", "") == "prepare")
    only.tree.body[:] = [first]
    lines = texts(only.origins(0, selections=True))
    assert lines[:2] == ["x = half[labels]", "half = raw // 2"]
    assert texts(only.origins(0)) == lines[1:]
    assert 'raw, labels = load("a"), load("b")' in lines
    assert texts(only.origins(1)) == lines[-1:]
    assert only.origins(5) == []


def test_copy_that_is_scaled_and_dropped():
    assert texts(source().dropped_scaling()) == ["scaler.transform(half)"]


def test_files_that_cannot_be_read(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("x = (")
    for path in "no such file", "<stdin>", str(broken), str(tmp_path):
        empty = Source(Line(path, 1))
        assert empty.calls("load") == []
        assert empty.origins(0) == []
