"""A script that trains in a few steps. Its options make it fail in several ways."""

import sys

import numpy as np

import minigrad as mg
import optim
from layers import Dense

words = sys.argv[1:]
print("options:", *words)
rng = np.random.default_rng(0)
x = rng.standard_normal((32, 2))
y = (x[:, 0] > 0).astype(int)
mg.seed(0)
model = Dense(2, 2)
optimizer = optim.SGD(model.parameters(), lr=0.5)
for step in range(20):
    if "--keep" not in words:
        optimizer.zero_grad()
    loss = mg.softmax_cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    if step == 15 and "--interrupt" in words:
        raise KeyboardInterrupt
    if step == 15 and "--fail" in words:
        raise RuntimeError("a fault of the script")
    if step == 15 and "--shapes" in words:
        loss = mg.softmax_cross_entropy(model(x), y[1:])
print("loss:", loss.item())
if "--exit" in words:
    sys.exit(3)
