"""Optimizer, the base class of all update rules. It stores the parameters in groups and the state
by path, and applies the rule to every parameter.

An update rule changes one parameter, given its gradient. The base class usually passes the whole
parameter to the rule. For a table, it passes only the rows that the batch uses, if the
rule does not move the other rows or if they can catch up later (see lazy.py).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.checkpoint import check_match
from minigrad.context import tell
from minigrad.errors import DtypeError, GradientError, OptionError
from minigrad.gates.table import Table
from minigrad.gradients import SparseGradient, dense
from minigrad.graph import Array as Array
from minigrad.graph import Leaf, Node
from minigrad.help.engine_errors import gradient_misshapen, not_a_leaf
from minigrad.help.other_frameworks import KnownNames, check_assignment, own_keywords

from .lazy import PendingRows, change_rows, pending_names

Arrays = Sequence[Array]
NUMBERS = float, int, np.number, np.bool_
Parameters = Mapping[str, Tensor] | Sequence[Tensor | Mapping[str, Any]]


@dataclass(slots=True)
class Group:
    """Parameters that share a learning rate and a weight decay."""

    parameters: dict[str, Tensor]
    lr: float
    weight_decay: float


class Optimizer(KnownNames):
    """Base class of update rules. Each rule defines its `slots` and its `update_rule`.

    `parameters` is a dict {path: Tensor}, such as `model.named_parameters()`; a list of Tensors,
    which are identified by their names; or a list of groups. A group is a dict with "parameters"
    and, optionally, its own "lr" and "weight_decay". `lr` is the step size. `weight_decay` is the
    factor λ of a penalty λ/2 |p|² on every parameter p. The penalty adds λp to the gradient.

    `step()` changes every parameter that has a gradient and is not frozen (requires_grad=False).
    `zero_grad()` clears the gradients. If you do not call it, `backward` adds to the existing
    gradients. `scale` is a factor that multiplies all learning rates; schedules set it.

    Create the optimizer after the model is complete. It does not train layers that you assign
    later.

    >>> from optim import SGD
    >>> W, b = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([{"parameters": {"W": W}}, {"parameters": {"b": b}, "lr": 1.0}], lr=0.1)
    >>> (W * b).sum().backward()
    >>> optimizer.step()
    >>> W.item(), b.item()
    (0.8999999761581421, 0.0)

    Errors: OptionError MG301 (no parameters), MG303 (a parameter appears twice), MG305 (a number
    out of range); UnknownNameError MG119 for assigning an attribute that the optimizer does not
    have, except in a method of its class; DtypeError MG302 (a parameter that is not a Tensor, or an
    unknown key in a group). `step` raises GradientError MG307 (no parameter has a gradient) and
    ShapeError MG105 (a gradient of the wrong shape) before it changes anything. After that, two
    events can leave the step incomplete: Ctrl-C in your own loop (the Trainer finishes the step
    first), and an overflow if NumPy is set to raise errors.

    Since: 0.1.
    """

    slots: tuple[str, ...] = ()
    """Names of the arrays that the rule keeps for each parameter. The arrays have the parameter's
    shape and start at zero.
    """

    below: tuple[tuple[str, float], ...] = ()
    """(name, upper bound) of each setting that must be at least 0 and below the bound."""

    decoupled_decay: bool = False
    """True if weight decay shrinks the parameter directly, p -= lr λ p, instead of adding λp to the
    gradient.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float,
        weight_decay: float = 0.0,
    ) -> None:
        self.groups = _groups(parameters, lr, weight_decay)
        self.scale = 1.0
        self._check_settings()
        tensors = self.parameters()
        self.steps = dict.fromkeys(tensors, 0)
        self.state = {
            path: {slot: np.zeros(tensor.shape, tensor.dtype) for slot in self.slots}
            for path, tensor in tensors.items()
        }
        self._buffers: dict[Any, Array] = {}
        self.pending: dict[str, PendingRows] = {}
        tell("made", self)

    def __repr__(self) -> str:
        settings = "".join(f", {name}={value}" for name, value in self.settings().items())
        steps = f"{len(self.steps)} parameters, after {max(self.steps.values()):,} steps"
        return f"{type(self).__name__}(lr={self.lr:g}{settings}) of {steps}"

    def __setattr__(self, name: str, value: Any) -> None:
        check_assignment(self, name)
        object.__setattr__(self, name, value)

    @property
    def lr(self) -> float:
        """The learning rate of the first group. Assign to this property to set the learning rate of
        all groups.
        """
        return self.groups[0].lr

    @lr.setter
    def lr(self, lr: float) -> None:
        for group in self.groups:
            group.lr = lr

    @property
    def weight_decay(self) -> float:
        """The weight decay of the first group. Assign to this property to set the weight decay of
        all groups.
        """
        return self.groups[0].weight_decay

    @weight_decay.setter
    def weight_decay(self, weight_decay: float) -> None:
        for group in self.groups:
            group.weight_decay = weight_decay

    def settings(self) -> dict[str, Any]:
        """Return {name: number} for the rule's settings, such as momentum. You may assign new
        values between steps.

        All numeric attributes of the optimizer are settings, except `scale` and attributes whose
        names begin with an underscore.
        """
        found = {}
        for name, value in vars(self).items():
            if isinstance(value, NUMBERS) and name != "scale" and name[0] != "_":
                found[name] = value.item() if isinstance(value, np.generic) else value
        return found

    def parameters(self) -> dict[str, Tensor]:
        """Return {path: Tensor} for the parameters in all groups."""
        return {path: tensor for group in self.groups for path, tensor in group.parameters.items()}

    def zero_grad(self, **others: Any) -> None:
        """Set all gradients to None."""
        if others:
            own_keywords(Optimizer.zero_grad, others)
        for group in self.groups:
            for tensor in group.parameters.values():
                tensor.node.grad = None  # type: ignore[attr-defined]

    def step(self, **others: Any) -> None:
        """Apply the rule to every parameter that has a gradient, after checking all settings and
        gradients.
        """
        if others:
            own_keywords(Optimizer.step, others)
        self._check_settings()
        updates = [
            (path, tensor, group)
            for group in self.groups
            for path, tensor in group.parameters.items()
            if _has_gradient(tensor)
        ]
        if not updates:
            raise GradientError(
                "MG307",
                "none of the optimizer's parameters has a gradient",
                cause="backward was not called after zero_grad, every parameter is frozen, or "
                "the loss was not computed from these parameters",
                remedy="call loss.backward() before optimizer.step(); mg.require_gradients(loss, "
                "parameters) explains what is missing",
            )
        tell("step", self)
        for path, tensor, group in updates:
            self._update(path, tensor, group)
            self.steps[path] += 1

    def update_rule(
        self,
        p: Array,
        g: Array,
        slots: Arrays,
        scratch: Array,
        lr: float,
        t: int,
    ) -> None:
        """Change the parameter `p` in place, given its gradient `g`. Do not change `g`.

        `slots` contains the rule's arrays for p. The rule changes these arrays in place too.
        `scratch` is an array for temporary results. All arrays have the same shape. `t` is the
        number of this step, starting at 1. The rule must be elementwise, because `p` may contain
        only some rows of a table.
        """
        raise NotImplementedError

    def lazy_window(self) -> float:
        """Return for how many steps the rule still moves an element, by more than rounding, after
        its gradient has become 0. This number decides which rows of a table a step updates:

        - infinity, the default: all rows.
        - 0: the rows that have a gradient. The other rows no longer move.
        - any other number: the rows that have a gradient. The other rows catch up later (see
          lazy.py). The rule must define `catch_up` and, if it needs terms, `pending_terms`. Both
          methods may depend only on their arguments and the `settings`.
        """
        return math.inf

    def pending_terms(self, missed: Array, lr: float, t: int) -> Arrays:
        """Return the factors of step t, with gradient 0, for rows that have missed `missed`
        consecutive steps, including step t.
        """
        return ()

    def catch_up(
        self,
        p: Array,
        slots: Arrays,
        missed: Array,
        sums: Arrays,
    ) -> None:
        """Apply the missed steps to the rows p and their slots, in place.

        For each row, `missed` (n, 1, ...) contains the number of missed steps, and each array in
        `sums` contains the sum of one term over these steps.
        """
        raise NotImplementedError

    def hyperparameters(self) -> dict[str, Any]:
        """Return the values that you may change and that affect later steps, such as lr, momentum,
        and which parameters are frozen.

        >>> from optim import SGD
        >>> SGD({"W": Tensor([1.0], requires_grad=True)}, lr=0.1).hyperparameters()  # doctest: +NORMALIZE_WHITESPACE
        {'momentum': 0.0, 'nesterov': False, 'scale': 1.0, 'lr of group 0': 0.1, 'weight_decay of group 0': 0.0,
         'requires_grad of W': True}
        """
        return {name: getattr(*place) for name, place in self._places().items()}

    def load_hyperparameters(self, values: Mapping[str, Any]) -> None:
        """Set the values returned by `hyperparameters`, ignoring names that this optimizer does not
        have.
        """
        for name, place in self._places().items():
            # assign only changed values, because assigning requires_grad replaces the array
            if name in values and values[name] != getattr(*place):
                setattr(*place, values[name])

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all state as {"slot/path": array}, with the numbers of steps as
        {"steps/path": integer}.

        The learning rate and other numbers that you choose are not included. `hyperparameters()`
        returns them.
        """
        self.catch_up_tables()
        return self.raw_state()

    def raw_state(self) -> dict[str, Array]:
        """Return the state without catching up first: the tables as stored, with the pending
        updates of their rows.

        The time at which a row catches up can change its last bits. Snapshots store the raw state,
        so taking a snapshot does not change the run.
        """
        waiting: dict[str, Array] = {}
        for pending in self.pending.values():
            if pending.settings != self.settings():  # the next step would catch up anyway
                pending.catch_up(None)
            waiting |= pending.state()
        return {name: array.copy() for name, array in self._arrays().items()} | waiting

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Load the result of `state_dict` or `raw_state`. If an array does not match, nothing
        changes, and CheckpointError MG505 lists the problems.

        The settings must be the same as when the state was saved, because pending updates depend on
        them.
        """
        self.check_state(state)
        self.catch_up_tables()
        self.pending.clear()
        for path, slots in self.state.items():
            self.steps[path] = int(state[f"steps/{path}"])
            for slot, array in slots.items():
                array[...] = state[f"{slot}/{path}"]
            if state.keys() & pending_names(path):
                self.pending[path] = PendingRows(self, path)
                self.pending[path].load_state(state)

    def check_state(self, state: Mapping[str, Array]) -> None:
        """Raise CheckpointError MG505 if `load_state_dict` cannot load this state."""
        expected = self._arrays()
        terms = len(self.pending_terms(np.zeros(0), 0.0, 1))
        for path, tensor in self.parameters().items():
            names = pending_names(path)
            if state.keys() & names and isinstance(tensor.node, Table):
                table = tensor.node.stored
                up_to = np.zeros(len(table), np.int64)
                steps = np.shape(state.get(names[-1], 0))[-1:]
                expected |= zip(names, (table, up_to, np.zeros((terms, *steps))), strict=True)
        check_match(state, expected, f"the state of {type(self).__name__}")

    def catch_up_tables(self) -> None:
        """Bring every table and its slots up to date."""
        for pending in self.pending.values():
            pending.catch_up(None)

    def _arrays(self) -> dict[str, Array]:
        """Return {name: array} for the slots and the numbers of steps."""
        arrays = {f"steps/{path}": np.array(steps, np.int64) for path, steps in self.steps.items()}
        for path, slots in self.state.items():
            arrays |= {f"{slot}/{path}": array for slot, array in slots.items()}
        return arrays

    def _places(self) -> dict[str, tuple[Any, str]]:
        """Return {hyperparameter: (object, attribute)}, which shows where each hyperparameter is
        stored.
        """
        places: dict[str, Any] = {name: (self, name) for name in [*self.settings(), "scale"]}
        for number, group in enumerate(self.groups):
            for name in "lr", "weight_decay":
                places[f"{name} of group {number}"] = group, name
        for path, tensor in self.parameters().items():
            places[f"requires_grad of {path}"] = tensor, "requires_grad"
        return places

    def _check_settings(self) -> None:
        """Convert rates, decays and settings to floats, or raise OptionError MG305."""
        for number, group in enumerate(self.groups):
            group.lr = check_range(f"lr of group {number}", group.lr)
            group.weight_decay = check_range("weight_decay", group.weight_decay)
        for name, high in (("scale", math.inf), *self.below):
            value = getattr(self, name)
            checked = check_range(name, value, high=high)
            if checked is not value:
                setattr(self, name, checked)

    def _update(self, path: str, tensor: Tensor, group: Group) -> None:
        """Apply the rule to a parameter and its slots."""
        lr = group.lr * self.scale
        decay = group.weight_decay
        leaf: Any = tensor.node
        sparse = isinstance(leaf.grad, SparseGradient) and not decay
        if sparse and self._update_rows(path, tensor, leaf.grad, lr):
            return
        gradient = dense(leaf.grad)

        def change(p: Array) -> None:
            g = gradient
            if decay and self.decoupled_decay:
                p *= 1 - lr * decay
            elif decay:
                g = np.multiply(p, decay, out=self._scratch("decayed", p))
                g += gradient
            slots = list(self.state[path].values())
            scratch = self._scratch("rule", p)
            self.update_rule(p, g, slots, scratch, lr, self.steps[path] + 1)

        tensor.update(change)
        self.pending.pop(path, None)  # all rows are up to date

    def _update_rows(
        self,
        path: str,
        tensor: Tensor,
        gradient: SparseGradient,
        lr: float,
    ) -> bool:
        """Update only the rows that have a gradient. `lazy_window` decides whether the other rows
        stay as they are, catch up later, or must be updated too. In the last case, this method
        returns False and changes nothing.
        """
        window = self.lazy_window()
        table = tensor.node
        rows = gradient.rows()
        if rows is None or window == math.inf:
            return False
        ids, g = rows

        def change(p: Array, *slots: Array) -> None:
            self.update_rule(p, g, slots, np.empty_like(p), lr, self.steps[path] + 1)

        if window == 0:
            slots = self.state[path].values()
            tensor.update(lambda array: change_rows([array, *slots], ids, change))
        elif isinstance(table, Table):
            pending = self.pending.get(path)
            if not pending or table.pending is not pending or pending.settings != self.settings():
                if pending:
                    pending.catch_up(None)
                table.catch_up()  # another optimizer may have left updates pending
                pending = self.pending[path] = PendingRows(self, path)
            pending.step(lr, ids, change)
        else:
            return False
        return True

    def _scratch(self, use: str, like: Array) -> Array:
        """Return a temporary array with the shape and dtype of `like`. Parameters of all sizes
        share one buffer for each use and dtype.
        """
        key = use, like.dtype
        buffer = self._buffers.get(key)
        if buffer is None or buffer.size < like.size:
            buffer = self._buffers[key] = np.empty(like.size, like.dtype)
        return buffer[: like.size].reshape(like.shape)


def _has_gradient(tensor: Tensor) -> bool:
    """Return whether a step changes the tensor. Raises ShapeError MG105 if the tensor's gradient
    has the wrong shape.
    """
    leaf: Any = tensor.node
    if leaf.grad is None or not leaf.requires_grad:
        return False
    if leaf.grad.shape != leaf.shape:
        raise gradient_misshapen(leaf, leaf.grad)
    return True


def check_range(
    name: str,
    value: Any,
    low: float = 0.0,
    high: float = math.inf,
) -> float:
    """Return `value` as a float. Raises OptionError MG305 unless low <= value < high."""
    if isinstance(value, (int, float, np.number)) and low <= value < high:
        return float(value)
    below = "" if high == math.inf else f" and less than {high:g}"
    raise OptionError(
        "MG305",
        f"{name} is {value!r}, but must be at least {low:g}{below}",
        cause="such a value can lead to a division by 0, have no effect, make training diverge, or "
        "increase the loss",
        remedy=f"set {name} to a value in that range; see the class's docstring for the usual value",
    )


def _groups(given: Any, lr: float, weight_decay: float) -> list[Group]:
    kind = type(given).__name__
    if isinstance(given, (list, tuple)) and all(isinstance(one, Tensor) for one in given):
        given = by_name(given)
    if isinstance(given, Mapping):
        given = [{"parameters": given}]
    defaults = {"lr": lr, "weight_decay": weight_decay}
    try:
        groups = [Group(**{**defaults, **group}) for group in given]
        members = [(path, p.node) for group in groups for path, p in group.parameters.items()]
    except (TypeError, AttributeError) as error:
        raise DtypeError(
            "MG302",
            f"an optimizer takes a dict {{path: Tensor}}, a list of tensors or a list of groups, but "
            f"got {kind}: {error}",
            cause="an optimizer stores its state for each tensor by the tensor's path or name",
            remedy='pass model.named_parameters(), or groups {"parameters": {path: Tensor, ...}, '
            '"lr": ..., "weight_decay": ...}; all other options apply to the whole optimizer',
        ) from None
    paths: dict[Node, str] = {}
    for path, node in members:
        if not isinstance(node, Leaf):
            raise not_a_leaf(node, "train")
        if node in paths or path in paths.values():
            raise OptionError(
                "MG303",
                f"parameter {path!r} is listed twice (also as {paths.get(node, path)!r})",
                cause="each step would change the parameter twice and store its state under two "
                "names",
                remedy="list each tensor once, in one group; model.named_parameters() lists "
                "shared parameters once",
            )
        paths[node] = path
    if not paths:
        raise OptionError(
            "MG301",
            "the optimizer got no parameters",
            cause="the model has no parameters, or its layers are in a plain list, which does "
            "not register them",
            remedy="keep layers as attributes or in Sequential; print(model.named_parameters()) "
            "lists a model's parameters",
        )
    return groups


def by_name(tensors: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return {name: Tensor}, like `model.named_parameters()`, or {index: Tensor} if a name is
    missing or occurs twice.
    """
    named = {tensor.name or "": tensor for tensor in tensors}
    if "" not in named and len(named) == len(tensors):
        return named
    return {str(number): tensor for number, tensor in enumerate(tensors)}
