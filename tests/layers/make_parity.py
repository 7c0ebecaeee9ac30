"""Make tests/layers/data/parity_pytorch.npz and parity_keras.npz: what the two frameworks compute
for small networks.

Run it in an environment that has the framework (and nothing of minigrad):

    python tests/layers/make_parity.py pytorch      # torch 2.13 made the stored file
    python tests/layers/make_parity.py keras        # Keras 3.15 on TensorFlow 2.21

With other numbers, to compare anew with the version that is installed:

    python tests/layers/make_parity.py pytorch --seed 1 --out runs/parity
    MINIGRAD_PARITY=runs/parity .venv/bin/python -m pytest tests/layers/test_cells.py -k pytorch

For each case, in float64: the weights, an input x (B, T, D), the output, a random cotangent
(`seed`), and the gradients of sum(output * seed) for x and every weight. test_cells.py builds the
same network here and compares.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
B, T, D, H = 3, 6, 4, 5
LENGTHS = [6, 2, 4]  # of the masked cases; the padding stands at the end


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("framework", choices=["pytorch", "keras"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=DATA)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {"pytorch": pytorch, "keras": keras}[arguments.framework](
        arguments.seed
    )
    np.savez_compressed(arguments.out / f"parity_{arguments.framework}.npz", **arrays)
    print(f"{len(arrays)} arrays")


def pytorch(seed: int) -> dict[str, np.ndarray]:
    import torch

    torch.manual_seed(seed)
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
    for case, module in cases.items():
        x = torch.randn(B, T, D, requires_grad=True)
        output, final = module(x)
        cotangent = torch.randn_like(output)
        (output * cotangent).sum().backward()
        found |= {
            f"{case}/x": x,
            f"{case}/output": output,
            f"{case}/seed": cotangent,
            f"{case}/grad_x": x.grad,
        }
        found[f"{case}/final"] = final[0] if isinstance(final, tuple) else final
        for name, parameter in module.named_parameters():
            found |= {f"{case}/weight/{name}": parameter, f"{case}/grad/{name}": parameter.grad}

    norm, dense, x = nn.LayerNorm(D), nn.Linear(D, H), torch.randn(B, D, requires_grad=True)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 1.5)
        norm.bias.normal_()
    output = dense(norm(x))
    cotangent = torch.randn_like(output)
    (output * cotangent).sum().backward()
    found |= {"plain/x": x, "plain/output": output, "plain/seed": cotangent, "plain/grad_x": x.grad}
    for prefix, module in (("layernorm", norm), ("dense", dense)):
        for name, parameter in module.named_parameters():
            found |= {
                f"plain/weight/{prefix}.{name}": parameter,
                f"plain/grad/{prefix}.{name}": parameter.grad,
            }
    return {name: value.detach().numpy() for name, value in found.items()}


def keras(seed: int) -> dict[str, np.ndarray]:
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    keras.config.set_floatx("float64")
    rng = np.random.default_rng(seed)
    k = keras.layers
    sequence: dict[str, Any] = {"return_sequences": True}
    both = k.Bidirectional
    cases: dict[str, tuple[list[Any], bool]] = {
        "rnn": ([k.SimpleRNN(H, **sequence)], False),
        "gru": ([k.GRU(H, **sequence)], False),
        "gru_reset_before": ([k.GRU(H, reset_after=False, **sequence)], False),
        "lstm": ([k.LSTM(H, **sequence)], False),
        "lstm_stacked": ([k.LSTM(H, **sequence), k.LSTM(H, **sequence)], False),
        "gru_both_ways": ([both(k.GRU(H, **sequence))], False),
        "rnn_last": ([k.SimpleRNN(H)], True),
        "lstm_masked": ([k.LSTM(H, **sequence)], True),
        "gru_both_ways_masked": ([both(k.GRU(H, **sequence))], True),
        "lstm_both_ways_last": ([both(k.LSTM(H))], True),
    }
    found: dict[str, np.ndarray] = {}
    for case, (stack, masked) in cases.items():
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
        found |= {
            f"{case}/x": x.numpy(),
            f"{case}/output": output.numpy(),
            f"{case}/seed": cotangent,
        }
        found[f"{case}/grad_x"] = grad_x.numpy()
        ways = ["forward/", "backward/"] if isinstance(stack[0], both) else [""]
        kind = case.partition("_")[0]
        places = [f"{kind}_{number + 1}/" if number else f"{kind}/" for number in range(len(stack))]
        names = [
            p + w + name
            for p in places
            for w in ways
            for name in ("kernel", "recurrent_kernel", "bias")
        ]
        for name, weight, gradient in zip(names, weights, gradients, strict=True):
            found |= {
                f"{case}/weight/{name}": weight.numpy(),
                f"{case}/grad/{name}": gradient.numpy(),
            }
    return found


if __name__ == "__main__":
    main()
