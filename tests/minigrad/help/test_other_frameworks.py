"""Names and keywords of PyTorch, NumPy, Keras and JAX: they work, or an error says what to write."""

import functools
import io
import pickle
import re
import warnings
from ast import literal_eval
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import layers
import minigrad as mg
import optim
from layers import Dense, Layer, Sequential
from minigrad.data import Batches
from minigrad.help import other_frameworks
from minigrad.help.other_frameworks import ForeignNames, hint

HERE = Path(__file__).parent

# without types, because type checkers know that these names do not exist
torch: Any = mg
nn: Any = layers
keras: Any = optim


def rows(name):
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and line[0] != "#"]


def given():
    """The objects of the one-liners."""
    values = np.arange(1.0, 7.0)
    x = mg.Tensor(values.reshape(2, 3), requires_grad=True, name="x")
    w = mg.Tensor(values.reshape(3, 2), requires_grad=True, name="w")
    model = Sequential(Dense(3, 4), Dense(4, 2))
    loss = (x @ w).mean()
    loss.backward()
    return {
        "mg": mg,
        "np": np,
        "nn": layers,
        "optim": optim,
        "x": x,
        "w": w,
        "loss": loss,
        "model": model,
        "row": x[0],
        "batch": mg.Tensor(np.ones((2, 3, 3))),
        "y": np.array([0, 1]),
        "logits": x,
        "opt": optim.SGD(model.named_parameters(), lr=0.1),
    }


def test_habits_run_or_are_answered(tmp_path):
    lines = rows("habits.txt")
    bare = []
    for line in lines:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(line, {**given(), "tmp": str(tmp_path)})
            except mg.MinigradError as error:
                assert error.remedy, line
            except Exception:
                bare.append(line)
    assert len(bare) <= 0.1 * len(lines), bare


# ---- names and keywords that mean the same ----


@pytest.fixture
def x():
    array = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    return mg.Tensor(array, requires_grad=True, name="x")


def test_names_of_functions(x):
    assert torch.tensor([1.0]).tolist() == [1]
    assert torch.cat([x, x], axis=1).shape == (2, 6)
    assert torch.permute(x, dims=(1, 0)).shape == (3, 2)


def test_parameters_is_list():
    model = Sequential(Dense(3, 4), Dense(4, 2))
    assert model.parameters() == list(model.named_parameters().values())


def test_dim_is_axis(x):
    assert x.sum(dim=1, keepdim=True).tolist() == [[6], [15]]
    assert x.mean(dim=(0, 1), keepdim=True).tolist() == [[3.5]]
    assert x.logsumexp(-1, keepdim=True).shape == (2, 1)
    assert torch.softmax(x, dim=0).sum(0).tolist() == [1, 1, 1]
    assert torch.cat([x, x], dim=1).shape == (2, 6)


def test_keywords_of_functions(x):
    assert x.var(axis=0, correction=1).tolist() == [4.5, 4.5, 4.5]
    y = np.array([0, 1])
    loss = torch.softmax_cross_entropy(x, y, weight=[1, 2, 3])
    same = mg.softmax_cross_entropy(x, y, weights=[1, 2, 3])
    assert loss.item() == same.item()


def test_keywords_of_gradients(x):
    (gradient,) = torch.grad(x.sum(0), x, grad_outputs=[1, 2, 3])
    assert gradient.tolist() == [[1, 2, 3], [1, 2, 3]]
    x.sum(0).backward(gradient=[1, 2, 3], retain_graph=True)
    assert x.grad.tolist() == gradient.tolist()


def test_keywords_of_layers():
    assert "bias=False" in nn.Dense(3, 2, use_bias=False).settings()
    assert nn.Dropout(p=0.25).rate == 0.25
    assert nn.BatchNorm(num_features=4, eps=0.1).epsilon == 0.1
    assert nn.MaxPool2d(pool_size=2).size == (2, 2)
    conv = nn.Conv2d(in_channels=1, out_channels=8, kernel_size=3, strides=2)
    assert conv.settings() == "1, 8, (3, 3), 2, 0"


def test_learning_rate_is_lr(x):
    assert keras.SGD([x], learning_rate=0.5).lr == 0.5


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.sum(axis=1, dim=0),
        lambda x: x.sum(0, dim=1),
        lambda x: nn.Dense(3, 2, use_bias=False, device="cpu"),
    ],
)
def test_keyword_is_renamed_only_if_whole_call_fits(call, x):
    with pytest.raises(mg.MinigradError, match="MG129"):
        call(x)


# ---- the same names, with numbers from PyTorch 2.15 ----

LOGITS = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [-2.0, 3.0, 0.0], [0.1, 0.2, 0.3]]
LABELS = [2, 1, 1, 0]
SOME = [2, -100, 1, 0]
WEIGHT = [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    "labels, options, loss, last_row",
    [
        (LABELS, {}, 0.769728, [-0.174848, 0.083056, 0.091791]),
        (SOME, {}, 0.499413, [-0.23313, 0.110742, 0.122388]),
        (
            SOME,
            {"weight": WEIGHT},
            0.325308,
            [-0.099913, 0.047461, 0.052452],
        ),
        (
            LABELS,
            {"weight": WEIGHT, "ignore_index": 1},
            0.433438,
            [-0.139878, 0.066445, 0.073433],
        ),
        (
            SOME,
            {"reduction": "sum"},
            1.498239,
            [-0.69939, 0.332225, 0.367165],
        ),
        (
            SOME,
            {"weight": WEIGHT, "reduction": "none"},
            [0.482623, 0.0, 0.054985, 0.600971],
            [-0.349695, 0.166112, 0.183583],
        ),
    ],
)
def test_cross_entropy_is_pytorch_s(labels, options, loss, last_row):
    logits: Any = mg.Tensor(LOGITS, requires_grad=True)
    result = mg.cross_entropy(logits, labels, **options)
    result.sum().backward()
    assert_allclose(result.array, loss, atol=1e-6)
    assert_allclose(logits.grad[-1], last_row, atol=1e-6)
    ignored = np.equal(labels, options.get("ignore_index", -100))
    assert not logits.grad[ignored].any()


def test_cross_entropy_reads_classes_from_axis_1():
    values = np.arange(12, dtype="float32") / 4 - 1
    logits: Any = mg.Tensor(values.reshape(2, 3, 2), requires_grad=True)
    loss = mg.cross_entropy(logits, [[0, 2], [1, -100]])
    loss.backward()
    assert loss.item() == pytest.approx(1.1802697)
    first = [-0.271225, 0.102399, 0.168827]
    second = [0.062108, 0.102399, -0.164507]
    assert_allclose(logits.grad[0].T, [first, second], atol=1e-6)
    assert not logits.grad[1, :, 1].any()


def test_cross_entropy_of_one_example():
    loss = mg.cross_entropy(LOGITS[0], 2)
    assert loss.item() == pytest.approx(0.2413113)


@pytest.mark.parametrize(
    "labels, options, message",
    [
        (np.eye(3)[LABELS], {}, "MG152.*must be integers.*argmax"),
        (
            LABELS,
            {"label_smoothing": 0.1},
            "MG129.*label_smoothing=.*log_softmax",
        ),
        ([-100] * 4, {}, "MG116"),
    ],
)
def test_cross_entropy_refuses(labels, options, message):
    with pytest.raises(mg.MinigradError, match=f"(?s){message}"):
        mg.cross_entropy(LOGITS, labels, **options)


@pytest.mark.parametrize("seed", [mg.manual_seed, mg.random.manual_seed])
def test_manual_seed_is_seed(seed):
    seed(5)
    W = Dense(2, 3).W
    mg.seed(5)
    assert W.tolist() == Dense(2, 3).W.tolist()


def test_clip_grad_norm_is_pytorch_s():
    a: Any = mg.Tensor([3.0, 4.0], requires_grad=True)
    b: Any = mg.Tensor([[0.0], [12.0]], requires_grad=True)
    a.grad = a.array
    b.grad = b.array
    assert optim.clip_grad_norm_(iter([a, b]), max_norm=6.5) == 13.0
    assert_allclose(a.grad, [1.5, 2.0], atol=1e-6)
    assert_allclose(b.grad, [[0.0], [6.0]], atol=1e-6)
    assert optim.clip_grad_norm_(a, 100.0) == pytest.approx(2.5)  # a single one
    assert a.grad.tolist() == [1.5, 2.0]
    with pytest.raises(mg.MinigradError, match="(?s)MG129.*norm_type=.*2-norm"):
        optim.clip_grad_norm_([a], 1.0, norm_type=1)


def test_eps_of_layer_norm_is_pytorch_s():
    z = nn.LayerNorm(3, eps=0.5)(LOGITS)
    assert_allclose(z.array[0], [0.0, -1.0606601, 1.0606601], atol=1e-6)
    assert_allclose(z.array[2], [-1.0737508, 1.2271440, -0.1533930], atol=1e-6)


@pytest.mark.parametrize(
    "rule, options, weights",
    [
        (optim.Adam, {}, [0.8491805, -1.8881141, 0.5359697]),
        (
            optim.AdamW,
            {"weight_decay": 0.1},
            [0.8300805, -1.8492030, 0.5263054],
        ),
        (
            optim.RMSprop,
            {"alpha": 0.9},
            [0.7385198, -1.8810912, 0.7146672],
        ),
        (optim.Adagrad, {}, [0.8834512, -1.9513353, 0.5636890]),
    ],
)
def test_eps_of_optimizers_is_pytorch_s(rule, options, weights):
    w = mg.Tensor([1.0, -2.0, 0.5], requires_grad=True)
    optimizer = rule([w], lr=0.1, eps=0.25, **options)
    for gradient in ([1.0, -2.0, 0.1], [0.5, 1.0, -3.0]):
        w.grad = np.array(gradient)
        optimizer.step()
    assert_allclose(w.array, weights, atol=1e-6)
    message = "(?s)MG129.*for epsilon=: eps=, .*Keras"
    with pytest.raises(mg.MinigradError, match=message):
        rule([w], epsilon=0.25)


# ---- names and keywords that mean something else ----


@pytest.fixture
def model():
    return Sequential(Dense(3, 4), Dense(4, 2))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: x.unsqueeze(0), "Tensor has no unsqueeze.*mg.expand_dims"),
        (lambda x: torch.zeros(2, 3), "minigrad has no zeros.*np.zeros"),
        (lambda x: torch.sigmod(x), "did you mean sigmoid"),
        (lambda x: torch.qqq, r"call dir\(\)"),
        (lambda x: torch.random.randn(3), "mg.generator"),
        (lambda x: nn.Linear(3, 2), r"layers has no Linear.*Dense\(3, 2\)"),
        (lambda x: nn.Dense(3, 2).weight, "Dense .*model.dense.W"),
        (
            lambda x: nn.Sequential().append(mg.relu),
            "in a Sequential .*model.last = Dense",
        ),
        (
            lambda x: setattr(keras.SGD([x], 0.1), "learning_rate", 1),
            "SGD .*opt.lr = 0.01",
        ),
    ],
)
def test_unknown_name_is_answered(call, message, x):
    with pytest.raises(AttributeError, match=f"(?s)MG119.*{message}"):
        call(x)


def test_unknown_import_is_answered():
    with pytest.raises(ImportError, match=r"(?s)MG133.*no Linear.*Dense\(3, 2\)"):
        from layers import Linear  # type: ignore[attr-defined] # noqa: F401


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: x.max(dim=1), "for dim=: use axis= .*np.argmax"),
        (lambda x: x.max(1, keepdim=True), "only the values"),
        (lambda x: x.std(dim=0), "ddof=1"),
        (lambda x: x.squeeze(dim=0), "must be 1"),
        (lambda x: x.argmax(dim=1), "no .float"),
        (lambda x: x.backward(create_graph=True), r"mg.grad\(loss"),
        (
            lambda x: torch.Tensor(1.0, device="cpu"),
            r"Tensor got .*the signature is Tensor\(data, requires_grad, .*leave it out",
        ),
        (
            lambda x: nn.Sequential()(x, mask=0),
            "a Sequential passes only x",
        ),
        (
            lambda x: nn.Dense(10),
            r"the signature is Dense\(inputs, outputs,.*the input's size",
        ),
        (
            lambda x: nn.Conv2d(8, 3),
            "pass the channels, the filters and the size",
        ),
        (
            lambda x: nn.RNN(3, 4, nonlinearity="relu"),
            r"RNN\(input_size, hidden_size, activation, drop.*activation=mg.relu",
        ),
        (
            lambda x: nn.GRU(3),
            r"GRU\(input_size, hidden_size, reset_after, dropout, layers,",
        ),
        (
            np.where,
            r"missing 2 .*the signature is where\(condition, a, b\).*np.nonzero\(x\)",
        ),
        (lambda x: np.where(*[x, 1.0]), "missing 1 .*'b'"),
        (lambda x: np.sum(x, 0, np.float64), "Sum got a type as keepdims.*astype"),
        (lambda x: np.max(x, 0, np.zeros(3)), "Max got a ndarray as keepdims"),
        (
            lambda x: np.sum(x, 0, None, None),
            r"the signature is sum\(x, axis, keepdims\)",
        ),
        (lambda x: np.var(x, 0, None), r"the signature is var\("),
    ],
)
def test_wrong_arguments_are_answered(call, message, x):
    with pytest.raises(TypeError, match=f"(?s)MG129.*{message}"):
        call(x)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda x: torch.save({"x": x}, "weights"),
            r"MG507.*mg.save\(path, model.state_dict\(\)\)",
        ),
        (
            lambda x: setattr(x, "array", x),
            "MG111.*t.array is its NumPy array",
        ),
        (lambda x: mg.Tensor([x, x]), "MG111.*mg.stack"),
        (
            lambda x: mg.gradcheck(mg.tanh, (x,)),
            r"MG111.*mg.gradcheck\(f, x, y\)",
        ),
        (lambda x: np.dot(x, x), "MG118.*a @ b"),
        (
            lambda x: mg.softmax_cross_entropy(x, [0, -100]),
            "MG154.*mg.cross_entropy ignores labels of -100",
        ),
        (lambda x: mg.split(x, 3), r"MG174.*np.split\(x, 3, axis=0\)"),
    ],
)
def test_habit_of_arguments_is_answered(call, message, x):
    with pytest.raises(mg.MinigradError, match=f"(?s){message}"):
        call(x)


# ---- remedies ----


@pytest.mark.parametrize("row", rows("pytorch.txt"))
def test_remedy_computes_what_pytorch_computes(row):
    name, code, values, _, truth = row.split(" | ")
    X = np.array([[0.5, 2.0, 1.5], [4.0, 0.25, 3.0]], "float32")
    x = mg.Tensor(X, requires_grad=True)
    s = mg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]])
    z = np.arange(12, dtype="float32").reshape(2, 3, 2)
    known: dict[str, Any] = {
        "np": np,
        "mg": mg,
        "X": X,
        "x": x,
        "s": s,
        "z": mg.Tensor(z),
        "a": x,
        "b": s,
        "lab": np.array([2, 0]),
        "ids": np.array([[0, 2], [1, 1]]),
    }
    known |= eval(f"dict({values})", known)
    assert code in hint(name)
    result = eval(code, known)
    if isinstance(result, list):
        result = mg.stack(result)
    if isinstance(result, mg.Tensor):
        result = result.array
    expected = literal_eval(truth)
    assert result.shape == np.shape(expected)
    assert_allclose(result, expected, atol=2e-5)


RUN = """
tensor -> mg.Tensor([1.0, 2.0])
tensor -> mg.Tensor(array, requires_grad=True)
zeros -> mg.Tensor(np.zeros((2, 3)), dtype="float32")
randn -> rng = mg.generator(); mg.Tensor(rng.normal(size=(2, 3)), dtype="float32")
is_leaf -> x.size, x.ndim, x.node.gate is None
permute -> mg.permute(x, (1, 0))
append -> model.last = Dense(4, 2)
add_module -> setattr(model, name, layer)
split -> np.split(x, 2, axis=0)
sign -> np.sign(x.array), np.linalg.inv(x.array), (x.array > 0).any()
ReLU -> Sequential(Dense(2, 3), mg.relu)
ReLU -> mg.tanh, mg.sigmoid
GELU -> Sequential(Dense(2, 3), mg.gelu)
SiLU -> def silu(x): return x * mg.sigmoid(x)
ELU -> def elu(x): return mg.where(x > 0, x, mg.exp(x.clip(max=0)) - 1)
fold -> mg.AddWindows(x.shape)(mg.windows(x, 2))
BatchNorm2d -> BatchNorm(4)
Identity -> Sequential(lambda x: 2 * x, Dense(2, 3))
nbytes -> x.array.nbytes, x.array.strides, x.array.flags
detach_ -> x.detach()
detach_ -> x.array.copy()
requires_grad_ -> w.requires_grad = True
requires_grad_ -> freeze(model, "*")
double -> for w in model.parameters(): w.array = w.array.astype("float64")
long -> x.array.astype(int), np.array([1, 2]), np.int64
uniform_ -> Dense(3, 2, init=layers.init.normal(0.01)); w.array = layers.init.normal(0.01)(w.shape)
lr_scheduler -> from optim import StepSchedule, CosineSchedule, WarmUp, LearningRate
compile -> Trainer(model, loss=mg.softmax_cross_entropy, optimizer=opt)
set_weights -> model.load_state_dict(arrays)
Bidirectional -> RNN(16, 32, bidirectional=True)
ModuleList -> setattr(self, f"layer{i}", layer)
amax -> x.max(axis=0), x.min(axis=0), x.sum(axis=0), x.mean(axis=0)
zero_ -> w.array = w.array - 0.1 * w.grad
grad_fn -> mg.draw(x)
retain_grad -> mg.grad(loss, [h])
xavier_uniform_ -> Dense(3, 2, init=layers.init.glorot_uniform)
kaiming_uniform_ -> Dense(3, 2, init=layers.init.he_uniform)
zeros_ -> Dense(3, 2, init=layers.init.zeros)
nn -> from layers import Dense, Sequential
relu -> from minigrad import relu
Adam -> from optim import SGD, Adam, StepSchedule, Trainer
utils -> from optim import clip_grad_norm_; from minigrad.data import Batches, pad
DataLoader -> from minigrad.data import Batches; Batches(x, y, batch_size=32)
global_clipnorm= -> clip_gradients(parameters, 1.0)
clipvalue= -> for w in model.parameters(): w.grad = w.grad.clip(-1, 1)
clipnorm= -> for w in model.parameters(): clip_gradients([w], 1.0)
call -> model(x)
apply -> for layer in model.named_layers().values(): change(layer)
Linear -> Dense(3, 2), RNN(16, 32)
layer_norm -> LayerNorm(4)
weight -> model.dense.W, model.dense.b
save -> mg.save(path, model.state_dict())
save -> model.load_state_dict(mg.load(path))
register_parameter -> self.scale = mg.Tensor(array, requires_grad=True)
register_forward_hook -> layers.outputs(model, x, ["dense"])
fit -> Trainer(model, loss=mg.softmax_cross_entropy, optimizer=opt).fit(Batches(x, y), epochs=3)
evaluate -> Trainer(model, loss=mg.softmax_cross_entropy, optimizer=opt).evaluate(Batches(x, y))
StepLR -> schedule = StepSchedule(every=1000, factor=0.1); LearningRate(schedule)
StepLR -> opt.scale = schedule(step)
CosineAnnealingLR -> schedule = CosineSchedule(steps=1000); LearningRate(schedule)
OneCycleLR -> schedule = WarmUp(100, CosineSchedule(steps=900)); LearningRate(schedule)
LambdaLR -> LearningRate(lambda step: 0.99**step)
ReduceLROnPlateau -> opt.lr = opt.lr * 0.1
ModelCheckpoint -> BestWeights(path)
get_lr -> opt.groups[0].lr
step() -> opt.zero_grad()
class_weight= -> functools.partial(mg.softmax_cross_entropy, weights=[1.0, 2.0])
where() -> mg.where(condition, a, b)
where() -> np.nonzero(x)
create_graph= -> mg.grad(loss, [w], create_graph=True)
softmax_cross_entropy.ignore_index= -> mg.cross_entropy(logits, labels, ignore_index=0)
units= -> Dense(3, 2), Embedding(1000, 16), LayerNorm(4)
strict= -> model.load_state_dict({**model.state_dict(), **part})
"""


@pytest.mark.parametrize("row", RUN.strip().splitlines())
def test_remedy_runs(row, tmp_path):
    name, code = row.split(" -> ")
    assert code in hint(name)
    x = mg.Tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    w = mg.Tensor([[0.5, -0.5], [1.0, 0.0]], requires_grad=True)
    h = x @ w
    loss = (h * h).sum()
    loss.backward()
    model = Sequential(Dense(2, 2))
    mg.softmax_cross_entropy(model(x.array), [0, 1]).backward()
    path = tmp_path / "m"
    mg.save(path, model.state_dict())
    known = {**vars(layers), **vars(optim), **given()}
    known |= {
        "x": x,
        "w": w,
        "h": h,
        "loss": loss,
        "model": model,
        "layers": layers,
        "opt": optim.SGD(model.parameters(), lr=0.1),
        "Batches": Batches,
        "array": np.ones(2, "float32"),
        "functools": functools,
        "name": "new",
        "layer": Dense(2, 2),
        "parameters": model.parameters(),
        "path": path,
        "self": model,
        "condition": x > 1,
        "labels": [0, 1],
        "change": lambda layer: layer.eval(),
        "schedule": optim.WarmUp(3),
        "step": 3,
        "part": {"dense.b": np.ones(2, "float32")},
        "a": x,
        "b": w,
        "i": 0,
        "arrays": model.state_dict(),
    }
    if name in ("fit", "evaluate", "DataLoader", "utils", "register_forward_hook"):
        known["x"] = np.ones((2, 2), "float32")
    exec(code, known)


def test_remedy_for_register_buffer_saves_constant():
    code, _, _ = hint("register_buffer").partition(":")

    class Net(Layer):
        def __init__(self, array):
            exec(code, {"self": self, "array": array})

    net: Any = Net(np.array([1.0, 2.0]))
    assert net.parameters() == []
    other: Any = Net(np.zeros(2))
    other.load_state_dict(net.state_dict())
    assert other.mean.tolist() == [1, 2]


def test_remedy_for_save_flattens_nested_dict(tmp_path):
    path = tmp_path / "m"
    state = {"W": np.ones((2, 3)), "b": np.zeros(3)}
    with pytest.raises(mg.MinigradError) as caught:
        mg.save(path, {"model": state})
    (code,) = re.findall(r": (\{.*?: array.*?\}), where", caught.value.remedy)
    mg.save(path, eval(code, {"state": state}))
    assert list(mg.load(path)) == ["model.W", "model.b"]


def test_remedy_for_load_state_dict_changes_dtype():
    model = Dense(2, 1)
    state = model.state_dict()
    arrays = {name: array.astype("float64") for name, array in state.items()}
    message = "(?s)MG505.*to change the dtype of an array, use array.astype"
    with pytest.raises(mg.MinigradError, match=message):
        model.load_state_dict(arrays)


def test_remedy_for_second_derivative_of_own_gate():
    class Square(mg.Gate):
        differentiable_twice = False

        def forward(self, x):
            return x * x

        def backward(self, dz, z, x):
            return (2 * x * dz,)

    def curvature():
        x = mg.Tensor([3.0], requires_grad=True)
        (slope,) = mg.grad(Square()(x).sum(), [x], create_graph=True)
        (curvature,) = mg.grad(slope.sum(), [x])
        return curvature.item()

    message = "(?s)MG124.*delete differentiable_twice"
    with pytest.raises(mg.MinigradError, match=message) as caught:
        curvature()
    assert "unfuse" not in str(caught.value)
    del Square.differentiable_twice
    assert curvature() == 2.0


def test_remedies_of_docs_run(tmp_path):
    docs = HERE.parents[2] / "docs"
    page = (docs / "coming_from.md").read_text("utf-8")
    lines = []
    for row in page.splitlines():
        if row.startswith("| `"):
            _, remedy, *_ = row.split(" | ")
            lines += re.findall("`([^`]+)`", remedy)
    assert len(lines) >= 75
    for line in lines:
        if "with " in line or line in ("forward", "b", "W"):
            continue
        known = {**vars(layers), **vars(optim), **given()}
        known |= {
            "Batches": Batches,
            "ids": [[0], [1]],
            "path": tmp_path / "m",
            "self": known["model"],
            "a": np.ones(3, "float32"),
        }
        exec(line, known)


def test_remedies_name_what_exists():
    remedies = " ".join(other_frameworks._remedies().values())
    for prefix, module in {"mg": mg, "layers": layers}.items():
        for word in re.findall(rf"\b{prefix}\.(\w+)", remedies):
            assert hasattr(module, word), word


def test_foreign_names_of_tensor_have_remedies():
    names = [name for name in vars(ForeignNames) if name[0] != "_"]
    assert len(names) > 100
    for name in names:
        assert hint(name), name


# ---- names that Python asks for ----


@pytest.mark.parametrize("thing", [Sequential(Dense(2, 3)), mg, mg.Tensor(1.0)])
def test_hasattr_is_false_for_unknown_name(thing):
    assert not hasattr(thing, "unsqueeze")
    with pytest.raises(AttributeError) as caught:
        thing._repr_mimebundle_  # noqa: B018
    assert not isinstance(caught.value, mg.MinigradError)


def test_functions_can_be_pickled():
    assert pickle.loads(pickle.dumps(mg.stack)) is mg.stack


def test_model_may_use_foreign_name():
    model: Any = Sequential(Dense(3, 4))
    model.weight = mg.Tensor([1.0], requires_grad=True)
    assert model.weight.item() == 1
    assert "weight" in model.named_parameters()


class Broken(Layer):
    @property
    def broken(self):
        return None.nothing  # type: ignore[attr-defined]

    def forward(self, x):
        return len(0)  # type: ignore[arg-type]


def test_error_in_property_is_left_alone():
    with pytest.raises(AttributeError, match="NoneType.*nothing"):
        Broken().broken  # noqa: B018


@pytest.mark.parametrize("call", [Broken(), lambda x: nn.Dense(3, 2, init=abs)])
def test_error_in_function_is_left_alone(call):
    with pytest.raises(TypeError) as caught:
        call(0)
    assert not isinstance(caught.value, mg.MinigradError)
