"""Who takes part in what, and which figures were published elsewhere. Knows names alone.

Letters of workloads: a unrolled, b training, c inference, d growth, e start, f adam, g trainer, h language.
"""

from __future__ import annotations

from turns import Contender

MINIGRAD = ("minigrad-fused", "bare-loop", "minigrad")
"""What ratios are to: the first of these that took part."""

NOT_PEERS = ("numpy", "minigrad", "minigrad-fused")

CONTENDERS = [
    Contender("numpy", "numpy_by_hand", "", "NumPy by hand", "abcdef", "numpy"),
    Contender("minigrad", "minigrad_", "unrolled", "minigrad, gate by gate", "abcdefh", "minigrad"),
    Contender("minigrad-fused", "minigrad_", "fused", "minigrad, fused", "bcdh"),
    Contender("torch", "torch_", "eager", "PyTorch", "abcdefh", "torch"),
    Contender("torch-fused", "torch_", "fused", "PyTorch, fused Adam, denormals flushed", "bdfh"),
    Contender("jax", "jax_", "jit", "JAX, one compiled step", "abcde", "jax"),
    Contender("jax-eager", "jax_", "eager", "JAX, not compiled", "a"),
    Contender("keras-tf", "keras_", "auto", "Keras on TensorFlow", "bce", "keras", "tensorflow"),
    Contender("keras-tf-xla", "keras_", "xla", "Keras on TensorFlow, jit_compile=True", "bc", "", "tensorflow"),
    Contender("keras-jax", "keras_", "auto", "Keras on JAX", "bce", "keras", "jax"),
    Contender("autograd", "autograd_", "", "autograd", "ae", "autograd.numpy"),
    Contender("bare-loop", "minigrad_", "bare", "minigrad, a bare loop", "g"),
    Contender("trainer", "minigrad_", "trainer", "Trainer, no metrics, no callbacks", "g"),
    Contender("trainer-usual", "minigrad_", "usual", "Trainer, the usual callbacks", "g"),
]

REFERENCE = {
    "a": {"numpy": 0.83, "jax": 0.66, "torch": 1.9, "autograd": 6.6, "jax-eager": 88.0},
    "b rnn": {"torch": 11.1, "torch-fused": 3.9, "keras-tf": 8.1, "keras-jax": 4.1, "jax": 2.4},
    "b gru": {"torch": 14.3, "torch-fused": 7.5, "keras-tf": 10.9, "keras-jax": 4.8, "jax": 5.1},
    "b lstm": {"torch": 13.8, "torch-fused": 4.0, "keras-tf": 10.0, "keras-jax": 5.3, "jax": 6.9},
}
"""ms of CPU time on one core of another machine, an AMD EPYC, measured with the same peers. Shown, not used."""
