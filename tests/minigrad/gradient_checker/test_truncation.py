"""truncation_report against sums made by hand, and for models."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Dropout, Embedding, Sequential


class Decay:
    """h_t = w h_(t-1) + 1 from 0: h_t = 2 (1 - 2^-t) at w = 1/2, and dh_8/dw = Σ_j w^j h_(7-j)."""

    truncate: int | None = None
    w = mg.Tensor([0.5], requires_grad=True)

    def named_parameters(self):
        return {"w": self.w}

    def named_layers(self):
        return {"": self}

    def __call__(self, x):
        h = mg.Tensor([0.0])
        for t in range(len(x)):
            h = (mg.cut(h) if self.truncate == len(x) - t else h) * self.w + x[t]
        return h


@pytest.mark.parametrize("k", [1, 3, 8])
def test_truncation_report_of_truncated_sums_by_hand(k):
    model, batch = Decay(), (np.ones(8), [0.0])
    report = mg.truncation_report(
        model,
        batch,
        ks=[k],
        loss=mg.mean_squared_error,
    )
    j = np.arange(8)
    terms = 0.5**j * 2 * (1 - 0.5 ** (7 - j))
    ratio = terms[:k].sum() / terms.sum()
    assert_allclose(report.norm_ratio[k]["w"], ratio, rtol=1e-6)
    assert_allclose(report.cosine[k]["w"], 1, rtol=1e-6)
    assert model.truncate is None
    assert model.w.grad is None


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_truncation_report_of_a_truncated_model(kind):
    mg.seed(0)
    recurrent = kind(6, 5, truncate=2)
    model = Sequential(
        Embedding(20, 6),
        recurrent,
        Dropout(0.3),
        Dense(5, 2),
    )
    ids = np.random.default_rng(3).integers(
        0,
        20,
        (4, 10),
    )
    report = mg.truncation_report(
        model,
        (ids, [0, 1, 1, 0]),
        ks=[1, 4, 10],
    )
    assert recurrent.truncate == 2
    for whole in (report.cosine[10], report.norm_ratio[10]):
        assert_allclose([*whole.values()], 1, rtol=1e-6)
    short, longer = (report.cosine[k]["embedding.table"] for k in (1, 4))
    assert short < longer < 1
    # the head is above every cut
    assert_allclose(report.cosine[1]["dense.W"], 1, rtol=1e-6)
    assert str(report).count("\n") == 3
    assert "dense.W" in str(report)
