"""Keras on TensorFlow or JAX, depending on KERAS_BACKEND. Keras decides how to compile the model, or
XLA compiles it (setting "xla").
"""

import keras
import numpy as np

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)

    class SummingAdam(keras.optimizers.Adam):
        """Keras's Adam, but each row of the embedding's gradient is summed before it is squared.

        On TensorFlow, this gradient consists of (row, value) pairs, and a row can have several
        pairs. Keras squares each value, so v contains the sum of the squares, unlike in the other
        libraries. Keras itself creates the dense array one operation later.
        """

        def update_step(self, gradient, variable, learning_rate):
            super().update_step(tf.convert_to_tensor(gradient), variable, learning_rate)

    Adam: type = SummingAdam
else:
    Adam = keras.optimizers.Adam


def classifier(kind, weights):
    """Build the model of experiment 1a, without the sigmoid, which the loss applies."""
    recurrent = {
        "rnn": keras.layers.SimpleRNN,
        "gru": keras.layers.GRU,
        "lstm": keras.layers.LSTM,
    }[kind]
    model = keras.Sequential([
        keras.layers.Embedding(*weights["table"].shape),
        recurrent(len(weights["W_hh"])),
        keras.layers.Dense(1),
    ])  # fmt: skip
    model.build((None, None))
    w = weights
    bias = np.stack([w["b"], w["b_hh"]]) if kind == "gru" else w["b"]
    model.set_weights(
        [
            w["table"],
            w["W_xh"],
            w["W_hh"],
            bias,
            w["W"],
            w["c"],
        ]
    )
    return model


class Training:
    def __init__(self, kind, weights, setting, rule):
        self.model = classifier(kind, weights)
        beta_1, beta_2 = rule["betas"]
        optimizer = Adam(rule["lr"], beta_1=beta_1, beta_2=beta_2, epsilon=rule["eps"])
        self.model.compile(
            optimizer,
            keras.losses.BinaryCrossentropy(from_logits=True),
            jit_compile=setting == "xla" or "auto",
        )

    def run(self, batches):
        """Train with `fit`, which takes three quarters of the time of separate calls on JAX."""
        ids, labels = (np.concatenate(column) for column in zip(*batches, strict=True))
        self.model.fit(ids, labels, batch_size=len(batches[0][0]), shuffle=False, verbose=0)

    def steps(self, batches):
        losses = []
        for ids, labels in batches:
            self.model.reset_metrics()  # otherwise, it returns the mean of all losses so far
            losses.append(float(self.model.train_on_batch(ids, labels)))
        return losses


def inference(kind, weights, setting):
    model = classifier(kind, weights)
    model.compile(jit_compile=setting == "xla" or "auto")
    return model.predict_on_batch
