"""Resuming, Ctrl-C and error messages of all examples, which use examples/cli.py."""

import re

import pytest

from tests.examples.conftest import LINE, SHORT


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("imdb_sentiment.py", "--limit 1500 --epochs 3 --seed 3"),
        (
            "write_reviews.py",
            f"--data film.txt --model gru {SHORT['write_reviews.py']}",
        ),
        ("gpt.py", f"--data film.txt {SHORT['gpt.py']}"),
    ],
)
def test_resume_after_ctrl_c(run, interrupt, tmp_path, monkeypatch, script, options):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.txt").write_text(LINE * 1000)
    text = interrupt(script, *options.split(), "--out", "broken", at="epoch 1/")
    (again,) = re.findall(r"To resume:  \S+ \S+ (--resume .*)", text)
    run(script, *again.split())
    run(script, *options.split(), "--out", "whole")
    broken, whole = tmp_path.glob("*/weights.safetensors")
    assert broken.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("script", "options", "at", "finished"),
    [
        ("digits.py", "--epochs 8", "mlp, seed 0", "cnn"),
        ("names.py", "--rung counts --rung gru --steps 2000", "epoch 1/1", "counts"),
    ],
)
def test_ctrl_c_prints_finished_rows(interrupt, tmp_path, script, options, at, finished):
    text = interrupt(script, *options.split(), "--out", tmp_path, at=at)
    assert "Stopped by Ctrl-C." in text
    assert re.findall(r"^\| (\w+) +\| +[\d,.]+ \|", text, re.M) == [finished]


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("digits.py", "--seeds -1", "'-1' is not an integer of at least 0"),
        ("digits.py", "--epochs x", "'x' is not an integer of at least 1"),
        ("names.py", "--rung lstm", "invalid choice: 'lstm'"),
        ("imdb_sentiment.py", "--predict x --from none", "no trained model in none"),
        ("imdb_sentiment.py", "--resume none", "no snapshot to resume from in none"),
        ("imdb_sentiment.py", "--out /dev/null/runs", "/dev/null/runs"),
        ("write_reviews.py", "--data none.txt", "No such file"),
        ("write_reviews.py", "--data short.txt", "MG417"),
        ("write_reviews.py", "--from none", "weights.safetensors"),
        ("watch_units.py", "--from .", "was not trained by write_reviews.py"),
        ("gpt.py", "--data short.txt", "MG417"),
        ("gpt.py", "--heads 3", "MG245"),
        ("gpt.py", "--from .", "was not trained by gpt.py"),
    ],
)
def test_error_message(run, other_model, script, arguments, message):
    assert message in run(script, *arguments.split(), code=2).stderr
