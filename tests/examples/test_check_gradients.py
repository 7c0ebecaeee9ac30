"""The example finds every gradient right, and a wrong one wrong: by name, in the table and below it."""

from __future__ import annotations


def test_every_gradient_is_right(run, tmp_path):
    done = run("check_gradients.py", "--curve", tmp_path / "curve.png")
    table, rest = done.stdout.split("\n\n", 1)
    rows = table.split("\n")[1:]
    assert all(row.endswith("  right") for row in rows)
    count = len(rows)
    assert count > 40 and rest.startswith(f"{count} of {count} right")
    assert "1e-06" in rest and "####" in rest
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_broken_gate_is_named(run):
    done = run("check_gradients.py", "--break", "tanh")
    assert done.stdout.startswith("Tanh is broken on purpose: 1 - z² forgotten")
    wrong = [line for line in done.stdout.split("\n") if "WRONG: missing local derivative" in line]
    assert any(line.startswith("LSTM(6, 5) ") for line in wrong)
    assert any(line.startswith("IMDB model, RNN, 40 steps") for line in wrong)
    assert "looks like: the local derivative 1 - z² is missing" in done.stdout
    assert "Tanh 'h' in sequential/rnn/t39, called at " in done.stdout
    assert "order 1.00 in h" in done.stdout
    softmax = next(line for line in done.stdout.split("\n") if line.startswith("Softmax "))
    assert softmax.endswith("  right")


def test_an_unknown_gate_is_refused(run):
    done = run("check_gradients.py", "--break", "everything", code=2)
    assert "invalid choice: 'everything'" in done.stderr
