"""Select parameters by path to freeze them or to split them into groups, and assign new values to
parameters.

>>> from layers import Dense, Sequential
>>> model = Sequential(Dense(2, 3), Dense(3, 1))
>>> freeze(model, "dense")
['dense.W', 'dense.b']
>>> unfreeze(model, "*.b")
['dense.b', 'dense_2.b']
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.errors import OptionError


def split(
    parameters: Mapping[str, Tensor],
    *patterns: str,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return (parameters whose path matches a pattern, all other parameters). Both
    dicts keep the order of `parameters`.

    A pattern is a path, the beginning of a path up to a dot ("rnn" matches "rnn.cell.W_hh"), or a
    name with the wildcards * and ? ("*.b*").

    >>> W, b = Tensor([[1.0]], requires_grad=True), Tensor([1.0], requires_grad=True)
    >>> biases, rest = split({"head.W": W, "head.b": b}, "*.b")
    >>> list(biases), list(rest)
    (['head.b'], ['head.W'])

    Use `split` to give groups of parameters their own weight decay or learning rate:

    >>> from optim import AdamW
    >>> optimizer = AdamW([{"parameters": biases, "weight_decay": 0.0}, {"parameters": rest}], lr=1e-3)

    Errors: OptionError MG319 for a pattern that matches nothing.

    Since: 0.1.
    """
    for pattern in patterns:
        if not any(_matches(path, pattern) for path in parameters):
            raise OptionError(
                "MG319",
                f"no parameters match {pattern!r}",
                cause=f"the model's parameters are {', '.join(parameters) or 'none'}",
                remedy='use a full path, the part of a path before a dot ("rnn"), or a pattern '
                '("*.b*")',
            )
    found = {
        path: tensor
        for path, tensor in parameters.items()
        if any(_matches(path, p) for p in patterns)
    }
    return found, {path: tensor for path, tensor in parameters.items() if path not in found}


def freeze(model: Any, *patterns: str) -> list[str]:
    """Freeze the parameters that match a pattern, so they no longer get gradients. Returns the
    paths of these parameters.

    Errors: see `split`.

    Since: 0.1.
    """
    return _set(model, patterns, False)


def unfreeze(model: Any, *patterns: str) -> list[str]:
    """Unfreeze the parameters that match a pattern. Returns their paths. Errors: see `split`.

    Since: 0.1.
    """
    return _set(model, patterns, True)


def set_arrays(
    parameters: Mapping[str, Tensor],
    values: Mapping[str, Any],
) -> None:
    """Write values into parameters in place. This preserves the memory layout, which affects the
    last bits of matrix products.
    """
    for name, tensor in parameters.items():
        tensor.update(partial(np.copyto, src=values[name]))


def buffers(model: Any) -> dict[str, Any]:
    """Return {path: array} for the buffers of a model, such as the running means of a BatchNorm.
    They are saved with the parameters. A model that is not a Layer has none.
    """
    return dict(getattr(model, "named_buffers", dict)())


def weights(model: Any) -> dict[str, Any]:
    """Return {path: array} for the parameters and buffers of a model."""
    parameters = {path: tensor.array for path, tensor in model.named_parameters().items()}
    return parameters | buffers(model)


def set_weights(model: Any, values: Mapping[str, Any]) -> None:
    """Write values into the parameters and buffers of a model in place."""
    set_arrays(model.named_parameters(), values)
    for path, array in buffers(model).items():
        array[...] = values[path]


def _set(
    model: Any,
    patterns: tuple[str, ...],
    wanted: bool,
) -> list[str]:
    found, _ = split(model.named_parameters(), *patterns)
    for tensor in found.values():
        tensor.requires_grad = wanted
        tensor.grad = None  # any existing gradient is out of date
    return list(found)


def _matches(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern) or f"{path}.".startswith(f"{pattern}.")
