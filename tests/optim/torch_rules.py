"""Update rules beside torch.optim: the same parameters and gradients, and torch's stored results.

    python tests/optim/torch_rules.py       # writes data/torch_rules.npz; needs torch

The stored arrays are float64, so that a test can tell a wrong formula from rounding.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
import optim

STEPS = 12
PATH = Path(__file__).parent / "data" / "torch_rules.npz"
RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd_decay": ("SGD", {"lr": 0.1, "weight_decay": 0.02}),
    "sgd_momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "sgd_nesterov": (
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02},
    ),
    "adagrad": ("Adagrad", {"lr": 0.1}),
    "adagrad_decay": ("Adagrad", {"lr": 0.1, "weight_decay": 0.02}),
    "rmsprop": ("RMSprop", {"lr": 0.01, "decay": 0.9}),
    "rmsprop_decay": (
        "RMSprop",
        {"lr": 0.01, "decay": 0.95, "eps": 1e-3, "weight_decay": 0.02},
    ),
    "adam": ("Adam", {"lr": 0.01}),
    "adam_decay": (
        "Adam",
        {
            "lr": 0.01,
            "betas": (0.8, 0.99),
            "eps": 1e-3,
            "weight_decay": 0.02,
        },
    ),
    "adamw": ("AdamW", {"lr": 0.01, "weight_decay": 0.1}),
}  # by minigrad's names and with its defaults


def reference():
    return np.load(PATH)


def parameters(dtype: Any = "float64"):
    stored = reference()
    return {
        path: mg.Tensor(stored[f"start/{path}"].astype(dtype), requires_grad=True)
        for path in ("W", "b")
    }


def walk(optimizer, steps):
    """Steps with the gradients that the reference run had, one of which is missing in some
    steps.
    """
    stored = reference()
    for step in steps:
        for path, tensor in optimizer.parameters().items():
            tensor.grad = stored[f"gradients/{path}"][step]
            if path == "b" and step % 4 == 2:
                tensor.grad = None
        optimizer.step()


def check_against_torch(name):
    """In float64 each step is torch's, also for a W given in columns and when state is stored and
    loaded halfway.
    """
    rule, options = RULES[name]
    make, stored = getattr(optim, rule), reference()
    ours = parameters()
    ours["W"] = mg.Tensor(
        np.asfortranarray(stored["start/W"]),
        requires_grad=True,
    )
    optimizer = make(ours, **options)
    for step in range(STEPS):
        walk(optimizer, [step])
        for path, tensor in ours.items():
            expected = stored[f"{name}/{path}"][step]
            assert_allclose(tensor.array, expected, rtol=1e-12, atol=1e-14)
        # a step leaves it as it was
        assert_array_equal(ours["W"].grad, stored["gradients/W"][step])
        if step in (0, 4):
            state, optimizer = optimizer.state_dict(), make(ours, **options)
            optimizer.load_state_dict(state)
    assert ours["W"].array.flags.c_contiguous
    single = make(parameters("float32"), **options)
    walk(single, range(STEPS))
    for path, tensor in single.parameters().items():
        expected = stored[f"{name}/{path}"][-1]
        assert tensor.dtype == np.float32
        assert_allclose(tensor.array, expected, rtol=2e-5, atol=2e-6)
    for key, array in single.state_dict().items():
        assert array.dtype == np.float32 or key.startswith("steps/")


def main():
    import torch

    rng = np.random.default_rng(6)
    shapes = {"W": (4, 3), "b": (3,)}
    stored: Any = {"torch": torch.__version__}
    for path, shape in shapes.items():
        stored[f"start/{path}"] = rng.normal(size=shape)
    for path, shape in shapes.items():
        stored[f"gradients/{path}"] = rng.normal(size=(STEPS, *shape))
    for name, (rule, options) in RULES.items():
        named = dict(options)
        if rule != "SGD":
            named.setdefault("eps", 1e-7)
        if "decay" in named:
            named["alpha"] = named.pop("decay")
        start = {path: torch.nn.Parameter(torch.tensor(stored[f"start/{path}"])) for path in shapes}
        optimizer = getattr(torch.optim, rule)(start.values(), **named)
        for path, shape in shapes.items():
            stored[f"{name}/{path}"] = np.zeros((STEPS, *shape))
        for step in range(STEPS):
            for path, p in start.items():
                p.grad = torch.tensor(stored[f"gradients/{path}"][step])
            if step % 4 == 2:
                start["b"].grad = None  # a parameter that a step does not reach
            optimizer.step()
            for path, p in start.items():
                stored[f"{name}/{path}"][step] = p.detach().numpy()
    np.savez_compressed(PATH, **stored)


if __name__ == "__main__":
    main()
