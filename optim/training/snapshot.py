"""Snapshots: store a whole run in one file and restore it.

The file contains the parameters and buffers of the model ("model/rnn.cell.W_hh"), the state that
the model carries from batch to batch ("carried/state"), the arrays of the optimizer
("optimizer/m/rnn.cell.W_hh"), and the arrays of the callbacks. The header stores everything else as
JSON: position, history, random generator, configuration, and the optimizer's hyperparameters, both
current and from the start of the run.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad import generator
from minigrad.checkpoint import Checkpoint, as_stored, check_match, load, save
from minigrad.errors import CheckpointError, MinigradError, reason

from ..optimizer import Array
from ..parameters import set_weights, weights
from .history import FilePath
from .metrics import Means
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
    states = {name: callback.state_dict() for name, callback in _callbacks(trainer).items()}
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
    info = {
        **_info(trainer),
        "generators": generators,
        "callbacks": {
            name: {key: value for key, value in state.items() if f"{name}/{key}" not in arrays}
            for name, state in states.items()
        },
    }
    try:
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
    if checkpoint.info.get("kind") != "snapshot":
        raise _different(path, ["it contains only weights, not the state of a run"])
    with _incomplete(path):
        checkpoint = _in_todays_form(checkpoint)
        info, optimizer = checkpoint.info, trainer.optimizer
        _check_info(trainer, info)
        if problems := _differences(trainer, checkpoint):
            raise _different(path, problems)
        stored, raw_state = part(checkpoint, "model/"), part(checkpoint, "optimizer/")
        check_match(stored, weights(trainer.model), "the model")
        optimizer.check_state(raw_state)
        hyperparameters = _state(checkpoint, "hyperparameters")
        for name, value in optimizer.hyperparameters().items():
            # commit e233385 did not store them
            now = hyperparameters.get(name, value if "optimizer" in info else None)
            then = info["started"].get(name, value)
            if _is_number(value) and not (_is_number(now) and _is_number(then)):
                raise ValueError(f"it has no valid {name!r}")
        carried = part(checkpoint, "carried/")
        examples = max(map(len, carried.values()), default=0)
        parts = (
            {name: _state(checkpoint, name) for name in info["callbacks"]},
            info["train"],
            # every epoch begins with all layers in training mode
            dict.fromkeys(_layers(trainer), True) | info["modes"] if info["batch"] else None,
            {name: shard(trainer.comm, [array])[0][0] for name, array in carried.items()},
        )
        # Loading these can still fail, because the callbacks and the batches may be the user's.
        before = _parts(trainer)
        try:
            _load_parts(trainer, *parts)
        except Exception:
            _load_parts(trainer, *before)
            raise
    # Load the hyperparameters before the tables, because freezing a table reads it, which applies
    # its pending updates.
    optimizer.load_hyperparameters(hyperparameters)
    set_weights(trainer.model, stored)
    optimizer.load_state_dict(raw_state)
    trainer.examples = examples
    if trainer.rank < len(info["generators"]):
        generator().bit_generator.state = info["generators"][trainer.rank]
    for name in POSITION:
        setattr(trainer, name, info[name])
    trainer.started |= info["started"]
    vars(trainer.means).update(info["means"])
    trainer.history.rows[:] = info["history"]
    trainer.seconds, trainer.began = info["seconds"], time.perf_counter()


def part(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the arrays whose names begin with `prefix`, under their names without the prefix."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


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
        "train": _position(trainer.train),
    }


def _different(path: FilePath, problems: list[str]) -> CheckpointError:
    return CheckpointError(
        "MG508",
        f"{path} cannot be resumed here: {'; '.join(problems)}",
        cause="a resumed run must have the same model, configuration and optimizer",
        remedy="use the options of the interrupted run, or start a new run without resume",
    )


@contextmanager
def _incomplete(path: FilePath) -> Iterator[None]:
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


def _check_info(trainer: Run, info: Mapping[str, Any]) -> None:
    """Raise ValueError unless `info` has all parts that `store` writes, in a form that can be
    loaded.
    """
    expected = as_stored({**_info(trainer), "generators": [], "callbacks": {}}, "the run")
    wrong = [name for name, value in expected.items() if type(info.get(name)) is not type(value)]
    if not wrong:
        means, metrics = info["means"], info["facts"].get("the metrics", [])
        valid = {
            "means": means.keys() == vars(Means()).keys()
            and _is_row(means["sums"])
            and (means["sums"].keys() >= {"loss", *metrics} or not means["count"])
            and _is_number(means["count"]),
            "history": all(map(_is_row, info["history"])),
            "modes": all(type(mode) is bool for mode in info["modes"].values()),
            "generators": bool(info["generators"]) and all(map(_is_generator, info["generators"])),
        }
        wrong = [name for name in valid if not valid[name]]
    if wrong:
        raise ValueError(f"it has no valid {' and '.join(map(repr, wrong))}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.bool)


def _is_row(row: Any) -> bool:
    """Return whether `row` is a dict of numbers."""
    return isinstance(row, dict) and all(map(_is_number, row.values()))


def _is_generator(state: Any) -> bool:
    """Return whether `state` is the state of a random generator like minigrad's."""
    try:
        type(generator().bit_generator)().state = state
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
    return True


def _in_todays_form(checkpoint: Checkpoint) -> Checkpoint:
    """Convert a snapshot from the format of commit e233385. That format had fewer parts,
    BestWeights was called BestSnapshot, and Adam had two sums instead of four.
    """
    arrays = {}
    for name, array in checkpoint.items():
        if name.startswith("BestSnapshot"):
            name = name.replace("Snapshot", "Weights", 1).replace("/", "/weights/", 1)
        if name.startswith("optimizer/pending sums/") and len(array) == 2:
            array = np.concatenate([array, np.zeros_like(array)])
        arrays[name] = array
    info = dict(checkpoint.info)
    if "optimizer" in info:
        info |= {"facts": {"the optimizer": info["optimizer"]}, "started": {}, "modes": {}}
    if "generator" in info:  # the generator of rank 0; the other ranks had a separate list
        info["generators"] = [info["generator"], *info["generators"]]
    info["callbacks"] = {
        name.replace("BestSnapshot", "BestWeights"): state
        for name, state in info["callbacks"].items()
    }
    return Checkpoint(arrays, info)


def _differences(trainer: Run, checkpoint: Checkpoint) -> list[str]:
    """List the differences between the stored run and this run, each as a sentence."""
    info, numbers = checkpoint.info, _state(checkpoint, "hyperparameters")
    facts = _facts(trainer) | trainer.started
    stored = info["facts"] | info["started"]
    saved = info["config"] | stored
    here = trainer.config | {name: facts.get(name, "nothing") for name in stored}
    problems = []
    for name in saved | here:
        before, now = saved.get(name, "nothing"), here.get(name, "nothing")
        # In the same process, the optimizer may still have the values from the end of the
        # interrupted run.
        if now not in (before, numbers.get(name)):
            was, now_is = (
                ("were", "are") if name in ("the metrics", "the batches") else ("was", "is")
            )
            problems.append(f"{name} {was} {before!r} and {now_is} now {now!r}")
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


def _parts(trainer: Run) -> tuple[Any, ...]:
    """Return the arguments of `_load_parts` that restore the current state."""
    states = {name: callback.state_dict() for name, callback in _callbacks(trainer).items()}
    modes = {path: layer.training for path, layer in _layers(trainer).items()}
    carried: dict[str, Array] = getattr(trainer.model, "carried_state", dict)()
    return states, _position(trainer.train), modes or None, carried


def _load_parts(
    trainer: Run,
    states: dict[str, Any],
    position: dict[str, Any],
    modes: dict[str, bool] | None,
    carried: dict[str, Any],
) -> None:
    """Load the states of the callbacks, the batches and the model, and the modes of the model's
    layers.
    """
    for name, callback in _callbacks(trainer).items():
        if name in states:
            callback.load_state_dict(states[name])
    if hasattr(trainer.train, "load_state_dict"):
        trainer.train.load_state_dict(position)
    if modes is not None:
        trainer.model.train()
        for name, layer in _layers(trainer).items():
            layer.training = modes[name]
    # Load this after the modes, because `eval` clears the evaluation state of a Stateful.
    if carry := getattr(trainer.model, "load_carried_state", None):
        carry(carried)


def _state(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    """Return the stored `state_dict` of a callback, or the optimizer's stored hyperparameters."""
    arrays = part(checkpoint, f"{name}/").items()
    state: dict[str, Any] = checkpoint.info["callbacks"].get(name, {})
    return state | {key: array[()] for key, array in arrays}


def _callbacks(trainer: Run) -> dict[str, Any]:
    """Return {class name: callback}. Additional callbacks of the same class get a number, as in
    "Evaluate#2".
    """
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
    """Concatenate the ranks' carried rows. Leave out ranks that only repeat another rank's row."""
    counted = [carried[0]]
    for rank in range(1, len(carried)):
        first, last = share(trainer.examples, rank, len(carried))
        if first < last:
            counted.append(carried[rank])
    return {name: np.concatenate([rows[name] for rows in counted]) for name in carried[0]}
