"""The Trainer's callbacks. To write your own, subclass `Callback`.

>>> import tempfile
>>> from layers import Dense
>>> from minigrad import mean_squared_error
>>> from minigrad.data import Batches
>>> from optim import SGD, StepSchedule, Trainer
>>> folder, model = tempfile.mkdtemp(), Dense(2, 1)
>>> data = Batches([[0.0, 1.0], [1.0, 0.0]], [[1.0], [2.0]], batch_size=1)
>>> callbacks = [
...     LearningRate(StepSchedule(every=10)), ClipGradients(5.0), StopOnNonFinite(), Statistics(every_steps=2),
...     Evaluate(data, "again", every_epochs=2), EarlyStopping(patience=3), BestWeights(folder + "/best.safetensors"),
...     Snapshots(folder, every_epochs=2), LogFile(folder + "/log.csv"), EpochReport(), ProgressBar(unit="rows"),
...     GraphPicture(folder + "/step.dot"), LearningCurves(folder + "/curves.svg"), RunPage(folder + "/run.html"),
... ]
>>> trainer = Trainer(model, mean_squared_error, SGD(model.named_parameters()), metrics={}, callbacks=callbacks)
>>> history = trainer.fit(data, epochs=2, validation=data)  # doctest: +ELLIPSIS
epoch ...
>>> list(history)
['epoch', 'step', 'train_loss', 'validation_loss', 'seconds', 'lr', 'largest_gradient_norm', 'again_loss']
"""

from .base import Callback
from .control import ClipGradients, EarlyStopping, Evaluate, LearningRate, StopOnNonFinite
from .display import EpochReport, ProgressBar
from .saving import BestWeights, GraphPicture, LearningCurves, LogFile, RunPage, Snapshots
from .statistics import Statistics

__all__ = [
    "BestWeights", "Callback", "ClipGradients", "EarlyStopping", "EpochReport", "Evaluate", "GraphPicture",
    "LearningCurves", "LearningRate", "LogFile", "ProgressBar", "RunPage", "Snapshots", "Statistics", "StopOnNonFinite",
]  # fmt: skip
