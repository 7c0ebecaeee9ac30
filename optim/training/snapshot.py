"""Snapshots: a whole run stored in one file, and restored from it.

The arrays in the file are the model's ("model/rnn.cell.W_hh"), what it carries from batch to batch
("carried/state"), the optimizer's ("optimizer/m/rnn.cell.W_hh") and those of callbacks. Everything
else is JSON in its header: position, history, random generator, configuration, and the optimizer's
hyperparameters, now and at the start of the run.
"""

import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad import generator
from minigrad.checkpoint import Checkpoint, check_match, load, save
from minigrad.errors import CheckpointError, MinigradError, reason

from ..lazy import is_pending
from ..optimizer import NUMBERS, Array
from ..parameters import set_arrays
from .parallel import shard, share
from .run import Run

POSITION = "epoch", "step", "batch", "trained", "stop_reason"  # attributes of a Run
PARTS = (*POSITION, "config", "optimizer", "started", "seconds", "means", "history", "generator", "generators",
         "train", "validation", "callbacks")  # fmt: skip
# numbers of NumPy are stored as arrays too, because their dtype matters
NUMPY = np.ndarray, np.generic


def store(trainer: Run, path: str | os.PathLike[str], ranks: Sequence[tuple[Any, Any]]) -> None:
    """Write everything that the rest of the run depends on.

    `ranks` has the generator's state and the model's carried state, for each rank. Errors:
    CheckpointError MG506 if the file cannot be written.
    """
    generators, carried = zip(*ranks, strict=True)
    raw_state = trainer.optimizer.raw_state()
    arrays = {f"model/{name}": tensor.array for name, tensor in _parameters(trainer).items()}
    arrays |= {f"optimizer/{name}": array for name, array in raw_state.items()}
    arrays |= {f"carried/{name}": array for name, array in _joined(trainer, carried).items()}
    states = {name: callback.state_dict() for name, callback in _named(trainer).items()}
    states["hyperparameters"] = trainer.optimizer.hyperparameters()
    for name, state in states.items():
        numpy = {key: value for key, value in state.items() if isinstance(value, NUMPY)}
        arrays |= {f"{name}/{key}": np.asarray(value) for key, value in numpy.items()}
        states[name] = {key: value for key, value in state.items() if key not in numpy}
    validation = _position(trainer.validation)
    info = {
        "kind": "snapshot",
        "config": trainer.config,
        "optimizer": type(trainer.optimizer).__name__,
        "started": trainer.started,
        "layers": _layers(trainer),
        "modes": {path: layer.training for path, layer in _named_layers(trainer).items()},
        "batches": trainer.batches,
        **{name: getattr(trainer, name) for name in POSITION},  # a stopped run stays stopped
        "seconds": trainer.elapsed(),
        "means": vars(trainer.means),
        "history": trainer.history.rows,
        "generator": generators[0],
        "generators": generators[1:],  # of the other ranks
        "train": _position(trainer.train),
        "validation": validation | {"position": 0} if validation else {},
        "callbacks": states,
        "deciding": trainer.deciding,
    }
    try:
        save(path, arrays, info)
    finally:  # reading the weights has made tables catch up, and storing must not change the run
        if any(map(is_pending, raw_state)):
            trainer.optimizer.load_raw_state(raw_state)


def restore(trainer: Run, path: str | os.PathLike[str]) -> None:
    """Put the trainer into the state that the snapshot holds.

    Errors: those of `mg.load`; CheckpointError MG505 where arrays do not fit, MG508 for a file that
    is not a snapshot, lacks a part, or is of another configuration; OptionError MG414 for batches
    of
    other data. On an error the model and the optimizer are unchanged. A warning (MG324) names
    layers
    that differ, and callbacks that only one of the two runs has.
    """
    checkpoint = load(path)
    if checkpoint.info.get("kind") != "snapshot":
        raise _unfit(path, ["it holds only weights, not the state of a run"])
    checkpoint = _in_todays_form(checkpoint)
    info = checkpoint.info
    if missing := [name for name in PARTS if name not in info]:
        raise _unfit(path, [f"it has no {', '.join(missing)}"])
    numbers = _state(checkpoint, "hyperparameters")
    problems = _problems(trainer, info, numbers)
    if problems:
        raise _unfit(path, problems)
    parameters = _parameters(trainer)
    weights, raw_state = part(checkpoint, "model/"), part(checkpoint, "optimizer/")
    check_match(weights, {name: tensor.array for name, tensor in parameters.items()}, "the model")
    trainer.optimizer.check_raw_state(raw_state)
    _warn_of_differences(trainer, info)
    _load_parts(trainer, checkpoint, path)
    # Before the tables: to freeze or unfreeze one reads it, and what is pending must stay so.
    trainer.optimizer.load_hyperparameters(numbers)
    set_arrays(parameters, weights)
    trainer.optimizer.load_raw_state(raw_state)
    trainer.examples = max(map(len, part(checkpoint, "carried/").values()), default=0)
    generators = [info["generator"], *info["generators"]]
    if trainer.rank < len(generators):
        generator().bit_generator.state = generators[trainer.rank]
    for name in POSITION:
        setattr(trainer, name, info[name])
    trainer.started = info["started"] or trainer.started
    trainer.means.sums, trainer.means.count = info["means"]["sums"], info["means"]["count"]
    trainer.history.rows[:] = info["history"]
    trainer.seconds, trainer.began = info["seconds"], time.perf_counter()


def part(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The arrays whose name begins with `prefix`, which is left out of their new names."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def deciding(trainer: Run) -> dict[str, str]:
    """The callbacks that can change a run's numbers, with their arguments.

    To be called when a run begins: what they count is then the same in each run.
    """
    named = _named(trainer).items()
    acting = {
        name: callback for name, callback in named if not (callback.last or callback.rank_0_only)
    }
    return {name: _described(callback) for name, callback in acting.items()}


def _described(thing: Any) -> str:
    """A callback or schedule of optim with its numbers, as text; of any other only the class."""
    arguments = []
    for name, value in vars(thing).items() if _is_ours(thing) else ():
        if isinstance(value, NUMBERS):
            arguments.append(f"{name}={value}")
        elif _is_ours(value):
            arguments.append(f"{name}={_described(value)}")
    return f"{type(thing).__name__}({', '.join(arguments)})"


def _is_ours(thing: Any) -> bool:
    return type(thing).__module__.startswith("optim.")


def _in_todays_form(checkpoint: Checkpoint) -> Checkpoint:
    """At commit e233385 a snapshot had fewer parts, and BestWeights was called BestSnapshot."""
    if "started" in checkpoint.info:
        return checkpoint
    new: dict[str, Any] = {
        "started": {},
        "layers": {},
        "modes": {},
        "batches": None,
        "deciding": None,
    }
    callbacks = checkpoint.info["callbacks"]
    new["callbacks"] = {
        name.replace("BestSnapshot", "BestWeights"): callbacks[name] for name in callbacks
    }
    arrays = {}
    for name, array in checkpoint.items():
        first, slash, rest = name.partition("/")
        if first.startswith("BestSnapshot"):
            first, rest = first.replace("BestSnapshot", "BestWeights"), f"weights/{rest}"
        if first == "optimizer" and rest.startswith("pending sums/") and len(array) == 2:
            array = np.concatenate([array, np.zeros_like(array)])  # Adam had two of its four sums
        arrays[first + slash + rest] = array
    return Checkpoint(arrays, checkpoint.info | new)


def _joined(trainer: Run, carried: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The rows that the ranks carry, put together, without those of ranks that only repeat a
    row.
    """
    counted = []
    for rank, arrays in enumerate(carried):
        first, last = share(trainer.examples, rank, len(carried))
        if first < last or len(carried) == 1:
            counted.append(arrays)
    names = [name for name in carried[0] if all(name in arrays for arrays in counted)]
    return {name: np.concatenate([arrays[name] for arrays in counted]) for name in names}


def _parameters(trainer: Run) -> dict[str, Any]:
    return trainer.model.named_parameters()


def _named(trainer: Run) -> dict[str, Any]:
    """The callbacks by class name, numbered where there are several of a class."""
    named: dict[str, Any] = {}
    for callback in trainer.callbacks:
        name = type(callback).__name__
        count = sum(other.split("#")[0] == name for other in named)
        named[f"{name}#{count + 1}" if count else name] = callback
    return named


def _named_layers(trainer: Run) -> dict[str, Any]:
    return dict(getattr(trainer.model, "named_layers", dict)())


def _layers(trainer: Run) -> dict[str, str]:
    """Each layer as the call that made it, by path."""
    layers = _named_layers(trainer).items()
    return {path or "the model": f"{type(one).__name__}({one.settings()})" for path, one in layers}


def _position(batches: Any) -> dict[str, Any]:
    return dict(batches.state_dict()) if hasattr(batches, "state_dict") else {}


def _state(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    """What a callback's `state_dict` returned, or the optimizer's hyperparameters."""
    arrays = part(checkpoint, f"{name}/")
    numpy = {key: array if array.ndim else array[()] for key, array in arrays.items()}
    return {**checkpoint.info["callbacks"].get(name, {}), **numpy}


def _load_parts(trainer: Run, checkpoint: Checkpoint, path: str | os.PathLike[str]) -> None:
    """Load what callbacks, batches and the model remember."""
    info = checkpoint.info
    loads: list[tuple[str, Callable[[Any], object], Any]] = [
        (name, callback.load_state_dict, _state(checkpoint, name))
        for name, callback in _named(trainer).items()
    ]
    # if the two are one object, its position is that of "train"
    for name in ("validation", "train"):
        load_position = getattr(getattr(trainer, name), "load_state_dict", None)
        if load_position is not None:
            loads.append((f"the batches of {name}", load_position, info[name]))
    for name, load_state, state in loads:
        try:
            if state:
                load_state(state)
        except MinigradError:
            raise
        except Exception as error:
            problem = f"{type(error).__name__}: {reason(error)}"
            raise _unfit(path, [f"the state of {name} cannot be loaded ({problem})"]) from error
    if info["batch"]:  # within an epoch, whose first step has set all layers to training
        trainer.model.train()
        for name, layer in _named_layers(trainer).items():
            layer.training = info["modes"].get(name, True)
    # After the modes: set to evaluation, a Stateful forgets the state of its last call in that
    # mode.
    if carry := getattr(trainer.model, "load_carried_state", None):
        carried = part(checkpoint, "carried/").items()
        carry({name: shard(trainer.comm, [array])[0][0] for name, array in carried})


def _problems(trainer: Run, info: Mapping[str, Any], numbers: Mapping[str, Any]) -> list[str]:
    """Why the snapshot is not of a run like this one: a sentence for each difference."""
    saved = {**info["config"], "the optimizer": info["optimizer"]}
    here = {**trainer.config, "the optimizer": type(trainer.optimizer).__name__}
    if sums := info["means"]["sums"]:  # in the middle of an epoch
        saved["the metrics"], here["the metrics"] = sorted(sums), sorted(["loss", *trainer.metrics])
    positions = bool(info["train"]), bool(_position(trainer.train))
    saved["batches with state_dict()"], here["batches with state_dict()"] = positions
    if not any(positions) and None not in (info["batches"], trainer.batches):
        saved["the number of batches"], here["the number of batches"] = (
            info["batches"],
            trainer.batches,
        )
    for name, value in info["started"].items():
        # In the process of the interrupted run, the optimizer still has the numbers of that run's
        # end.
        if name in trainer.started and trainer.started[name] != numbers.get(name):
            saved[name], here[name] = value, trainer.started[name]
    problems = _differences(saved, here)
    if (info["epoch"], info["batch"]) > (trainer.epochs, 0):
        problems.append(f"it is in epoch {info['epoch'] + 1}, and epochs is {trainer.epochs}")
    return problems


def _differences(saved: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} was {saved.get(name)!r} and is {here.get(name)!r}"
        for name in dict.fromkeys([*saved, *here])
        if saved.get(name) != here.get(name)
    ]


def _warn_of_differences(trainer: Run, info: Mapping[str, Any]) -> None:
    """Give warning MG324 if the layers or the callbacks are not those of the interrupted run."""
    if info["deciding"] is None or trainer.rank:  # from commit e233385, which did not store them
        return
    before, now = info["deciding"], trainer.deciding
    differences = [f"only one has {name}" for name in sorted(before.keys() ^ now.keys())]
    both = {name: text for name, text in before.items() if name in now} | info["layers"]
    now = now | _layers(trainer)
    differences += [
        f"{name} was {text} and is {now.get(name)}"
        for name, text in both.items()
        if text != now.get(name)
    ]
    if differences:
        text = MinigradError(
            "MG324",
            f"the interrupted run and this one differ: {'; '.join(differences)}",
            cause="a run depends on what its layers and its callbacks do, and on what the "
            "callbacks remember",
            remedy="resume with the same model and callbacks, or accept that the results differ; a "
            "callback that changes a layer during the run must do so again",
        )
        warnings.warn(str(text), UserWarning, stacklevel=5)


def _unfit(path: str | os.PathLike[str], problems: Sequence[str]) -> CheckpointError:
    return CheckpointError(
        "MG508",
        f"{os.fspath(path)} cannot be resumed here: {'; '.join(problems)}",
        cause="a resumed run goes on with the same model, configuration and optimizer",
        remedy="start with the options of the interrupted run, or start a new run without resume",
    )
