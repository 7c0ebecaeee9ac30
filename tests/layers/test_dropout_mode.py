"""Dropout that is left on in an evaluation says so; where it is meant it does not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import minigrad as mg
from layers import RNN, Dense, Dropout, Sequential
from layers.dropout import ModeWarning
from layers.stream import TruncatedBPTT

X = np.ones((3, 4))


def test_an_evaluation_in_training_mode_is_named():
    model = Sequential(Dense(4, 4), Dropout(0.5))
    with (
        mg.no_grad(),
        pytest.warns(ModeWarning, match=r"MG214[\s\S]*sequential/dropout[\s\S]*cause:[\s\S]*model.eval\(\)"),
    ):
        model(X)


def test_evaluation_in_its_mode_and_training_are_silent():
    model = Sequential(Dense(4, 4), Dropout(0.5))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(X)
        model.eval()
        with mg.no_grad():
            model(X)


def test_the_unrecorded_steps_of_a_stream_are_meant():
    rnn = RNN(4, 4, layers=2, dropout=0.5, return_sequences=True, return_state=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in TruncatedBPTT(k1=4, k2=2).walk(rnn, np.ones((1, 8, 4))):
            pass
