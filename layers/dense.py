"""Dense: a fully connected layer, with an optional activation."""

from typing import Any

from minigrad import Tensor
from minigrad.help.other_frameworks import answering

from .arguments import Activation, check_function, function_name, parameter
from .init import Initialiser, glorot_uniform, zeros
from .layer import Layer, as_tensor


class Dense(Layer):
    """z = activation(x @ W + b) for x (..., inputs), W (inputs, outputs) and b (outputs,). z has
    shape (..., outputs).

    `init` initialises W and is Glorot-uniform by default. b starts at 0. `activation` is a
    function such as mg.relu.

    >>> Dense(3, 2)([[1.0, 2.0, 3.0]]).shape
    (1, 2)

    Errors: OptionError for sizes below 1 (MG210) and for an activation that is not a function
    (MG211); ShapeError if `init` returns the wrong shape (MG213). Source: Goodfellow, Bengio and
    Courville, Deep Learning (2016), section 6.1.

    Since: 0.1.
    """

    @answering
    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: Activation | None = None,
        *,
        bias: bool = True,
        init: Initialiser = glorot_uniform,
    ) -> None:
        if activation is not None:
            check_function(activation)
        self.activation = activation
        self.W = parameter(init, (inputs, outputs))
        if bias:
            self.b = parameter(zeros, (outputs,))
        self._bias = bias

    def forward(self, x: Any) -> Tensor:
        z = as_tensor(x, self.W.dtype) @ self.W
        if self._bias:
            z = z + self.b
        return self.activation(z) if self.activation else z

    def settings(self) -> str:
        inputs, outputs = self.W.shape
        activation = f", {function_name(self.activation)}" if self.activation else ""
        return f"{inputs}, {outputs}{activation}{'' if self._bias else ', bias=False'}"
