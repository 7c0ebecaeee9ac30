"""All gates. Importing this package registers each gate for its NumPy function or operator."""

# fmt: off
# isort: off
from . import operators as operators
from .activation import (
    GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Softplus, gelu,
    leaky_relu, log_softmax, relu, sigmoid, softmax, softplus,
)
from .basic import (
    AddGate, Divide, Hadamard, MultiplyGate, Negate, Subtract, Tanh, tanh,
)
from .contraction import Einsum, einsum
from .convolution import (
    AddWindows, Convolve, MaxPool, Windows, conv, max_pool, windows,
)
from .elementwise import (
    Abs, Cast, Clip, Cos, Exp, Log, Maximum, Minimum, Power, Sin, Sqrt,
    clip, cos, exp, log, maximum, minimum, sin, sqrt,
)
from .indexing import (
    Concatenate, Pad, Scatter, Slice, Stack, Where, concatenate, pad, split,
    stack, take_along_axis, where,
)
from .loss import (
    BinaryCrossEntropy, MeanAbsoluteError, MeanSquaredError,
    NegativeLogLikelihood, SoftmaxCrossEntropy, binary_cross_entropy,
    mean_absolute_error, mean_squared_error, negative_log_likelihood,
    softmax_cross_entropy,
)
from .fused.lookup_product import LookupProduct
from .fused.recurrent import GRUSequence, LSTMSequence, RNNSequence
from .fused.transformer import (
    LayerNormalise, ScaledDotProductAttention, layer_norm,
    scaled_dot_product_attention,
)
from .reduction import (
    CumSum, LogSumExp, Max, Mean, Min, Std, Sum, Var, cumsum, logsumexp,
)
from .rows import Lookup, lookup
from .shape import (
    BroadcastTo, Reshape, Transpose, expand_dims, squeeze,
)

__all__ = [
    "Abs", "AddGate", "AddWindows", "BinaryCrossEntropy", "BroadcastTo",
    "Cast", "Clip", "Concatenate", "Convolve", "Cos", "CumSum", "Divide",
    "Einsum", "Exp", "GELU", "GRUSequence", "Hadamard", "LSTMSequence",
    "LayerNormalise", "LeakyReLU", "Log", "LogSoftmax", "LogSumExp",
    "Lookup", "LookupProduct", "Max", "MaxPool", "Maximum", "Mean",
    "MeanAbsoluteError", "MeanSquaredError", "Min", "Minimum",
    "MultiplyGate", "Negate", "NegativeLogLikelihood", "Pad", "Power",
    "RNNSequence", "ReLU", "Reshape", "ScaledDotProductAttention",
    "Scatter", "Sigmoid", "Sin", "Slice", "Softmax", "SoftmaxCrossEntropy",
    "Softplus", "Sqrt", "Stack", "Std", "Subtract", "Sum", "Tanh",
    "Transpose", "Var", "Where", "Windows", "binary_cross_entropy", "clip",
    "concatenate", "conv", "cos", "cumsum", "einsum", "exp", "expand_dims",
    "gelu", "layer_norm", "leaky_relu", "log", "log_softmax", "logsumexp",
    "lookup", "max_pool", "maximum", "mean_absolute_error",
    "mean_squared_error", "minimum", "negative_log_likelihood", "pad",
    "relu", "scaled_dot_product_attention", "sigmoid", "sin", "softmax",
    "softmax_cross_entropy", "softplus", "split", "sqrt", "squeeze",
    "stack", "take_along_axis", "tanh", "where", "windows",
]
