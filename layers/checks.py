"""Checks of arguments that several layers share: sizes and activations."""

from __future__ import annotations

from typing import Any

from minigrad.errors import OptionError


def check_size(layer: str, **sizes: int) -> None:
    """Raise OptionError (MG210) unless every size is an integer of 1 or more."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not hasattr(size, "__index__") or size < 1:
            raise OptionError(
                "MG210",
                f"{layer} cannot be made with {name}={size!r}",
                cause="a size is a count: an integer of 1 or more",
                remedy=f"give {name} as an integer of at least 1",
            )


def check_function(layer: str, activation: Any) -> None:
    """Raise OptionError (MG211) unless the activation can be called."""
    if not callable(activation):
        raise OptionError(
            "MG211",
            f"{layer} was given the activation {activation!r}",
            cause="an activation is a function from Tensor to Tensor, not its name",
            remedy="pass the function: activation=mg.relu",
        )


def function_name(function: Any) -> str:
    """The name of an activation, for `repr`: mg.softmax is a function with a name, mg.tanh an instance of Tanh."""
    return str(getattr(function, "__name__", None) or type(function).__name__.lower())
