"""EpochReport, a line for each epoch, and ProgressBar."""

import io
import sys

from optim import EpochReport, ProgressBar
from tests.optim.training.callbacks.point import batch, run


def test_epoch_report_is_a_table_with_a_line_for_each_epoch(capsys):
    run([EpochReport()], epochs=3, scores=[2.0, 1.0, 0.5])
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == "epoch train loss validation loss seconds".split()
    assert [line.split()[:3] for line in lines] == [
        ["1", "0.000", "2.000"],
        ["2", "-1.000", "1.000"],
        ["3", "-2.000", "0.5000"],
    ]
    assert {len(line) for line in lines} == {len(head)}


def test_progress_bar_without_a_terminal_is_ten_lines(capsys):
    run([ProgressBar("reviews")], xs=[1] * 30)
    first, *others = capsys.readouterr().err.splitlines()
    assert len(others) == 9 and "\r" not in first + "".join(others)
    # the mean of 0, -1 and -2
    assert first.startswith("epoch 1/1  batch 3/30  loss -1.000  ")
    assert others[-1].startswith("epoch 1/1  batch 30/30  loss -14.500  ")
    assert others[-1].endswith(" reviews/s")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_bar_on_a_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    run(
        [ProgressBar("reviews")],
        xs=[1] * 4,
        epochs=2,
        scores=[1, 1],
    )
    text = screen.getvalue()
    for part in (
        "epoch 1/2",
        "epoch 2/2",
        "4/4",
        "loss -1.500  ",
        "reviews/s  validating",
    ):
        assert part in text
    assert text.endswith("\r")  # the bar is wiped away for the report


def test_progress_bar_of_unknown_length(capsys):
    class Stream:
        def __iter__(self):
            return iter([batch(1.0)] * 250)

    run([ProgressBar(), EpochReport()], Stream())
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["batch 100/?", "batch 200/?"]
