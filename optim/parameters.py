"""Choosing parameters by path: to freeze them, or to split them into groups; and giving them other
numbers.

>>> from layers import Dense, Sequential
>>> model = Sequential(Dense(2, 3), Dense(3, 1))
>>> freeze(model, "dense")
['dense.W', 'dense.b']
>>> unfreeze(model, "*.b")
['dense.b', 'dense_2.b']
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from minigrad import Tensor
from minigrad.errors import OptionError


def split(
    parameters: Mapping[str, Tensor], *patterns: str
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(those parameters whose path matches a pattern, the others), each in the order given.

    A pattern is a path, its beginning up to a dot ("rnn" matches "rnn.cell.W_hh"), or has * and ?
    in it ("*.b*").

    >>> W, b = Tensor([[1.0]], requires_grad=True), Tensor([1.0], requires_grad=True)
    >>> biases, rest = split({"head.W": W, "head.b": b}, "*.b")
    >>> list(biases), list(rest)
    (['head.b'], ['head.W'])

    This makes groups with their own weight decay or learning rate:

    >>> from optim import AdamW
    >>> optimizer = AdamW([{"parameters": biases, "weight_decay": 0.0}, {"parameters": rest}], lr=1e-3)

    Errors: OptionError MG319 for a pattern that matches nothing.
    """
    for pattern in patterns:
        if not any(_matches(path, pattern) for path in parameters):
            raise OptionError(
                "MG319",
                f"no parameter matches {pattern!r}",
                cause=f"the paths are {', '.join(parameters) or 'none'}",
                remedy='name a path, its beginning up to a dot ("rnn"), or a pattern ("*.b*")',
            )
    found = {
        path: tensor
        for path, tensor in parameters.items()
        if any(_matches(path, p) for p in patterns)
    }
    return found, {path: tensor for path, tensor in parameters.items() if path not in found}


def freeze(model: Any, *patterns: str) -> list[str]:
    """Stop training the parameters that match: they no longer get gradients. Returns the paths.
    Errors: as `split`.
    """
    return _set(model, patterns, False)


def unfreeze(model: Any, *patterns: str) -> list[str]:
    """Train the parameters that match again. Returns the paths. Errors: as `split`."""
    return _set(model, patterns, True)


def set_arrays(parameters: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    """Write values into parameters in place: the memory layout, on which a product's last bits
    depend, must stay.
    """
    for name, tensor in parameters.items():
        tensor.update(lambda array, name=name: array.__setitem__(..., values[name]))  # type: ignore[misc]


def _set(model: Any, patterns: tuple[str, ...], wanted: bool) -> list[str]:
    found, _ = split(model.named_parameters(), *patterns)
    for tensor in found.values():
        tensor.requires_grad = wanted
        tensor.grad = None  # a gradient from before the change is out of date
    return list(found)


def _matches(path: str, pattern: str) -> bool:
    return path == pattern or path.startswith(pattern + ".") or fnmatchcase(path, pattern)
