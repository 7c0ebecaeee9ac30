"""History: the record of a run by column, and as curves."""

import pytest

from optim import History
from tests.needs import package


def test_history_reads_by_column():
    history = History(
        [
            {"epoch": 1, "loss": 0.5},
            {"epoch": 2, "lr": 0.1},
        ]
    )
    assert dict(history) == {
        "epoch": [1, 2],
        "loss": [0.5],
        "lr": [0.1],
    }
    assert len(history) == 3
    with pytest.raises(KeyError, match="'none'; the columns are: epoch, loss, lr"):
        history["none"]


def test_history_plots_its_figures():
    package("matplotlib")
    rows = [
        {"epoch": 1, "train_loss": 4, "validation_loss": 5, "train_accuracy": 0.1},
        {"epoch": 2, "train_loss": 2, "validation_loss": 3, "train_accuracy": 0.2},
        {"epoch": 2.5, "step": 9, "test_loss": 1},
    ]
    loss, accuracy = History(rows).plot().axes
    lines = {line.get_label(): line.get_xydata().tolist() for line in loss.get_lines()}
    assert lines == {
        "train": [[1, 4], [2, 2]],
        "validation": [[1, 5], [2, 3]],
        "test": [[2.5, 1]],
    }
    assert [line.get_label() for line in accuracy.get_lines()] == ["train"]
    assert accuracy.get_ylabel() == "accuracy"
