"""Snapshots: a whole run stored in one file, and restored from it.

The arrays in the file are the model's ("model/rnn.cell.W_hh"), what it carries from batch to batch ("carried/state"),
the optimizer's ("optimizer/m/rnn.cell.W_hh") and those of callbacks; everything else is JSON in its header: position,
history, random generator, configuration.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad import generator
from minigrad.checkpoint import check_match, load, save
from minigrad.errors import CheckpointError

from .lazy import is_pending
from .optimizer import Array
from .parallel import share_out
from .parameters import set_arrays
from .run import POSITION, Run


def store(trainer: Run, path: str | os.PathLike[str], ranks: Sequence[tuple[Any, Any]]) -> None:
    """Write everything that the rest of the run depends on: of each rank, the generator and what its model carries.

    CheckpointError MG506 if it cannot be written.
    """
    generators, carried = zip(*ranks, strict=True)
    exact = trainer.optimizer.exact_state()
    arrays = {f"model/{name}": tensor.array for name, tensor in trainer.model.named_parameters().items()}
    arrays |= {f"optimizer/{name}": array for name, array in exact.items()}
    arrays |= {f"carried/{name}": np.concatenate([own[name] for own in carried]) for name in carried[0]}
    callbacks: dict[str, dict[str, Any]] = {}
    for name, callback in _named(trainer).items():
        for key, value in callback.state_dict().items():
            if isinstance(value, np.ndarray):
                arrays[f"{name}/{key}"] = value
            else:
                callbacks.setdefault(name, {})[key] = value
    info = {
        "kind": "snapshot",
        "config": trainer.config,
        "optimizer": type(trainer.optimizer).__name__,
        **{name: getattr(trainer, name) for name in POSITION},  # if a callback stopped the run, it stays stopped
        "seconds": trainer.elapsed(),
        "means": vars(trainer.means),
        "history": trainer.history.rows,
        "generator": generators[0],
        "generators": generators[1:],  # of the other ranks
        "train": _position(trainer.train),
        "validation": _position(trainer.validation) | {"position": 0} if _position(trainer.validation) else {},
        "callbacks": callbacks,
    }
    try:
        save(path, arrays, info)
    finally:  # reading the weights has made tables catch up: undo that, because storing must not change the run
        if any(map(is_pending, exact)):
            trainer.optimizer.load_exact_state(exact)


def restore(trainer: Run, path: str | os.PathLike[str]) -> None:
    """Put the trainer into the state that the snapshot holds.

    Errors: those of `mg.load`; CheckpointError MG505 where arrays do not fit, MG508 for a file that is no snapshot, or
    one of another configuration; OptionError MG414 for batches of other data. On an error the model is unchanged.
    """
    checkpoint = load(path)
    info = checkpoint.info
    _check(trainer, info, path)
    model = trainer.model.named_parameters()
    check_match(part(checkpoint, "model/"), {name: tensor.array for name, tensor in model.items()}, "the model")
    exact = part(checkpoint, "optimizer/")
    trainer.optimizer.check_exact_state(exact)
    for batches, position in ((trainer.train, info["train"]), (trainer.validation, info["validation"])):
        if position and batches is not None and hasattr(batches, "load_state_dict"):
            batches.load_state_dict(position)
    set_arrays(model, part(checkpoint, "model/"))
    trainer.optimizer.load_exact_state(exact)
    if carry := getattr(trainer.model, "load_carried_state", None):
        whole = part(checkpoint, "carried/")
        carry({name: share_out(trainer.comm, [array])[0][0] for name, array in whole.items()})
    for name, callback in _named(trainer).items():
        state = {**info["callbacks"].get(name, {}), **part(checkpoint, f"{name}/")}
        if state:
            callback.load_state_dict(state)
    if trainer.rank < len(states := [info["generator"], *info.get("generators", ())]):
        generator().bit_generator.state = states[trainer.rank]
    trainer.resume_at(info)


def part(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The arrays whose name begins with `prefix`, which is left out of their new names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _named(trainer: Run) -> dict[str, Any]:
    """The callbacks by class name, numbered where there are several of a class."""
    named: dict[str, Any] = {}
    for callback in trainer.callbacks:
        name = type(callback).__name__
        count = sum(other.split("#")[0] == name for other in named)
        named[f"{name}#{count + 1}" if count else name] = callback
    return named


def _position(batches: Any) -> dict[str, Any]:
    return dict(batches.state_dict()) if hasattr(batches, "state_dict") else {}


def _check(trainer: Run, info: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    saved = {**info.get("config", {}), "the optimizer": info.get("optimizer")}
    here = {**trainer.config, "the optimizer": type(trainer.optimizer).__name__}
    problems = [
        f"{key} was {saved.get(key)!r} and is {here.get(key)!r}"
        for key in dict.fromkeys([*saved, *here])
        if saved.get(key) != here.get(key)
    ]
    if info.get("kind") != "snapshot":
        problems = ["it holds only weights, not the state of a run"]
    if problems:
        raise CheckpointError(
            "MG508",
            f"{os.fspath(path)} cannot be resumed here: {'; '.join(problems)}",
            cause="a resumed run goes on with the same model, configuration and optimizer",
            remedy="start with the options of the interrupted run, or start a new run without resume",
        )
