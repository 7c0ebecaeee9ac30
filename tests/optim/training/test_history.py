"""The record of a run: by column, as CSV, and as curves."""

import pytest

from optim import (
    History,
)


def test_history_reads_by_column():
    history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "lr": 0.1}])
    assert (
        dict(history) == {"epoch": [1, 2], "loss": [0.5], "lr": [0.1]}
        and len(history) == 3
    )
    with pytest.raises(KeyError, match="'none'; the columns are: epoch, loss, lr"):
        history["none"]


def test_curves_show_the_figures_of_the_history():
    pytest.importorskip("matplotlib")
    rows = [
        {
            "epoch": n,
            "train_loss": 1 / n,
            "validation_loss": 2 / n,
            "train_accuracy": n / 10,
        }
        for n in (1, 2, 3)
    ]
    figure = History([*rows, {"epoch": 2.5, "step": 9, "test_loss": 0.1}]).plot()
    loss, accuracy = figure.axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in loss.get_lines()}
    assert lines["train"] == [[1, 1], [2, 0.5], [3, 1 / 3]] and lines["test"] == [
        [2.5, 0.1]
    ]
    assert lines["validation"] == [[1, 2], [2, 1], [3, 2 / 3]]
    assert [line.get_label() for line in accuracy.get_lines()] == [
        "train"
    ] and accuracy.get_ylabel() == "accuracy"
