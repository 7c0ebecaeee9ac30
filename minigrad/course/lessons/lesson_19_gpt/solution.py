"""Lesson 19, solved."""

import numpy as np

import minigrad as mg


def positions(length, width):
    table = np.zeros((length, width))
    for t in range(length):
        for i in range(width // 2):
            angle = t / 10000 ** (2 * i / width)
            table[t, 2 * i] = np.sin(angle)
            table[t, 2 * i + 1] = np.cos(angle)
    return table


def embed(table, ids, start=0):
    end = start + ids.shape[1]
    return mg.lookup(table, ids) + positions(end, table.shape[1])[start:]


def targets(ids):
    inputs, labels = ids[:, :-1], ids[:, 1:].copy()
    labels[:, 1:][inputs[:, 1:] == 0] = -100
    return inputs, labels


def block(x, norm1, attention, norm2, mlp):
    y = x + attention(norm1(x))
    return y + mlp(norm2(y))


def attend(q, k, v, cache=None):
    if cache is not None:
        k = mg.concatenate([cache[0], k], axis=2)
        v = mg.concatenate([cache[1], v], axis=2)
    new, all = q.shape[2], k.shape[2]
    mask = np.tri(new, all, all - new, dtype=bool)
    return mg.scaled_dot_product_attention(q, k, v, mask), (k, v)


def probabilities(logits, temperature):
    scores = logits / temperature
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def write(model, ids, count, rng, temperature):
    ids = list(ids)
    for _ in range(count):
        logits = model(np.array([ids])).array[0, -1]
        p = probabilities(logits, temperature)
        ids.append(rng.choice(len(p), p=p))
    return ids


def write_cached(model, ids, count, rng, temperature):
    ids, cache, start = list(ids), None, 0
    for _ in range(count):
        logits, cache = model(np.array([ids[start:]]), cache, start)
        start = len(ids)
        p = probabilities(logits.array[0, -1], temperature)
        ids.append(rng.choice(len(p), p=p))
    return ids


def top_k(p, k):
    least = np.sort(p)[-k]
    kept = np.where(p >= least, p, 0)
    return kept / kept.sum()


def perplexities(logits, labels):
    result = []
    for t in range(labels.shape[1]):
        result.append(mg.exp(mg.cross_entropy(logits[:, t], labels[:, t])).item())
    return result


if __name__ == "__main__":
    import sys

    from minigrad.course.lessons.lesson_19_gpt import trained

    trained.run(sys.modules[__name__])
