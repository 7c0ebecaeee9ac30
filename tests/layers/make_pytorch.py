"""Make data/parity_{pytorch,transformer,convolution}.npz: what PyTorch computes for small networks.

Run `python tests/layers/make_pytorch.py` where torch is installed. torch 2.13 made the stored
parity_pytorch.npz, and torch 2.15 made the others.

For each case, in float64: the weights, an input x, the output, a random `seed`, and the gradients
of sum(output * seed) for x and the weights. For transformers and convolutions, also a random
`second`, and the gradients `twice` of sum(second * grad/x). A transformer may have a mask. In a
network with BatchNorm, the weights before and after three batches, and the evaluation after them.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import gelu

DATA = Path(__file__).parent / "data"


def main():
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    write("pytorch", cells())
    write("transformer", transformers())
    write("convolution", convolutions())


def write(name, cases):
    arrays = {}
    for case, tensors in cases:
        for path, tensor in tensors.items():
            arrays[f"{case}/{path}"] = tensor.detach().numpy()
    np.savez_compressed(DATA / f"parity_{name}.npz", **arrays)


def weights(network, folder="weight"):
    arrays = network.state_dict()
    return {f"{folder}/{name}": array.clone() for name, array in arrays.items()}


def draw(network):
    """Draw the weights, biases too, because a 0 would hide an error. Returns them."""
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.6)
    return weights(network)


def compute(network, forward, x, twice=True):
    """The output, which may be the first of several, and the gradients for x and all parameters."""
    inputs = {"x": x.requires_grad_()}
    inputs |= network.named_parameters()
    output = forward(x)
    if isinstance(output, tuple):
        output = output[0]
    seed = torch.randn_like(output)
    arrays = {"x": x, "output": output, "seed": seed}

    def store(kind, loss, **options):
        found = torch.autograd.grad(loss, inputs.values(), **options)
        for name, gradient in zip(inputs, found, strict=True):
            arrays[f"{kind}/{name}"] = gradient
        return found

    loss = (output * seed).sum()
    dx, *_ = store("grad", loss, create_graph=twice)
    if twice:
        arrays["second"] = torch.randn_like(x)
        # 0 * x, because the gradient of max pooling is constant
        loss = arrays["second"] * dx + 0 * x
        store("twice", loss.sum(), materialize_grads=True)
    return arrays


def cells():
    def make(kind, **options):
        return kind(4, 5, batch_first=True, **options)

    cases = {
        "rnn": make(nn.RNN),
        "rnn_relu": make(nn.RNN, nonlinearity="relu"),
        "rnn_both_ways": make(nn.RNN, bidirectional=True),
        "gru": make(nn.GRU),
        "gru_stacked": make(nn.GRU, num_layers=2),
        "lstm": make(nn.LSTM),
        "lstm_stacked_both_ways": make(
            nn.LSTM,
            num_layers=2,
            bidirectional=True,
        ),
    }
    for case, network in cases.items():
        arrays = draw(network)
        x = torch.randn(3, 6, 4)
        _, final = network(x)
        arrays["final"] = final[0] if "lstm" in case else final
        yield case, arrays | compute(network, network, x, twice=False)
    plain = named(
        layernorm=nn.LayerNorm(4),
        dense=nn.Linear(4, 5),
    )
    arrays = draw(plain)
    x = torch.randn(3, 4)
    yield "plain", arrays | compute(plain, plain, x, twice=False)


def transformers():
    sizes = [  # B, T, D, heads, whether the sequences are padded
        (2, 5, 6, 2, False),
        (3, 4, 4, 1, True),
        (1, 7, 6, 3, False),
        (4, 3, 8, 4, True),
        (2, 1, 4, 2, False),
    ]
    for number, (B, T, D, heads, padded) in enumerate(sizes):
        shared = {"heads": torch.tensor(heads)}
        hidden = None
        if padded:
            mask = torch.arange(T) < torch.randint(1, T + 1, (B, 1))
            shared["mask"] = mask
            hidden = ~mask
        cases = networks(D, heads, T, hidden)
        for case, (network, forward) in cases.items():
            arrays = draw(network) | shared
            x = torch.randn(B, T, D)
            with sdpa_kernel(SDPBackend.MATH):  # the only one with second derivatives
                arrays |= compute(network, forward, x)
            yield f"{case}_{number}", arrays


def networks(width, heads, steps, hidden):
    """Networks and functions of x (B, T, D). `hidden` (B, T) is True at padding."""
    future = torch.ones(steps, steps, dtype=bool).triu(1)

    def attention(past, **options):
        network = nn.MultiheadAttention(width, heads, batch_first=True, **options)
        return network, lambda x: network(x, x, x, hidden, attn_mask=past)

    def block(past, **options):
        network = nn.TransformerEncoderLayer(
            width,
            heads,
            4 * width,
            dropout=0,
            activation=partial(gelu, approximate="tanh"),
            batch_first=True,
            norm_first=True,
            **options,
        )
        return network, lambda x: network(x, past, hidden)

    return {
        "attention": attention(None),
        "attention_causal_plain": attention(future, bias=False),
        "block": block(None),
        "block_causal": block(future),
        "block_causal_plain": block(future, bias=False),
    }


def named(**parts):
    network = nn.Sequential()
    for name, part in parts.items():
        network.add_module(name, part)
    return network


def convolutions():
    network = named(
        conv2d=nn.Conv2d(1, 3, 3),
        batchnorm=nn.BatchNorm2d(3),
        tanh=nn.Tanh(),
        maxpool2d=nn.MaxPool2d(2),
        conv2d_2=nn.Conv2d(3, 4, 2, bias=False),
        batchnorm_2=nn.BatchNorm2d(4),
        tanh_2=nn.Tanh(),
        flatten=nn.Flatten(),
        dense=nn.Linear(4 * 2 * 2, 3),
    )
    strided = nn.Conv2d(2, 3, (3, 2), (2, 1), (1, 0), bias=False)
    cases = {
        "conv1d": (
            named(conv1d=nn.Conv1d(3, 4, 3, 2, 2)),
            (2, 3, 9),
        ),
        "conv2d": (
            named(conv2d=nn.Conv2d(2, 3, 3, padding=1)),
            (2, 2, 5, 6),
        ),
        "conv2d_plain": (
            named(conv2d=strided),
            (3, 2, 6, 5),
        ),
        "max": (
            nn.MaxPool2d(3, 2),
            (2, 2, 7, 6),
        ),
        "average": (
            nn.AvgPool2d((2, 3), 2),
            (2, 2, 7, 6),
        ),
        "norm_of_vectors": (
            named(batchnorm=nn.BatchNorm1d(4)),
            (5, 4),
        ),
        "norm_of_sequences": (
            named(batchnorm=nn.BatchNorm1d(3, momentum=0.3)),
            (2, 3, 4),
        ),
        "norm_of_images": (
            named(batchnorm=nn.BatchNorm2d(2, eps=0.1)),
            (3, 2, 4, 2),
        ),
        "network": (network, (4, 1, 8, 8)),
    }
    for case, (network, shape) in cases.items():
        arrays = draw(network)
        x = 3 + torch.randn(shape)
        if case == "max":  # whole numbers, so that a maximum may occur twice
            x = x.round()
        train = compute(network, network, x)
        for number in range(2):
            arrays[f"more/{number}"] = 1 + torch.randn(shape)
            network(arrays[f"more/{number}"])
        network.eval()
        evaluation = compute(network, network, x)
        for mode, found in (("train", train), ("eval", evaluation)):
            arrays |= {f"{mode}/{name}": tensor for name, tensor in found.items()}
        yield case, arrays | weights(network, "after")


if __name__ == "__main__":
    main()
