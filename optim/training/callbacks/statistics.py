"""Statistics: the norms of each layer's parameters, gradients and updates during training.

Errors: none.
"""

import math
from collections import defaultdict
from collections.abc import Mapping

from minigrad.support.arrays import norm

from ...clipping import gradient_values
from ...optimizer import Array
from ..history import History, Row
from ..run import Run
from .base import Callback


class Statistics(Callback):
    """Record the norms of each layer's parameters, gradients and updates every `every_steps` steps,
    in `history`. `history.save(path)` writes them to a file.

    `history` has a column "step" and three columns for each layer, named after the layer's path.
    The columns for the layer "rnn.cell" are "rnn.cell parameter_norm", "rnn.cell gradient_norm" and
    "rnn.cell update_ratio". They cover all parameters of the layer: W_xh, W_hh and b_h. The
    gradient norm is measured before clipping if ClipGradients comes later in the list of callbacks.
    The update ratio is |change| / |parameters| in that step. A ratio near 1e-3 is typical. If it is
    much larger, the learning rate is too high. If it is much smaller, the layer hardly learns.

    Since: 0.1.
    """

    remembers = ("rows",)

    def __init__(self, every_steps: int = 100) -> None:
        self.every_steps = every_steps
        self.rows: list[Row] = []

    @property
    def history(self) -> History:
        return History(self.rows)

    def on_start(self, trainer: Run) -> None:
        self.rows = []
        self._before: dict[str, Array] = {}

    def on_gradients(self, trainer: Run) -> None:
        if trainer.step % self.every_steps:
            return
        gradients = {}
        for path, tensor in trainer.optimizer.parameters().items():
            gradients[path] = gradient_values(tensor)
            self._before[path] = tensor.array.copy()
        self._gradients = _norms(gradients)

    def on_step(self, trainer: Run) -> None:
        if not self._before:
            return
        tensors = trainer.optimizer.parameters()
        changes = {}
        for path, old in self._before.items():
            changes[path] = tensors[path].array - old
        change_norms = _norms(changes)
        row: Row = {"step": trainer.step}
        for layer, length in _norms(self._before).items():
            row[f"{layer} parameter_norm"] = length
            row[f"{layer} gradient_norm"] = self._gradients.get(layer, 0.0)
            row[f"{layer} update_ratio"] = change_norms[layer] / (length or 1.0)
        self.rows.append(row)
        self._before = {}


def _norms(arrays: Mapping[str, Array | None]) -> Row:
    """Return {layer: norm of its arrays, taken as one vector}."""
    norms: Row = defaultdict(float)
    for path, array in arrays.items():
        if array is not None:
            layer, _, _ = path.rpartition(".")
            layer = layer or "model"
            norms[layer] = math.hypot(norms[layer], norm(array))
    return dict(norms)
