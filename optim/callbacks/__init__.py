"""The Trainer's callbacks. Each is a class that fits on a screen; yours derives from `Callback`."""

from .base import Callback
from .control import ClipGradients, EarlyStopping, Evaluate, LearningRate, StopOnNonFinite
from .display import EpochReport, ProgressBar
from .saving import BestSnapshot, GraphPicture, LearningCurves, LogFile, Snapshots
from .statistics import Statistics

__all__ = [
    "BestSnapshot",
    "Callback",
    "ClipGradients",
    "EarlyStopping",
    "EpochReport",
    "Evaluate",
    "GraphPicture",
    "LearningCurves",
    "LearningRate",
    "LogFile",
    "ProgressBar",
    "Snapshots",
    "Statistics",
    "StopOnNonFinite",
]
