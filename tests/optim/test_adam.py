"""Adam and AdamW against torch.optim's stored results."""

import pytest

import minigrad as mg
from minigrad.gates.table import make_table
from optim import Adam
from tests.optim.torch_rules import check_against_torch


@pytest.mark.parametrize("name", ["adam", "adam_decay", "adamw"])
def test_every_step_is_that_of_torch(name):
    check_against_torch(name)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_small_gradient_after_a_large_one_is_not_lost(sparse):
    p = make_table([[0.0]]) if sparse else mg.Tensor([[0.0]], requires_grad=True)
    optimizer = Adam({"p": p}, lr=0.1, betas=(0.0, 0.0), eps=0.0)
    # without memory each step is lr times the gradient's sign
    for step, g in enumerate([1.0, 1e-5, 1e-10], start=1):
        optimizer.zero_grad()
        (g * p[[0]]).sum().backward()
        optimizer.step()
        assert p.item() == pytest.approx(-0.1 * step)
