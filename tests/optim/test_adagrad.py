"""Adagrad against torch.optim's stored results."""

import pytest

from tests.optim.torch_rules import check_against_torch


@pytest.mark.parametrize("name", ["adagrad", "adagrad_decay"])
def test_every_step_is_that_of_torch(name):
    check_against_torch(name)
