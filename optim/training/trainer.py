"""The Trainer: a loop over epochs and batches, with evaluation and callbacks.

A model is anything with `named_parameters()`, `train()`, `eval()` and a call on inputs; batches are
any iterable of tuples (inputs..., labels). How a run is stored and resumed is in snapshot.py; the
callbacks are in callbacks/.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from copy import copy
from itertools import islice
from typing import Any

import minigrad as mg
from minigrad import Tensor
from minigrad.checkpoint import as_stored
from minigrad.data import Batches
from minigrad.errors import DataError, DtypeError, OptionError
from minigrad.numpy_api import watched_column

from ..optimizer import Optimizer, check_range
from ..parameters import set_arrays
from .callbacks import Callback, EpochReport, ProgressBar, StopOnNonFinite
from .history import FilePath, History
from .interrupt import CtrlC, Interrupted
from .metrics import Means, Metric, accuracy
from .parallel import (
    Communicator,
    agree,
    check_equal,
    checksums,
    end_together,
    fingerprint,
    settings,
    shard,
    sum_gradients,
)
from .run import Batch, Model, Run, evaluating
from .snapshot import restore


class Trainer(Run):
    """Fits a model to batches: forward, loss, backward, optimizer step, and again.

    `loss(output, labels)` gives a scalar Tensor, such as `mg.softmax_cross_entropy`. `metrics` are
    further functions
    of (output array, labels), by name; None means accuracy. `callbacks` act at moments of the loop,
    in the order given; None means a progress bar, a line for each epoch, and a stop at a loss that
    is not finite. With `seed`, each `fit` reseeds the generator that dropout draws from, and the
    order of the training batches. `config` (JSON) describes the model; it is stored with snapshots
    and best weights, and a resumed run must have the same.

    With `comm`, such as `mpi4py.MPI.COMM_WORLD`, the processes that it connects ("ranks") train one
    model together. All are given the same batches, and each takes its share of the rows of every
    batch. The loss must be a mean over rows. docs/parallel.md has the details.

    >>> import minigrad as mg, numpy as np
    >>> class Line:
    ...     def __init__(self): self.w = mg.Tensor([[0.0]], requires_grad=True)
    ...     def named_parameters(self): return {"w": self.w}
    ...     def train(self): pass
    ...     def eval(self): pass
    ...     def __call__(self, x): return x @ self.w
    >>> from optim import SGD
    >>> x = np.array([[1.0], [2.0]], "float32")
    >>> model = Line()
    >>> trainer = Trainer(model, mg.mean_squared_error, SGD(model.named_parameters(), lr=0.1), metrics={}, callbacks=[])
    >>> history = trainer.fit([(x, 3 * x)], epochs=30)      # one batch: y = 3x
    >>> print(round(model.w.item(), 3), len(history["train_loss"]))
    3.0 30

    Errors: DtypeError MG334 for metrics that are not functions by name; DataError MG311 for a batch
    that is not a tuple of inputs and labels, MG312 for an epoch or an evaluation without batches;
    OptionError MG327 for an optimizer of other layers than the
    model's.
    """

    def __init__(
        self,
        model: Model,
        loss: Callable[[Tensor, Any], Tensor],
        optimizer: Optimizer,
        *,
        metrics: Mapping[str, Metric] | None = None,
        callbacks: Iterable[Callback] | None = None,
        seed: int | None = None,
        config: Mapping[str, Any] | None = None,
        comm: Communicator = None,
    ) -> None:
        self.model, self.loss = model, loss
        self.optimizer, self.seed = optimizer, seed
        if metrics is None:
            metrics = {"accuracy": accuracy}
        if "loss" in metrics or not hasattr(metrics, "items"):
            raise DtypeError(
                "MG334",
                f"the metrics are given as {metrics!r}",
                cause="a metric is a function of (output array, labels), with a name for its columns "
                "of the history; those called loss hold the loss itself",
                remedy='pass functions by name, such as metrics={"accuracy": optim.accuracy}',
            )
        self.metrics = dict(metrics)
        self.comm = comm
        self.rank = 0 if comm is None else comm.rank
        if callbacks is None:
            callbacks = [ProgressBar(), EpochReport(), StopOnNonFinite()]
        acting = [callback for callback in callbacks if not (self.rank and callback.rank_0_only)]
        self.callbacks = sorted(acting, key=lambda callback: callback.last)
        self.config = as_stored(config, "the config")  # so that it equals a snapshot's
        self._ctrl_c, self._training = CtrlC(), False
        self.begin((), 1, None)

    def __repr__(self) -> str:
        return f"<Trainer of {type(self.model).__name__}: {self.epoch} of {self.epochs} epochs, {self.step:,} steps>"

    def fit(
        self,
        train: Iterable[Batch],
        epochs: int,
        validation: Iterable[Batch] | None = None,
        *,
        resume: FilePath | None = None,
    ) -> History:
        """Train for `epochs` epochs in total, evaluate on `validation` after each, and return the
        history.

        `resume` is the path of a snapshot (callbacks.Snapshots writes them): the run continues from
        there, and ends as it would have without the interruption; one that had stopped early stays
        stopped. The model is left in evaluation mode. Ctrl-C ends the run after the current step:
        `on_end` is called, and KeyboardInterrupt raised.
        """
        check_range("epochs", epochs, 0)
        self.begin(train, epochs, validation)
        self._in_callback = False
        if self.seed is not None:
            # each rank has a dropout of its own
            mg.seed([self.seed, self.rank] if self.rank else self.seed)
            if isinstance(self.train, Batches):
                self.train.seed = self.seed
                self.train = _from_epoch_0(self.train)
        # a Layer's; other models carry none
        if load := getattr(self.model, "load_carried_state", None):
            load({})
        with end_together(self.comm), ExitStack() as end:
            # every callback's on_end runs, even if another's fails
            for callback in reversed(self.callbacks):
                end.callback(callback.on_end, self)
            end.callback(self.model.eval)
            try:
                with self._ctrl_c:
                    self._start(resume)
                    while self.epoch < epochs and not self.stop_reason:
                        if not self.trained:  # else it was interrupted during validation
                            self._train_epoch()
                        if not self.stop_reason:
                            self._end_epoch()
            except Interrupted:
                # else some callbacks have acted and some not: no place to resume from
                if not self._in_callback:
                    self._call("on_interrupt")
                self.stop_reason = "Ctrl-C"
                raise
            finally:
                self.loss_tensor = None
                if isinstance(train, Batches):
                    # another `fit` without a seed continues from there
                    train.epoch = self.train.epoch
        return self.history

    def _start(self, resume: FilePath | None) -> None:
        """Begin with the parameters of rank 0, or where the snapshot `resume` ends."""
        self.resuming = self.everyone(resume, "the start")[0]
        self._call("on_start")
        if self.resuming is not None:
            restore(self, self.resuming)
        elif self.comm is not None:
            rules = settings(self.optimizer) | checksums(self.optimizer.state_dict())
            mine = {"epochs": self.epochs, "seed": self.seed, **rules}
            check_equal(self.everyone(mine, "the start"))
            parameters = self.model.named_parameters()
            arrays = {name: tensor.array for name, tensor in parameters.items()}
            set_arrays(parameters, self.comm.bcast(arrays))

    def _train_epoch(self) -> None:
        self._check_parameters()
        if not self.batch:  # else a snapshot told each layer's mode
            self.model.train()
        self._training = True
        for batch in self._checked(self.train, "an epoch", self.batch):
            (*inputs, labels), count = shard(self.comm, batch)
            with mg.fused():
                output = self.model(*inputs)
            self.loss_tensor = loss = self.loss(output, labels)
            self._call("on_forward")
            self.optimizer.zero_grad()
            loss.backward()
            self.examples = len(batch[-1])
            if self.comm is not None:
                sum_gradients(self.comm, self.optimizer.parameters(), count / max(self.examples, 1))
            self._call("on_gradients")
            if self.comm is not None:
                agree(self.comm, self.optimizer, batch)
            self.optimizer.step()
            self.loss_tensor = None
            self._add_to(self.means, output, loss, labels, count)
            del output, loss  # frees the graph before the next one is recorded
            self.step += 1
            self.batch += 1
            self._call("on_step")
            self._stop_if_interrupted()
            if self.stop_reason:
                return
        self.trained = True

    def _end_epoch(self) -> None:
        self._check_parameters()
        self._training = False
        if self.comm is not None:  # a callback may have changed them on some ranks only
            parameters = self.model.named_parameters().items()
            sums = checksums({name: tensor.array for name, tensor in parameters})
            check_equal(self.everyone(sums, "the end of an epoch"))
        row: dict[str, float] = {"epoch": self.epoch + 1, "step": self.step}
        row |= {f"train_{name}": value for name, value in self.means.result().items()}
        if self.validation is not None:
            results = self.evaluate(self.validation)
            row |= {f"validation_{name}": value for name, value in results.items()}
        row["seconds"] = self.elapsed()
        self.began, self.seconds = time.perf_counter(), 0.0
        self.history.rows.append(row)
        self.epoch += 1
        self.batch, self.trained, self.means = 0, False, Means()
        self._call("on_epoch_end")
        self._stop_if_interrupted()

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The mean loss and metrics over `batches`, with the model in evaluation mode and nothing
        recorded.

        Shuffled `Batches` come in the order of epoch 0 each time, and their own position does not
        move.
        """
        means = Means()
        with evaluating(self.model, self._training), mg.no_grad():
            for batch in self._checked(_from_epoch_0(batches), "an evaluation"):
                (*inputs, labels), count = shard(self.comm, batch)
                output = self.model(*inputs)
                self._add_to(means, output, self.loss(output, labels), labels, count)
                self._stop_if_interrupted()
        return means.result()

    # ---- parts of the loop ----

    def _check_parameters(self) -> None:
        """Raise OptionError MG327 if a layer was replaced after the optimizer was made."""
        trained = {tensor.node for tensor in self.optimizer.parameters().values()}
        used = {tensor.node: path for path, tensor in self.model.named_parameters().items()}
        new = [path for node, path in used.items() if node not in trained and node.requires_grad]
        if new and not trained <= used.keys():
            raise OptionError(
                "MG327",
                f"the optimizer would not train {', '.join(new)}, but parameters that the model "
                "does not use",
                cause="a layer was replaced after the optimizer was made, or the optimizer "
                "belongs to another model",
                remedy="make the optimizer when the model is complete; freeze parameters that "
                "should not be trained",
            )

    def _call(self, moment: str) -> None:
        self._in_callback = True
        for callback in self.callbacks:
            getattr(callback, moment)(self)
        self._in_callback = False

    def _stop_if_interrupted(self) -> None:
        # what one rank is asked for, all do after the same step
        asked = self.everyone((self._ctrl_c.came, self.stop_reason), "between two batches")
        self.stop_reason = next((reason for _, reason in asked if reason), "")
        if any(came for came, _ in asked):
            raise Interrupted

    def _add_to(self, means: Means, output: Tensor, loss: Tensor, labels: Any, count: int) -> None:
        values = {"loss": float(loss.item())}
        column = watched_column(output.array)
        for name, metric in self.metrics.items():
            values[name] = float(metric(column, labels))
        for theirs, their_count in self.everyone((values, count), "the results of a batch"):
            means.add(theirs, their_count)

    def _checked(self, batches: Iterable[Batch], of: str, used: int = 0) -> Iterator[Batch]:
        """The batches without those `used`, each checked before it is used."""
        # `Batches` continue from their own position; of any other iterable, a resumed run skips
        # what it has used.
        skip = 0 if hasattr(batches, "load_state_dict") else used
        number = used
        for number, batch in enumerate(islice(batches, skip, None), start=used + 1):
            if not isinstance(batch, (tuple, list)) or len(batch) < 2:
                raise DataError(
                    "MG311",
                    f"a batch is a {type(batch).__name__}",
                    cause="each batch must be a tuple (inputs..., labels) of at least two arrays",
                    remedy="minigrad.data.Batches(inputs, labels) makes such batches; or pass "
                    "[(inputs, labels)]",
                )
            # An epoch's later batches are compared before their update.
            if self.comm is not None and (number == 1 or of == "an evaluation"):
                check_equal(self.everyone(fingerprint(batch), f"a batch of {of}"))
            yield batch
        self.everyone(None, f"the end of {of}")
        if not number:
            raise DataError(
                "MG312",
                f"{of} had no batches",
                cause="the data are empty, or a generator, which gives its batches only once",
                remedy="pass a list of batches or minigrad.data.Batches, which can be walked "
                "through again",
            )


def _from_epoch_0(batches: Any) -> Any:
    """Batches as at their start, as a copy with its own position; anything else as it is."""
    if isinstance(batches, Batches):
        batches = copy(batches)
        batches.load_state_dict({**batches.state_dict(), "epoch": 0, "position": 0})
    return batches
