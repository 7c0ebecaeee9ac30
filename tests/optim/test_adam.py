"""Adam and AdamW against torch.optim's stored results."""

import pytest

import minigrad as mg
from minigrad.gates.table import make_table
from minigrad.support import arrays
from optim import Adam
from tests.optim.torch_rules import check_against_torch


@pytest.mark.parametrize("block", [4, 1 << 16])
@pytest.mark.parametrize("name", ["adam", "adam_decay", "adamw"])
def test_adam_steps_as_torch_does(monkeypatch, block, name):
    monkeypatch.setattr(arrays, "BLOCK", block)
    check_against_torch(name)


@pytest.mark.parametrize("sparse", [False, True])
def test_adam_does_not_lose_a_small_gradient_after_a_large_one(sparse):
    p = mg.Tensor([[0.0]], requires_grad=True)
    if sparse:
        p = make_table([[0.0]])
    optimizer = Adam(
        {"p": p},
        lr=0.1,
        betas=(0.0, 0.0),
        eps=0.0,
    )
    # without memory each step is lr times the gradient's sign
    for g, expected in (1.0, -0.1), (1e-5, -0.2), (1e-10, -0.3):
        optimizer.zero_grad()
        (g * p[[0]]).sum().backward()
        optimizer.step()
        assert p.item() == pytest.approx(expected)
