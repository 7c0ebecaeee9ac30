"""Draw data parallelism as a graph: two processes share a batch and communicate through gates.

    mpiexec -n 2 python -m mpi4py examples/data_parallel.py     # prints gradients, draws data_parallel.png

Each rank evaluates the same formula on its own rows of the batch. Broadcast sends rank 0's W to all
ranks, and AllReduce sums the ranks' losses. In the backward pass, Broadcast becomes a Reduce, which
sums the gradients of all ranks on rank 0. AllReduce remains an AllReduce. docs/parallel.md explains
how the Trainer computes the same gradients with fewer messages.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

import cli  # import this first, because it checks that minigrad is installed
import minigrad as mg
from optim.training.parallel import all_reduce


class AllReduce(mg.Gate):
    """z = Σᵣ xᵣ on every rank, and dx = Σᵣ dzᵣ, because every rank's loss may depend on every
    rank's x.

    All ranks must call the gate and its backward pass at the same point of the program.
    """

    symbol = "Σ ranks"

    def __init__(self, comm: Any) -> None:
        self.comm = comm

    def forward(self, x: Any) -> Any:
        return all_reduce(self.comm, x)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        return (all_reduce(self.comm, np.asarray(dz)),)


class Broadcast(mg.Gate):
    """z = rank 0's x, on every rank. dx = Σᵣ dzᵣ on rank 0 (a Reduce), and dx = 0 on the other
    ranks, because their x is not used.
    """

    symbol = "from rank 0"

    def __init__(self, comm: Any) -> None:
        self.comm = comm

    def forward(self, x: Any) -> Any:
        return self.comm.bcast(x)

    def backward(self, dz: Any, z: Any, x: Any) -> Any:
        total = all_reduce(self.comm, np.asarray(dz))
        return (total if self.comm.rank == 0 else np.zeros_like(x),)


AllReduce.differentiable_twice = Broadcast.differentiable_twice = (
    False  # the rules use plain arrays
)

X = np.array([[1.0, 2.0], [0.5, -1.0], [-2.0, 1.0], [3.0, 0.0]])  # the batch has four rows
Y = np.array([[1.0], [0.0], [-1.0], [1.0]])


def network(W: mg.Tensor, x: Any, y: Any) -> mg.Tensor:
    """Return the mean of (tanh(x W) - y)² over the rows."""
    return mg.mean_squared_error(mg.tanh(x @ W), y)


def sharded_loss(comm: Any) -> tuple[mg.Tensor, mg.Tensor, mg.Tensor]:
    """Return (the loss of the whole batch, W, this rank's copy of W). Each rank computes the loss
    of its share of the rows.
    """
    rows = slice(len(X) * comm.rank // comm.size, len(X) * (comm.rank + 1) // comm.size)
    W = mg.Tensor(
        [[0.5], [-0.5]] if comm.rank == 0 else [[0.0], [0.0]],
        requires_grad=True,
        name="W",
        dtype="float64",
    )
    x, y = mg.Tensor(X[rows], name="x"), mg.Tensor(Y[rows], name="y")
    with mg.scope(f"rank {comm.rank}"):
        W_here = Broadcast(comm)(W)
        # the mean over these rows, weighted by their share of the batch
        share = network(W_here, x, y) * (len(x) / len(X))
        return AllReduce(comm)(share), W, W_here


def side_by_side(dots: list[str]) -> str:
    """Return the graphs of all ranks in a single DOT description. Arrows connect gates on different
    ranks that exchange data.
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
    between += [f"{gate} -> {other} {arrow}, dir=both];" for gate in gates["AllReduce"] for other in gates["AllReduce"]
                if gate < other]  # fmt: skip
    return "digraph ranks {" + "".join(parts) + "\n  ".join(["", *between]) + "\n}\n"


def main() -> int:
    """Compare the ranks' gradients and their sum with a single process's gradient, and draw the
    ranks' graphs.
    """
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--out", default="data_parallel.png", help="file for the picture: .png, .svg or .dot"
    )
    options = parser.parse_args()
    comm = cli.world()
    loss, W, W_here = sharded_loss(comm)
    # Every rank has the same loss, which must be differentiated only once, so only rank 0 starts
    # with a gradient of 1.
    upstream = float(comm.rank == 0)
    (gradient_here,) = mg.grad(loss, [W_here], upstream=upstream)
    loss.backward(upstream)
    # draw on all ranks, because drawing runs a backward pass
    dots = comm.allgather(mg.draw(loss, values=True, grads=True).dot)

    W_single = mg.Tensor([[0.5], [-0.5]], requires_grad=True, dtype="float64")
    single_loss = network(W_single, X, Y)
    single_loss.backward()
    assert W.grad is not None and W_single.grad is not None
    for rank, gradient in enumerate(comm.allgather(gradient_here.array.ravel())):
        print(f"rank {rank}'s share of dL/dW   {gradient.round(6)}")
    print(f"their sum, on rank 0      {W.grad.ravel().round(6)}")
    print(f"dL/dW of one process      {W_single.grad.ravel().round(6)}")
    print(f"loss {loss.item():.6f}, of one process {single_loss.item():.6f}")
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
