"""What people type who come from PyTorch, NumPy, Keras or JAX, and what to write here: one table, `_TABLE`.

A name or a keyword that minigrad does not have ends up here, led by the functions called `answer_...`. If it means the
same as something that exists, it works (`_WORKS`, `_RENAMED`); if not, an error says what to write, by the table or a
rule. Only what would fail comes here. docs/coming_from.md shows the most used entries.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from dis import opmap
from functools import cache, wraps
from itertools import product
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from .errors import UnknownImportError, UnknownNameError, UnsupportedError

# Names | what to write here. A prefix says where a name is met: x. on a Tensor, model. on a Layer, mg. in a module, or
# the function that it is a keyword of; without a prefix, anywhere. Keywords end in =, and calls with () do not fit.
_TABLE = """
tensor new_tensor Parameter Variable constant as_tensor array from_numpy | mg.Tensor([1.0, 2.0], requires_grad=True)
zeros ones full empty eye linspace arange zeros_like ones_like new_zeros new_ones Tensor() | mg.Tensor(np.zeros((2, 3)))
rand randn randint randperm normal uniform | rng = np.random.default_rng(0); mg.Tensor(rng.normal(size=(2, 3)))
manual_seed set_seed set_random_seed PRNGKey key | mg.seed(0)
mg.view view_as reshape_as unflatten mg.reshape flatten ravel | x.reshape(3, 2), x.reshape(-1), x.reshape(len(x), -1)
permute mg.transpose movedim moveaxis swapdims adjoint mg.t H mH | x.transpose(1, 0), x.swapaxes(0, 1), or x.T
unsqueeze x.expand_dims newaxis | x[:, None], or mg.expand_dims(x, axis=1)
expand expand_as broadcast_to tile repeat repeat_interleave hstack vstack column_stack append
  | np.broadcast_to(x, shape), mg.concatenate([a, b], axis=0), or mg.stack([a, b])
x.split chunk unbind narrow select unfold tensor_split | mg.split(x, 2, axis=0), into 2 parts; x[:, 0:2] is one part
index_select take gather scatter embedding | mg.lookup(table, ids) for rows; mg.take_along_axis(x, ids, axis=1)
masked_fill masked_select index_fill index_add index_put index_copy scatter_add | mg.where(mask, value, x), or x[mask]
add sub subtract mul multiply divide div neg negative pow power | an operator: a + b, a - b, a * b, a / b, -a, a ** 2
matmul mm bmm mv dot inner vdot tensordot matvec | a @ b for matrices, (a * b).sum() for vectors
mg.sum mg.mean mg.max mg.min mg.var mg.std mg.abs absolute amax amin reduce_sum | a method: x.sum(), x.max(axis=0)
sign sgn round remainder floor_divide inverse pinverse logdet mode kthvalue histc aminmax cummax cummin cdist invert
  | NumPy's of x.array, without gradient: np.sign(x.array), np.linalg.inv(x.array), ~(x.array > 0)
clamp clamp_min clamp_max clip_by_value relu6 hardtanh | x.clip(0, 1), or x.clip(min=0)
norm log1p expm1 log2 log10 tan sinh erf rsqrt reciprocal logit log_sigmoid lerp addmm baddbmm addcmul prod cumprod
  | built of what has a gate: mg.sqrt((x * x).sum()), mg.log(1 + x), mg.sin(x) / mg.cos(x), mg.exp(mg.log(x).sum())
topk sort median quantile | order = np.argsort(x, axis=1), and mg.take_along_axis(x, order[:, -2:], axis=1)
eq ne gt lt ge le equal isnan mg.argmax argmin argsort | x > 0, np.isnan(x), np.argmax(x, axis=1): plain arrays
gelu silu swish elu selu mish glu prelu softmin | mg.relu, mg.leaky_relu or mg.softplus, or build it: x * mg.sigmoid(x)
type type_as half bfloat16 double cast float16 model.float LongTensor long int64 x.int x.bool
  | x.astype("float64"), or "float32"; integers have no gradient: np.array([1, 2]), x.array.astype(int)
to cuda is_cuda device get_device pin_memory share_memory_ is_sparse is_floating_point is_contiguous data_ptr stride
  storage layout element_size x.names x.version model.cpu retains_grad | leave it out: all is in memory, dense, floating
clone copy stop_gradient requires_grad_ | x.detach(), a copy without history; w.requires_grad = True
assign assign_sub copy_ fill_ zero_ index_add_ x.uniform_ x.normal_ random_ at | w.array = w.array - 0.1 * w.grad
grad_fn output_nr retain_grad register_hook | x.node.gate; mg.grad(loss, [h]), for any step h; mg.draw shows all
autograd Function custom_vjp | a class: class Cube(mg.Gate) with forward and backward; or mg.grad, mg.gradcheck
grad() value_and_grad jacfwd jacrev hessian | mg.grad(loss, [x]), not of a function; mg.jacobian(f, x), mg.hvp(f, x, v)
jit mg.compile vmap lax GradientTape | leave it out: Python's loops are recorded as they run
xavier_uniform_ xavier_normal_ kaiming_normal_ zeros_ kernel_initializer= | Dense(3, 2, init=layers.init.he_normal)
nn functional keras mg.Dense mg.Sequential | from layers import Dense; functions such as relu are in minigrad
mg.Adam mg.SGD mg.Trainer lr_scheduler optimizers utils DataLoader TensorDataset clip_grad_norm_
  | from optim import SGD, Adam, StepSchedule, Trainer, clip_gradients; from minigrad.data import Batches
Module Model call build apply | class Net(Layer), with super().__init__() first in __init__, and def forward(self, x)
Linear SimpleRNN Dense() RNN() LSTM() GRU() | the input's size, then the output's: Dense(3, 2), RNN(16, 32), from layers
ReLU Tanh Sigmoid Softmax LeakyReLU GELU Activation Flatten | the function itself: Sequential(Dense(2, 3), mg.tanh)
Conv1d Conv2d Conv2D MaxPool2d BatchNorm1d BatchNorm2d layer_norm | LayerNorm(4), from layers; there are no convolutions
CrossEntropyLoss cross_entropy crossentropy SparseCategoricalCrossentropy | mg.softmax_cross_entropy(logits, labels)
BCELoss BCEWithLogitsLoss binary_cross_entropy_with_logits BinaryCrossentropy | mg.binary_cross_entropy(logits, targets)
MSELoss mse_loss MeanSquaredError mse L1Loss l1_loss mae | mg.mean_squared_error(x, y), mg.mean_absolute_error(x, y)
NLLLoss nll_loss | mg.negative_log_likelihood(mg.log_softmax(logits), labels)
one_hot to_categorical | np.eye(classes)[labels]
children modules named_modules get_layer model.layers model.summary | print(model); model.named_layers(): {path: layer}
weight kernel bias | W, of shape (inputs, outputs), and b: model.dense.W
weights trainable_weights trainable_variables get_weights set_weights count_params | model.named_parameters()
model.save load_weights save_weights | mg.save(path, model.state_dict()), and model.load_state_dict(mg.load(path))
register_buffer register_parameter add_module | self.b = mg.Tensor(array, requires_grad=True); self._mean = array
compile fit predict evaluate train_on_batch history metrics trainer.test fit() Trainer() batch_size= validation_split=
  | Trainer(model, loss=mg.softmax_cross_entropy, optimizer=opt).fit(Batches(x, y), epochs=3); then model(x)
StepLR CosineAnnealingLR ReduceLROnPlateau ModelCheckpoint | callbacks: LearningRate(StepSchedule(...)), BestSnapshot
learning_rate get_lr set_learning_rate | opt.lr = 0.01, for all groups; each has one: opt.groups[0].lr
param_groups add_param_group opt.params opt.defaults | opt.groups[0].lr
apply_gradients minimize opt.update opt.init zero_grads step() | opt.zero_grad(), loss.backward(), then opt.step()
var.dim= std.dim= unbiased= correction= | axis= for dim=, and ddof=1 to divide by n - 1 as PyTorch does
max.dim= min.dim= | axis=, for the values alone; np.argmax(x, axis=1) gives the places
split.dim= | axis=; here the number counts the parts, and in PyTorch it is the size of one
create_graph= | mg.grad(loss, [w], create_graph=True)
units= input_dim= output_dim= | sizes by position, the input's first: Dense(3, 2), Embedding(1000, 16)
training= train= | model.train() or model.eval(), before the call
padding_idx= mask_zero= ignore_index= | mask=ids != 0, when the recurrent layer is called
clipnorm= clipvalue= | clip_gradients(parameters, 1.0), from optim, before opt.step()
retain_graph= batch_first= device= inplace= out= amsgrad= strict= set_to_none= num_workers= | leave it out
"""

# Keywords that have another name here, and the same meaning.
_RENAMED = {
    "dim": "axis", "keepdim": "keepdims", "p": "rate", "in_features": "inputs", "out_features": "outputs", "weight":
    "weights", "class_weight": "weights", "num_embeddings": "vocabulary", "embedding_dim": "width", "use_bias": "bias",
    "num_layers": "layers", "learning_rate": "lr", "epsilon": "eps", "gradient": "upstream", "grad_outputs": "upstream",
}  # fmt: skip

# What a name means here exactly, of the object on which it is met.
_WORKS: dict[str, Callable[[Any], Any]] = {
    "x.numpy": lambda x: lambda **_: x.array, "x.tolist": lambda x: x.array.tolist, "x.view": lambda x: x.reshape,
    "x.dim": lambda x: lambda: x.ndim, "x.numel": lambda x: lambda: int(x.size), "x.nelement": lambda x: x.numel,
    "x.t": lambda x: lambda: x.T, "x.mT": lambda x: x.swapaxes(-1, -2), "x.is_leaf": lambda x: x.node.gate is None,
    "x.cpu": lambda x: lambda: x, "x.contiguous": lambda x: lambda: x, "x.float": lambda x: lambda: x.astype("float32"),
    "x.double": lambda x: lambda: x.astype("float64"), "x.ndimension": lambda x: lambda: x.ndim,
    "model.parameters": lambda model: lambda: list(model.named_parameters().values()),
    "mg.cat": lambda mg: mg.concatenate, "mg.concat": lambda mg: mg.concatenate,
    "mg.float32": lambda mg: np.float32, "mg.float64": lambda mg: np.float64,
}  # fmt: skip


@cache
def _hints() -> dict[str, str]:
    entries = (entry.split(" | ") for entry in _TABLE.strip().replace("\n  ", " ").split("\n"))
    return {name: text for names, text in entries for name in names.split()}


def hint(kind: str, name: str) -> str | None:
    """What to write for a name of another framework that was met on this kind of thing."""
    return _hints().get(f"{kind}.{name}") or _hints().get(name)


def _words(kind: str, name: str, thing: Any) -> tuple[str, str]:
    """Cause and remedy for a name that a thing, or a module, does not have."""
    if text := hint(kind, name):
        return "another framework calls it that", text
    for package in ("minigrad", "layers", "optim") if kind == "mg" else ():
        if name in getattr(sys.modules.get(package), "__all__", ()):
            return f"it is in {package}", f"from {package} import {name}"
    if text := _rule(name) if kind in ("x", "mg") else "":
        return "PyTorch or NumPy has it, and minigrad has not", text
    from difflib import get_close_matches

    public = getattr(thing, "__all__", None) or dir(thing)
    spelt = {other.lower(): other for other in sorted(public) if not other.startswith("_")}
    if close := get_close_matches(name.lower(), spelt, 2, 0.7):
        return "no name here is spelt that way", f"did you mean {' or '.join(spelt[one] for one in close)}?"
    parts = ", ".join(getattr(thing, "__dict__", {}).get("_members", ())) or "what dir() lists"
    return "there is nothing of that name, or like it", f"it has {parts}; docs/coming_from.md translates other names"


def _rule(name: str) -> str:
    """What to write for a name that is in no row: PyTorch's in place, a function here, or NumPy's."""
    mg = sys.modules["minigrad"]
    if name.endswith("_") and (base := name.rstrip("_")):
        text = f"x.{base}(...)" if callable(getattr(mg.Tensor, base, None)) else hint("x", base)
        return f"{text or 'a new tensor'}, for x is not written into; w.array = ... changes a parameter"
    if name in mg.__all__:
        return f"mg.{name}(x), a function"
    for text, home in (("x.array.", np.ndarray), ("np.", np), ("np.linalg.", np.linalg)):
        if name in vars(home):
            return f"{text}{name}, of a plain array and without gradient"
    return ""


def _missing(thing: Any, cls: type, kind: str, name: str) -> Any:
    """What a name means that a thing of this class lacks; or the error for it."""
    if thing is not None and (works := _WORKS.get(f"{kind}.{name}")):
        return works(thing)
    cause, remedy = _words(kind, name, thing)
    raise UnknownNameError("MG119", f"a {cls.__name__} has no {name}", cause=cause, remedy=remedy)


class _Elsewhere(str):
    """A kind and a name that a class lacks: "x.view". A `__getattr__` makes Python 3.11 read all attributes slower."""

    def __get__(self, thing: Any, cls: type) -> Any:
        return _missing(thing, cls, *self.split("."))


class _NeverSet(_Elsewhere):
    """One that would change nothing, silently, if it were set."""

    def __set__(self, thing: Any, value: Any) -> None:
        self.__get__(thing, type(thing))


def answer_names(cls: type, kind: str) -> None:
    """Have the table's names, and on a Tensor NumPy's, work or be answered (MG119) where this class lacks them."""
    named = {name.removeprefix(f"{kind}.") for name in (*_hints(), *_WORKS)}
    if kind == "x":
        named |= {*sys.modules["minigrad"].__all__, *vars(np.ndarray), *vars(np), *vars(np.linalg)}
        named |= {f"{name}_" for name in (*named, *dir(cls))}
    listed = {name for name in named if name.isidentifier() and name[0].islower() and not hasattr(cls, name)}
    for name in listed:
        setattr(cls, name, (_NeverSet if name == "learning_rate" else _Elsewhere)(f"{kind}.{name}"))
    hidden = listed.difference
    cls.__dir__ = lambda x: {*object.__dir__(x)} - hidden(getattr(x, "__dict__", ()))  # type: ignore[assignment,misc]


def answer_attributes(cls: type, kind: str) -> None:
    """As `answer_names`, for whatever name an object lacks; only for a class that no loop reads attributes of."""

    def missing(thing: Any, name: str) -> Any:
        if name.startswith("_") or hasattr(type(thing), name):
            return object.__getattribute__(thing, name)  # fails as it did: what Python asks for, a property
        return _missing(thing, type(thing), kind, name)

    cls.__getattr__ = missing  # type: ignore[attr-defined]


def answer_import(module: str, name: str) -> Any:
    """What a name that a module lacks means; or UnknownNameError MG119, UnknownImportError MG133 for an import."""
    if name.startswith("_"):
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    if works := _WORKS.get(f"mg.{name}" if module == "minigrad" else ""):
        return works(sys.modules[module])
    caller = sys._getframe(2)  # `from layers import Linear` would swallow an AttributeError, and its text
    what, (cause, remedy) = f"the module {module} has no {name}", _words("mg", name, sys.modules[module])
    if caller.f_code.co_code[caller.f_lasti] == opmap["IMPORT_FROM"]:
        raise UnknownImportError("MG133", what, cause=cause, remedy=remedy)
    raise UnknownNameError("MG119", what, cause=cause, remedy=remedy)


def answer_calls(owners: Iterable[Any], names: Iterable[str]) -> None:
    """Have functions of a module or class called with what they do not take work by other keywords, or be answered."""
    for owner, name in product(owners, names):
        function = getattr(owner, name, None)
        if isinstance(function, FunctionType) and not hasattr(function, "__wrapped__"):
            setattr(owner, name, answering := _answering(function))
            answering.__module__ = getattr(owner, "__module__", owner.__name__)  # where pickle finds it


def _answering(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise  # the function was entered: its arguments did fit
            again = refit(function, options, str(error))
        return call(*args, **again)

    return call


def refit(function: Callable[..., Any], options: dict[str, Any], said: str) -> dict[str, Any]:
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
    """Have modules of a package answer as it does, also when called (`optim.adam()`) or imported and not there."""
    for name in names:
        namespace[name].__class__ = _Module


class _Module(ModuleType):
    def __getattr__(self, name: str) -> Any:
        return answer_import(self.__name__, name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        package, name = self.__name__.split(".")
        cause, remedy = _words("mg", name, sys.modules[package])
        raise UnsupportedError("MG129", f"{self.__name__} is a module, which is not called", cause=cause, remedy=remedy)


class _Missing:  # asked for a module when nobody else has it, such as minigrad.nn
    @classmethod
    def find_spec(cls, module: str, *_: Any) -> None:
        package, _dot, name = module.rpartition(".")
        if "_habits" in vars(sys.modules.get(package, sys)):  # one of minigrad's, and not a folder called `layers`
            cause, remedy = _words("mg", name, sys.modules[package])
            error = UnknownImportError("MG133", f"there is no module {module}", cause=cause, remedy=remedy)
            error.name = module  # by which `from layers import Linear` goes on to ask for a name instead
            raise error


sys.meta_path.append(_Missing)
