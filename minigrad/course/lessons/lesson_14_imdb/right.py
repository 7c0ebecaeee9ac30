"""Other correct solutions to lesson 14."""

RIGHT = {
    "the Trainer, and broadcasting": """
from optim import Trainer

def train(model, optimizer, batches, epochs):
    history = Trainer(model, mg.binary_cross_entropy, optimizer).fit(batches, epochs)
    return [row["train_loss"] for row in history.rows]

def shuffled(ids, rng):
    keys = np.where(ids == 0, -1.0, rng.random(ids.shape))
    return np.take_along_axis(ids, np.argsort(keys, axis=1, kind="stable"), axis=1)

def leak(ids, labels):
    words = np.unique(ids)
    has = np.array([(ids == word).any(axis=1) for word in words])
    right = (has == labels.astype(bool)).mean(axis=1)
    return words[np.abs(right - 0.5).argmax()]
""",
    "slopes of the embedding's own output, and permutation by index": """
def word_parts(model, ids):
    x = model.embedding(ids.reshape(1, -1))
    z = model.head(model.rnn(x)).reshape(-1)
    return np.einsum("btd,btd->t", x.array, mg.grad(z[0], [x])[0].array)

def shuffled(ids, rng):
    rows = []
    for row in ids.tolist():
        words = [word for word in row if word != 0]
        order = rng.permutation(len(words))
        rows.append([0] * (len(row) - len(words)) + [words[i] for i in order])
    return rows
""",
    "backward and loops": """
def train(model, optimizer, batches, epochs):
    means = []
    for epoch in range(epochs):
        total, count = 0.0, 0
        for ids, labels in batches:
            loss = mg.binary_cross_entropy(model(ids), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            total, count = total + float(loss.array), count + 1
        means.append(total / count)
    return means

def word_parts(model, ids):
    vectors = mg.Tensor(model.embedding(ids.reshape(1, -1)).array, requires_grad=True)
    model.head(model.rnn(vectors)).backward(np.ones((1, 1)))
    return [float(x @ g) for x, g in zip(vectors.array[0], vectors.grad[0])]

def forgotten(full, truncated, ids):
    a, b = word_parts(full, ids), word_parts(truncated, ids)
    return max((t for t in range(len(ids)) if ids[t]), key=lambda t: abs(a[t]) - abs(b[t]))
""",
}
