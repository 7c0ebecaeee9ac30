"""Make tests/layers/data/parity_pytorch.npz and parity_keras.npz: what the two frameworks compute
for small networks.

Run it in an environment that has the framework (and nothing of minigrad):

    python tests/layers/make_parity.py pytorch      # torch 2.13 made the stored file
    python tests/layers/make_parity.py keras        # Keras 3.15 on TensorFlow 2.21

For each case, in float64: the weights, an input x (B, T, D), the output, a random cotangent
(`seed`), and the gradients of sum(output * seed) for x and every weight. test_cells.py builds the
same network here and compares.
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
    arrays: dict[str, Any] = {"pytorch": pytorch, "keras": keras}[framework]()
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
        "lstm_stacked_both_ways": nn.LSTM(D, H, batch_first=True, num_layers=2, bidirectional=True),
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
        mask = tf.constant(np.arange(T) < np.array(LENGTHS)[:, None]) if masked else None
        for layer in stack:
            layer.build((B, T, H if layer is not stack[0] else D))
            for variable in layer.variables:  # biases and all: at 0 they would hide a wrong order
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
        grad_x, *gradients = tape.gradient(loss, [x, *(weight.value for weight in weights)])
        arrays = {"x": x, "output": output, "seed": cotangent, "grad_x": grad_x}
        ways = ["forward/", "backward/"] if isinstance(stack[0], both) else [""]
        kind = case.partition("_")[0]
        places = [f"{kind}_{number + 1}/" if number else f"{kind}/" for number in range(len(stack))]
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


if __name__ == "__main__":
    main()
