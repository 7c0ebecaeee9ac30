"""Make data/parity_keras.npz and data/parity_keras_convolution.npz: what Keras computes.

Run `python tests/layers/make_keras.py` where Keras is installed. Keras 3.15 on TensorFlow 2.21 made
the stored files. For each case, in float64: the weights, an input x and the output. For recurrent
layers, also a random `seed`, and the gradients of sum(output * seed) for x and the weights.
"""

from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

DATA = Path(__file__).parent / "data"
B, T, D, H = 3, 6, 4, 5
MASK = np.arange(T) < np.array([[6], [2], [4]])
RNG = np.random.default_rng(0)


def main():
    keras.utils.set_random_seed(0)
    keras.config.set_floatx("float64")
    write("keras", cells())
    write("keras_convolution", convolutions())


def write(name, cases):
    found: dict[str, Any] = {}
    for case, arrays in cases:
        for path, array in arrays.items():
            found[f"{case}/{path}"] = np.asarray(array)
    np.savez_compressed(DATA / f"parity_{name}.npz", **found)


def draw(layer, shape, low):
    """Draw the weights, biases too, because a 0 would hide an error."""
    layer.build(shape)
    for variable in layer.variables:
        if "seed" not in variable.path:
            variable.assign(RNG.uniform(low, 1, variable.shape))


def cells():
    rnn = partial(layers.SimpleRNN, H, return_sequences=True)
    gru = partial(layers.GRU, H, return_sequences=True)
    lstm = partial(layers.LSTM, H, return_sequences=True)
    both = layers.Bidirectional
    cases = {
        "rnn": [rnn()],
        "gru": [gru()],
        "gru_reset_before": [gru(reset_after=False)],
        "lstm": [lstm()],
        "lstm_stacked": [lstm(), lstm()],
        "gru_both_ways": [both(gru())],
        "rnn_last": [layers.SimpleRNN(H)],
        "lstm_masked": [lstm()],
        "gru_both_ways_masked": [both(gru())],
        "lstm_both_ways_last": [both(layers.LSTM(H))],
    }
    for case, stack in cases.items():
        masked = case.endswith(("masked", "last"))
        x = tf.Variable(RNG.normal(size=(B, T, D)))
        width = D
        for layer in stack:
            draw(layer, (B, T, width), -1)
            width = H
        with tf.GradientTape() as tape:
            output = x
            for layer in stack:
                output = layer(output, mask=tf.constant(MASK) if masked else None)
            seed = RNG.normal(size=output.shape)
            if masked and seed.ndim == 3:
                # under Bidirectional, Keras puts zeros out at padding, we do not
                seed *= MASK[:, :, None]
            loss = tf.reduce_sum(output * seed)
        weights = [weight for layer in stack for weight in layer.trainable_weights]
        values = [weight.value for weight in weights]
        dx, *gradients = tape.gradient(loss, [x, *values])
        arrays = {"x": x, "output": output, "seed": seed, "grad/x": dx}
        kind, _, rest = case.partition("_")
        for number, name in enumerate(names(kind, rest)):
            arrays[f"weight/{name}"] = weights[number]
            arrays[f"grad/{name}"] = gradients[number]
        yield case, arrays


def names(kind, options):
    """The names of our layout, in the order of Keras's weights."""
    folders = [kind]
    if "stacked" in options:
        folders.append(f"{kind}_2")
    if "both_ways" in options:
        folders = [f"{kind}/forward", f"{kind}/backward"]
    for folder in folders:
        for name in ("kernel", "recurrent_kernel", "bias"):
            yield f"{folder}/{name}"


def convolutions():
    cases = {
        "conv1d": (
            layers.Conv1D(4, 3, strides=2),
            (2, 9, 3),
        ),
        "conv2d": (
            layers.Conv2D(3, (3, 2)),
            (2, 5, 6, 2),
        ),
        "batchnorm": (
            layers.BatchNormalization(epsilon=1e-3, momentum=0.9),
            (3, 4, 2, 5),
        ),
    }
    for case, (layer, shape) in cases.items():
        x = tf.constant(RNG.normal(size=shape))
        draw(layer, shape, 0.5)
        output = layer(x, training=False) if case == "batchnorm" else layer(x)
        arrays = {"x": x, "output": output}
        for weight in layer.variables:
            arrays[f"weight/{weight.name}"] = weight
        yield case, arrays


if __name__ == "__main__":
    main()
