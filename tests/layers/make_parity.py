"""Make tests/layers/data/parity_*.npz: what the two frameworks compute for small networks.

Run it in an environment that has the framework (and nothing of minigrad):

    python tests/layers/make_parity.py pytorch      # torch 2.13 made the stored file
    python tests/layers/make_parity.py keras        # Keras 3.15 on TensorFlow 2.21
    python tests/layers/make_parity.py transformer  # torch 2.15
    python tests/layers/make_parity.py convolution  # torch 2.15
    python tests/layers/make_parity.py keras_convolution  # Keras 3.15 on TensorFlow 2.21

For each case, in float64: the weights, an input x (B, T, D), the output, a random cotangent
(`seed`), and the gradients of sum(output * seed) for x and every weight. test_cells.py builds the
same network here and compares. For a transformer, there are also the mask, random numbers `second`,
and the gradients of sum(second * grad_x), and test_transformer.py compares. For convolutions, a
BatchNorm then sees two more batches and is evaluated, and test_convolution.py compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
B, T, D, H = 3, 6, 4, 5
LENGTHS = [6, 2, 4]  # of the masked cases; the padding stands at the end


def main() -> None:
    (framework,) = sys.argv[1:]
    arrays: dict[str, Any] = {
        "pytorch": pytorch,
        "keras": keras,
        "transformer": transformer,
        "convolution": convolution,
        "keras_convolution": keras_convolution,
    }[framework]()
    np.savez_compressed(DATA / f"parity_{framework}.npz", **arrays)
    print(f"{len(arrays)} arrays")


def pytorch() -> dict[str, np.ndarray]:
    import torch

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    nn = torch.nn
    cases: dict[str, Any] = {
        "rnn": nn.RNN(D, H, batch_first=True),
        "rnn_relu": nn.RNN(D, H, batch_first=True, nonlinearity="relu"),
        "rnn_both_ways": nn.RNN(D, H, batch_first=True, bidirectional=True),
        "gru": nn.GRU(D, H, batch_first=True),
        "gru_stacked": nn.GRU(D, H, batch_first=True, num_layers=2),
        "lstm": nn.LSTM(D, H, batch_first=True),
        "lstm_stacked_both_ways": nn.LSTM(
            D, H, batch_first=True, num_layers=2, bidirectional=True
        ),
    }
    found: dict[str, Any] = {}

    def store(case: str, module: Any, x: Any, output: Any) -> None:
        cotangent = torch.randn_like(output)
        (output * cotangent).sum().backward()
        arrays = {"x": x, "output": output, "seed": cotangent, "grad_x": x.grad}
        for name, parameter in module.named_parameters():
            arrays |= {f"weight/{name}": parameter, f"grad/{name}": parameter.grad}
        found.update({f"{case}/{name}": array for name, array in arrays.items()})

    for case, module in cases.items():
        x = torch.randn(B, T, D, requires_grad=True)
        output, final = module(x)
        store(case, module, x, output)
        found[f"{case}/final"] = final[0] if isinstance(final, tuple) else final

    plain = nn.Sequential()
    plain.add_module("layernorm", nn.LayerNorm(D))
    plain.add_module("dense", nn.Linear(D, H))
    x = torch.randn(B, D, requires_grad=True)
    with torch.no_grad():
        plain.layernorm.weight.uniform_(0.5, 1.5)
        plain.layernorm.bias.normal_()
    store("plain", plain, x, plain(x))
    return {name: value.detach().numpy() for name, value in found.items()}


def keras() -> dict[str, np.ndarray]:
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    keras.config.set_floatx("float64")
    rng = np.random.default_rng(0)
    k = keras.layers
    sequence: dict[str, Any] = {"return_sequences": True}
    both = k.Bidirectional
    cases: dict[str, list[Any]] = {
        "rnn": [k.SimpleRNN(H, **sequence)],
        "gru": [k.GRU(H, **sequence)],
        "gru_reset_before": [k.GRU(H, reset_after=False, **sequence)],
        "lstm": [k.LSTM(H, **sequence)],
        "lstm_stacked": [k.LSTM(H, **sequence), k.LSTM(H, **sequence)],
        "gru_both_ways": [both(k.GRU(H, **sequence))],
        "rnn_last": [k.SimpleRNN(H)],
        "lstm_masked": [k.LSTM(H, **sequence)],
        "gru_both_ways_masked": [both(k.GRU(H, **sequence))],
        "lstm_both_ways_last": [both(k.LSTM(H))],
    }
    found: dict[str, np.ndarray] = {}
    for case, stack in cases.items():
        masked = case.endswith(("masked", "last"))
        x = tf.Variable(rng.normal(size=(B, T, D)))
        mask = (
            tf.constant(np.arange(T) < np.array(LENGTHS)[:, None]) if masked else None
        )
        for layer in stack:
            layer.build((B, T, H if layer is not stack[0] else D))
            for (
                variable
            ) in layer.variables:  # biases and all: at 0 they would hide a wrong order
                if "seed" not in variable.path:
                    variable.assign(rng.normal(size=variable.shape) * 0.5)
        with tf.GradientTape() as tape:
            output = x
            for layer in stack:
                output = layer(output, mask=mask)
            cotangent = rng.normal(size=output.shape)
            if mask is not None and cotangent.ndim == 3:
                # under Bidirectional Keras puts zeros out at padding, we do not
                cotangent *= mask.numpy()[:, :, None]
            loss = tf.reduce_sum(output * cotangent)
        weights = [weight for layer in stack for weight in layer.trainable_weights]
        grad_x, *gradients = tape.gradient(
            loss, [x, *(weight.value for weight in weights)]
        )
        arrays = {"x": x, "output": output, "seed": cotangent, "grad_x": grad_x}
        ways = ["forward/", "backward/"] if isinstance(stack[0], both) else [""]
        kind = case.partition("_")[0]
        places = [
            f"{kind}_{number + 1}/" if number else f"{kind}/"
            for number in range(len(stack))
        ]
        names = [
            place + way + name
            for place in places
            for way in ways
            for name in ("kernel", "recurrent_kernel", "bias")
        ]
        for name, weight, gradient in zip(names, weights, gradients, strict=True):
            arrays |= {f"weight/{name}": weight, f"grad/{name}": gradient}
        found |= {f"{case}/{name}": np.asarray(array) for name, array in arrays.items()}
    return found


def transformer() -> dict[str, np.ndarray]:
    import torch
    from torch.nn import functional as F
    from torch.nn.attention import SDPBackend, sdpa_kernel

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    nn = torch.nn

    class NanoGPTBlock(nn.Module):  # type: ignore[misc, name-defined]
        """The block of nanoGPT's model.py with bias=False. The children have other names here."""

        def __init__(self, width: int, heads: int) -> None:
            super().__init__()
            self.heads = heads
            self.norm1 = nn.LayerNorm(width, bias=False)
            self.self_attn = nn.Module()
            self.self_attn.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
            self.self_attn.out_proj = nn.Linear(width, width, bias=False)
            self.norm2 = nn.LayerNorm(width, bias=False)
            self.linear1 = nn.Linear(width, 4 * width, bias=False)
            self.linear2 = nn.Linear(4 * width, width, bias=False)

        def forward(self, x: Any) -> Any:
            B, T, C = x.size()
            h = self.norm1(x)
            q, k, v = (h @ self.self_attn.in_proj_weight.T).split(C, dim=2)
            k = k.view(B, T, self.heads, C // self.heads).transpose(1, 2)
            q = q.view(B, T, self.heads, C // self.heads).transpose(1, 2)
            v = v.view(B, T, self.heads, C // self.heads).transpose(1, 2)
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            y = y.transpose(1, 2).contiguous().view(B, T, C)
            x = x + self.self_attn.out_proj(y)
            h = F.gelu(self.linear1(self.norm2(x)), approximate="tanh")
            return x + self.linear2(h)

    def gelu(x: Any) -> Any:
        return F.gelu(x, approximate="tanh")

    def networks(D: int, heads: int, T: int, hidden: Any) -> dict[str, Any]:
        """{case: (module, function of x)}. `hidden` (B, T) is True at padding."""
        options: dict[str, Any] = {"dropout": 0, "activation": gelu, "norm_first": True}
        future = torch.ones(T, T, dtype=bool).triu(1)
        attention = nn.MultiheadAttention(D, heads, batch_first=True)
        plain = nn.MultiheadAttention(D, heads, bias=False, batch_first=True)
        block = nn.TransformerEncoderLayer(D, heads, 4 * D, batch_first=True, **options)
        nanogpt = NanoGPTBlock(D, heads)
        found = {
            "attention": (attention, lambda x: attention(x, x, x, hidden)[0]),
            "attention_causal_plain": (
                plain,
                lambda x: plain(x, x, x, hidden, attn_mask=future)[0],
            ),
            "block": (block, lambda x: block(x, None, hidden)),
            "block_causal": (block, lambda x: block(x, future, hidden)),
        }
        return (
            found
            if hidden is not None
            else {**found, "block_causal_plain": (nanogpt, nanogpt)}
        )

    sizes = [  # B, T, D, heads, whether the sequences are padded
        (2, 5, 6, 2, False), (3, 4, 4, 1, True), (1, 7, 6, 3, False), (4, 3, 8, 4, True), (2, 1, 4, 2, False),
    ]  # fmt: skip
    found: dict[str, Any] = {}
    for number, (B, T, D, heads, padded) in enumerate(sizes):
        mask = torch.arange(T) < torch.randint(1, T + 1, (B, 1)) if padded else None
        cases = networks(D, heads, T, None if mask is None else ~mask)
        for case, (module, forward) in cases.items():
            weights = dict(module.named_parameters())
            with torch.no_grad():
                for weight in weights.values():
                    weight.normal_(std=0.6)
            x = torch.randn(B, T, D, requires_grad=True)
            inputs = {"x": x, **weights}
            with sdpa_kernel(SDPBackend.MATH):  # the only one with second derivatives
                output = forward(x)
            cotangent, second = torch.randn_like(output), torch.randn_like(x)
            first = torch.autograd.grad(
                (output * cotangent).sum(), inputs.values(), create_graph=True
            )
            twice = torch.autograd.grad(
                (second * first[0]).sum(), inputs.values(), materialize_grads=True
            )
            arrays = {"x": x, "output": output, "seed": cotangent, "second": second}
            if mask is not None:
                arrays["mask"] = mask
            for name, *both in zip(inputs, first, twice, strict=True):
                arrays |= {f"grad/{name}": both[0], f"twice/{name}": both[1]}
            arrays |= {
                f"weight/{name}": weight.clone() for name, weight in weights.items()
            }
            arrays["heads"] = torch.tensor(heads)
            found |= {
                f"{case}_{number}/{name}": array for name, array in arrays.items()
            }
    return {name: value.detach().numpy() for name, value in found.items()}


def convolution() -> dict[str, np.ndarray]:
    import torch

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    nn = torch.nn

    def named(**parts: Any) -> Any:
        network = nn.Sequential()
        for name, part in parts.items():
            network.add_module(name, part)
        return network

    cases = {
        "conv1d": (named(conv1d=nn.Conv1d(3, 4, 3, stride=2, padding=2)), (2, 3, 9)),
        "conv2d": (named(conv2d=nn.Conv2d(2, 3, 3, padding=1)), (2, 2, 5, 6)),
        "conv2d_plain": (
            named(conv2d=nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0), bias=False)),
            (3, 2, 6, 5),
        ),
        "max": (named(maxpool2d=nn.MaxPool2d(3, 2)), (2, 2, 7, 6)),
        "average": (named(averagepool2d=nn.AvgPool2d((2, 3), 2)), (2, 2, 7, 6)),
        "norm_of_vectors": (named(batchnorm=nn.BatchNorm1d(4)), (5, 4)),
        "norm_of_sequences": (named(batchnorm=nn.BatchNorm1d(3, momentum=0.3)), (2, 3, 4)),
        "norm_of_images": (named(batchnorm=nn.BatchNorm2d(2, eps=0.1)), (3, 2, 4, 2)),
        "network": (
            named(
                conv2d=nn.Conv2d(1, 3, 3), batchnorm=nn.BatchNorm2d(3), tanh=nn.Tanh(),
                maxpool2d=nn.MaxPool2d(2), conv2d_2=nn.Conv2d(3, 4, 2, bias=False),
                batchnorm_2=nn.BatchNorm2d(4), tanh_2=nn.Tanh(), flatten=nn.Flatten(),
                dense=nn.Linear(4 * 2 * 2, 3),
            ),
            (4, 1, 8, 8),
        ),
    }  # fmt: skip
    found: dict[str, Any] = {}
    for case, (module, shape) in cases.items():
        weights = dict(module.named_parameters())
        with torch.no_grad():
            for weight in weights.values():
                weight.normal_(std=0.7)
        arrays = {
            f"weight/{name}": one.clone() for name, one in module.state_dict().items()
        }
        # whole numbers, so that the maximum of a window may occur twice
        x = (
            torch.randint(0, 3, shape).double()
            if case == "max"
            else 3 + torch.randn(shape)
        )
        for mode in ("train", "eval"):  # the first batch, then after two more
            x = x.clone().requires_grad_()
            inputs = {"x": x, **weights}
            output = module(x)
            cotangent, second = torch.randn_like(output), torch.randn_like(x)
            first = torch.autograd.grad(
                (output * cotangent).sum(), inputs.values(), create_graph=True
            )
            total = (second * first[0]).sum() + sum(
                (0 * one).sum() for one in inputs.values()
            )
            twice = torch.autograd.grad(total, inputs.values())
            arrays |= {
                f"{mode}/x": x, f"{mode}/output": output, f"{mode}/seed": cotangent, f"{mode}/second": second,
            }  # fmt: skip
            for name, one, two in zip(inputs, first, twice, strict=True):
                arrays |= {f"{mode}/grad/{name}": one, f"{mode}/twice/{name}": two}
            if mode == "train":
                for number in range(2):
                    arrays[f"more/{number}"] = 1 + torch.randn(shape)
                    module(arrays[f"more/{number}"])
                module.eval()
        arrays |= {
            f"after/{name}": one.clone() for name, one in module.state_dict().items()
        }
        found |= {f"{case}/{name}": array for name, array in arrays.items()}
    return {name: value.detach().numpy() for name, value in found.items()}


def keras_convolution() -> dict[str, np.ndarray]:
    import keras
    import tensorflow as tf

    keras.config.set_floatx("float64")
    rng = np.random.default_rng(0)
    k = keras.layers
    cases: dict[str, Any] = {
        "conv1d": (k.Conv1D(4, 3, strides=2), (2, 9, 3)),
        "conv2d": (k.Conv2D(3, (3, 2)), (2, 5, 6, 2)),
        "batchnorm": (k.BatchNormalization(epsilon=1e-3, momentum=0.9), (3, 4, 2, 5)),
    }
    found: dict[str, np.ndarray] = {}
    for case, (layer, shape) in cases.items():
        x = tf.constant(rng.normal(size=shape))
        layer.build(shape)
        for variable in layer.variables:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        output = layer(x, training=False) if case == "batchnorm" else layer(x)
        found |= {f"{case}/x": np.asarray(x), f"{case}/output": np.asarray(output)}
        found |= {
            f"{case}/weight/{one.name}": np.asarray(one) for one in layer.variables
        }
    return found


if __name__ == "__main__":
    main()
