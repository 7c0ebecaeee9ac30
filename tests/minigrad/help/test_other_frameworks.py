"""What people type who come from PyTorch, NumPy, Keras or JAX: it works, or an error tells what to
write.
"""

import functools
import io
import pickle
import re
import warnings
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import layers
import minigrad as mg
import optim
from layers import Dense, Layer, Sequential
from minigrad.data import Batches
from minigrad.help import other_frameworks

HERE = Path(__file__).parent


def names() -> dict[str, Any]:
    """What the one-liners are about."""
    x = mg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True, name="x")
    w = mg.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True, name="w")
    loss, model = (x @ w).mean(), Sequential(Dense(3, 4), Dense(4, 2))
    loss.backward()
    return {
        "mg": mg, "np": np, "nn": layers, "optim": optim, "x": x, "w": w, "loss": loss, "model": model,
        "row": x[0], "batch": mg.Tensor(np.ones((2, 3, 3))), "y": np.array([0, 1]), "logits": x,
        "opt": optim.SGD(model.named_parameters(), lr=0.1),
    }  # fmt: skip


def test_at_most_a_tenth_of_the_one_liners_end_in_an_error_of_pythons(
    tmp_path: Path,
) -> None:
    lines = [
        line
        for line in (HERE / "habits.txt").read_text().splitlines()
        if line and line[0] != "#"
    ][::5]
    bare = []
    for line in lines:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(line, {**names(), "tmp": str(tmp_path)})
            except mg.MinigradError as error:
                assert error.remedy and error.cause, line
            except Exception:
                bare.append(line)
    assert len(lines) > 290 and len(bare) <= 0.1 * len(lines), bare


@pytest.mark.parametrize(
    "line",
    [
        "x.numpy() == x.array", "x.tolist() == x.array.tolist()", "x.view(3, -1) == x.reshape(3, "
                                                                  "2)", "x.t() == x.T",
        "x.dim() == 2", "x.numel() == 6", "x.detach().cpu().numpy() == x.array", "x.float().dtype == mg.float32",
        "x.data.numpy() == x.array", "mg.cat([x, x], axis=1) == np.concatenate([x, x], 1)",
        "mg.tensor([1.0]) == mg.Tensor([1.0])", "model.parameters() == "
                                                "list(model.named_parameters().values())",
        "x.permute(1, 0) == x.T", "x.permute((-1, 0)) == x.T", "mg.permute(x, dims=(1, 0)) == x.T",
        "x.permute(0, 1) == x", "batch.permute(2, 0, 1) == batch.transpose(2, 0, 1)",
        "x.sum(dim=1, keepdim=True) == x.sum(axis=1, keepdims=True)",
        "x.mean(dim=(0, 1), keepdim=True) == x.mean(axis=(0, 1), keepdims=True)",
        "x.logsumexp(-1, keepdim=True) == x.logsumexp(-1, keepdims=True)",
        "mg.softmax(x, dim=0) == mg.softmax(x, axis=0)", "mg.cat([x, x], dim=1) == np.concatenate([x, x], 1)",
        "x.var(axis=0, correction=1) == x.var(axis=0, ddof=1)", "nn.Dense(3, 2, use_bias=False).settings()",
        "nn.Dropout(p=0.25).rate == 0.25",
        "nn.Conv2d(in_channels=1, out_channels=8, kernel_size=3, strides=2).settings() == '1, 8, (3, 3), 2, 0'",
        "nn.BatchNorm(num_features=4, eps=0.1).epsilon == 0.1", "nn.MaxPool2d(pool_size=2).size == (2, 2)",
        "optim.SGD([w], learning_rate=0.5).lr == 0.5",
        "mg.softmax_cross_entropy(x, y, weight=[1, 2, 3]) == mg.softmax_cross_entropy(x, y, weights=[1, 2, 3])",
        "mg.grad(x.sum(0), x, grad_outputs=[1, 2, 3])[0] == [1, 2, 3]",
        "x.sum(0).backward(gradient=[1, 2, 3], retain_graph=True) is None",
    ],
)  # fmt: skip
def test_what_means_the_same_works(line: str) -> None:
    assert np.all(eval(line, names()))


# ---- the same names, with numbers from PyTorch 2.15 ----

LOGITS = [[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [-2.0, 3.0, 0.0], [0.1, 0.2, 0.3]]
LABELS, SOME, WEIGHT = [2, 1, 1, 0], [2, -100, 1, 0], [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("labels", "options", "loss", "first_and_last_row"),
    [
        (LABELS, {}, 0.769728, [[0.043823, 0.009778, -0.053601], [-0.174848, 0.083056, 0.091791]]),
        (SOME, {}, 0.499413, [[0.05843, 0.013038, -0.071468], [-0.23313, 0.110742, 0.122388]]),
        (LABELS, {"ignore_index": 1}, 0.721627, [[0.087645, 0.019556, -0.107201], [-0.349695, 0.166112, 0.183583]]),
        (SOME, {"weight": WEIGHT}, 0.325308, [[0.100166, 0.02235, -0.122516], [-0.099913, 0.047461, 0.052452]]),
        (LABELS, {"weight": WEIGHT, "ignore_index": 1}, 0.433438,
         [[0.140232, 0.03129, -0.171522], [-0.139878, 0.066445, 0.073433]]),
        (SOME, {"reduction": "sum"}, 1.498239, [[0.17529, 0.039113, -0.214403], [-0.69939, 0.332225, 0.367165]]),
        (SOME, {"weight": WEIGHT, "reduction": "none"}, [0.482623, 0.0, 0.054985, 0.600971],
         [[0.350581, 0.078225, -0.428806], [-0.349695, 0.166112, 0.183583]]),
    ],
)  # fmt: skip
def test_cross_entropy_is_pytorchs(
    labels: Any, options: Any, loss: Any, first_and_last_row: Any
) -> None:
    logits = mg.Tensor(LOGITS, requires_grad=True)
    result = mg.cross_entropy(logits, np.array(labels), **options)
    result.sum().backward()
    np.testing.assert_allclose(result.array, loss, atol=1e-6)
    assert logits.grad is not None
    np.testing.assert_allclose(logits.grad[[0, 3]], first_and_last_row, atol=1e-6)
    ignored = np.array(labels) == options.get("ignore_index", -100)
    assert not logits.grad[ignored].any()


def test_cross_entropy_takes_the_classes_from_axis_1_as_pytorch_does() -> None:
    logits = mg.Tensor(
        np.arange(12, dtype="float32").reshape(2, 3, 2) / 4 - 1, requires_grad=True
    )
    loss = mg.cross_entropy(logits, [[0, 2], [1, -100]])
    loss.backward()
    assert logits.grad is not None
    assert loss.item() == pytest.approx(1.1802697)
    np.testing.assert_allclose(
        logits.grad[0], [[-0.271225, 0.062108], [0.102399, 0.102399], [0.168827, -0.164507]], atol=1e-6
    )  # fmt: skip
    np.testing.assert_allclose(logits.grad[1, :, 1], 0)
    assert mg.cross_entropy([0.5, -1.0, 2.0], 2).item() == pytest.approx(
        0.2413113
    )  # one example


def test_where_cross_entropy_differs_an_error_says_so() -> None:
    one_hot = np.eye(3)[LABELS]
    with pytest.raises(mg.MinigradError, match="(?s)MG152.*must be integers.*argmax"):
        mg.cross_entropy(LOGITS, one_hot)
    with pytest.raises(
        mg.MinigradError, match="(?s)MG129.*label_smoothing=.*log_softmax"
    ):
        mg.cross_entropy(LOGITS, LABELS, label_smoothing=0.1)
    with pytest.raises(mg.MinigradError, match="MG116"):
        mg.cross_entropy(LOGITS, [-100] * 4)
    with pytest.raises(
        mg.MinigradError, match="(?s)MG129.*mg.cross_entropy.*ignore_index"
    ):
        mg.softmax_cross_entropy(LOGITS, LABELS, ignore_index=0)


def test_manual_seed_is_seed() -> None:
    def drawn(seed: Any) -> Any:
        seed(5)
        return Dense(2, 3).W.array.tolist()

    assert drawn(mg.manual_seed) == drawn(mg.random.manual_seed) == drawn(mg.seed)


def test_clip_grad_norm_is_pytorchs() -> None:
    a = mg.Tensor([3.0, 4.0], requires_grad=True)
    b = mg.Tensor([[0.0], [12.0]], requires_grad=True)
    a.grad, b.grad = a.array, b.array
    assert optim.clip_grad_norm_((w for w in [a, b]), max_norm=6.5) == 13.0
    np.testing.assert_allclose(a.grad, [1.5, 2.0], atol=1e-6)
    np.testing.assert_allclose(b.grad, [[0.0], [6.0]], atol=1e-6)
    assert optim.clip_grad_norm_(a, 100.0) == pytest.approx(2.5)  # a single one
    assert a.grad.tolist() == [1.5, 2.0]
    with pytest.raises(mg.MinigradError, match="(?s)MG129.*norm_type=.*2-norm"):
        optim.clip_grad_norm_([a], 1.0, norm_type=1)


def test_eps_is_pytorchs() -> None:
    z = layers.LayerNorm(3, eps=0.5)(LOGITS)  # type: ignore[call-arg]
    np.testing.assert_allclose(z.array[0], [0.0, -1.0606601, 1.0606601], atol=1e-6)
    np.testing.assert_allclose(
        z.array[2], [-1.0737508, 1.2271440, -0.1533930], atol=1e-6
    )
    rules: list[tuple[Any, dict[str, float], list[float]]] = [
        (optim.Adam, {}, [0.8491805, -1.8881141, 0.5359697]),
        (optim.AdamW, {"weight_decay": 0.1}, [0.8300805, -1.8492030, 0.5263054]),
        (optim.RMSprop, {"alpha": 0.9}, [0.7385198, -1.8810912, 0.7146672]),
        (optim.Adagrad, {}, [0.8834512, -1.9513353, 0.5636890]),
    ]
    for rule, options, truth in rules:
        w = mg.Tensor([1.0, -2.0, 0.5], requires_grad=True)
        optimizer = rule([w], lr=0.1, eps=0.25, **options)
        for gradient in [1.0, -2.0, 0.1], [0.5, 1.0, -3.0]:
            w.grad = np.array(gradient)
            optimizer.step()
        np.testing.assert_allclose(w.array, truth, atol=1e-6)
        with pytest.raises(
            mg.MinigradError, match="(?s)MG129.*for epsilon=: eps=, .*Keras"
        ):
            rule([w], epsilon=0.25)


@pytest.mark.parametrize(
    "line",
    [
        "x.sum(axis=1, dim=0)",
        "x.sum(0, dim=1)",
        "nn.Dense(3, 2, use_bias=False, device='cpu')",
    ],
)
def test_a_keyword_is_renamed_only_if_the_whole_call_fits(line: str) -> None:
    with pytest.raises(mg.MinigradError, match="MG129"):
        eval(line, names())


# ---- names that mean something else ----


ANSWERS = """
x.zero_() -> MG119 .*w.array =
x.max(dim=1) -> MG129 .*for dim=: use axis= .*np.argmax
x.max(1, keepdim=True) -> MG129 .*only the values
x.std(dim=0) -> MG129 .*ddof=1
x.std(0, keepdim=True) -> MG129 .*ddof=1
x.squeeze(dim=0) -> MG129 .*must be 1
x.argmax(dim=1) -> MG129 .*no .float
mg.zeros(2, 3) -> MG119 minigrad has no zeros.*np.zeros
mg.sigmod(x) -> MG119 .*did you mean sigmoid
mg.gradchek(x) -> MG119 .*did you mean gradcheck
mg.qqq -> MG119 .*call dir\\(\\)
mg.random.randn(3) -> MG119 .*mg.generator
nn.Linear(3, 2) -> MG119 layers has no Linear.*Dense\\(3, 2\\)
from layers import Linear -> MG133 layers has no Linear.*Dense\\(3, 2\\)
nn.Dense(10) -> MG129 .*the signature is Dense\\(inputs, outputs,.*the input's size
x.unsqueeze(0) -> MG119 .*mg.expand_dims\\(x, axis=0\\)
model.append(nn.Dense(2, 1)) -> MG119 .*in a Sequential .*model.last = Dense
optim.CosineAnnealingLR(opt, 100) -> MG119 .*CosineSchedule\\(steps=1000\\)
nn.ReLU() -> MG119 .*Sequential\\(Dense\\(2, 3\\), mg.relu
nn.GELU() -> MG119 .*Sequential\\(Dense\\(2, 3\\), mg.gelu
nn.Conv2D(8, 3) -> MG119 .*Conv2d\\(1, 8, 3\\)
nn.Conv2d(8, 3) -> MG129 .*pass the channels, the filters and the size
nn.BatchNorm2d(8) -> MG119 .*BatchNorm\\(4\\)
mg.conv2d(x, w) -> MG119 .*mg.conv\\(x, W
model.add(nn.Dense(2, 1)) -> MG119 .*in a Sequential .*model.last = Dense
model(x, mask=y) -> MG129 .*a Sequential passes only x
mg.save(model.state_dict(), "weights") -> MG507 .*mg.save\\(path, model.state_dict\\(\\)\\)
w.array = mg.Tensor(1.0) -> MG111 .*t.array is its NumPy array
mg.softmax_cross_entropy(x, [0, -100]) -> MG154 .*mg.cross_entropy ignores labels of -100
model.register_buffer("mean", y) -> MG119 .*self.buffer\\("mean", array\\): it is saved
mg.gradcheck(lambda x: x * x, (x,)) -> MG111 .*mg.gradcheck\\(f, x, y\\)
mg.gradcheck(lambda x: x * x, [batch]) -> MG111 .*mg.gradcheck\\(f, x, y\\)
mg.Tensor([[x, x], [x, x]]) -> MG111 .*mg.stack
mg.save("state", {"model": model.state_dict()}) -> MG507 .*f'model.{key}': array
opt.learning_rate = 0.1 -> MG119 SGD .*opt.lr = 0.01
opt.zero_grad(set_to_none=True) -> MG129 .*leave it out
model.weight -> MG119 Sequential .*model.dense.W
model(x, training=True) -> MG129 .*model.eval\\(\\)
loss.backward(create_graph=True) -> MG129 .*mg.grad\\(loss
np.dot(x, w) -> MG118 .*a @ b
mg.Tensor([1.0], device="cpu") -> MG129 Tensor got .*the signature is Tensor\\(data, requires_grad, .*leave it out
mg.Module -> MG119 .*from layers import Layer; class Net
x.zero_grad() -> MG119 .*w.grad = None
mg.split(x, 3) -> MG174 .*np.split\\(x, 3, axis=0\\)
nn.RNN(3, 4, nonlinearity="relu") -> MG129 .*RNN\\(input_size, hidden_size, activation, drop.*activation=mg.relu
nn.GRU(3) -> MG129 .*GRU\\(input_size, hidden_size, reset_after, dropout, layers,
"""


@pytest.mark.parametrize("row", ANSWERS.strip().splitlines())
def test_what_does_not_is_answered(row: str) -> None:
    line, message = row.split(" -> ")
    builtins: dict[str, type[Exception]] = {
        "MG133": ImportError,
        "MG119": AttributeError,
        "MG154": IndexError,
        "MG174": ValueError,
    }
    with pytest.raises(builtins.get(message[:5], TypeError)) as caught:
        exec(line, names())
    assert re.search(f"(?s){message[:5]}.*{message[6:]}", str(caught.value))


# ---- remedies do what the name does ----


def rows() -> list[list[str]]:
    text = (HERE / "pytorch.txt").read_text()
    return [line.split(" | ") for line in text.splitlines() if line and line[0] != "#"]


@pytest.mark.parametrize("row", rows(), ids=" ".join)
def test_a_remedy_computes_what_pytorch_computes(row: list[str]) -> None:
    name, code, values, _, truth = row
    X = np.array([[0.5, 2.0, 1.5], [4.0, 0.25, 3.0]], "float32")
    x = mg.Tensor(X, requires_grad=True)
    s = mg.Tensor(
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]], requires_grad=True
    )
    z = mg.Tensor(np.arange(12, dtype="float32").reshape(2, 3, 2))
    known: dict[str, Any] = {
        "np": np,
        "mg": mg,
        "X": X,
        "x": x,
        "s": s,
        "z": z,
        "a": x,
        "b": s,
    }
    known |= {"lab": np.array([2, 0]), "ids": np.array([[0, 2], [1, 1]])}
    known |= eval(f"dict({values})", known)
    result = eval(code, known)
    result = mg.stack(result) if isinstance(result, list) else result
    array = result.array if isinstance(result, mg.Tensor) else result
    assert code in other_frameworks.hint(name)
    assert array.shape == np.shape(eval(truth))
    np.testing.assert_allclose(array, eval(truth), atol=2e-5)


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
def test_a_remedy_runs(row: str, tmp_path: Path) -> None:
    name, code = row.split(" -> ")
    assert code in other_frameworks.hint(name)
    known: dict[str, Any] = {**vars(layers), **vars(optim), **names(), "layers": layers}
    x = known["x"] = mg.Tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    w = known["w"] = mg.Tensor([[0.5, -0.5], [1.0, 0.0]], requires_grad=True)
    model = known["model"] = Sequential(Dense(2, 2))
    h = known["h"] = x @ w
    known["loss"] = (h * h).sum()
    known["loss"].backward()
    mg.softmax_cross_entropy(model(x.detach()), [0, 1]).backward()
    mg.save(tmp_path / "m", model.state_dict())
    known |= {
        "opt": optim.SGD(model.parameters(), lr=0.1),
        "Batches": Batches,
        "array": np.ones(2, "float32"),
        "functools": functools,
        "name": "new",
        "layer": Dense(2, 2),
        "parameters": model.parameters(),
        "path": tmp_path / "m",
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


def test_a_buffer_made_as_the_remedy_tells_is_saved_and_not_trained() -> None:
    code = other_frameworks.hint("register_buffer").partition(":")[0]

    class Net(Layer):
        def __init__(self, array: Any) -> None:
            super().__init__()
            self.dense = Dense(2, 1)
            exec(code, {"self": self, "array": array})

        def forward(self, x: Any) -> Any:
            return self.dense(x - self.mean)  # type: ignore[attr-defined]

    net: Any = Net(np.array([1.0, 2.0], "float32"))
    mg.mean_squared_error(net(np.ones((3, 2), "float32")), np.zeros((3, 1))).backward()
    optim.SGD(net.parameters(), lr=0.1).step()
    assert net.state_dict()["mean"].tolist() == [1.0, 2.0]
    other: Any = Net(np.zeros(2, "float32"))
    other.load_state_dict(net.state_dict())
    assert other.mean.tolist() == [1.0, 2.0]


def test_a_nested_dict_saved_as_the_remedy_tells_comes_back(tmp_path: Path) -> None:
    state = {"W": np.ones((2, 3)), "b": np.zeros(3)}
    with pytest.raises(mg.MinigradError) as caught:
        mg.save(tmp_path / "m", {"model": state})
    flat = eval(
        caught.value.remedy.split(": ", 1)[1].split("}, where")[0] + "}",
        {"state": state},
    )
    mg.save(tmp_path / "m", flat)
    assert list(mg.load(tmp_path / "m")) == ["model.W", "model.b"]


def test_text_goes_into_the_info_as_the_remedy_tells(tmp_path: Path) -> None:
    array = np.array(["good", "bad"])
    with pytest.raises(
        mg.MinigradError, match="MG507.*(?s:.*)in `info` as a list: array.tolist"
    ):
        mg.save(tmp_path / "m", {"words": array})
    mg.save(tmp_path / "m", {}, {"words": array.tolist()})
    assert mg.load(tmp_path / "m").info["words"] == ["good", "bad"]


def test_arrays_of_another_dtype_load_as_the_remedy_tells() -> None:
    model = Sequential(Dense(2, 1))
    arrays = {
        name: array.astype("float64") for name, array in model.state_dict().items()
    }
    with pytest.raises(
        mg.MinigradError,
        match="(?s)MG505.*to change the dtype of an array, use array.astype",
    ):
        model.load_state_dict(arrays)
    model.load_state_dict(
        {name: array.astype("float32") for name, array in arrays.items()}
    )


def test_the_remedy_for_a_second_derivative_helps_with_a_gate_of_ones_own() -> None:
    class Square(mg.Gate):
        differentiable_twice = False

        def forward(self, x: Any) -> Any:
            return x * x

        def backward(self, dz: Any, z: Any, x: Any) -> Any:
            return (2 * x * dz,)

    def curvature() -> float:
        x = mg.Tensor([3.0], requires_grad=True)
        (slope,) = mg.grad(Square()(x).sum(), [x], create_graph=True)
        return mg.grad(slope.sum(), [x])[0].item()

    with pytest.raises(
        mg.MinigradError, match="(?s)MG124.*delete differentiable_twice"
    ) as caught:
        curvature()
    assert "unfuse" not in str(caught.value)
    del Square.differentiable_twice
    assert curvature() == 2.0


def test_what_python_asks_for_is_answered_by_python() -> None:
    model: Any = Sequential(Dense(2, 3), mg.softmax)
    things: list[Any] = [model, mg, mg.Tensor(1.0)]
    for thing in things:
        assert not hasattr(thing, "unsqueeze")
        with pytest.raises(AttributeError) as caught:
            thing._repr_mimebundle_  # noqa: B018
        assert not isinstance(caught.value, mg.MinigradError)
    assert pickle.loads(pickle.dumps(mg.stack)) is mg.stack
    # a name of the text is free for a model of one's own
    model.weight = mg.Tensor([1.0], requires_grad=True)
    assert model.weight.item() == 1.0 and "weight" in model.named_parameters()


def test_errors_from_inside_a_property_or_a_function_are_left_alone() -> None:
    class Net(Layer):
        @property
        def broken(self) -> int:
            return {}.nothing  # type: ignore[attr-defined,no-any-return]

        def forward(self, x: Any) -> Any:
            return len(0)  # type: ignore[arg-type]

    with pytest.raises(AttributeError, match="nothing"):
        Net().broken  # noqa: B018
    for call in (Net(), lambda x: Dense(3, 2, init=abs)):  # type: ignore[arg-type]
        with pytest.raises(TypeError) as caught:
            call(0)
        assert not isinstance(caught.value, mg.MinigradError)


def test_what_the_page_says_to_write_here_works(tmp_path: Path) -> None:
    page = (HERE.parents[2] / "docs" / "coming_from.md").read_text()
    rows = [row.split(" | ")[1] for row in page.splitlines() if row.startswith("| `")]
    lines = [code for row in rows for code in re.findall("`([^`]+)`", row)]
    given = {
        **vars(layers),
        **vars(optim),
        "Batches": Batches,
        "ids": [[0], [1]],
        "path": tmp_path / "m",
    }
    for line in lines:
        if "with " not in line and line not in ("forward", "b", "W"):
            known = names()
            exec(
                line,
                {**given, **known, "self": known["model"], "a": np.ones(3, "float32")},
            )
    assert len(lines) >= 75


def test_the_text_has_the_names_that_a_tensor_answers_and_tells_to_write_what_exists() -> (
    None
):
    answered = [
        name
        for name, value in vars(other_frameworks.ForeignNames).items()
        if isinstance(getattr(value, "fget", 0), partial)
    ]
    assert len(answered) > 100 and all(map(other_frameworks.hint, answered))
    remedies = " ".join(other_frameworks._remedies().values())
    for module in (mg, layers):
        words = re.findall(rf"\b{'mg' if module is mg else 'layers'}\.(\w+)", remedies)
        assert all(hasattr(module, word) for word in words)
