"""Choosing parameters by path, and freezing them."""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential
from minigrad.errors import OptionError
from optim import freeze, split, unfreeze


@pytest.fixture
def model():
    mg.seed(1)
    return Sequential(Embedding(30, 8), RNN(8, 6), Dense(6, 2))


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["rnn"], ["rnn.cell.W_xh", "rnn.cell.W_hh", "rnn.cell.b_h"]),
        (["*.b*"], ["rnn.cell.b_h", "dense.b"]),
        (["dense", "embedding.table"], ["embedding.table", "dense.W", "dense.b"]),
        (["rnn.cell.W_?h"], ["rnn.cell.W_xh", "rnn.cell.W_hh"]),
        ([], []),
    ],
)
def test_split(model, patterns, expected):
    parameters = model.named_parameters()
    matching, rest = split(parameters, *patterns)
    assert list(matching) == expected
    assert matching | rest == parameters
    assert len(matching) + len(rest) == len(parameters)


@pytest.mark.parametrize("pattern", ["rn", "cell"])
def test_freeze_refuses_a_pattern_that_matches_nothing(model, pattern):
    with pytest.raises(OptionError, match=r"(?s)MG319.*rnn\.cell\.W_hh"):
        freeze(model, pattern)


def test_freeze_ends_gradients_and_unfreeze_brings_them_back(model):
    def trained():
        model.zero_grad()
        model(np.ones((2, 3), int)).sum().backward()
        parameters = model.named_parameters()
        return {path for path, t in parameters.items() if t.grad is not None}

    everything, W = trained(), "rnn.cell.W_hh"
    assert freeze(model, "embedding", W) == ["embedding.table", W]
    assert trained() == everything - {"embedding.table", W}
    unfreeze(model, "embedding")
    assert trained() == everything - {W}
