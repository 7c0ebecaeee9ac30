"""PyTorch with its default Adam (setting "eager"), or with fused Adam and denormals flushed (setting
"fused").

torch.compile is not included, because it does not change nn.RNN, nn.GRU or nn.LSTM. With
torch._dynamo.config.allow_rnn, it compiled the RNN's forty steps for 197 s, but the training step
was no faster.
"""

import os
from functools import partial
from itertools import pairwise

import torch
from torch import nn

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.set_num_interop_threads(1)
F = nn.functional


def unrolled(setting, xs, weights):
    inputs = [torch.from_numpy(x) for x in xs]
    U, W, b = parameters = [
        torch.tensor(array, requires_grad=True) for array in weights.values()
    ]
    h0 = torch.zeros(len(xs[0]), len(W))

    def call():
        for parameter in parameters:
            parameter.grad = None
        h = h0
        for x in inputs:
            h = torch.tanh(x @ U + h @ W + b)
        loss = h.sum()
        loss.backward()
        return loss.item(), (U.grad, W.grad, b.grad)

    return call


def adam_of(parameters, setting, rule):
    """Return the setting's version of Adam for the parameters that require a gradient."""
    torch.set_flush_denormal(setting == "fused")
    learning = [one for one in parameters if one.requires_grad]
    return torch.optim.Adam(learning, **rule, fused=setting == "fused")


@torch.no_grad()
def fill(recurrent, head, weights, order):
    """Copy the initial weights, and reorder the recurrent layer's blocks for PyTorch."""

    def blocks(array):
        parts = torch.from_numpy(array).t().chunk(len(order))
        return torch.cat([parts[i] for i in order])

    recurrent.weight_ih_l0.copy_(blocks(weights["W_xh"]))
    recurrent.weight_hh_l0.copy_(blocks(weights["W_hh"]))
    recurrent.bias_ih_l0.copy_(blocks(weights["b"]))
    if "b_hh" in weights:
        recurrent.bias_hh_l0.copy_(blocks(weights["b_hh"]))
    else:  # if both biases were trained, their sum would change twice as fast
        recurrent.bias_hh_l0.zero_().requires_grad_(False)
    head.weight.copy_(torch.from_numpy(weights["W"]).T)
    head.bias.copy_(torch.from_numpy(weights["c"]))


class Classifier(nn.Module):
    """Experiment 1a's model."""

    def __init__(self, kind, weights):
        super().__init__()
        width, hidden = weights["W_xh"].shape[0], weights["W_hh"].shape[0]
        self.embedding = nn.Embedding(*weights["table"].shape)
        self.recurrent = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[kind](
            width, hidden, batch_first=True
        )
        self.head = nn.Linear(hidden, 1)
        # PyTorch's GRU has the order r, z, n
        order = {"rnn": [0], "gru": [1, 0, 2], "lstm": [0, 1, 2, 3]}[kind]
        with torch.no_grad():
            self.embedding.weight.copy_(torch.from_numpy(weights["table"]))
        fill(self.recurrent, self.head, weights, order)

    def forward(self, ids):
        outputs, _ = self.recurrent(self.embedding(ids))
        return self.head(outputs[:, -1])


class Training:
    def __init__(self, kind, weights, setting, rule):
        self.model = Classifier(kind, weights)
        self.optimizer = adam_of(self.model.parameters(), setting, rule)
        self.loss = nn.BCEWithLogitsLoss()

    def steps(self, batches):
        losses = []
        for ids, labels in batches:
            loss = self.loss(
                self.model(torch.from_numpy(ids)), torch.from_numpy(labels)
            )
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return losses


def language(weights, setting, rule):
    """Return a function that runs a training step on a window of ids (B, T + 1). Each step continues
    from the final state of the previous step.
    """
    width, (hidden, size) = len(weights["W_xh"]), weights["W"].shape
    table = (
        nn.Parameter(torch.from_numpy(weights["table"]))
        if "table" in weights
        else torch.eye(size)
    )
    lstm, head = nn.LSTM(width, hidden, batch_first=True), nn.Linear(hidden, size)
    fill(lstm, head, weights, range(4))
    parameters = [table, *lstm.parameters(), *head.parameters()]
    optimizer = adam_of(parameters, setting, rule)
    state = None

    def step(window):
        nonlocal state
        ids = torch.from_numpy(window)
        h, (h_last, c_last) = lstm(nn.functional.embedding(ids[:, :-1], table), state)
        state = (h_last.detach(), c_last.detach())
        loss = nn.functional.cross_entropy(head(h).flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return loss.item()

    return step


class Block(nn.Module):
    """The block of nanoGPT's model.py with bias=False, with minigrad's names for the children.

    Source: github.com/karpathy/nanoGPT, MIT licence, Copyright (c) 2022 Andrej Karpathy.
    """

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, bias=False)
        self.self_attn = nn.Module()
        self.self_attn.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.self_attn.out_proj = nn.Linear(width, width, bias=False)
        self.norm2 = nn.LayerNorm(width, bias=False)
        self.linear1 = nn.Linear(width, 4 * width, bias=False)
        self.linear2 = nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        B, T, C = x.size()
        qkv = F.linear(self.norm1(x), self.self_attn.in_proj_weight).split(C, dim=2)
        q, k, v = (
            part.view(B, T, self.heads, C // self.heads).transpose(1, 2) for part in qkv
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.self_attn.out_proj(y.transpose(1, 2).contiguous().view(B, T, C))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x)), approximate="tanh"))


class NanoGPT(nn.Module):
    def __init__(self, size, context, width, heads, blocks):
        super().__init__()
        self.embedding = nn.Embedding(size, width)
        self.positions = nn.Embedding(context, width)
        names = [f"block_{i + 1}" if i else "block" for i in range(blocks)]
        self.blocks = nn.ModuleDict({name: Block(width, heads) for name in names})
        self.norm = nn.LayerNorm(width, bias=False)

    def forward(self, ids, last=False):
        x = self.embedding(ids) + self.positions(torch.arange(ids.size(1)))
        for block in self.blocks.values():
            x = block(x)
        x = self.norm(x[:, -1:] if last else x)
        return F.linear(x, self.embedding.weight)  # tied


class SmallGPT:
    """nanoGPT's model and optimizer. As in nanoGPT, writing has no cache."""

    def __init__(self, shape, weights, setting, rule):
        torch.set_flush_denormal(setting == "fused")
        self.model = NanoGPT(*shape)
        self.model.to(torch.tensor(weights["norm.weight"]).dtype)
        self.model.load_state_dict(
            {name: torch.tensor(one) for name, one in weights.items()}
        )
        gains = [one for one in self.model.parameters() if one.dim() < 2]
        matrices = [one for one in self.model.parameters() if one.dim() >= 2]
        self.optimizer = torch.optim.AdamW(
            [{"params": gains, "weight_decay": 0.0}, {"params": matrices, "weight_decay": 0.1}],
            **rule, fused=setting == "fused",
        )  # fmt: skip

    def step(self, window, lr):
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        ids = torch.from_numpy(window)
        loss = F.cross_entropy(
            self.model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()
        )
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def logits(self, ids):
        ids = torch.from_numpy(ids)
        return torch.cat(
            [self.model(ids[:, : t + 1], last=True) for t in range(ids.shape[1])], 1
        )

    @torch.no_grad()
    def write(self, count):
        ids = torch.zeros(1, 1, dtype=torch.int64)
        for _ in range(count):
            ids = torch.cat([ids, self.model(ids, last=True).argmax(-1)], 1)
        return ids


def convolution(inputs, dz):
    """Forward and backward of a convolution or, without a kernel, of max pooling."""
    inputs = [torch.tensor(array, requires_grad=True) for array in inputs]
    upstream = torch.tensor(dz)

    def call():
        for one in inputs:
            one.grad = None
        z = F.conv2d(*inputs) if len(inputs) == 2 else F.max_pool2d(*inputs, 2)
        z.backward(upstream)
        return z.detach().numpy(), *(one.grad.numpy() for one in inputs)

    return call


def lenet(weights, images, labels):
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    step = train_step(model, weights, partial(torch.optim.SGD, lr=0.01))
    return partial(step, images, labels)


class Outputs(nn.GRU):
    """A GRU that returns only its outputs, without the final state."""

    def forward(self, x):
        return super().forward(x)[0]


def stacked_gru(sizes, weights, setting, rule):
    width, hidden, classes = sizes
    model = nn.Sequential(
        Outputs(width, hidden, 2, bidirectional=True, batch_first=True),
        nn.Linear(2 * hidden, classes),
    )
    return train_step(model, weights, partial(adam_of, setting=setting, rule=rule))


def mlp(sizes, weights, setting, rule):
    *hidden, last = (nn.Linear(*shape) for shape in pairwise(sizes))
    model = nn.Sequential(
        *(part for linear in hidden for part in (linear, nn.ReLU())), last
    )
    return train_step(model, weights, partial(adam_of, setting=setting, rule=rule))


def train_step(model, weights, make_optimizer):
    """Set the model's weights. Return a function that runs a training step of a classifier."""
    model.load_state_dict(
        dict(zip(model.state_dict(), map(torch.tensor, weights), strict=True))
    )
    optimizer = make_optimizer(model.parameters())

    def step(x, labels):
        logits = model(torch.from_numpy(x)).flatten(0, -2)
        loss = F.cross_entropy(logits, torch.from_numpy(labels).flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def inference(kind, weights, setting):
    model = Classifier(kind, weights).eval()

    @torch.inference_mode()
    def call(ids):
        return model(torch.from_numpy(ids)).numpy()

    return call


def adam(table, setting, rule):
    parameter = nn.Parameter(torch.from_numpy(table))
    optimizer = adam_of([parameter], setting, rule)
    parameter.grad = torch.zeros_like(parameter)
    g = parameter.grad.numpy()
    before: list[int] = []

    def step(rows, gradients):
        nonlocal before
        g[before] = 0
        g[rows] = gradients
        before = rows
        optimizer.step()

    return step, lambda: parameter.detach().numpy()


def chain(x, gates):
    leaf, ones = torch.tensor(x, requires_grad=True), torch.ones(x.shape)

    def call():
        leaf.grad = None
        h = leaf
        for _ in range(gates):
            h = torch.tanh(h)
        h.backward(ones)
        return h.detach().numpy(), leaf.grad.numpy()

    return call
