"""Snapshots: a whole run stored in one file, and restored from it.

The arrays in the file are the model's ("model/rnn.cell.W_hh"), what it carries from batch to batch ("carried/state"),
the optimizer's ("optimizer/m/rnn.cell.W_hh") and those of callbacks; everything else is JSON in its header: position,
history, random generator, configuration, and the optimizer's hyperparameters, now and at the start of the run.
"""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from typing import Any

import numpy as np

from minigrad import generator
from minigrad.checkpoint import Checkpoint, check_match, load, save
from minigrad.data import Batches
from minigrad.errors import CheckpointError, MinigradError, reason

from ..lazy import is_pending
from ..optimizer import NUMBERS, Array
from ..parameters import set_arrays
from .parallel import share, share_out
from .run import POSITION, Run

_NUMBERS = "hyperparameters"
_PARTS = {"config": dict, "optimizer": str, "epoch": int, "step": int, "batch": int, "trained": bool,
          "stop_reason": str, "seconds": float, "means": dict, "history": list, "generator": dict, "train": dict,
          "validation": dict, "callbacks": dict}  # fmt: skip


def store(trainer: Run, path: str | os.PathLike[str], ranks: Sequence[tuple[Any, Any]]) -> None:
    """Write everything that the rest of the run depends on: of each rank, the generator and what its model carries.

    CheckpointError MG506 if it cannot be written.
    """
    generators, carried = zip(*ranks, strict=True)
    exact = trainer.optimizer.exact_state()
    arrays = {f"model/{name}": tensor.array for name, tensor in trainer.model.named_parameters().items()}
    arrays |= {f"optimizer/{name}": array for name, array in exact.items()}
    rows = [share(trainer.examples, rank, len(ranks)) for rank in range(len(ranks))]
    counted = [own for own, (first, last) in zip(carried, rows, strict=True) if first < last or len(ranks) == 1]
    everywhere = [name for name in carried[0] if all(name in own for own in counted)]
    arrays |= {f"carried/{name}": np.concatenate([own[name] for own in counted]) for name in everywhere}
    named = _named(trainer)
    states = {name: callback.state_dict() for name, callback in named.items()}
    states[_NUMBERS] = trainer.optimizer.hyperparameters()
    plain: dict[str, dict[str, Any]] = {name: {} for name in states}
    for name, state in states.items():
        for key, value in state.items():
            if isinstance(value, (np.ndarray, np.generic)):  # numbers of NumPy too, because their dtype matters
                arrays[f"{name}/{key}"] = np.asarray(value)
            else:
                plain[name][key] = value
    info = {
        "kind": "snapshot",
        "run": trainer.identity,
        "config": trainer.config,
        "optimizer": type(trainer.optimizer).__name__,
        "started": trainer.started,
        _NUMBERS: plain.pop(_NUMBERS),
        "layers": _layers(trainer),
        "modes": _modes(trainer),
        "batches": trainer.batches,
        **{name: getattr(trainer, name) for name in POSITION},  # if a callback stopped the run, it stays stopped
        "seconds": trainer.elapsed(),
        "means": vars(trainer.means),
        "history": trainer.history.rows,
        "generator": generators[0],
        "generators": generators[1:],  # of the other ranks
        "train": _position(trainer.train),
        "validation": _position(trainer.validation) | {"position": 0} if _position(trainer.validation) else {},
        "callbacks": plain,
        "deciding": trainer.deciding,
    }
    try:
        save(path, arrays, info)
    finally:  # reading the weights has made tables catch up: undo that, because storing must not change the run
        if any(map(is_pending, exact)):
            trainer.optimizer.load_exact_state(exact)


def restore(trainer: Run, path: str | os.PathLike[str]) -> None:
    """Put the trainer into the state that the snapshot holds.

    Errors: those of `mg.load`; CheckpointError MG505 where arrays do not fit, MG508 for a file that is not a snapshot,
    lacks a part, or is of another configuration; OptionError MG414 for batches of other data. On an error nothing has
    changed. A warning (MG324) names layers that differ, and callbacks that only one of the two runs has.
    """
    checkpoint = load(path)
    info = checkpoint.info
    numbers = {name: array[()] for name, array in part(checkpoint, f"{_NUMBERS}/").items()}
    numbers |= info.get(_NUMBERS, {})
    _check(trainer, info, numbers, path)
    model = trainer.model.named_parameters()
    check_match(part(checkpoint, "model/"), {name: tensor.array for name, tensor in model.items()}, "the model")
    exact = part(checkpoint, "optimizer/")
    trainer.optimizer.check_exact_state(exact)
    for batches, position in ((trainer.validation, info["validation"]), (trainer.train, info["train"])):
        if position and isinstance(batches, Batches):
            copy(batches).load_state_dict(position)
    _warn_of_differences(trainer, info)
    _load_parts(trainer, checkpoint, path)
    # From here on nothing fails.
    # Before the tables: to freeze or unfreeze one reads it, and what is pending must stay so.
    trainer.optimizer.load_hyperparameters(numbers)
    set_arrays(model, part(checkpoint, "model/"))
    trainer.optimizer.load_exact_state(exact)
    trainer.examples = max(map(len, part(checkpoint, "carried/").values()), default=0)
    if trainer.rank < len(states := [info["generator"], *info.get("generators", ())]):
        generator().bit_generator.state = states[trainer.rank]
    trainer.resume_at(info)


def identity(path: str | os.PathLike[str]) -> str:
    """What tells the run of a snapshot from others; "" if it is not known."""
    with suppress(MinigradError):
        return str(load(path).info.get("run", ""))
    return ""


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


def deciding(trainer: Run) -> dict[str, dict[str, str]]:
    """The callbacks that can change a run's numbers, those that do more than print or write, with their arguments.

    To be called when a run begins: what they count is then the same in each run.
    """
    named = _named(trainer).items()
    return {name: _numbers(callback) for name, callback in named if not (callback.last or callback.rank_0_only)}


def _numbers(thing: Any) -> dict[str, str]:
    """The numbers and schedules among the attributes, as text; of a class from outside optim nothing is known."""
    found = {}
    for name, value in vars(thing).items() if _is_ours(thing) else ():
        if isinstance(value, NUMBERS):
            found[name] = str(value)
        elif _is_ours(value):
            inner = ", ".join(f"{key}={text}" for key, text in _numbers(value).items())
            found[name] = f"{type(value).__name__}({inner})"
    return found


def _is_ours(thing: Any) -> bool:
    return type(thing).__module__.startswith("optim.")


def _layers(trainer: Run) -> dict[str, str]:
    """Each layer as the call that made it, by path."""
    layers = _named_layers(trainer).items()
    return {path or "the model": f"{type(layer).__name__}({layer.settings()})" for path, layer in layers}


def _named_layers(trainer: Run) -> dict[str, Any]:
    return dict(getattr(trainer.model, "named_layers", dict)())


def _modes(trainer: Run) -> dict[str, bool]:
    return {path: layer.training for path, layer in _named_layers(trainer).items()}


def _set_modes(trainer: Run, modes: Mapping[str, bool]) -> None:
    trainer.model.train()
    for path, layer in _named_layers(trainer).items():
        layer.training = modes[path]


def _position(batches: Any) -> dict[str, Any]:
    return dict(batches.state_dict()) if hasattr(batches, "state_dict") else {}


def _load_parts(trainer: Run, checkpoint: Checkpoint, path: str | os.PathLike[str]) -> None:
    """Load what callbacks, batches and the model remember, all or none."""
    saved = checkpoint.info["callbacks"]
    parts: list[tuple[str, Callable[[Any], object], Any, Any]] = []  # name, how to load, state now, state to load
    for name, callback in _named(trainer).items():
        if state := {**saved.get(name, {}), **part(checkpoint, f"{name}/")}:
            parts.append((name, callback.load_state_dict, callback.state_dict(), state))
    for name in ("validation", "train"):  # if the two are one object, its position is that of "train"
        batches, position = getattr(trainer, name), checkpoint.info[name]
        if position and hasattr(batches, "load_state_dict"):
            parts.append((f"the batches of {name}", batches.load_state_dict, _position(batches), position))
    if checkpoint.info["batch"]:  # within an epoch, whose first step has set all layers to training
        modes = _modes(trainer)
        saved_modes = dict.fromkeys(modes, True) | checkpoint.info.get("modes", {})
        parts.append(("the layers", lambda state: _set_modes(trainer, state), modes, saved_modes))
    # After the modes: where a mode is set, a Stateful forgets the state of its last call in evaluation mode.
    if carry := getattr(trainer.model, "load_carried_state", None):
        whole = part(checkpoint, "carried/")
        carried = {name: share_out(trainer.comm, [array])[0][0] for name, array in whole.items()}
        parts.append(("the model", carry, {}, carried))  # at the start of a run it carries nothing
    for number, (name, take, _, state) in enumerate(parts):
        try:
            take(state)
        except Exception as error:
            for _, put_back, before, _ in reversed(parts[: number + 1]):
                with suppress(Exception):  # the error to be told is the first one
                    put_back(before)
            if isinstance(error, MinigradError):
                raise
            problem = f"the state of {name} cannot be loaded ({type(error).__name__}: {reason(error)})"
            raise _unfit(path, [problem]) from error


def _check(trainer: Run, info: Mapping[str, Any], numbers: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Raise CheckpointError MG508 unless the snapshot has all parts, and is of a run like this one."""
    if info.get("kind") != "snapshot":
        raise _unfit(path, ["it holds only weights, not the state of a run"])
    missing = [name for name, kind in _PARTS.items() if not isinstance(info.get(name), kind)]
    missing += [] if {"sums", "count"} <= info.get("means", {}).keys() else ["means"]
    missing += [] if all(map(_generator_fits, [info.get("generator"), *info.get("generators", ())])) else ["generator"]
    if missing:
        raise _unfit(path, [f"it has no valid {', '.join(dict.fromkeys(missing))}"])
    saved = {**info["config"], "the optimizer": info["optimizer"]}
    here = {**trainer.config, "the optimizer": type(trainer.optimizer).__name__}
    if sums := info["means"]["sums"]:  # in the middle of an epoch
        saved["the metrics"], here["the metrics"] = sorted(sums), sorted(["loss", *trainer.metrics])
    positions = bool(info["train"]), bool(_position(trainer.train))
    saved["batches with state_dict()"], here["batches with state_dict()"] = positions
    if not any(positions) and None not in (info.get("batches"), trainer.batches):
        saved["the number of batches"], here["the number of batches"] = info["batches"], trainer.batches
    for name, value in info.get("started", {}).items():
        # In the process of the interrupted run, the optimizer still has the numbers of that run's end.
        if name in trainer.started and trainer.started[name] != numbers.get(name):
            saved[name], here[name] = value, trainer.started[name]
    problems = [
        f"{key} was {saved.get(key)!r} and is {here.get(key)!r}"
        for key in dict.fromkeys([*saved, *here])
        if saved.get(key) != here.get(key)
    ]
    if (info["epoch"], info["batch"]) > (trainer.epochs, 0):
        problems.append(f"it is in epoch {info['epoch'] + 1}, and epochs is {trainer.epochs}")
    if problems:
        raise _unfit(path, problems)


def _warn_of_differences(trainer: Run, info: Mapping[str, Any]) -> None:
    """Give warning MG324 if the layers or the callbacks are not those of the interrupted run."""
    callbacks, now = info.get("deciding", {}), _layers(trainer)
    # Stateful was called Carried.
    before = {name: text.replace("Carried(", "Stateful(", 1) for name, text in info.get("layers", {}).items()}
    differences = [f"only one has {name}" for name in sorted({*callbacks} ^ {*trainer.deciding})]
    for name in sorted(callbacks.keys() & trainer.deciding.keys()):
        old, new = callbacks[name], trainer.deciding[name]
        differences += [
            f"{key} of {name} was {old.get(key)} and is {new.get(key)}"
            for key in dict.fromkeys([*old, *new])
            if old.get(key) != new.get(key)
        ]
    differences += [
        f"{name} was {before[name]} and is {now.get(name)}" for name in before if before[name] != now.get(name)
    ]
    if differences and "layers" in info and not trainer.rank:
        text = MinigradError(
            "MG324",
            f"the interrupted run and this one differ: {'; '.join(differences)}",
            cause="a run depends on what its layers and its callbacks do, and on what the callbacks remember",
            remedy="resume with the same model and callbacks, or accept that the results differ; a callback that "
            "changes a layer during the run must do so again",
        )
        warnings.warn(str(text), UserWarning, stacklevel=5)


def _generator_fits(state: Any) -> bool:
    try:
        type(generator().bit_generator)().state = state
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    return True


def _unfit(path: str | os.PathLike[str], problems: Sequence[str]) -> CheckpointError:
    return CheckpointError(
        "MG508",
        f"{os.fspath(path)} cannot be resumed here: {'; '.join(problems)}",
        cause="a resumed run goes on with the same model, configuration and optimizer",
        remedy="start with the options of the interrupted run, or start a new run without resume",
    )
