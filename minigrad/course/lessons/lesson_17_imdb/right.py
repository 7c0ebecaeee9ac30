"""Other correct solutions to lesson 17."""

RIGHT = {
    "broadcasting": """
def train(model, optimizer, batches, epochs):
    means = np.zeros(epochs)
    for e in range(epochs):
        losses = []
        for x, y in batches:
            optimizer.zero_grad()
            loss = mg.binary_cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means[e] = sum(losses) / len(losses)
    return means

def shuffled(ids, rng):
    keys = np.where(ids == 0, -1.0, rng.random(ids.shape))
    return np.take_along_axis(ids, np.argsort(keys, axis=1, kind="stable"), axis=1)

def leak(ids, labels):
    words = np.arange(1, ids.max() + 1)
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
    "counts of good and bad reviews": """
def leak(ids, labels):
    good, bad = {}, {}
    for review, label in zip(ids, labels):
        for word in set(review.tolist()) - {0}:
            table = good if label == 1 else bad
            table[word] = table.get(word, 0) + 1
    N, n_good = len(labels), sum(labels)
    n_bad = N - n_good
    scores = {}
    for word in set(good) | set(bad):
        g, b = good.get(word, 0), bad.get(word, 0)
        right = g + n_bad - b
        opposite = b + n_good - g
        scores[word] = max(right, opposite)
    return max(scores, key=scores.get)

def forgotten(full, truncated, ids):
    p, q = word_parts(full, ids), word_parts(truncated, ids)
    sizes = [(abs(p[t]) - abs(q[t]), t) for t in range(len(ids)) if ids[t] != 0]
    return max(sizes)[1]

def shuffled(ids, rng):
    out = ids.copy()
    for i, row in enumerate(ids):
        mask = row != 0
        out[i, mask] = rng.permutation(row[mask])
    return out
""",
    "plain loops and counts": """
def leak(ids, labels):
    best, most = None, -1
    for word in sorted(set(ids.ravel().tolist()) - {0}):
        right = 0
        for row, label in zip(ids, labels):
            if (word in row) == (label == 1):
                right += 1
        score = max(right, len(labels) - right)
        if score > most:
            best, most = word, score
    return best

def forgotten(full, truncated, ids):
    a, b = np.abs(word_parts(full, ids)), np.abs(word_parts(truncated, ids))
    best, most = None, -np.inf
    for t in range(len(ids)):
        lost = a[t] - b[t]
        if ids[t] != 0 and lost > most:
            best, most = t, lost
    return best

def shuffled(ids, rng):
    result = np.zeros_like(ids)
    for n in range(len(ids)):
        words = ids[n][ids[n] > 0]
        start = ids.shape[1] - len(words)
        result[n, start:] = rng.permutation(words)
    return result

def word_parts(model, ids):
    vectors = model.embedding(ids[None]).array
    x = mg.Tensor(vectors, requires_grad=True)
    model.head(model.rnn(x)).sum().backward()
    parts = np.zeros(len(ids))
    for t in range(len(ids)):
        for d in range(vectors.shape[2]):
            parts[t] += vectors[0, t, d] * x.grad[0, t, d]
    return parts
""",
}
