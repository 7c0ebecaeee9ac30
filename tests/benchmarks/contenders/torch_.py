"""PyTorch with its default Adam (setting "eager"), with fused Adam and denormals flushed (setting
"fused"), or also with torch.compile for the model and its loss (setting "compiled").

torch.compile does not change nn.RNN, nn.GRU or nn.LSTM, so models with these layers are not
compiled. With torch._dynamo.config.allow_rnn, it compiled the RNN's forty steps for 197 s, but the
training step was no faster.
"""

import os
from functools import partial
from itertools import pairwise

import torch
from contenders import shared
from torch import nn

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
torch.set_num_interop_threads(1)
F = nn.functional

RECURRENT = {
    "rnn": nn.RNN,
    "gru": nn.GRU,
    "lstm": nn.LSTM,
}
ORDER = {
    "rnn": [0],
    "gru": [1, 0, 2],
    "lstm": [0, 1, 2, 3],
}
"""The order of the blocks of H columns. PyTorch's GRU has the order r, z, n."""


def to_array(tensor):
    return tensor.detach().numpy()


def unrolled(setting, xs, weights):
    return shared.unrolled(
        torch.tensor,
        torch.tanh,
        to_array,
        xs,
        weights,
    )


def chain(x, gates):
    leaf = torch.tensor(x, requires_grad=True)
    return shared.chain(
        leaf,
        torch.tanh,
        to_array,
        gates,
        torch.ones(x.shape),
    )


def adam_of(parameters, setting, rule):
    """Return the setting's version of Adam for the parameters that require a gradient."""
    fused = setting != "eager"
    torch.set_flush_denormal(fused)
    learning = [one for one in parameters if one.requires_grad]
    return torch.optim.Adam(learning, **rule, fused=fused)


def compiled(function, setting):
    """Compile a function for the shapes of its arguments, with the setting "compiled"."""
    if setting != "compiled":
        return function
    # without this, a model of another size would be compiled for any size
    return torch.compile(function, dynamic=False)


@torch.no_grad()
def fill(recurrent, head, weights, kind):
    """Copy the initial weights, and reorder the recurrent layer's blocks for PyTorch."""
    w = {name: torch.from_numpy(array).T for name, array in weights.items()}

    def copy(name, parameter):
        parts = w[name].chunk(len(ORDER[kind]))
        parameter.copy_(torch.cat([parts[i] for i in ORDER[kind]]))

    copy("W_xh", recurrent.weight_ih_l0)
    copy("W_hh", recurrent.weight_hh_l0)
    copy("b", recurrent.bias_ih_l0)
    if "b_hh" in w:
        copy("b_hh", recurrent.bias_hh_l0)
    else:  # if both biases were trained, their sum would change twice as fast
        recurrent.bias_hh_l0.zero_().requires_grad_(False)
    head.weight.copy_(w["W"])
    head.bias.copy_(w["c"])


class Classifier(nn.Module):
    """Experiment 1a's model."""

    def __init__(self, kind, weights):
        super().__init__()
        width, hidden = len(weights["W_xh"]), len(weights["W_hh"])
        table = torch.tensor(weights["table"])
        self.embedding = nn.Embedding.from_pretrained(table, freeze=False)
        self.recurrent = RECURRENT[kind](width, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)
        fill(self.recurrent, self.head, weights, kind)

    def forward(self, ids):
        outputs, _ = self.recurrent(self.embedding(ids))
        return self.head(outputs[:, -1])


class Training(shared.Steps):
    def __init__(self, kind, weights, setting, rule):
        self.model = Classifier(kind, weights)
        self.optimizer = adam_of(self.model.parameters(), setting, rule)
        self.criterion = nn.BCEWithLogitsLoss()

    def loss(self, ids, labels):
        logits = self.model(torch.from_numpy(ids))
        return self.criterion(logits, torch.from_numpy(labels))


def inference(kind, weights, setting):
    model = Classifier(kind, weights).eval()

    @torch.inference_mode()
    def call(ids):
        return model(torch.from_numpy(ids)).numpy()

    return call


def draw_weights(model):
    state = model.state_dict()
    shapes = {name: tensor.shape for name, tensor in state.items()}
    for name, array in shared.drawn(shapes).items():
        state[name].copy_(torch.from_numpy(array))


class Language(nn.Module):
    """Map ids and a state to the logits of the next ids and the final state."""

    def __init__(self, size, width, hidden):
        super().__init__()
        self.embedding = partial(
            F.embedding,
            weight=torch.eye(size),
        )
        if width:
            self.embedding = nn.Embedding(size, width)
        self.recurrent = nn.LSTM(width or size, hidden, batch_first=True)
        # if both biases were trained, their sum would change twice as fast
        self.recurrent.bias_hh_l0.requires_grad_(False)
        self.head = nn.Linear(hidden, size)
        draw_weights(self)

    def forward(self, ids, state):
        h, (h_last, c_last) = self.recurrent(self.embedding(ids), state)
        return self.head(h), (h_last.detach(), c_last.detach())


def language(sizes, setting, rule):
    model = Language(*sizes)

    def loss_of(ids, targets, state):
        logits, state = model(torch.from_numpy(ids), state)
        return cross_entropy(logits, torch.from_numpy(targets)), state

    parameters = list(model.parameters())
    clip = partial(nn.utils.clip_grad_norm_, parameters, 1.0)
    return shared.carried(
        loss_of,
        adam_of(parameters, setting, rule),
        clip,
    )


def cross_entropy(logits, targets):
    """The mean over all elements of the targets."""
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten())


def loss_of(model, setting):
    """Return the function from arrays of inputs and targets to the model's cross entropy."""
    loss = compiled(lambda x, targets: cross_entropy(model(x), targets), setting)
    return lambda *arrays: loss(*map(torch.from_numpy, arrays))


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
        qkv = F.linear(self.norm1(x), self.self_attn.in_proj_weight)
        q, k, v = (
            part.view(
                B,
                T,
                self.heads,
                C // self.heads,
            ).transpose(1, 2)
            for part in qkv.split(C, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.self_attn.out_proj(y.transpose(1, 2).contiguous().view(B, T, C))
        a = self.linear1(self.norm2(x))
        return x + self.linear2(F.gelu(a, approximate="tanh"))


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

    def __init__(self, shape, setting, rule):
        fused = setting != "eager"
        torch.set_flush_denormal(fused)
        self.model = NanoGPT(*shape)
        draw_weights(self.model)
        self.parameters = list(self.model.parameters())
        groups = [
            {
                "params": [one for one in self.parameters if (one.dim() > 1) == matrix],
                "weight_decay": 0.1 * matrix,
            }
            for matrix in (False, True)
        ]
        self.optimizer = torch.optim.AdamW(groups, **rule, fused=fused)
        self.loss = loss_of(self.model, setting)

    def step(self, window):
        loss = self.loss(window[:, :-1], window[:, 1:])
        clip = partial(nn.utils.clip_grad_norm_, self.parameters, 1.0)
        return shared.update(self.optimizer, loss, clip)

    @torch.no_grad()
    def logits(self, ids):
        ids = torch.from_numpy(ids)
        ends = range(1, ids.shape[1] + 1)
        return torch.cat(
            [self.model(ids[:, :end], last=True) for end in ends],
            1,
        )

    @torch.no_grad()
    def write(self, count):
        ids = torch.zeros(1, 1, dtype=torch.int64)
        for _ in range(count):
            newest = self.model(ids, last=True).argmax(-1)
            ids = torch.cat([ids, newest], 1)
        return ids


def convolution(inputs, dz, setting):
    """Forward and backward of a convolution or, without a kernel, of max pooling."""
    leaves = [torch.tensor(array, requires_grad=True) for array in inputs]
    forward = partial(compiled(F.conv2d, setting), *leaves)
    if len(leaves) == 1:
        forward = partial(compiled(F.max_pool2d, setting), *leaves, 2)
    return shared.backward_of(forward, leaves, to_array, torch.tensor(dz))


def lenet(setting):
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )
    return train_step(
        model,
        partial(torch.optim.SGD, lr=0.01),
        setting,
    )


class Outputs(nn.GRU):
    """A GRU that returns only its outputs, without the final state."""

    def forward(self, x):
        return super().forward(x)[0]


def stacked_gru(sizes, setting, rule):
    width, hidden, classes = sizes
    model = nn.Sequential(
        Outputs(
            width,
            hidden,
            2,
            bidirectional=True,
            batch_first=True,
        ),
        nn.Linear(2 * hidden, classes),
    )
    return train_step(
        model,
        partial(adam_of, setting=setting, rule=rule),
        setting,
    )


def mlp(sizes, setting, rule):
    layers = [
        layer
        for shape in pairwise(sizes)
        for layer in (
            nn.Linear(*shape),
            nn.ReLU(),
        )
    ]
    model = nn.Sequential(*layers[:-1])
    return train_step(
        model,
        partial(adam_of, setting=setting, rule=rule),
        setting,
    )


def train_step(model, make_optimizer, setting):
    """Return a function that runs a training step of a classifier."""
    draw_weights(model)
    optimizer = make_optimizer(model.parameters())
    loss = loss_of(model, setting)
    return lambda batch: shared.update(optimizer, loss(*batch))


def adam(table, setting, rule):
    parameter = nn.Parameter(torch.from_numpy(table))
    parameter.grad = torch.zeros_like(parameter)
    optimizer = adam_of([parameter], setting, rule)
    step = shared.dense_steps(parameter.grad.numpy(), optimizer.step)
    return step, parameter.detach().numpy
