"""Snapshots: store a whole run in one file and restore it.

The file contains the parameters and buffers of the model ("model/rnn.cell.W_hh"), the state that
the model carries from batch to batch ("carried/state"), the arrays of the optimizer
("optimizer/m/rnn.cell.W_hh"), and the arrays of the callbacks. The header stores everything else as
JSON: position, history, random generator, configuration, and the optimizer's hyperparameters, both
current and from the start of the run.
"""

import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad import generator
from minigrad.checkpoint import Checkpoint, as_stored, check_match, load, save
from minigrad.errors import CheckpointError, MinigradError, reason
from minigrad.support.text import to_json

from ..optimizer import Array
from ..parameters import set_weights, weights
from .history import FilePath
from .parallel import shard, share
from .run import Run

POSITION = "epoch", "step", "batch", "trained", "stop_reason"  # attributes of a Run


def store(trainer: Run, path: FilePath, ranks: Sequence[tuple[Any, Any]]) -> None:
    """Write to a file all state that the rest of the run depends on.

    `ranks` contains (the generator's state, the model's carried state) for each rank. Errors:
    CheckpointError MG506 if the file cannot be written.
    """
    generators, carried = zip(*ranks, strict=True)
    raw_state = trainer.optimizer.raw_state()
    states = _states(trainer)
    states["hyperparameters"] = trainer.optimizer.hyperparameters()
    parts = {
        **states,
        "model": weights(trainer.model),
        "optimizer": raw_state,
        "carried": _joined(trainer, carried),
    }
    arrays = {
        f"{part}/{name}": value
        for part, values in parts.items()
        for name, value in values.items()
        if isinstance(value, np.ndarray)
    }
    values = {
        name: {key: value for key, value in state.items() if f"{name}/{key}" not in arrays}
        for name, state in states.items()
    }
    try:
        info = _info(trainer) | {"generators": generators, "callbacks": values}
        info = as_stored(info, "the run")
        info["form"] = _checksum(arrays, info)
        save(path, arrays, info)
    finally:  # Undo the tables' catch-up, because storing must not change the run.
        trainer.optimizer.load_state_dict(raw_state)


def restore(trainer: Run, path: FilePath) -> None:
    """Restore the trainer to the state in the snapshot. If an error occurs, nothing changes.

    Errors: see `mg.load`; CheckpointError MG505 for arrays that do not match, and MG508 for a file
    that is not a complete snapshot or has a different configuration; OptionError MG414 for batches
    of different data.
    """
    checkpoint = load(path)
    info, optimizer = checkpoint.info, trainer.optimizer
    with _invalid(path):
        if problems := _differences(trainer, checkpoint):
            raise CheckpointError(
                "MG508",
                f"{path} cannot be resumed here: {'; '.join(problems)}",
                cause="a resumed run must have the same model, configuration and optimizer",
                remedy="use the options of the interrupted run, or start a new run without resume",
            )
        model = part(checkpoint, "model/")
        raw_state = part(checkpoint, "optimizer/")
        check_match(model, weights(trainer.model), "the model")
        optimizer.check_state(raw_state)
        _check_complete(trainer, checkpoint)
        carried = part(checkpoint, "carried/")
        mine = dict[str, Array]()
        for name, array in carried.items():
            (mine[name],), _ = shard(trainer.comm, [array])
        states = {name: _state(checkpoint, name) for name in info["callbacks"]}
        carried_before = dict(getattr(trainer.model, "carried_state", dict)())
        before = _info(trainer), _states(trainer), carried_before
        # Loading these can still fail, because the callbacks and the batches may be the user's.
        try:
            _load_parts(trainer, info, states, mine)
            if trainer.rank < len(info["generators"]):
                generator().bit_generator.state = info["generators"][trainer.rank]
        except Exception:
            _load_parts(trainer, *before)
            raise
    # Load the hyperparameters before the tables, because freezing a table reads it, which applies
    # its pending updates.
    optimizer.load_hyperparameters(_state(checkpoint, "hyperparameters"))
    set_weights(trainer.model, model)
    optimizer.load_state_dict(raw_state)
    trainer.examples = max(map(len, carried.values()), default=0)
    for name in POSITION:
        setattr(trainer, name, info[name])
    trainer.started |= info["started"]
    vars(trainer.means).update(info["means"])
    trainer.history.rows[:] = info["history"]
    trainer.seconds = info["seconds"]
    trainer.began = time.perf_counter()


def part(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the arrays whose names begin with `prefix`, under their names without the prefix."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


@contextmanager
def _invalid(path: FilePath) -> Iterator[None]:
    """Raise MG508 for an exception that is not minigrad's: an edited file can contain anything."""
    try:
        yield
    except MinigradError:
        raise
    except Exception as error:
        raise CheckpointError(
            "MG508",
            f"{path} cannot be resumed: {reason(error)}",
            cause="a part of the snapshot is missing or invalid",
            remedy="use an earlier snapshot, or start a new run without resume",
        ) from error


def _info(trainer: Run) -> dict[str, Any]:
    """Return the values that a snapshot stores, except those of each rank and of the callbacks."""
    return {
        "kind": "snapshot",
        "config": trainer.config,
        "facts": _facts(trainer),
        "started": trainer.started,
        "modes": {path: layer.training for path, layer in _layers(trainer).items()},
        **{name: getattr(trainer, name) for name in POSITION},  # a stopped run remains stopped
        "seconds": trainer.elapsed(),
        "means": vars(trainer.means),
        "history": trainer.history.rows,
        "train": getattr(trainer.train, "state_dict", dict)(),
    }


def _check_complete(trainer: Run, checkpoint: Checkpoint) -> None:
    """Raise ValueError unless the snapshot has all parts that `store` wrote.

    The file's own checksum is not enough, because `mg.save` computes a new one when it writes an
    edited snapshot. Without this check, a callback whose stored state is missing would look like a
    new callback, and a part of the state that the model carries would look like the whole state.
    """
    info = dict(checkpoint.info)
    form = info.pop("form", None)  # commit 66acc26 did not store it
    for name in ("generators", "callbacks", *_info(trainer)):
        if name not in info:
            raise ValueError(f"it has no {name}")
    if form is not None and form != _checksum(checkpoint, info):
        raise ValueError("some of its parts are not the ones that the run stored")


def _checksum(arrays: Mapping[str, Array], info: Mapping[str, Any]) -> int:
    """Return a checksum of the names, types and shapes in a snapshot, but not of the values."""
    forms = [f"{name} {array.dtype} {array.shape}" for name, array in arrays.items()]
    text = to_json([sorted(forms), _types(info)])
    return zlib.crc32(text.encode())


def _types(value: Any) -> Any:
    """Replace the values in nested dicts and lists by the names of their types."""
    if isinstance(value, dict):
        return {name: _types(item) for name, item in value.items()}
    if isinstance(value, list):
        return list(map(_types, value))
    return type(value).__name__


def _differences(trainer: Run, checkpoint: Checkpoint) -> list[str]:
    """List the differences between the stored run and this run, each as a sentence."""
    info = checkpoint.info
    if info.get("kind") != "snapshot":
        return ["it contains only weights, not the state of a run"]
    # In the same process, the optimizer may still have the values from the end of the interrupted
    # run.
    latest = _state(checkpoint, "hyperparameters")
    saved = info["config"] | info["facts"] | info["started"]
    here = trainer.config | _facts(trainer) | trainer.started
    problems = []
    for name in saved | here:
        before = saved.get(name, "nothing")
        now = here.get(name, "nothing")
        if now not in (before, latest.get(name)):
            problem = f"{name} was {before!r} and is now {now!r}"
            if name in ("the metrics", "the batches"):
                problem = f"{name} were {before!r} and are now {now!r}"
            problems.append(problem)
    return problems


def _facts(trainer: Run) -> dict[str, Any]:
    """Return the properties of a run, apart from its config, that must be the same when it is
    resumed.
    """
    return {
        "the optimizer": type(trainer.optimizer).__name__,
        "the metrics": list(trainer.metrics),
        "the batches": type(trainer.train).__name__,
        "the number of batches": trainer.batches,
    }


def _load_parts(
    trainer: Run,
    info: Mapping[str, Any],
    states: Mapping[str, Any],
    carried: Mapping[str, Array],
) -> None:
    """Load the states of the callbacks, the batches and the model, and the modes of the model's
    layers.
    """
    for name, callback in _callbacks(trainer).items():
        if name in states:
            callback.load_state_dict(states[name])
    if hasattr(trainer.train, "load_state_dict"):
        trainer.train.load_state_dict(info["train"])
    trainer.model.train()
    for path, layer in _layers(trainer).items():
        layer.training = info["modes"].get(path, True)
    # Load this after the modes, because `train` clears the evaluation state of a Stateful.
    if load_carried := getattr(trainer.model, "load_carried_state", None):
        load_carried(carried)


def _state(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    """Return the stored `state_dict` of a callback, or the optimizer's stored hyperparameters."""
    state = dict(checkpoint.info["callbacks"].get(name, {}))
    for key, array in part(checkpoint, f"{name}/").items():
        state[key] = array[()]
    return state


def _states(trainer: Run) -> dict[str, dict[str, Any]]:
    return {name: callback.state_dict() for name, callback in _callbacks(trainer).items()}


def _callbacks(trainer: Run) -> dict[str, Any]:
    """Return {class name: callback}. Additional callbacks of the same class get a number, as in
    "Evaluate#2".
    """
    named: dict[str, Any] = {}
    for callback in trainer.callbacks:
        kind = name = type(callback).__name__
        count = 1
        while name in named:
            count += 1
            name = f"{kind}#{count}"
        named[name] = callback
    return named


def _layers(trainer: Run) -> dict[str, Any]:
    return dict(getattr(trainer.model, "named_layers", dict)())


def _joined(trainer: Run, carried: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Concatenate the ranks' carried rows. Leave out ranks that only repeat another rank's row."""
    counted = [carried[0]]
    for rank, arrays in enumerate(carried[1:], start=1):
        first, last = share(trainer.examples, rank, len(carried))
        if first < last:
            counted.append(arrays)
    return {name: np.concatenate([arrays[name] for arrays in counted]) for name in carried[0]}
