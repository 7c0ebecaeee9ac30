"""What a person sees of a run: a line for each epoch, and a bar."""

import io
import sys

from optim import (
    EpochReport,
    ProgressBar,
)
from tests.optim.training.callbacks.point import BATCH, run, train


def test_the_report_is_a_table_with_a_line_for_each_epoch(
    capsys,
):
    run([EpochReport()], xs=[1], epochs=3, scores=[2.0, 1.0, 0.5])
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == "epoch train loss validation loss seconds".split()
    assert [line.split()[:3] for line in lines] == [
        ["1", "0.000", "2.000"],
        ["2", "-1.000", "1.000"],
        ["3", "-2.000", "0.5000"],
    ]
    assert {len(line) for line in lines} == {len(head)}


def test_without_a_terminal_the_bar_is_ten_plain_lines(
    capsys,
):
    run([ProgressBar("reviews")], xs=[1] * 30)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10 and "\r" not in "".join(lines)
    assert lines[0].startswith(
        "epoch 1/1  batch 3/30  loss -1.000  "
    )  # the mean of 0, -1 and -2
    assert lines[-1].startswith("epoch 1/1  batch 30/30  loss -14.500  ")
    assert lines[-1].endswith(" reviews/s")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_it_is_a_bar(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    run([ProgressBar("reviews")], xs=[1] * 4, epochs=2, scores=[1, 1])
    text = screen.getvalue()
    assert "epoch 1/2" in text and "epoch 2/2" in text and "4/4" in text
    assert "loss -1.500  " in text and "reviews/s  validating" in text
    assert text.endswith("\r")  # the bar is wiped away for the report


def test_a_length_that_is_not_known(capsys):
    class Stream:
        def __iter__(self):
            return iter([BATCH] * 250)

    train([ProgressBar(), EpochReport()], Stream())
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["batch 100/?", "batch 200/?"]
