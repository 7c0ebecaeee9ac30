"""Other correct answers to lesson 10."""

RIGHT = {
    "lists, counters and other formulas": """
def split(n, held_out, seed):
    rows = np.arange(n)
    np.random.default_rng(seed).shuffle(rows)
    training = rows[: n - held_out]
    validation = rows[n - held_out :]
    return training, validation
def momentum_step(p, g, v, lr, beta):
    new_v = g + beta * v
    new_p = p - lr * new_v
    return new_p, new_v
def adam_step(p, g, m, s, t, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    new_m = m + (1 - beta1) * (g - m)
    new_s = s + (1 - beta2) * (g * g - s)
    move = lr * (new_m / (1 - beta1 ** t)) / ((new_s / (1 - beta2 ** t)) ** 0.5 + eps)
    return p - move, new_m, new_s
def fit(parameters, loss, steps, lr):
    losses, m, s, t = [], {}, {}, 0
    for p in parameters:
        m[p] = np.zeros_like(p.array)
        s[p] = np.zeros_like(p.array)
    while t < steps:
        t += 1
        for p in parameters:
            p.grad = None
        current = loss()
        current.backward()
        losses.append(float(current.array))
        for p in parameters:
            new_p, new_m, new_s = adam_step(p.array, p.grad, m[p], s[p], t, lr)
            p.array = new_p
            m[p] = new_m
            s[p] = new_s
    return losses
def best_epoch(valid_losses, patience):
    best, lowest, waited, last = 0, float("inf"), 0, 0
    for epoch, loss in enumerate(valid_losses):
        last = epoch
        if loss < lowest:
            lowest = loss
            best = epoch
            waited = 0
        else:
            waited += 1
            if waited >= patience:
                break
    return best, last
""",
    "rows chosen, state in one list, a minimum of what was seen": """
def split(n, held_out, seed):
    validation = np.random.default_rng(seed).choice(n, held_out, replace=False)
    training = [row for row in range(n) if row not in validation]
    return np.array(training), validation
def adam_step(p, g, m, s, t, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m = m * beta1 + g * (1 - beta1)
    s = s * beta2 + np.square(g) * (1 - beta2)
    mhat, shat = m / (1 - beta1 ** t), s / (1 - beta2 ** t)
    return p - mhat * lr / (np.sqrt(shat) + eps), m, s
def fit(parameters, loss, steps, lr):
    losses = []
    state = [[0 * p.array, 0 * p.array] for p in parameters]
    for k in range(steps):
        for p in parameters:
            p.grad = np.zeros_like(p.array)
        value = loss()
        losses.append(value.item())
        value.backward()
        for p, ms in zip(parameters, state):
            p.array, ms[0], ms[1] = adam_step(p.array, p.grad, ms[0], ms[1], k + 1, lr)
    return losses
def best_epoch(valid_losses, patience):
    for last in range(len(valid_losses)):
        seen = valid_losses[: last + 1]
        best = seen.index(np.nanmin(seen))
        if last - best >= patience:
            break
    return best, last
""",
}
