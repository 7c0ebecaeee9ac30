"""Optimizers, learning-rate schedules and gradient clipping, and the Trainer with its callbacks."""

from typing import TYPE_CHECKING, Any

from minigrad.help import other_frameworks as _other

from .adagrad import Adagrad
from .adam import Adam, AdamW
from .clipping import clip_gradients
from .diagnosis import Diagnosis, Finding, diagnose
from .diagnosis.first_steps import TrainingWarning
from .optimizer import Optimizer
from .parameters import freeze, split, unfreeze
from .rmsprop import RMSprop
from .schedules import CosineSchedule, StepSchedule, WarmUp
from .sgd import SGD
from .training.callbacks import *
from .training.callbacks import __all__ as _callback_names
from .training.history import History
from .training.metrics import accuracy
from .training.range_finder import LearningRateRange, find_learning_rate
from .training.run import Run
from .training.summary import Summary, summary
from .training.trainer import Trainer

__all__ = [
    "Adagrad", "Adam", "AdamW", "CosineSchedule", "Diagnosis", "Finding", "History", "LearningRateRange", "Optimizer",
    "RMSprop", "Run", "SGD", "StepSchedule", "Summary", "Trainer", "TrainingWarning", "WarmUp", "accuracy",
    "clip_gradients", "diagnose", "find_learning_rate", "freeze", "split", "summary", "unfreeze", *_callback_names,
]  # fmt: skip

clip_grad_norm_ = clip_gradients  # PyTorch's name

if not TYPE_CHECKING:  # otherwise type checkers would accept any name

    def __getattr__(name: str) -> Any:
        return _other.answer_import(__name__, name)
