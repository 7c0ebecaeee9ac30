"""List the contenders and the workloads that each takes part in.

The letters stand for workloads: a unrolled, b training, c inference, d growth, e start, f adam, g
trainer, h language, i gpt, j writing, k convolution, l untuned, m program. Some cases have their
own letters, because only some contenders take part in them: D is the chain of gates, I is the
import, K is the step of LeNet, and M is the MLP.
"""

from typing import NamedTuple


class Contender(NamedTuple):
    """A module in contenders/, one of its settings, and the workloads that it takes part in."""

    name: str
    module: str
    setting: str
    label: str
    workloads: str  # the letters of the workloads
    package: str = ""  # the package that the import case imports
    backend: str = ""  # the backend of Keras


MINIGRAD = ("minigrad-fused", "bare-loop", "minigrad")
"""Ratios are relative to the first of these contenders that took part."""

CONTENDERS = [
    Contender("numpy", "numpy_by_hand", "", "NumPy by hand", "abcdDeIf", "numpy"),
    Contender(
        "minigrad",
        "minigrad_",
        "unrolled",
        "minigrad, gate by gate",
        "abcdDeIfh",
        "minigrad",
    ),
    Contender("minigrad-fused", "minigrad_", "fused", "minigrad, fused", "bcdhijkKlMm"),
    Contender("minigrad-uncached", "minigrad_", "uncached", "minigrad, without a state", "j"),
    Contender("torch", "torch_", "eager", "PyTorch", "abcDeIfhijkKlM", "torch"),
    Contender(
        "torch-fused",
        "torch_",
        "fused",
        "PyTorch, fused Adam, denormals flushed",
        "bdfhilMm",
    ),
    Contender(
        "torch-compiled",
        "torch_",
        "compiled",
        "PyTorch, compiled, fused Adam, denormals flushed",
        "ikKM",
    ),
    Contender("jax", "jax_", "jit", "JAX, one compiled step", "abcdeIhiKlM", "jax"),
    Contender("jax-eager", "jax_", "eager", "JAX, not compiled", "a"),
    Contender(
        "keras-tf",
        "keras_",
        "auto",
        "Keras on TensorFlow",
        "bceIm",
        "keras",
        "tensorflow",
    ),
    Contender(
        "keras-tf-xla",
        "keras_",
        "xla",
        "Keras on TensorFlow, jit_compile=True",
        "bc",
        "",
        "tensorflow",
    ),
    Contender("keras-jax", "keras_", "auto", "Keras on JAX", "bceIm", "keras", "jax"),
    Contender("autograd", "autograd_", "", "autograd", "aI", "autograd.numpy"),
    Contender("bare-loop", "minigrad_", "bare", "minigrad, a bare loop", "g"),
    Contender("trainer", "minigrad_", "trainer", "Trainer, no metrics, no callbacks", "g"),
    Contender("trainer-usual", "minigrad_", "usual", "Trainer, the usual callbacks", "g"),
]
