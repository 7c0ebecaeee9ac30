"""Data parallelism as a graph: two processes share a batch, and what they exchange are gates.

    mpiexec -n 2 python -m mpi4py examples/data_parallel.py          # prints gradients, and draws data_parallel.png

Every rank has its rows of the batch and computes the same formula. Broadcast gives all of them the
W of rank 0, and AllReduce adds up their losses. The gradient of Broadcast is a Reduce: the
gradients of all ranks are added up where W came from. That of AllReduce is an AllReduce.
docs/parallel.md says what the Trainer does, in fewer messages.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

import cli  # first: it says so if minigrad is not installed
import minigrad as mg
from optim.training.parallel import all_reduce


class AllReduce(mg.Gate):
    """z = Σᵣ xᵣ on every rank. Every rank's loss may depend on every rank's x: dx = Σᵣ dzᵣ, an
    AllReduce again.

    All ranks must call it, and go backward through it, at the same point of the program.
    """

    symbol = "Σ ranks"

    def __init__(self, comm: Any) -> None:
        self.comm = comm

    def forward(self, x: Any) -> Any:
        return all_reduce(self.comm, x)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (all_reduce(self.comm, np.asarray(dz)),)


class Broadcast(mg.Gate):
    """z = x of rank 0, on every rank. dx = Σᵣ dzᵣ on rank 0, a Reduce; and 0 elsewhere, where x is
    not used.
    """

    symbol = "from rank 0"

    def __init__(self, comm: Any) -> None:
        self.comm = comm

    def forward(self, x: Any) -> Any:
        return self.comm.bcast(x)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        total = all_reduce(self.comm, np.asarray(dz))
        return (total if self.comm.rank == 0 else np.zeros_like(x),)


AllReduce.differentiable_twice = Broadcast.differentiable_twice = False  # the rules work on arrays

X = np.array([[1.0, 2.0], [0.5, -1.0], [-2.0, 1.0], [3.0, 0.0]])  # the batch: four rows
Y = np.array([[1.0], [0.0], [-1.0], [1.0]])


def network(W: mg.Tensor, x: Any, y: Any) -> mg.Tensor:
    """The mean over rows of (tanh(x W) - y)²."""
    return mg.mean_squared_error(mg.tanh(x @ W), y)


def shared(comm: Any) -> tuple[mg.Tensor, mg.Tensor, mg.Tensor]:
    """(the loss of the batch, W, W as this rank got it), with the batch shared out."""
    rows = slice(len(X) * comm.rank // comm.size, len(X) * (comm.rank + 1) // comm.size)
    W = mg.Tensor(
        [[0.5], [-0.5]] if comm.rank == 0 else [[0.0], [0.0]],
        requires_grad=True,
        name="W",
        dtype="float64",
    )
    x, y = mg.Tensor(X[rows], name="x"), mg.Tensor(Y[rows], name="y")
    with mg.scope(f"rank {comm.rank}"):
        here = Broadcast(comm)(W)
        # the mean of these rows, weighted by how many they are
        share = network(here, x, y) * (len(x) / len(X))
        return AllReduce(comm)(share), W, here


def side_by_side(dots: list[str]) -> str:
    """The graphs of all ranks in one DOT text, with arrows where one rank's gate reads another's
    input.
    """
    parts, gates = [], dict[str, list[str]]()
    for rank, dot in enumerate(dots):
        dot = re.sub(r"\b(n|title|cluster_title)(\d+)\b", rf"\g<1>{rank}_\g<2>", dot)
        for name in ("Broadcast", "AllReduce"):
            gates.setdefault(name, []).extend(re.findall(rf"(n\d+_\d+) \[label=<.*\b{name}<", dot))
        parts.append(dot[dot.index("{") + 1 : dot.rindex("}")] + f"  n{rank}_0;")
    arrow = '[style=dashed, color="#D55E00", constraint=false, penwidth=1.5'
    first, *others = gates["Broadcast"]
    between = [f"{first} -> {other} {arrow}];" for other in others]
    between += [f"{one} -> {other} {arrow}, dir=both];" for one in gates["AllReduce"] for other in gates["AllReduce"]
                if one < other]  # fmt: skip
    return "digraph ranks {" + "".join(parts) + "\n  ".join(["", *between]) + "\n}\n"


def main() -> int:
    """Print the gradients of each rank and of their sum beside those of one process, and draw the
    ranks' graphs.
    """
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--out", default="data_parallel.png", help="the picture: .png, .svg or .dot"
    )
    options = parser.parse_args()
    comm = cli.world()
    loss, W, here = shared(comm)
    # Every rank has the same loss. It is to be differentiated once, not once for each rank: rank 0
    # sends the 1.
    upstream = float(comm.rank == 0)
    (own,) = mg.grad(loss, [here], upstream=upstream)
    loss.backward(upstream)
    # by all ranks: drawing goes backward too
    dots = comm.allgather(mg.draw(loss, values=True, grads=True).dot)

    alone = mg.Tensor([[0.5], [-0.5]], requires_grad=True, dtype="float64")
    whole = network(alone, X, Y)
    whole.backward()
    assert W.grad is not None and alone.grad is not None
    for rank, gradient in enumerate(comm.allgather(own.array.ravel())):
        print(f"rank {rank}'s share of dL/dW   {gradient.round(6)}")
    print(f"their sum, on rank 0      {W.grad.ravel().round(6)}")
    print(f"dL/dW of one process      {alone.grad.ravel().round(6)}")
    print(f"loss {loss.item():.6f}, of one process {whole.item():.6f}")
    if comm.rank == 0:
        text = side_by_side(dots)
        if options.out.endswith(".dot"):
            content = text.encode()
        else:
            import graphviz

            content = graphviz.Source(text).pipe(format=options.out.rpartition(".")[2])
        with open(options.out, "wb") as file:
            file.write(content)
        print(f"The graphs of all ranks: {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
