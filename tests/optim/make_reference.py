"""Writes data/torch_rules.npz: what torch.optim makes of the same parameters and gradients. Needs torch.

    python tests/optim/make_reference.py

The stored arrays are float64, so that a test can tell a wrong formula from rounding.
"""

from pathlib import Path
from typing import Any

import numpy as np

STEPS = 12
RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd_decay": ("SGD", {"lr": 0.1, "weight_decay": 0.02}),
    "sgd_momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "sgd_nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02}),
    "adagrad": ("Adagrad", {"lr": 0.1, "eps": 1e-7}),
    "adagrad_decay": ("Adagrad", {"lr": 0.1, "eps": 1e-7, "weight_decay": 0.02}),
    "rmsprop": ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 1e-7}),
    "rmsprop_decay": ("RMSprop", {"lr": 0.01, "alpha": 0.95, "eps": 1e-3, "weight_decay": 0.02}),
    "adam": ("Adam", {"lr": 0.01, "eps": 1e-7}),
    "adam_decay": ("Adam", {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-3, "weight_decay": 0.02}),
    "adamw": ("AdamW", {"lr": 0.01, "eps": 1e-7, "weight_decay": 0.1}),
}


def main() -> None:
    import torch

    rng = np.random.default_rng(6)
    start = {"W": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}
    gradients = {path: rng.normal(size=(STEPS, *value.shape)) for path, value in start.items()}
    stored: dict[str, Any] = {f"start/{path}": value for path, value in start.items()}
    stored |= {f"gradients/{path}": value for path, value in gradients.items()}
    for name, (rule, options) in RULES.items():
        parameters = {path: torch.nn.Parameter(torch.tensor(value)) for path, value in start.items()}
        optimizer = getattr(torch.optim, rule)(parameters.values(), **options)
        walked: dict[str, list[Any]] = {path: [] for path in parameters}
        for step in range(STEPS):
            for path, parameter in parameters.items():
                parameter.grad = torch.tensor(gradients[path][step])
            if step % 4 == 2:
                parameters["b"].grad = None  # a parameter that a step does not reach
            optimizer.step()
            for path, parameter in parameters.items():
                walked[path].append(parameter.detach().numpy().copy())
        stored |= {f"{name}/{path}": np.stack(values) for path, values in walked.items()}
    stored["torch"] = np.array(torch.__version__)
    np.savez_compressed(Path(__file__).parent / "data" / "torch_rules.npz", **stored)


if __name__ == "__main__":
    main()
