"""JAX: one jitted function per step, lax.scan over time; or (setting "eager") operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def versions() -> dict[str, str]:
    return {"JAX": jax.__version__}


def unrolled(setting: str, xs: list[Any], weights: dict[str, Any]) -> Callable[[], Any]:
    parameters = tuple(jnp.asarray(array) for array in weights.values())
    h0 = jnp.zeros((len(xs[0]), len(weights["b"])))

    def eager_loss(parameters: Any, inputs: Any) -> Any:
        U, W, b = parameters
        h = h0
        for x in inputs:
            h = jnp.tanh(x @ U + h @ W + b)
        return h.sum()

    def scanned_loss(parameters: Any, inputs: Any) -> Any:
        U, W, b = parameters
        h, _ = jax.lax.scan(lambda h, x: (jnp.tanh(x @ U + h @ W + b), None), h0, inputs)
        return h.sum()

    if setting == "eager":
        function, inputs = jax.value_and_grad(eager_loss), [jnp.asarray(x) for x in xs]
    else:
        function, inputs = jax.jit(jax.value_and_grad(scanned_loss)), jnp.stack(xs)
    return lambda: jax.block_until_ready(function(parameters, inputs))
