"""All gates. Importing this package registers each one for the NumPy functions and operators that it implements."""

from .activation import LogSoftmax, ReLU, Sigmoid, Softmax, log_softmax, relu, sigmoid, softmax
from .basic import AddGate, Divide, Hadamard, MultiplyGate, Negate, Subtract, Tanh, tanh
from .elementwise import Exp, Log, Power, Sqrt, exp, log, sqrt
from .indexing import (
    Concatenate,
    Scatter,
    Slice,
    Stack,
    Where,
    concatenate,
    stack,
    where,
)
from .loss import (
    BinaryCrossEntropy,
    MeanSquaredError,
    SoftmaxCrossEntropy,
    binary_cross_entropy,
    mean_squared_error,
    softmax_cross_entropy,
)
from .recurrent import GRUSequence, LSTMSequence, RNNSequence
from .reduction import Max, Mean, Sum
from .rows import Lookup, LookupProduct, lookup
from .shape import BroadcastTo, Reshape, Transpose

__all__ = [
    "AddGate", "BinaryCrossEntropy", "BroadcastTo", "Concatenate", "Divide", "Exp", "GRUSequence", "Hadamard",
    "LSTMSequence", "Log", "LogSoftmax", "Lookup", "LookupProduct", "Max", "Mean", "MeanSquaredError", "MultiplyGate",
    "Negate", "Power", "RNNSequence", "ReLU", "Reshape", "Scatter", "Sigmoid", "Slice", "Softmax",
    "SoftmaxCrossEntropy", "Sqrt", "Stack", "Subtract", "Sum", "Tanh", "Transpose", "Where", "binary_cross_entropy",
    "concatenate", "exp", "log", "log_softmax", "lookup", "mean_squared_error", "relu", "sigmoid", "softmax",
    "softmax_cross_entropy", "sqrt", "stack", "tanh", "where",
]  # fmt: skip
