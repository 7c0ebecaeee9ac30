"""Choosing parameters by path, freezing them, and groups made of them."""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Dropout, Embedding, Sequential
from minigrad.errors import OptionError
from optim import freeze, split, unfreeze


def model(hidden=6):
    mg.seed(1)
    return Sequential(Embedding(30, 8), RNN(8, hidden), Dropout(0.3), Dense(hidden, 2))


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["rnn"], ["rnn.cell.W_xh", "rnn.cell.W_hh", "rnn.cell.b_h"]),
        (["*.b*"], ["rnn.cell.b_h", "dense.b"]),
        (["dense", "embedding.table"], ["embedding.table", "dense.W", "dense.b"]),
        (["rnn.cell.W_?h"], ["rnn.cell.W_xh", "rnn.cell.W_hh"]),
        ([], []),
    ],
)
def test_split(patterns, found):
    parameters = model().named_parameters()
    matching, rest = split(parameters, *patterns)
    assert list(matching) == found
    assert (
        [*matching, *rest]
        and {**matching, **rest} == parameters
        and not set(matching) & set(rest)
    )


@pytest.mark.parametrize("pattern", ["rn", "cell"])
def test_a_pattern_that_matches_nothing(pattern):
    with pytest.raises(OptionError) as error:
        freeze(model(), pattern)
    assert error.value.code == "MG319" and "rnn.cell.W_hh" in error.value.cause


def test_frozen_parameters_get_no_gradients_and_thawed_ones_do():
    net = model()

    def trained():
        net.zero_grad()
        net(np.ones((2, 3), int)).sum().backward()
        return {
            path for path, t in net.named_parameters().items() if t.grad is not None
        }

    everything = trained()
    assert freeze(net, "embedding", "rnn.cell.W_hh") == [
        "embedding.table",
        "rnn.cell.W_hh",
    ]
    assert trained() == everything - {"embedding.table", "rnn.cell.W_hh"}
    unfreeze(net, "embedding")
    assert trained() == everything - {"rnn.cell.W_hh"}
