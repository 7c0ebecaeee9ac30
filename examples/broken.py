"""Train a network on digits, with a fault. No error is raised, but many digits remain wrong.

Find it with `minigrad diagnose examples/broken.py`. `minigrad compare examples/broken.py
examples/fixed.py -- 1` names the first difference from the corrected script, after one step.
"""

import sys

from layers import Dense, Sequential
from minigrad import relu, seed, softmax_cross_entropy
from minigrad.data import load_digits
from optim import Adam

steps = int(sys.argv[1]) if sys.argv[1:] else 200
seed(0)
images, labels = load_digits()
x = images.reshape(-1, 64).astype("float32") / 16
model = Sequential(Dense(64, 32, relu), Dense(32, 10, relu))
optimizer = Adam(model.named_parameters(), lr=0.01)

for _ in range(steps):
    logits = model(x)
    loss = softmax_cross_entropy(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

right = (logits.array.argmax(axis=1) == labels).mean()
print(f"loss {loss.item():.3f}, {right:.0%} of the digits are right")
