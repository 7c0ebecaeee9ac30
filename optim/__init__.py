"""Optimizers, learning-rate schedules and gradient clipping, and the Trainer with its callbacks."""

from typing import TYPE_CHECKING, Any

from minigrad import habits as _habits

from .adagrad import Adagrad
from .adam import Adam, AdamW
from .callbacks import *
from .callbacks import __all__ as _callback_names
from .clipping import clip_gradients
from .history import History
from .metrics import accuracy
from .optimizer import Optimizer
from .parameters import freeze, split, unfreeze
from .range_finder import LearningRateRange, find_learning_rate
from .rmsprop import RMSprop
from .run import Run
from .schedules import CosineSchedule, StepSchedule, WarmUp
from .sgd import SGD
from .summary import Summary, summary
from .trainer import Trainer

__all__ = [
    "Adagrad", "Adam", "AdamW", "CosineSchedule", "History", "LearningRateRange", "Optimizer", "RMSprop", "Run",
    "SGD", "StepSchedule", "Summary", "Trainer", "WarmUp", "accuracy", "clip_gradients", "find_learning_rate",
    "freeze", "split", "summary", "unfreeze", *_callback_names,
]  # fmt: skip

# Names and keywords of other frameworks are answered from the table in minigrad/habits.py.
_habits.answer_names(Optimizer, "opt")
_habits.answer_names(Trainer, "trainer")
_habits.answer_calls(map(globals().get, __all__), ["__init__", "fit"])
_habits.answer_modules(globals(), ["adagrad", "adam", "callbacks", "rmsprop", "schedules", "sgd"])

if not TYPE_CHECKING:  # else type checkers would let every name pass

    def __getattr__(name: str) -> Any:
        return _habits.answer_import(__name__, name)
