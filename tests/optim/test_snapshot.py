"""Snapshots of the last version can be taken up again. What a snapshot is otherwise held to is in test_trainer.py.

The two files were written by version 0.1 as of commit 3f1c234: a snapshot after 26 steps of the run below, with updates
pending for rows of the table, and the weights at that run's end, after 32 steps.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import minigrad as mg
from layers import RNN, Dense, Embedding, Sequential
from optim import Adam, Trainer

DATA = Path(__file__).parent / "data"


def test_a_snapshot_of_the_last_version_goes_on_as_it_would_have() -> None:
    rng = np.random.default_rng(11)
    batches = [(rng.integers(0, 8 + 4 * k, (4, 5)), rng.integers(0, 2, 4)) for k in range(8)]
    model = Sequential(Embedding(40, 4), RNN(4, 3), Dense(3, 2))
    optimizer = Adam(model.named_parameters(), lr=0.05)
    config = {"hidden": 3}
    trainer = Trainer(model, mg.softmax_cross_entropy, optimizer, callbacks=[], seed=1, config=config)
    snapshot = mg.load(DATA / "snapshot_0_1.safetensors")
    assert any("idle table/" in name for name in snapshot), "there must be something pending in it"
    trainer.fit(batches, epochs=4, resume=DATA / "snapshot_0_1.safetensors")
    assert trainer.step == 32
    expected = mg.load(DATA / "snapshot_0_1_end.safetensors")
    assert expected.keys() == model.state_dict().keys()
    for path, array in model.state_dict().items():
        np.testing.assert_allclose(array, expected[path], rtol=1e-5, atol=1e-7)
