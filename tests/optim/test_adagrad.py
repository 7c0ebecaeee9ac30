"""Adagrad against torch.optim's stored results."""

import pytest

from tests.optim.torch_rules import check_against_torch


@pytest.mark.parametrize("name", ["adagrad", "adagrad_decay"])
def test_adagrad_steps_as_torch_does(name):
    check_against_torch(name)
