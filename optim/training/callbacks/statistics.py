"""Statistics: the norms of parameters, gradients and changes in each layer, during training.

Errors: OptionError for a number out of its range (MG305), or for another suffix (MG317).
"""

import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad import Tensor

from ...clipping import gradient_values
from ...optimizer import Array, check_count
from ..history import History, check_suffix
from ..run import Run
from .base import Callback
from .saving import make_folder, warn_if_failing


class Statistics(Callback):
    """Every `every_steps` steps, the norms of each layer's parameters, gradients and changes; to a
    .csv or .jsonl file.

    A layer is named by its path: "rnn.cell" has the parameters W_xh, W_hh and b_h. `history` has
    the columns step, "rnn.cell parameter_norm", "rnn.cell gradient_norm" (before clipping, if that
    comes later in the list) and
    "rnn.cell update_ratio": |change| / |parameters| in that step. A ratio near 1e-3 is usual; a
    much larger one means that the learning rate is too high, a much smaller one that the layer
    hardly learns.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, every_steps: int = 100
    ) -> None:
        if path is not None:
            check_suffix(path, (".csv", ".jsonl"))
        self.path, self.every_steps = path, check_count("every_steps", every_steps, 1)
        self.history = History()
        self._before: dict[str, list[Array]] = {}
        self._row: dict[str, float] = {}

    def on_start(self, trainer: Run) -> None:
        self.history, self._before = History(), {}
        if self.path is not None and not trainer.rank:
            make_folder(self.path)

    def on_gradients(self, trainer: Run) -> None:
        if trainer.step % self.every_steps:
            return
        self._row = {"step": trainer.step + 1}
        for layer, tensors in _layers(trainer).items():
            gradients = [gradient_values(tensor) for tensor in tensors]
            self._before[layer] = [tensor.array.copy() for tensor in tensors]
            self._row[f"{layer} parameter_norm"] = _norm(self._before[layer])
            self._row[f"{layer} gradient_norm"] = _norm(
                [values for values in gradients if values is not None]
            )

    def on_step(self, trainer: Run) -> None:
        if not self._before:
            return
        for layer, tensors in _layers(trainer).items():
            pairs = zip(tensors, self._before[layer], strict=True)
            change = _norm([tensor.array - before for tensor, before in pairs])
            self._row[f"{layer} update_ratio"] = change / (
                self._row[f"{layer} parameter_norm"] or 1.0
            )
        self.history.rows.append(self._row)
        self._before = {}

    def on_epoch_end(self, trainer: Run) -> None:
        if self.path is not None and self.history.rows and not trainer.rank:
            path = self.path
            warn_if_failing(lambda: self.history.save(path))

    on_end = on_epoch_end

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.history.rows}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.history = History(state["rows"])


def _layers(trainer: Run) -> dict[str, list[Tensor]]:
    layers: dict[str, list[Tensor]] = {}
    for path, tensor in trainer.optimizer.parameters().items():
        layers.setdefault(path.rpartition(".")[0] or "model", []).append(tensor)
    return layers


def _norm(arrays: list[Any]) -> float:
    # In float64, because in float32 the squares of vanishing gradients are 0.
    return math.sqrt(sum(float(np.square(array, dtype=np.float64).sum()) for array in arrays))
