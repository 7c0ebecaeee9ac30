"""Other correct solutions to lesson 18."""

RIGHT = {
    "einsum, and a mask that is added": """
def scores(q, k):
    return mg.einsum("...td,...sd->...ts", q, k) * q.shape[-1] ** -0.5

def weights(s, causal):
    if causal:
        T = s.shape[-1]
        s = s + np.triu(np.full((T, T), -1e9), k=1)
    return mg.softmax(s, axis=s.ndim - 1)

def attention(q, k, v, causal):
    return mg.einsum("...ts,...se->...te", weights(scores(q, k), causal), v)

def split_heads(x, heads):
    B, T, D = x.shape
    return x.reshape(B, T, heads, D // heads).transpose(0, 2, 1, 3)

def merge_heads(z):
    B, heads, T, d = z.shape
    return z.transpose(0, 2, 1, 3).reshape(B, T, heads * d)
""",
    "PyTorch's names": """
def scores(q, k):
    d = k.shape[-1]
    return (q @ k.swapaxes(-2, -1)) / d ** 0.5

def weights(s, causal):
    if causal:
        T = s.shape[-1]
        mask = np.triu(np.ones((T, T)), k=1) == 1
        s = mg.where(mask, float("-inf"), s)
    return mg.softmax(s, -1)

def attention(q, k, v, causal):
    w = weights(scores(q, k), causal)
    return w @ v

def split_heads(x, heads):
    B, T, D = x.shape
    return x.reshape(B, T, heads, -1).swapaxes(1, 2)

def merge_heads(z):
    B, heads, T, d = z.shape
    return z.swapaxes(1, 2).reshape(B, T, -1)

def multi_head(x, W_q, W_k, W_v, W_out, heads, causal):
    q, k, v = [split_heads(x @ W, heads) for W in (W_q, W_k, W_v)]
    z = attention(q, k, v, causal)
    return merge_heads(z) @ W_out
""",
    "slices of columns": """
def split_heads(x, heads):
    d = x.shape[-1] // heads
    return mg.stack([x[:, :, h * d : (h + 1) * d] for h in range(heads)], axis=1)

def merge_heads(z):
    return mg.concatenate([z[:, h] for h in range(z.shape[1])], axis=-1)

def multi_head(x, W_q, W_k, W_v, W_out, heads, causal):
    d = x.shape[-1] // heads
    found = []
    for h in range(heads):
        columns = slice(h * d, (h + 1) * d)
        found.append(attention(x @ W_q[:, columns], x @ W_k[:, columns], x @ W_v[:, columns], causal))
    return mg.concatenate(found, axis=-1) @ W_out
""",
    "a softmax by hand, and weights after a mask divided by their sum": """
def weights(s, causal):
    e = mg.exp(s - s.array.max(axis=-1, keepdims=True))
    if causal:
        allowed = np.tril(np.ones(s.shape[-2:]))
        s = mg.where(allowed == 1, s, -1e9)
        e = mg.exp(s - s.array.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

def attention(q, k, v, causal):
    s = scores(q, k)
    p = weights(s, causal)
    return p @ v
""",
    "the scale before the product, and positions compared": """
def scores(q, k):
    d = q.shape[-1]
    q = q / np.sqrt(d)
    return q @ k.swapaxes(k.ndim - 1, k.ndim - 2)

def weights(s, causal):
    t = np.arange(s.shape[-1])
    if causal:
        later = t[None, :] > t[:, None]
        s = mg.where(later, -np.inf, s)
    return mg.softmax(s)

def multi_head(x, W_q, W_k, W_v, W_out, heads, causal):
    q, k, v = x @ W_q, x @ W_k, x @ W_v
    q, k, v = split_heads(q, heads), split_heads(k, heads), split_heads(v, heads)
    z = merge_heads(attention(q, k, v, causal))
    return z @ W_out

def in_window(s, size):
    t = np.arange(s.shape[-1])
    far = t[:, None] - t
    return mg.softmax(mg.where((far >= 0) & (far < size), s, -np.inf))

def nearer(s, slope):
    T = s.shape[-1]
    far = np.array([[i - j for j in range(T)] for i in range(T)])
    return mg.softmax(mg.where(far < 0, -1e9, s - slope * far))
""",
}
