"""What people type who come from PyTorch, NumPy, Keras or JAX, and what to write here: one table, `_TABLE`.

A name or a keyword that minigrad does not have ends up here, led by the functions called `answer_...`. If it means the
same as something that exists, it works (`_WORKS`, `_RENAMED`); if not, an error says what to write. Only what would
fail comes here. docs/coming_from.md shows the most used entries.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from dis import opmap
from functools import cache, wraps
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from .errors import UnknownImportError, UnknownNameError, UnsupportedError

# Names | what to write here. A prefix says where a name is met: x. on a Tensor, model. on a Layer, mg. in a module, or
# the function that it is a keyword of; without a prefix, anywhere. Keywords end in =, and calls with () do not fit.
_TABLE = """
tensor Parameter Variable constant as_tensor array FloatTensor from_numpy | mg.Tensor([1.0, 2.0], requires_grad=True)
LongTensor long int64 x.int x.bool | np.array([1, 2]), x.array.astype(int): integers have no gradient
zeros ones full empty eye linspace arange zeros_like ones_like Tensor() | mg.Tensor(np.zeros((2, 3))), made by NumPy
rand randn randint randperm normal uniform | rng = np.random.default_rng(0); mg.Tensor(rng.normal(size=(2, 3)))
manual_seed set_seed set_random_seed PRNGKey key | mg.seed(0)
mg.view view_as reshape_as mg.reshape | x.reshape(3, 2)
flatten ravel | x.reshape(-1); x.reshape(len(x), -1) keeps the first axis
permute mg.transpose movedim moveaxis mg.t H mH | x.transpose(1, 0), x.swapaxes(0, 1), or x.T
unsqueeze x.expand_dims newaxis | x[:, None], or mg.expand_dims(x, axis=1)
expand expand_as broadcast_to tile repeat repeat_interleave | np.broadcast_to(x, shape), or mg.concatenate([x, x])
x.split chunk unbind narrow select unfold array_split | mg.split(x, 2, axis=0), into 2 parts; x[:, 0:2] is one part
hstack vstack column_stack append | mg.concatenate([a, b], axis=0), or mg.stack([a, b])
index_select take gather scatter embedding | mg.lookup(table, ids) for rows; mg.take_along_axis(x, ids, axis=1)
masked_fill masked_select | mg.where(mask, value, x), or x[mask]
add sub subtract mul multiply divide div neg pow power | an operator: a + b, a - b, a * b, a / b, -a, a ** 2
matmul mm bmm mv dot inner vdot tensordot matvec | a @ b for matrices, (a * b).sum() for vectors
mg.sum mg.mean mg.max mg.min mg.var mg.std mg.abs amax amin reduce_sum reduce_mean | a method: x.sum(), x.max(axis=0)
norm | mg.sqrt((x * x).sum())
sign floor ceil trunc round rint floor_divide remainder | np.sign(x.array): its gradient would be 0 nearly everywhere
clamp clamp_ clip_by_value relu6 hardtanh | x.clip(0, 1), or x.clip(min=0)
log1p expm1 log2 log10 tan sinh erf | functions that have a gate: mg.log(1 + x), mg.sin(x) / mg.cos(x)
mg.argmax argmin argsort | np.argmax(x, axis=1), np.argsort(x): plain arrays
topk sort median quantile | order = np.argsort(x, axis=1), and mg.take_along_axis(x, order[:, -2:], axis=1)
eq ne gt lt ge le equal isnan isinf isfinite allclose any all nonzero | x > 0, np.isnan(x), ...: plain arrays
gelu silu swish elu selu mish glu prelu | mg.relu, mg.leaky_relu or mg.softplus, or build it: x * mg.sigmoid(x)
size | x.shape, or x.shape[0]; x.size is the number of elements
type half double cast float16 | x.astype("float64"), or "float32"
to cuda is_cuda device pin_memory device_put block_until_ready | leave it out, for everything is in main memory
clone copy stop_gradient detach_ | x.detach(), a copy without history; x itself is never written into
assign assign_sub copy_ fill fill_ zero_ add_ sub_ mul_ uniform_ at scatter_ | w.array = w.array - 0.1 * w.grad
requires_grad_ | w.requires_grad = True
grad_fn | x.node.gate; x.node.inputs is what it was computed from
retain_grad register_hook | mg.grad(loss, [h]), for any step h; mg.draw(loss, "graph.png", grads=True) for all
autograd Function custom_vjp | a class: class Cube(mg.Gate) with forward and backward; or mg.grad, mg.gradcheck
stride storage layout itemsize element_size nbytes flat tobytes is_contiguous real ptp | the same of x.array, if at all
prod cumprod | mg.exp(mg.log(x).sum()), for positive numbers
grad() value_and_grad jacfwd jacrev hessian | mg.grad(loss, [x]), not of a function; mg.jacobian(f, x), mg.hvp(f, x, v)
jit mg.compile vmap lax GradientTape | leave it out: Python's loops are recorded as they run
xavier_uniform_ zeros_ kernel_initializer= | Dense(3, 2, init=layers.init.glorot_uniform)
nn functional keras mg.layers | from layers import Dense, Sequential, RNN; functions such as relu are in minigrad
mg.Dense mg.Sequential mg.Layer mg.Embedding mg.Dropout mg.RNN mg.LSTM mg.GRU | from layers import Dense, Sequential
mg.optim mg.Adam mg.SGD mg.Trainer lr_scheduler optimizers | from optim import SGD, Adam, StepSchedule, Trainer
utils DataLoader TensorDataset clip_grad_norm_ | from minigrad.data import Batches; from optim import clip_gradients
Module Model call build apply | class Net(Layer), with super().__init__() first in __init__, and def forward(self, x)
Linear SimpleRNN Dense() RNN() LSTM() GRU() | the input's size, then the output's: Dense(3, 2), RNN(16, 32), from layers
ReLU Tanh Sigmoid Softmax LeakyReLU GELU Activation Flatten | the function itself: Sequential(Dense(2, 3), mg.tanh)
Conv1d Conv2d Conv1D Conv2D MaxPool2d GlobalAveragePooling1D | RNN(3, 4, pooling="mean"); there are no convolutions
BatchNorm1d BatchNorm2d BatchNormalization LayerNormalization layer_norm | LayerNorm(4), from layers
CrossEntropyLoss cross_entropy crossentropy SparseCategoricalCrossentropy | mg.softmax_cross_entropy(logits, labels)
BCELoss BCEWithLogitsLoss binary_cross_entropy_with_logits BinaryCrossentropy | mg.binary_cross_entropy(logits, targets)
MSELoss mse_loss MeanSquaredError mse | mg.mean_squared_error(prediction, truth)
NLLLoss nll_loss | mg.negative_log_likelihood(mg.log_softmax(logits), labels)
L1Loss l1_loss mae | mg.mean_absolute_error(prediction, truth)
one_hot to_categorical | np.eye(classes)[labels]
children modules named_modules get_layer model.layers | model.named_layers(), which is {path: layer}
weight kernel bias | W, of shape (inputs, outputs), and b: model.dense.W
weights trainable_weights trainable_variables get_weights set_weights count_params | model.named_parameters()
model.save load_weights | mg.save(path, model.state_dict()), and model.load_state_dict(mg.load(path))
register_buffer register_parameter add_module | self.b = mg.Tensor(array, requires_grad=True); self._mean = array
compile fit predict evaluate fit() Trainer() batch_size= validation_split=
  | Trainer(model, loss=mg.softmax_cross_entropy, optimizer=opt).fit(Batches(x, y), epochs=3); then model(x)
model.summary | print(model)
StepLR CosineAnnealingLR ReduceLROnPlateau ModelCheckpoint | callbacks: LearningRate(StepSchedule(...)), BestSnapshot
param_groups lr learning_rate | opt.groups[0].lr; opt.scale multiplies them all
apply_gradients minimize | loss.backward(), then opt.step()
var.dim= std.dim= unbiased= correction= | axis= for dim=, and ddof=1 to divide by n - 1 as PyTorch does
max.dim= min.dim= | axis=, for the values alone; np.argmax(x, axis=1) gives the places
split.dim= | axis=; here the number counts the parts, and in PyTorch it is the size of one
create_graph= | mg.grad(loss, [w], create_graph=True)
gradient= grad_outputs= | upstream=
units= input_dim= output_dim= | sizes by position, the input's first: Dense(3, 2), Embedding(1000, 16)
padding_idx= mask_zero= | mask=ids != 0, when the recurrent layer is called
retain_graph= batch_first= device= inplace= out= amsgrad= strict= | leave it out: it is so, or cannot be
"""

# Keywords that have another name here, and the same meaning.
_RENAMED = {
    "dim": "axis", "keepdim": "keepdims", "p": "rate", "in_features": "inputs", "out_features": "outputs",
    "num_embeddings": "vocabulary", "embedding_dim": "width", "use_bias": "bias", "num_layers": "layers",
    "learning_rate": "lr",
}  # fmt: skip

# What a name means here exactly, of the object on which it is met.
_WORKS: dict[str, Callable[[Any], Any]] = {
    "x.numpy": lambda x: lambda: x.array, "x.tolist": lambda x: x.array.tolist, "x.view": lambda x: x.reshape,
    "x.dim": lambda x: lambda: x.ndim, "x.numel": lambda x: lambda: int(x.size), "x.nelement": lambda x: x.numel,
    "x.t": lambda x: lambda: x.T, "x.mT": lambda x: x.swapaxes(-1, -2), "x.is_leaf": lambda x: x.node.gate is None,
    "x.cpu": lambda x: lambda: x, "x.contiguous": lambda x: lambda: x, "x.float": lambda x: lambda: x.astype("float32"),
    "x.double": lambda x: lambda: x.astype("float64"),
    "model.parameters": lambda model: lambda: list(model.named_parameters().values()),
    "mg.cat": lambda mg: mg.concatenate, "mg.concat": lambda mg: mg.concatenate,
    "mg.float32": lambda mg: np.float32, "mg.float64": lambda mg: np.float64,
}  # fmt: skip


@cache
def _hints() -> dict[str, str]:
    entries = (entry.split(" | ") for entry in _TABLE.strip().replace("\n  |", " |").split("\n"))
    return {name: text for names, text in entries for name in names.split()}


def hint(kind: str, name: str) -> str | None:
    """What to write for a name of another framework that was met on this kind of thing."""
    return _hints().get(f"{kind}.{name}") or _hints().get(name)


def _words(kind: str, name: str, known: Iterable[str]) -> tuple[str, str]:
    """Cause and remedy for a name that is not among those known."""
    if text := hint(kind, name):
        return "another framework calls it that", text
    for package in ("minigrad", "layers", "optim") if kind == "mg" else ():
        if name in getattr(sys.modules.get(package), "__all__", ()):
            return f"it is in {package}", f"from {package} import {name}"
    from difflib import get_close_matches

    spelt = {other.lower(): other for other in sorted(known) if not other.startswith("_")}
    if close := get_close_matches(name.lower(), spelt, 2, 0.7):
        return "no name here is spelt that way", f"did you mean {' or '.join(spelt[one] for one in close)}?"
    return "there is nothing of that name, or like it", "dir() lists the names; docs/coming_from.md translates others"


class _Elsewhere:
    """A name that a class lacks. There is no `__getattr__`: with one, Python 3.11 reads every attribute slower."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name

    def __get__(self, thing: Any, cls: type) -> Any:
        if thing is not None and (works := _WORKS.get(f"{self.kind}.{self.name}")):
            return works(thing)
        cause, remedy = _words(self.kind, self.name, ())
        raise UnknownNameError("MG119", f"a {cls.__name__} has no {self.name}", cause=cause, remedy=remedy)


def answer_names(cls: type, kind: str) -> None:
    """Have names of the table that this class lacks work, or answered with UnknownNameError MG119; dir() has none."""
    listed = {name.removeprefix(f"{kind}.") for name in (*_hints(), *_WORKS)}
    listed = {name for name in listed if name.isidentifier() and name[0].islower() and not hasattr(cls, name)}
    for name in listed:
        setattr(cls, name, _Elsewhere(kind, name))
    cls.__dir__ = lambda x: {*object.__dir__(x)} - (listed - {*getattr(x, "__dict__", ())})  # type: ignore[assignment,misc]


def answer_import(module: str, name: str) -> Any:
    """What a name that a module lacks means; or UnknownNameError MG119, UnknownImportError MG133 for an import."""
    if name.startswith("_"):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    if works := _WORKS.get(f"mg.{name}" if module == "minigrad" else ""):
        return works(sys.modules[module])
    cause, remedy = _words("mg", name, _public(module))
    what = f"the module {module} has no {name}"
    caller = sys._getframe(2)  # `from layers import Linear` would swallow an AttributeError, and its text
    if caller.f_code.co_code[caller.f_lasti] == opmap["IMPORT_FROM"]:
        raise UnknownImportError("MG133", what, cause=cause, remedy=remedy)
    raise UnknownNameError("MG119", what, cause=cause, remedy=remedy)


def _public(module: str) -> list[str]:
    return getattr(sys.modules[module], "__all__", None) or dir(sys.modules[module])


def answer_functions(namespace: dict[str, Any], names: Iterable[str]) -> None:
    """Have calls of functions with what they do not take work by other keywords, or be answered (MG129)."""
    for name in names:
        namespace[name] = _answering(namespace[name])
        namespace[name].__module__ = namespace["__name__"]  # where pickle finds it


def answer_methods(classes: Iterable[Any], methods: Iterable[str]) -> None:
    """As `answer_functions`, for those of these methods that these classes have."""
    for cls in (one for one in classes if isinstance(one, type)):
        for method in methods:
            function = getattr(cls, method, None)
            if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
                setattr(cls, method, _answering(function))


def _answering(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise  # the function was entered: its arguments did fit
            again = _renamed(function, options, str(error))
        return call(*args, **again)

    return call


def _renamed(function: Callable[..., Any], options: dict[str, Any], said: str) -> dict[str, Any]:
    """The keywords as they are called here; UnsupportedError MG129 where that is not all that is wrong."""
    known, name = inspect.signature(function).parameters, function.__name__
    unknown = [key for key in options if key not in known]
    new = {_RENAMED.get(key, key) if key in unknown else key: value for key, value in options.items()}
    special = any(f"{name}.{key}=" in _hints() for key in unknown)  # max and var mean something else by dim=
    if new.keys() != options.keys() and len(new) == len(options) and new.keys() <= known.keys() and not special:
        return new
    title = function.__qualname__.removesuffix(".__init__").split(".")[-1]
    takes = [p.name if p.default is p.empty else f"{p.name}=" for p in known.values() if p.name != "self"]
    raise unfit_call(title, said.removeprefix(f"{function.__qualname__}() "), takes, unknown, name) from None


def unfit_call(title: str, said: str, takes: Iterable[str], unknown: Iterable[str], name: str = "") -> UnsupportedError:
    """The error for a call with keywords that `title` does not take, or with too many arguments or too few."""
    texts = {key: _hints().get(f"{name}.{key}=") or hint("", f"{key}=") for key in unknown}
    known = [f"for {key}= {text or _RENAMED[key] + '='}" for key, text in texts.items() if text or key in _RENAMED]
    remedy = "; ".join(known) or hint("", f"{title}()") or "give it what it takes"
    return UnsupportedError("MG129", f"{title} {said}", cause=f"the call is {title}({', '.join(takes)})", remedy=remedy)


def answer_modules(namespace: dict[str, Any], names: Iterable[str]) -> None:
    """Have modules of a package answer as it does, and answer a call: `mg.tensor` and `optim.adam` are modules."""
    for name in names:
        namespace[name].__class__ = _Module


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        return answer_import(self.__name__, name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        package, name = self.__name__.split(".")
        cause, remedy = _words("mg", name, _public(package))
        raise UnsupportedError("MG129", f"{self.__name__} is a module, which is not called", cause=cause, remedy=remedy)
