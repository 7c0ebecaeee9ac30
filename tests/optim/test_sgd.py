"""SGD against torch.optim's stored results, and its refusals."""

import pytest

import minigrad as mg
from minigrad.errors import OptionError
from optim import SGD
from tests.optim.torch_rules import check_against_torch


@pytest.mark.parametrize("name", ["sgd", "sgd_decay", "sgd_momentum", "sgd_nesterov"])
def test_sgd_steps_as_torch_does(name):
    check_against_torch(name)


def test_sgd_without_velocities_cannot_get_momentum():
    W = mg.Tensor([1.0], requires_grad=True)
    with pytest.raises(OptionError, match="MG308"):
        SGD({"W": W}, nesterov=True)
    optimizer = SGD({"W": W})
    W.sum().backward()
    optimizer.momentum = 0.9
    with pytest.raises(ValueError, match="not enough values"):
        optimizer.step()
