"""Who takes part in what, and which figures were published elsewhere. Knows names alone.

Letters of workloads: a unrolled, b training, c inference, d growth, e start, f adam, g trainer.
"""

from __future__ import annotations

from turns import Contender

CONTENDERS = [
    Contender("numpy", "numpy_by_hand", "", "NumPy by hand", "abcdef"),
    Contender("minigrad", "minigrad_", "unrolled", "minigrad, gate by gate", "abcdefg"),
    Contender("minigrad-fused", "minigrad_", "fused", "minigrad, fused", "bcde"),
    Contender("torch", "torch_", "eager", "PyTorch eager", "abcdef"),
    Contender("torch-fused", "torch_", "fused", "PyTorch, fused Adam, denormals flushed", "bdef"),
    Contender("torch-compile", "torch_", "compile", "PyTorch compiled, fused Adam, denormals flushed", "bce"),
    Contender("jax", "jax_", "jit", "JAX compiled, lax.scan", "abcdef"),
    Contender("jax-eager", "jax_", "eager", "JAX eager", "a"),
    Contender("keras-tf", "keras_", "tensorflow", "Keras on TensorFlow", "bce"),
    Contender("keras-jax", "keras_", "jax", "Keras on JAX", "bce"),
    Contender("autograd", "autograd_", "", "autograd", "ad"),
]

REFERENCE = {
    "a": {"numpy": 0.83, "jax": 0.66, "torch": 1.9, "autograd": 6.6, "jax-eager": 88.0},
    "b rnn": {"torch": 11.1, "torch-fused": 3.9, "keras-tf": 8.1, "keras-jax": 4.1, "jax": 2.4},
    "b gru": {"torch": 14.3, "torch-fused": 7.5, "keras-tf": 10.9, "keras-jax": 4.8, "jax": 5.1},
    "b lstm": {"torch": 13.8, "torch-fused": 4.0, "keras-tf": 10.0, "keras-jax": 5.3, "jax": 6.9},
}
"""ms of CPU time on one core of another machine, an AMD EPYC, measured with the same peers. Shown, not used."""
