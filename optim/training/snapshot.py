"""Snapshots: a whole run stored in one file, and restored from it.

The arrays in the file are the model's ("model/rnn.cell.W_hh"), what it carries from batch to batch
("carried/state"), the optimizer's ("optimizer/m/rnn.cell.W_hh") and those of callbacks. Everything
else is JSON in its header: position, history, random generator, configuration, and the optimizer's
hyperparameters, now and at the start of the run.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad import generator
from minigrad.checkpoint import Checkpoint, check_match, load, save
from minigrad.errors import CheckpointError

from ..optimizer import Array
from ..parameters import set_arrays
from .history import FilePath
from .parallel import shard, share
from .run import Run

POSITION = "epoch", "step", "batch", "trained", "stop_reason"  # attributes of a Run


def store(trainer: Run, path: FilePath, ranks: Sequence[tuple[Any, Any]]) -> None:
    """Write everything that the rest of the run depends on.

    `ranks` has the generator's state and the model's carried state, for each rank. Errors:
    CheckpointError MG506 if the file cannot be written.
    """
    generators, carried = zip(*ranks, strict=True)
    raw_state = trainer.optimizer.raw_state()
    states = {name: callback.state_dict() for name, callback in _callbacks(trainer).items()}
    states["hyperparameters"] = trainer.optimizer.hyperparameters()
    parts = {
        **states,
        "model": {name: p.array for name, p in trainer.model.named_parameters().items()},
        "optimizer": raw_state,
        "carried": _joined(trainer, carried),
    }
    arrays = {
        f"{part}/{name}": value
        for part, values in parts.items()
        for name, value in values.items()
        if isinstance(value, np.ndarray)
    }
    info = {
        "kind": "snapshot",
        "config": trainer.config,
        "facts": _facts(trainer),
        "started": trainer.started,
        "modes": {path: layer.training for path, layer in _layers(trainer).items()},
        **{name: getattr(trainer, name) for name in POSITION},  # a stopped run stays stopped
        "seconds": trainer.elapsed(),
        "means": vars(trainer.means),
        "history": trainer.history.rows,
        "generators": generators,
        "train": _position(trainer.train),
        "callbacks": {
            name: {key: value for key, value in state.items() if f"{name}/{key}" not in arrays}
            for name, state in states.items()
        },
    }
    try:
        save(path, arrays, info)
    finally:  # reading the weights has made tables catch up, and storing must not change the run
        trainer.optimizer.load_state_dict(raw_state)


def restore(trainer: Run, path: FilePath) -> None:
    """Put the trainer into the state that the snapshot holds.

    Errors: those of `mg.load`; CheckpointError MG505 where arrays do not fit, MG508 for a file that
    is not a snapshot, or is of another configuration; OptionError MG414 for batches of other data.
    On an error the model and the optimizer are unchanged.
    """
    checkpoint = load(path)
    problems = ["it holds only weights, not the state of a run"]
    if checkpoint.info.get("kind") == "snapshot":
        checkpoint = _in_todays_form(checkpoint)
        problems = _differences(trainer, checkpoint)
    if problems:
        raise CheckpointError(
            "MG508",
            f"{path} cannot be resumed here: {'; '.join(problems)}",
            cause="a resumed run goes on with the same model, configuration and optimizer",
            remedy="start with the options of the interrupted run, or start a new run without "
            "resume",
        )
    info, optimizer = checkpoint.info, trainer.optimizer
    parameters = trainer.model.named_parameters()
    weights, raw_state = part(checkpoint, "model/"), part(checkpoint, "optimizer/")
    check_match(weights, {name: tensor.array for name, tensor in parameters.items()}, "the model")
    optimizer.check_state(raw_state)
    _load_parts(trainer, checkpoint)
    # Before the tables: to freeze or unfreeze one reads it, and what is pending must stay so.
    optimizer.load_hyperparameters(_state(checkpoint, "hyperparameters"))
    set_arrays(parameters, weights)
    optimizer.load_state_dict(raw_state)
    trainer.examples = max(map(len, part(checkpoint, "carried/").values()), default=0)
    if trainer.rank < len(info["generators"]):
        generator().bit_generator.state = info["generators"][trainer.rank]
    for name in POSITION:
        setattr(trainer, name, info[name])
    trainer.started |= info["started"]
    vars(trainer.means).update(info["means"])
    trainer.history.rows[:] = info["history"]
    trainer.seconds, trainer.began = info["seconds"], time.perf_counter()


def part(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The arrays whose name begins with `prefix`, which is left out of their new names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _in_todays_form(checkpoint: Checkpoint) -> Checkpoint:
    """At commit e233385 a snapshot had fewer parts, BestWeights was called BestSnapshot, and Adam
    had two of its four sums.
    """
    arrays = {}
    for name, array in checkpoint.items():
        if name.startswith("BestSnapshot"):
            name = name.replace("Snapshot", "Weights", 1).replace("/", "/weights/", 1)
        if name.startswith("optimizer/pending sums/") and len(array) == 2:
            array = np.concatenate([array, np.zeros_like(array)])
        arrays[name] = array
    info = {"started": {}, "modes": {}} | checkpoint.info
    if "optimizer" in info:
        info["facts"] = {"the optimizer": info["optimizer"]}
    if "generator" in info:  # of rank 0, when the others' were kept apart
        info["generators"] = [info["generator"], *info["generators"]]
    info["callbacks"] = {
        name.replace("BestSnapshot", "BestWeights"): state
        for name, state in info["callbacks"].items()
    }
    return Checkpoint(arrays, info)


def _differences(trainer: Run, checkpoint: Checkpoint) -> list[str]:
    """Why the snapshot is not of a run like this one: a sentence for each difference."""
    info, numbers = checkpoint.info, _state(checkpoint, "hyperparameters")
    facts = _facts(trainer) | trainer.started
    stored = info["facts"] | info["started"]
    saved = info["config"] | stored
    here = trainer.config | {name: facts.get(name, "nothing") for name in stored}
    problems = []
    for name in saved | here:
        before, now = saved.get(name, "nothing"), here.get(name, "nothing")
        # In the process of the interrupted run, the optimizer still has the numbers of that run's
        # end.
        if now not in (before, numbers.get(name)):
            problems.append(f"{name} was {before!r} and is {now!r}")
    return problems


def _facts(trainer: Run) -> dict[str, Any]:
    """What must be the same when the run is resumed, but for what its user configures."""
    return {
        "the optimizer": type(trainer.optimizer).__name__,
        "the metrics": list(trainer.metrics),
        "the batches": type(trainer.train).__name__,
        "the number of batches": trainer.batches,
    }


def _load_parts(trainer: Run, checkpoint: Checkpoint) -> None:
    """Load what callbacks, batches and the model remember."""
    info, train = checkpoint.info, trainer.train
    for name, callback in _callbacks(trainer).items():
        if state := _state(checkpoint, name):
            callback.load_state_dict(state)
    if hasattr(train, "load_state_dict"):
        train.load_state_dict(info["train"])
    if info["batch"]:  # within an epoch, whose first step has set all layers to training
        trainer.model.train()
        for name, layer in _layers(trainer).items():
            layer.training = info["modes"].get(name, True)
    # After the modes: set to evaluation, a Stateful forgets the state of its last call in that
    # mode.
    if carry := getattr(trainer.model, "load_carried_state", None):
        carried = part(checkpoint, "carried/").items()
        carry({name: shard(trainer.comm, [array])[0][0] for name, array in carried})


def _state(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    """What a callback's `state_dict` returned, or the optimizer's hyperparameters."""
    arrays = part(checkpoint, f"{name}/").items()
    state: dict[str, Any] = checkpoint.info["callbacks"].get(name, {})
    return state | {key: array[()] for key, array in arrays}


def _callbacks(trainer: Run) -> dict[str, Any]:
    """The callbacks by class name, numbered where there are several of a class."""
    named: dict[str, Any] = {}
    for callback in trainer.callbacks:
        name = type(callback).__name__
        count = sum(other.split("#")[0] == name for other in named)
        named[f"{name}#{count + 1}" if count else name] = callback
    return named


def _layers(trainer: Run) -> dict[str, Any]:
    return dict(getattr(trainer.model, "named_layers", dict)())


def _position(batches: Any) -> dict[str, Any]:
    return dict(batches.state_dict()) if hasattr(batches, "state_dict") else {}


def _joined(trainer: Run, carried: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The rows that the ranks carry, put together, without those of ranks that only repeat a
    row.
    """
    counted = [carried[0]]
    for rank in range(1, len(carried)):
        first, last = share(trainer.examples, rank, len(carried))
        if first < last:
            counted.append(carried[rank])
    return {name: np.concatenate([rows[name] for rows in counted]) for name in carried[0]}
