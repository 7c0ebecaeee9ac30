"""Train a classifier of reviews with minigrad.

python minigrad_.py KIND REVIEWS.npz
"""

import sys

import numpy as np

import minigrad as mg
from layers import GRU, LSTM, RNN, Dense, Embedding, Sequential
from minigrad.data import Batches
from optim import Adam, Trainer

kind, path = sys.argv[1:]
reviews = np.load(path)
training = Batches(reviews["ids"], reviews["labels"], batch_size=32)
validation = Batches(
    reviews["validation_ids"],
    reviews["validation_labels"],
    batch_size=500,
    shuffle=False,
)
mg.seed(0)
layer = {"rnn": RNN, "gru": GRU, "lstm": LSTM}[kind]
model = Sequential(Embedding(10_000, 128), layer(128, 32), Dense(32, 1))
optimizer = Adam(model.named_parameters(), lr=1e-3)
trainer = Trainer(model, mg.binary_cross_entropy, optimizer)
history = trainer.fit(training, epochs=3, validation=validation)
print(max(history["validation_accuracy"]))
