"""The Trainer: a loop over epochs and batches, with evaluation and callbacks.

A model is any callable with `named_parameters()`, `train()` and `eval()`. The batches may be any
iterable of tuples (inputs..., labels). snapshot.py stores and resumes a run, and callbacks/
contains the callbacks.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from copy import copy
from itertools import islice
from operator import attrgetter
from typing import Any

import minigrad as mg
from minigrad import Tensor
from minigrad.checkpoint import as_stored
from minigrad.context import tell
from minigrad.data import Batches
from minigrad.errors import DataError, DtypeError, OptionError
from minigrad.help.other_frameworks import KnownNames, answering
from minigrad.numpy_api import watched_column

from ..diagnosis.first_steps import FirstSteps
from ..optimizer import Optimizer, check_range
from ..parameters import buffers, set_weights, weights
from .callbacks import Callback, EpochReport, ProgressBar, StopOnNonFinite
from .history import FilePath, History, Row
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
    summing_over_ranks,
)
from .run import Batch, Model, Run, evaluating
from .snapshot import restore


class Trainer(Run, KnownNames):
    """Train a model on batches: repeat the forward pass, the loss, the backward pass and the
    optimizer step.

    `loss(output, labels)` returns a scalar Tensor, as `mg.softmax_cross_entropy` does. `metrics` is
    a dict {name: function of (output array, labels)}; None means accuracy. `callbacks` are called
    at certain points in the loop, in list order. None means a progress bar, a line for each epoch,
    and an error if the loss is not finite. If `seed` is set, each call to `fit` reseeds the order
    of the training batches and the random generator that dropout uses. `config` (JSON) describes
    the model. It is stored with snapshots and best weights, and a resumed run must have the same
    config.

    If you pass `comm`, such as `mpi4py.MPI.COMM_WORLD`, the connected processes ("ranks") train one
    model together. Pass the same batches to all processes. Each process trains on its share of the
    rows of every batch. The loss must be a mean over rows. For details, see docs/parallel.md.

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

    Errors: DtypeError MG334 if the metrics are not a dict of functions; DataError MG311 for a batch
    that is not a tuple of inputs and labels, and MG312 for an epoch or an evaluation without
    batches; OptionError MG327 if the optimizer does not train the model's parameters.

    Since: 0.1.
    """

    @answering
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
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.seed = seed
        if metrics is None:
            metrics = {"accuracy": accuracy}
        if "loss" in metrics or not hasattr(metrics, "items"):
            raise DtypeError(
                "MG334",
                f"metrics cannot be {metrics!r}",
                cause="metrics must map names to functions of (output array, labels); the name 'loss' "
                "is reserved",
                remedy='pass a dict of named functions, such as metrics={"accuracy": '
                "optim.accuracy}",
            )
        self.metrics = dict(metrics)
        self.comm = comm
        self.rank = 0 if comm is None else comm.rank
        if callbacks is None:
            callbacks = [ProgressBar(), EpochReport(), StopOnNonFinite()]
        acting = [one for one in callbacks if not (self.rank and one.rank_0_only)]
        self.callbacks = sorted(acting, key=attrgetter("last"))
        self.config = as_stored(config, "the config")  # in the form that a snapshot stores
        self._ctrl_c = CtrlC()
        self._training = False
        self.begin((), 1, None)

    def __repr__(self) -> str:
        return f"<Trainer of {type(self.model).__name__}: {self.epoch} of {self.epochs} epochs, {self.step:,} steps>"

    @answering
    def fit(
        self,
        train: Iterable[Batch],
        epochs: int,
        validation: Iterable[Batch] | None = None,
        *,
        resume: FilePath | None = None,
    ) -> History:
        """Train for `epochs` epochs in total, evaluate on `validation` after each epoch, and return
        the history.

        `resume` is the path of a snapshot written by the Snapshots callback. The run continues from
        the snapshot, and its result is the same as without the interruption. A run that stopped
        early remains stopped. At the end, the model is in evaluation mode. Ctrl-C ends the run
        after the current step: the callbacks' `on_end` is called, and KeyboardInterrupt is raised.
        """
        check_range("epochs", epochs)
        self.begin(train, epochs, validation)
        tell("fit", self, validation)
        self._in_callback = False
        if self.seed is not None:
            # each rank needs its own dropout masks
            mg.seed([self.seed, self.rank] if self.rank else self.seed)
            if isinstance(self.train, Batches):
                self.train.seed = self.seed
                self.train = _from_epoch_0(self.train)
        # only a Layer carries state
        if hasattr(self.model, "load_carried_state"):
            self.model.load_carried_state({})
        with end_together(self.comm), ExitStack() as end:
            # every callback's on_end runs, even if another on_end raises an error
            for callback in reversed(self.callbacks):
                end.callback(callback.on_end, self)
            end.callback(self.model.eval)
            try:
                with self._ctrl_c:
                    self._start(resume)
                    while self.epoch < epochs and not self.stop_reason:
                        if not self.trained:  # otherwise the run was interrupted in validation
                            self._train_epoch()
                        if not self.stop_reason:
                            self._end_epoch()
            except Interrupted:
                # If Ctrl-C came inside a callback, later callbacks have not acted yet, so there is
                # no consistent state to store.
                if not self._in_callback:
                    self._call("on_interrupt")
                self.stop_reason = "Ctrl-C"
                raise
            finally:
                self.loss_tensor = None
                if isinstance(train, Batches):
                    # another `fit` without a seed continues from this epoch
                    train.epoch = self.train.epoch
        return self.history

    def _start(self, resume: FilePath | None) -> None:
        """Start with the parameters of rank 0, or from the snapshot `resume`."""
        self.resuming = self.everyone(resume, "the start")[0]
        self._call("on_start")
        if self.resuming is not None:
            restore(self, self.resuming)
        elif self.comm is not None:
            rules = settings(self.optimizer) | checksums(self.optimizer.state_dict())
            mine = {"epochs": self.epochs, "seed": self.seed, **rules}
            check_equal(self.everyone(mine, "the start"))
            set_weights(self.model, self.comm.bcast(weights(self.model)))

    def _train_epoch(self) -> None:
        self._check_parameters()
        if not self.batch:  # otherwise the snapshot has set each layer's mode
            self.model.train()
        self._training = True
        # on several ranks, a step that only one of them repeats would wait for the others
        watch = FirstSteps(on=not self.step and self.comm is None)
        for batch in self._checked(self.train, "an epoch", self.batch):
            (*inputs, labels), count = shard(self.comm, batch)
            with watch.step():
                with summing_over_ranks(self.comm, count):
                    with mg.fused():
                        output = self.model(*inputs)
                    self.loss_tensor = loss = self.loss(output, labels)
                self._call("on_forward")
                self.optimizer.zero_grad()
                loss.backward()
                self.examples = len(batch[-1])
                if self.comm is not None:
                    sum_gradients(
                        self.comm, self.optimizer.parameters(), count / max(self.examples, 1)
                    )
                self._call("on_gradients")
                if self.comm is not None:
                    agree(self.comm, self.optimizer, batch)
                self.optimizer.step()
            self.loss_tensor = None
            self._add_to(self.means, output, loss, labels, count)
            watch.batch = inputs[0], labels, output.array
            del output, loss  # free the graph before recording the next one
            self.step += 1
            self.batch += 1
            self._call("on_step")
            self._stop_if_interrupted()
            if self.stop_reason:
                return
        watch.warn()
        self.trained = True

    def _end_epoch(self) -> None:
        self._check_parameters()
        self._training = False
        if self.comm is not None:  # a callback may have changed parameters on some ranks only
            parameters = self.model.named_parameters().items()
            sums = checksums({name: tensor.array for name, tensor in parameters})
            check_equal(self.everyone(sums, "the end of an epoch"))
            # Each rank may have computed buffers from its share of the batches.
            mine = buffers(self.model)
            for path, array in (self.comm.bcast(mine) if mine else mine).items():
                mine[path][...] = array
        row: Row = {"epoch": self.epoch + 1, "step": self.step}
        row |= {f"train_{name}": value for name, value in self.means.result().items()}
        if self.validation is not None:
            results = self.evaluate(self.validation)
            row |= {f"validation_{name}": value for name, value in results.items()}
        row["seconds"] = self.elapsed()
        self.began = time.perf_counter()
        self.seconds = 0.0
        self.history.rows.append(row)
        self.epoch += 1
        self.batch = 0
        self.trained = False
        self.means = Means()
        self._call("on_epoch_end")
        self._stop_if_interrupted()

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Return the mean loss and metrics over `batches`. The model runs in evaluation mode, and
        no graph is recorded.

        Shuffled `Batches` always use the order of epoch 0, and their own position does not change.
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
                f"the optimizer does not train {', '.join(new)}, but trains parameters that the "
                "model does not use",
                cause="a layer was replaced after the optimizer was made, or the optimizer "
                "belongs to another model",
                remedy="make the optimizer after the model is complete; to exclude parameters "
                "from training, freeze them",
            )

    def _call(self, moment: str) -> None:
        self._in_callback = True
        for callback in self.callbacks:
            getattr(callback, moment)(self)
        self._in_callback = False

    def _stop_if_interrupted(self) -> None:
        # if one rank must stop, all ranks stop after the same step
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
        """Yield the batches after the first `used` ones, and check each batch."""
        # `Batches` continue from their own position. For any other iterable, a resumed run skips
        # the batches that it has already used.
        skip = 0 if hasattr(batches, "load_state_dict") else used
        number = used
        for number, batch in enumerate(islice(batches, skip, None), start=used + 1):
            if not isinstance(batch, (tuple, list)) or len(batch) < 2:
                raise DataError(
                    "MG311",
                    f"a batch of type {type(batch).__name__} cannot be used",
                    cause="each batch must be a tuple (inputs..., labels) of at least two arrays",
                    remedy="make batches with minigrad.data.Batches(inputs, labels), or pass "
                    "[(inputs, labels)]",
                )
            # `agree` compares the later batches of an epoch before their update.
            if self.comm is not None and (number == 1 or of == "an evaluation"):
                check_equal(self.everyone(fingerprint(batch), f"a batch of {of}"))
            yield batch
        self.everyone(None, f"the end of {of}")
        if not number:
            raise DataError(
                "MG312",
                f"{of} had no batches",
                cause="the data is empty, or it is a generator, which can be read only once",
                remedy="pass minigrad.data.Batches or a list of batches, which can be read in "
                "every epoch",
            )


def _from_epoch_0(batches: Any) -> Any:
    """Return a copy of `Batches` at the start of epoch 0, or any other iterable unchanged."""
    if isinstance(batches, Batches):
        batches = copy(batches)
        batches.load_state_dict({**batches.state_dict(), "epoch": 0, "position": 0})
    return batches
