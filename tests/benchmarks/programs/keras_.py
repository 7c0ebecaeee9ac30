"""Train a classifier of reviews with Keras, on the backend KERAS_BACKEND.

python keras_.py KIND REVIEWS.npz
"""

import sys

import keras
import numpy as np

kind, path = sys.argv[1:]
reviews = np.load(path)
keras.utils.set_random_seed(0)
layer = {
    "rnn": keras.layers.SimpleRNN,
    "gru": keras.layers.GRU,
    "lstm": keras.layers.LSTM,
}[kind]
model = keras.Sequential([
    keras.layers.Embedding(10_000, 128),
    layer(32),
    keras.layers.Dense(1, activation="sigmoid"),
])  # fmt: skip
model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy", metrics=["accuracy"])
history = model.fit(
    reviews["ids"],
    reviews["labels"],
    batch_size=32,
    epochs=3,
    validation_data=(reviews["validation_ids"], reviews["validation_labels"]),
    validation_batch_size=500,
    verbose=2,
)
print(max(history.history["val_accuracy"]))
