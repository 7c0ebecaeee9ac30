"""The truncation report against sums made by hand, and for models."""

import numpy as np
import pytest

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


def test_truncation_report_against_hand_made_sums():
    model, batch, ks = Decay(), (np.ones(8), [0.0]), [1, 3, 8]
    report = mg.truncation_report(model, batch, ks=ks, loss=mg.mean_squared_error)
    terms = [0.5**j * 2 * (1 - 0.5 ** (7 - j)) for j in range(8)]
    for k in ks:
        assert report.norm_ratio[k]["w"] == pytest.approx(
            sum(terms[:k]) / sum(terms), rel=1e-6
        )
        assert report.cosine[k]["w"] == pytest.approx(1)
    assert model.truncate is None and model.w.grad is None


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
def test_a_model(kind):
    mg.seed(0)
    recurrent = kind(6, 5, truncate=2)
    model = Sequential(Embedding(20, 6), recurrent, Dropout(0.3), Dense(5, 2))
    ids = np.random.default_rng(3).integers(0, 20, (4, 10))
    report = mg.truncation_report(model, (ids, [0, 1, 1, 0]), ks=[1, 4, 10])
    assert recurrent.truncate == 2
    whole = [*report.cosine[10].values(), *report.norm_ratio[10].values()]
    assert whole == pytest.approx([1] * len(whole))
    assert report.cosine[1]["embedding.table"] < report.cosine[4]["embedding.table"] < 1
    assert report.cosine[1]["dense.W"] == pytest.approx(
        1
    )  # the head is above every cut
    assert str(report).count("\n") == 3 and "dense.W" in str(report)
