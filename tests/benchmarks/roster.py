"""Who takes part in what. Knows names alone.

Letters of workloads: a unrolled, b training, c inference, d growth, e start, f adam, g trainer, h
language. Two of them have cases that not everybody enters: D a chain of gates, I an import.
"""

from typing import NamedTuple


class Contender(NamedTuple):
    """A module in contenders/, one of its settings, and the workloads it takes part in."""

    name: str
    module: str
    setting: str
    label: str
    workloads: str  # their letters
    package: str = ""  # what `import` measures
    backend: str = ""  # Keras's


MINIGRAD = ("minigrad-fused", "bare-loop", "minigrad")
"""What ratios are to: the first of these that took part."""

CONTENDERS = [
    Contender("numpy", "numpy_by_hand", "", "NumPy by hand", "abcdDeIf", "numpy"),
    Contender("minigrad", "minigrad_", "unrolled", "minigrad, gate by gate", "abcdDeIfh", "minigrad"),
    Contender("minigrad-fused", "minigrad_", "fused", "minigrad, fused", "bcdh"),
    Contender("torch", "torch_", "eager", "PyTorch", "abcDeIfh", "torch"),
    Contender("torch-fused", "torch_", "fused", "PyTorch, fused Adam, denormals flushed", "bdfh"),
    Contender("jax", "jax_", "jit", "JAX, one compiled step", "abcdeI", "jax"),
    Contender("jax-eager", "jax_", "eager", "JAX, not compiled", "a"),
    Contender("keras-tf", "keras_", "auto", "Keras on TensorFlow", "bceI", "keras", "tensorflow"),
    Contender("keras-tf-xla", "keras_", "xla", "Keras on TensorFlow, jit_compile=True", "bc", "", "tensorflow"),
    Contender("keras-jax", "keras_", "auto", "Keras on JAX", "bceI", "keras", "jax"),
    Contender("autograd", "autograd_", "", "autograd", "aI", "autograd.numpy"),
    Contender("bare-loop", "minigrad_", "bare", "minigrad, a bare loop", "g"),
    Contender("trainer", "minigrad_", "trainer", "Trainer, no metrics, no callbacks", "g"),
    Contender("trainer-usual", "minigrad_", "usual", "Trainer, the usual callbacks", "g"),
]  # fmt: skip
