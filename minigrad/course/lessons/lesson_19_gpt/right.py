"""Other correct solutions to lesson 19."""

RIGHT = {
    "arrays": """
def positions(length, width):
    t, i = np.arange(length)[:, None], np.arange(0, width, 2)
    P = np.empty((length, width))
    P[:, 0::2] = np.sin(t / 10000 ** (i / width))
    P[:, 1::2] = np.cos(t / 10000 ** (i / width))
    return P

def embed(table, ids, start=0):
    T, D = ids.shape[1], table.shape[1]
    return table[ids] + positions(start + T, D)[start : start + T]

def targets(ids):
    x, y = ids[:, :-1], ids[:, 1:]
    ended = (x == 0) & (np.arange(x.shape[1]) > 0)
    return x, np.where(ended, -100, y)

def block(x, norm1, attention, norm2, mlp):
    x = x + attention(norm1(x))
    x = x + mlp(norm2(x))
    return x

def attend(q, k, v, cache=None):
    past = 0
    if cache:
        keys, values = cache
        past = keys.shape[2]
        k, v = mg.concatenate([keys, k], axis=2), mg.concatenate([values, v], axis=2)
    t, s = np.arange(q.shape[2])[:, None], np.arange(k.shape[2])
    return mg.scaled_dot_product_attention(q, k, v, s <= t + past), (k, v)

def probabilities(logits, temperature):
    return mg.softmax(mg.Tensor(logits / temperature)).array

def write(model, ids, count, rng, temperature):
    new = []
    while len(new) < count:
        logits = model(np.array([ids + new]))
        p = probabilities(logits.array[0][-1], temperature)
        new.append(int(rng.choice(np.arange(len(p)), p=p)))
    return ids + new

def write_cached(model, ids, count, rng, temperature):
    out = list(ids)
    logits, cache = model(np.array([out]), None, 0)
    for t in range(count):
        p = probabilities(logits.array[0, -1], temperature)
        new = rng.choice(len(p), p=p)
        logits, cache = model(np.array([[new]]), cache, len(out))
        out.append(int(new))
    return out
""",
    "own softmax, loops, and random numbers": """
def positions(length, width):
    rows = []
    for t in range(length):
        row = []
        for i in range(width):
            angle = t / 10000 ** (2 * (i // 2) / width)
            row.append(np.sin(angle) if i % 2 == 0 else np.cos(angle))
        rows.append(row)
    return np.array(rows)

def embed(table, ids, start=0):
    x = mg.lookup(table, ids)
    B, T, D = x.shape
    p = positions(start + T, D)
    return x + mg.Tensor(p[-T:])

def targets(ids):
    inputs, labels = ids[:, :-1].copy(), ids[:, 1:].copy()
    for b in range(len(inputs)):
        for t in range(1, inputs.shape[1]):
            if inputs[b, t] == 0:
                labels[b, t] = -100
    return inputs, labels

def block(x, norm1, attention, norm2, mlp):
    h = attention(norm1(x)) + x
    return mlp(norm2(h)) + h

def attend(q, k, v, cache=None):
    keys, values = k, v
    if cache is not None:
        keys = mg.concatenate([cache[0], k], axis=2)
        values = mg.concatenate([cache[1], v], axis=2)
    T, S, d = q.shape[2], keys.shape[2], q.shape[3]
    mask = np.zeros((T, S), dtype=bool)
    for t in range(T):
        mask[t, : S - T + t + 1] = True
    scores = q @ keys.transpose(0, 1, 3, 2) / np.sqrt(d)
    weights = mg.softmax(scores + np.where(mask, 0.0, -1e9), axis=-1)
    return weights @ values, (keys, values)

def probabilities(logits, temperature):
    z = np.array(logits) / temperature
    z = z - np.max(z)
    return np.exp(z) / np.sum(np.exp(z))

def write(model, ids, count, rng, temperature):
    text = np.array([ids])
    for _ in range(count):
        p = probabilities(model(text).array[0, -1, :], temperature)
        new = np.searchsorted(np.cumsum(p), rng.random(), side="right")
        text = np.append(text, [[new]], axis=1)
    return text[0].tolist()

def write_cached(model, ids, count, rng, temperature):
    result, cache, read = ids.copy(), None, 0
    while len(result) < len(ids) + count:
        logits, cache = model(np.array(result[read:])[None], cache, read)
        read = len(result)
        p = probabilities(logits.array[0, -1], temperature)
        result += [rng.choice(len(p), p=p)]
    return result
""",
    "a mask from triu, and the cache read first": """
def positions(length, width):
    angle = np.outer(np.arange(length), 10000.0 ** (-np.arange(0, width, 2) / width))
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(length, width)

def embed(table, ids, start=0):
    x = mg.lookup(table, ids)
    P = np.array([positions(start + t + 1, table.shape[1])[start + t] for t in range(ids.shape[1])])
    return P + x

def targets(ids):
    inputs = ids[:, :-1]
    labels = np.array(ids[:, 1:])
    labels[np.cumsum(inputs == 0, axis=1) > 1] = -100
    return inputs, labels

def attend(q, k, v, cache=None):
    old = 0 if cache is None else cache[0].shape[2]
    if old:
        k, v = (mg.concatenate([a, b], axis=2) for a, b in zip(cache, (k, v)))
    T = q.shape[2]
    mask = np.concatenate([np.ones((T, old), bool), ~np.triu(np.ones((T, T), bool), 1)], axis=1)
    return mg.scaled_dot_product_attention(q, k, v, mask), [k, v]

def probabilities(logits, temperature):
    p = np.exp((logits - np.max(logits)) / temperature)
    return p / np.sum(p)

def write_cached(model, ids, count, rng, temperature):
    ids = [int(i) for i in ids]
    if count == 0:
        return ids
    logits, cache = model(np.array([ids]), None, 0)
    for n in range(count):
        p = probabilities(logits.array[0, -1], temperature)
        ids.append(rng.choice(len(p), p=p))
        if n < count - 1:
            logits, cache = model(np.array([ids[-1:]]), cache, len(ids) - 1)
    return ids
""",
    "the first 0 after the letters": """
def targets(ids):
    inputs, labels = ids[:, :-1], ids[:, 1:].copy()
    ends = np.argmax(labels == 0, axis=1)
    for label, end in zip(labels, ends):
        label[end + 1 :] = -100
    return inputs, labels
""",
}
