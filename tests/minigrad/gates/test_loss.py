"""Losses: shapes and labels that are refused, probabilities instead of logits."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import minigrad as mg


# One more case of each error in docs/errors.md, where there is one.
@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (
            (2, 0),
            [0, 0],
            "MG154.*a model with more",
        ),
        (
            (2, 3),
            [[0], [1]],
            "MG152",
        ),
        (
            (1, 2, 3),
            [[0, 1]],
            r"MG152.*\(1, 2, 3\).*\(1, 3\).*last axis",
        ),
    ],
)
def test_cross_entropy_refuses_labels(logits, labels, message):
    with pytest.raises(mg.MinigradError, match=f"(?s){message}"):
        mg.cross_entropy(np.zeros(logits), labels)


def test_softmax_cross_entropy_of_nothing_is_0():
    labels = np.zeros(0, int)
    z = mg.softmax_cross_entropy(np.zeros((0, 0)), labels, reduction="sum")
    assert z.item() == 0


def test_softmax_cross_entropy_gradient_of_logits_that_come_time_first():
    # as from a recurrent layer
    x: Any = mg.Tensor(np.zeros((4, 300, 64)), requires_grad=True)
    logits = (2 * x).transpose(1, 0, 2)
    labels = np.zeros((300, 4), int)
    mg.softmax_cross_entropy(logits, labels, reduction="sum").backward()
    slope = 2 * (1 / 64 - (np.arange(64) == 0))
    assert_allclose(x.grad, np.broadcast_to(slope, x.shape), rtol=1e-12)


@pytest.mark.parametrize(
    "move",
    [
        lambda p: p,
        lambda p: p.astype("float32").T[0],
        lambda p: mg.where(
            np.arange(4) > 1,
            p[:, 0],
            0.0,
        ),
        lambda p: mg.concatenate(
            [
                np.zeros(4),
                p[:, 0],
            ]
        ),
    ],
)
def test_cross_entropies_refuse_probabilities_that_were_moved(move):
    x = mg.Tensor(
        np.linspace(-1, 1, 4)[:, None],
        requires_grad=True,
    )
    targets = np.ones(move(x).shape)
    labels = targets[..., 0].astype(int)
    with pytest.raises(mg.MinigradError, match="MG157.*Sigmoid"):
        mg.binary_cross_entropy(move(mg.sigmoid(x)), targets)
    with pytest.raises(mg.MinigradError, match="MG157.*Softmax"):
        mg.softmax_cross_entropy(move(mg.softmax(x, axis=0)), labels)
    mg.binary_cross_entropy(move(2 * mg.sigmoid(x)), targets)


@pytest.mark.parametrize(
    "pick",
    [
        lambda p, z: mg.concatenate([p, z], 1)[:, 1:],
        lambda p, z: mg.stack([p, z])[1],
        lambda p, z: mg.where(
            [[True, False]],
            p,
            z,
        )[:, 1],
    ],
)
def test_binary_cross_entropy_takes_logits_picked_from_beside_probabilities(pick):
    x = mg.Tensor([[1.0], [2.0]], requires_grad=True)
    logits = pick(mg.sigmoid(x), 2 * x)
    loss = mg.binary_cross_entropy(logits, np.ones(logits.shape))
    expected = np.log1p(np.exp([-2.0, -4.0])).mean()
    assert_allclose(loss.item(), expected, rtol=1e-6)
