"""What people type who come from PyTorch, NumPy, Keras or JAX: it works, or an error says what to write."""

import copy
import importlib.util
import io
import pickle
import re
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import layers
import minigrad as mg
import optim
from layers import Dense, Embedding, Layer, Sequential
from minigrad.data import Batches
from minigrad.errors import UnknownImportError, UnknownNameError, UnsupportedError
from minigrad.help import other_frameworks as habits

LINES = [
    line
    for line in (Path(__file__).parent / "habits.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


def names(folder: Path) -> dict[str, Any]:
    """What the one-liners are about."""
    x = mg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True, name="x")
    w = mg.Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True, name="w")
    (x @ w).mean().backward()
    model = Sequential(Dense(3, 4), Dense(4, 2))
    return {
        "mg": mg, "np": np, "nn": layers, "optim": optim, "x": x, "w": w, "loss": (x @ w).mean(), "model": model,
        "row": mg.Tensor([1.0, 0.0, 1.0]), "batch": mg.Tensor(np.ones((2, 3, 3))), "y": np.array([0, 1]),
        "logits": mg.Tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 0.0]], requires_grad=True), "tmp": str(folder),
        "opt": optim.SGD(model.named_parameters(), lr=0.1),
    }  # fmt: skip


def outcome(line: str, folder: Path) -> str:
    """How a line ends: it works, is answered, or an exception of Python's or NumPy's own."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(line, names(folder))
        except mg.MinigradError as error:
            assert error.remedy and error.cause, line
            return "answered"
        except Exception as error:
            return type(error).__name__
    return "works"


def test_nearly_every_one_liner_works_or_is_answered(tmp_path: Path) -> None:
    found = {line: outcome(line, tmp_path) for line in LINES}
    bare = [line for line, end in found.items() if end in ("AttributeError", "TypeError", "ImportError")]
    assert len(set(LINES)) >= 300
    assert len(bare) < 0.05 * len(LINES), bare
    assert Counter(found.values())["works"] >= 150


x: Any = mg.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
array = x.array


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: x.numpy(), array), (lambda: x.detach().numpy(), array), (lambda: x.tolist(), array.tolist()),
        (lambda: x.view(3, -1), array.reshape(3, 2)), (lambda: x.t(), array.T), (lambda: x.mT, array.T),
        (lambda: x.dim(), 2), (lambda: x.numel(), 6), (lambda: x.detach().cpu().numpy(), array),
        (lambda: x.double().dtype, np.float64), (lambda: x.sum().item(), 21.0), (lambda: abs(-x), array),
        (lambda: x.data.numpy(), array), (lambda: x.is_leaf, True), (lambda: (x * 2).is_leaf, False),
        (lambda: x.sum(dim=1, keepdim=True), array.sum(1, keepdims=True)), (lambda: x.mean(dim=0), array.mean(0)),
        (lambda: x.std(correction=1), array.std(ddof=1)), (lambda: np.var(x, 0, correction=1), array.var(0, ddof=1)),
        (lambda: x.argmax(dim=1), [2, 2]), (lambda: x.argmax(0), [1, 1, 1]), (lambda: x.argmax(), 5),
        (lambda: mg.cat([x, x], dim=1), np.concatenate([array, array], 1)),
        (lambda: mg.softmax(x, dim=0), mg.softmax(x, axis=0).array),  # type: ignore[call-arg]
        (lambda: mg.stack([x, x], dim=1), np.stack([array, array], 1)),  # type: ignore[call-arg]
        (lambda: x.contiguous().view(-1), array.ravel()),
    ],
)  # fmt: skip
def test_what_means_the_same_works(call: Callable[[], Any], expected: Any) -> None:
    found = call()
    np.testing.assert_array_equal(found.array if isinstance(found, mg.Tensor) else found, expected)


def test_a_view_is_recorded() -> None:
    w: Any = mg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    (w.view(3, 2).t() * np.arange(6.0).reshape(2, 3)).sum(dim=0).sum().backward()
    np.testing.assert_array_equal(w.grad, np.arange(6.0).reshape(2, 3).T.reshape(2, 3))


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("x.permute(1, 0)", "x.transpose(1, 0)"), ("x.unsqueeze(0)", "x[:, None]"), ("x.flatten()", "x.reshape(-1)"),
        ("x.size()", "x.shape"), ("x.norm()", "mg.sqrt("), ("x.clone()", "x.detach()"), ("x.to('cpu')", "leave it out"),
        ("x.device", "leave it out"), ("x.grad_fn", "x.node.gate"), ("x.zero_()", "w.array = "),
        ("x.add_(1)", "w.array = "), ("x.retain_grad()", "mg.grad("), ("x.masked_fill(x > 0, 0.0)", "mg.where"),
        ("x.clamp(0, 1)", "x.clip(0, 1)"), ("x.split(1)", "number of parts|into 2 parts"), ("x.chunk(2)", "mg.split"),
        ("x.gather(1, [[0]])", "mg.take_along_axis"), ("x.topk(2)", "np.argsort"), ("x.max(dim=1)", "np.argmax"),
        ("x.var(dim=1)", "ddof=1"), ("x.std(unbiased=False)", "ddof=1"), ("x.std(keepdim=True)", "ddof=1"),
        ("np.where(x)", "np.nonzero(x)"), ("mg.where(x)", "np.nonzero(x)"), ("np.sum(x, dtype=float)", "give it"),
        ("mg.split(x, 2, dim=0)", "number counts"),
        ("mg.tensor([1.0])", "mg.Tensor"), ("mg.zeros(2, 3)", "np.zeros"), ("mg.Linear(3, 2)", "Dense(3, 2)"),
        ("mg.nn.Linear(3, 2)", "from layers import"), ("mg.cross_entropy(x, y)", "mg.softmax_cross_entropy"),
        ("mg.Adam", "from optim import"), ("mg.Sequential()", "from layers import"), ("nn.Linear(3, 2)", "Dense"),
        ("nn.ReLU()", "mg.tanh"), ("nn.Module", "class Net(Layer)"), ("nn.CrossEntropyLoss()", "softmax_cross_entropy"),
        ("nn.tanh", "from minigrad import tanh"), ("optim.lr_scheduler", "StepSchedule"),
        ("from layers import Linear", "Dense(3, 2)"), ("from layers import Dens", "did you mean Dense"),
        ("from optim import Dense", "from layers import Dense"), ("model.fit(x, y)", "Trainer("),
        ("model.weight", "model.dense.W"), ("model.to('cuda')", "leave it out"), ("model.children()", "named_layers"),
        ("nn.Dense(10)", "Dense(3, 2)"), ("nn.Dense(units=3)", "by position"), ("opt.param_groups", "opt.groups"),
        ("nn.RNN(3, 4, batch_first=True)", "leave it out"), ("nn.LSTM(3, 4, num_layers=2)", "layers="),
        ("opt.learning_rate = 0.1", "opt.lr = 0.01"), ("np.dot(x, w)", "a @ b"), ("np.take(x, [0])", "mg.lookup"),
        ("np.linalg.norm(x)", "mg.sqrt"), ("loss.backward(gradient=1.0)", "upstream="), ("x // 2", "x.array"),
        ("loss.backward(create_graph=True)", "mg.grad("), ("mg.grad(lambda t: t.sum())(x)", "mg.grad(loss, [x])"),
        ("mg.sigmod(x)", "did you mean sigmoid"), ("mg.gradchek(x)", "gradcheck?"),
        ("nn.dense(3, 2)", "did you mean Dense?"), ("optim.adam([w])", "did you mean Adam"), ("mg.qqq", "dir() lists"),
        ("mg.random.randn(3)", "default_rng"),
        # by a rule: NumPy's names, names in place, functions, operators, parts of a model, modules
        ("x.diagonal()", "x.array.diagonal"), ("x.roll(1)", "np.roll"), ("x.det()", "np.linalg.det"),
        ("mg.triu(x)", "np.triu"), ("x.relu_()", "x.relu(...)"), ("x.squeeze_()", "x.squeeze(...)"),
        ("x.unsqueeze_(0)", "x[:, None]"), ("x.softplus()", "mg.softplus(x)"), ("~x", "x.array"), ("x ^ 1", "t.array"),
        ("2 // x", "x.array"), ("x << 1", "t.array"), ("divmod(x, 2)", "t.array"),
        ("mg.square(x)", "x.square(...)"), ("mg.swapaxes(x, 0, 1)", "x.swapaxes(...)"),
        ("model.fc1", "it has dense, dense_2"),
        ("model.dense.w", "did you mean W?"), ("model.named_parameter()", "did you mean named_parameters"),
        ("import minigrad.nn.functional", "from layers import"), ("import optim.lr_scheduler", "StepSchedule"),
        ("from minigrad.nn import Linear", "from layers import"), ("from minigrad.data import DataLoader", "Batches"),
        ("opt.zero_grad(set_to_none=True)", "leave it out"), ("opt.step(loss)", "loss.backward()"),
        ("mg.softmax_cross_entropy(logits, y, ignore_index=0)", "mask=ids"), ("opt.zero_grad(True)", "give it"),
        ("model(x, training=True)", "model.eval()"), ("model()", "give it what it takes"),
    ],
)  # fmt: skip
def test_what_does_not_is_answered(line: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(mg.MinigradError) as caught:
        exec(line, names(tmp_path))
    assert any(one in caught.value.remedy for one in remedy.split("|")), str(caught.value)


def test_assignment_in_place_that_no_gate_does_goes_on_as_an_operation() -> None:
    x = mg.Tensor([3.0], requires_grad=True)
    y: Any = x
    y **= 2
    y.backward()
    assert y.item() == 9.0 and x.grad == 6.0


def test_modules_of_other_packages_are_found_and_missed_as_ever() -> None:
    assert importlib.util.find_spec("minigrad.drawing") and importlib.util.find_spec("nothing_of_that_name") is None
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("json.nothing")
    assert not isinstance(caught.value, mg.MinigradError)
    with pytest.raises(ModuleNotFoundError, match="MG133") as caught:
        importlib.import_module("minigrad.nn")
    assert caught.value.name == "minigrad.nn"


def test_a_type_error_from_inside_forward_is_left_alone() -> None:
    class Net(Layer):
        def forward(self, x: Any, axis: int = 0) -> Any:
            return len(axis) if axis < 0 else x.sum(axis)  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="has no len") as caught:
        Net()(x, axis=-1)
    assert not isinstance(caught.value, mg.MinigradError)
    np.testing.assert_array_equal(Net()(x, dim=1).array, array.sum(1))


# ---- changing a parameter ----


def test_minus_equals_inside_no_grad_changes_the_parameter() -> None:
    w: Any = mg.Tensor([2.0], requires_grad=True)
    before = w
    for _ in range(2):
        w.grad = None
        (w * w).sum().backward()
        with mg.no_grad():
            w -= 0.25 * w.grad
    assert w is before and w.requires_grad and w.item() == 0.5  # 2, 2 - 4/4, 1 - 2/4
    with mg.no_grad():
        w += 1.0
        w *= 4.0
        w /= 2.0
    assert w is before and w.item() == 3.0
    w.grad, loss = None, (w * w).sum()
    with mg.no_grad():
        w -= 1.0
    loss.backward()  # a graph from before has the value from before
    assert w.item() == 2.0 and w.grad == 2 * 3.0


def test_elsewhere_it_is_recorded_like_any_operation() -> None:
    x = start = mg.Tensor([3.0], requires_grad=True)
    x *= 2.0
    x -= 1.0
    x.backward()
    assert start.item() == 3.0 and start.grad == 2.0
    with mg.no_grad():
        constant = same = mg.Tensor([1.0])
        constant += 1.0
    assert same.item() == 1.0 and constant.item() == 2.0


def test_a_new_tensor_in_the_parameters_place_is_noticed() -> None:
    w: Any = mg.Tensor([2.0], requires_grad=True, name="w")
    (w * w).sum().backward()
    w = w - 0.1 * w.grad
    with pytest.raises(mg.MinigradError, match=r"(?s)MG135.*w\.array = w\.array - lr"):
        (w * w).sum().backward()
        w = w - 0.1 * w.grad
    assert (w + 1.0).grad is None  # any other step has none, as ever


def test_data_is_the_value_without_history() -> None:
    w: Any = mg.Tensor([2.0], requires_grad=True)
    (w * w).sum().backward()
    w.data -= 0.25 * w.grad
    assert w.item() == 1.0 and w.requires_grad
    w.data = w.data * 3.0
    assert w.item() == 3.0


# ---- printing ----


def test_numbers_are_formatted_and_rounded() -> None:
    loss = mg.Tensor([1.23456]).sum()
    assert f"{loss:.3f}" == "1.235" and format(loss, "7.2f") == "   1.23" and f"{loss}" == repr(loss)
    assert round(loss, 2) == 1.23 and round(loss) == 1
    with pytest.raises(ValueError, match="MG169"):
        format(x, ".3f")


# ---- models and optimizers ----


def test_the_loop_of_a_pytorch_tutorial_trains() -> None:
    mg.seed(0)
    model: Any = Sequential(Dense(2, 8), mg.tanh, Dense(8, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    points = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], "float32")
    truth = np.array([[0.0], [1.0], [1.0], [0.0]], "float32")
    for _ in range(200):
        model.zero_grad()
        loss = mg.mean_squared_error(model(points), truth)
        loss.backward(retain_graph=True)
        optimizer.step()
    assert loss.item() < 0.01
    assert list(optimizer.parameters()) == list(model.named_parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_sequential_is_indexed_and_iterated() -> None:
    model = Sequential(Dense(2, 3), mg.tanh, Dense(3, 1))
    assert len(model) == 3 and model[0] is model.dense and model[-1] is model.dense_2 and list(model)[2] is model[2]
    model.tanh = Dense(3, 3)
    del model.dense_2
    assert len(model) == 2 and model[1] is model.tanh


def test_keywords_of_pytorch_that_mean_the_same() -> None:
    make: Any = Dense
    assert make(in_features=3, out_features=2, use_bias=False).W.shape == (3, 2)
    make = Embedding
    assert make(num_embeddings=9, embedding_dim=4).table.shape == (9, 4)
    make = optim.SGD
    assert make(Dense(3, 2).named_parameters(), learning_rate=0.5).groups[0].lr == 0.5
    with pytest.raises(UnsupportedError, match="MG129"):
        make({}, learning_rate=0.5, lr=0.1)
    loss: Any = mg.softmax_cross_entropy
    assert loss([[0.0, 1.0]], [1], weight=[1.0, 2.0]).item() == loss([[0.0, 1.0]], [1], weights=[1.0, 2.0]).item()


# ---- an AttributeError stays one ----


def test_what_python_asks_for_is_answered_as_ever() -> None:
    model = Sequential(Dense(2, 3))
    for thing in (x, model, optim.SGD([x])):
        assert not hasattr(thing, "unsqueeze") and not hasattr(thing, "anything")
        for name in ("__iter_me__", "_repr_mimebundle_", "_ipython_canary_method_should_not_exist_"):
            with pytest.raises(AttributeError) as caught:
                getattr(thing, name)
            assert not isinstance(caught.value, mg.MinigradError)
    assert getattr(mg, "qqq", None) is None and not hasattr(layers, "Linear") and not hasattr(mg, "__path_of_none__")


def test_copies_and_pickles_are_as_before() -> None:
    model = Sequential(Dense(2, 3), mg.softmax, Dense(3, 1))
    points = np.ones((4, 2), "float32")
    for twin in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin(points).array, model(points).array)
    again = pickle.loads(pickle.dumps(x))
    np.testing.assert_array_equal(again.array, array)
    assert pickle.loads(pickle.dumps(mg.stack)) is mg.stack
    with pytest.raises(AttributeError):
        mg.Tensor.__new__(mg.Tensor).node  # noqa: B018  (half made, as pickle and copy see it)


def test_a_property_that_fails_says_why() -> None:
    class Net(Layer):
        @property
        def width(self) -> int:
            return self.wide  # type: ignore[attr-defined,no-any-return]

        @property
        def broken(self) -> int:
            return {}.nothing  # type: ignore[attr-defined,no-any-return]

    with pytest.raises(AttributeError, match="nothing"):
        Net().broken  # noqa: B018
    with pytest.raises(AttributeError):
        Net().width  # noqa: B018


def test_errors_are_of_the_builtin_class_too(tmp_path: Path) -> None:
    for line, kind, builtin in (
        ("x.permute(1, 0)", UnknownNameError, AttributeError), ("mg.randn(2)", UnknownNameError, AttributeError),
        ("from layers import Linear", UnknownImportError, ImportError), ("x.max(dim=1)", UnsupportedError, TypeError),
    ):  # fmt: skip
        with pytest.raises(kind) as caught:
            exec(line, names(tmp_path))
        assert isinstance(caught.value, builtin)


def test_a_type_error_from_inside_is_left_alone() -> None:
    def make(shape: Any) -> Any:
        raise TypeError("not a question of arguments")

    with pytest.raises(TypeError, match="not a question") as caught:
        Dense(3, 2, init=make)
    assert not isinstance(caught.value, mg.MinigradError)


# ---- the page ----

PAGE = (Path(__file__).parents[3] / "docs" / "coming_from.md").read_text()
ROWS = [row.split(" | ") for row in PAGE.splitlines() if row.startswith("| `")]
HERE = [code for _, here in ROWS for code in re.findall("`([^`]+)`", here)]


def test_what_the_page_says_to_write_here_works(tmp_path: Path) -> None:
    names_of_the_page = {**vars(layers), **vars(optim), "Batches": Batches, "ids": [[0], [1]], "path": tmp_path / "m"}
    for code in HERE:
        if "with " in code or code in ("forward", "b", "W"):
            continue
        exec(code, {**names_of_the_page, **names(tmp_path)})
    assert len(HERE) >= 55


# ---- the table ----


def test_no_name_is_there_twice_and_none_hides_what_exists() -> None:
    entries = habits._entries()
    assert all(len(entry) == 2 for entry in entries)
    listed = [name for names, _ in entries for name in names.split()]
    assert [name for name, count in Counter(listed).items() if count > 1] == []
    assert not {name.removeprefix("mg.") for name in listed if name.startswith("mg.")} & set(mg.__all__)
    assert not {name.removeprefix("x.") for name in listed if name.startswith("x.")} & set(dir(x))
    assert not {name for name in listed if "." not in name} & {*layers.__all__, *optim.__all__}


def test_what_the_table_says_to_write_exists() -> None:
    answers = " ".join(habits._hints().values())
    for prefix, there in (("mg", mg.__all__), ("layers", layers.__all__), ("optim", optim.__all__), ("x", dir(x))):
        assert [name for name in re.findall(rf"\b{prefix}\.(\w+)", answers) if name not in there] == []


def test_the_names_are_hidden_from_completion_and_slow_nothing_down() -> None:
    model = Sequential(Dense(2, 3))
    shown = {*dir(x), *dir(model), *dir(optim.SGD([x]))}
    assert {"reshape", "array", "dense", "step", "node"} <= shown
    assert not {"unsqueeze", "view", "children", "param_groups"} & shown
    # Python 3.11 specialises no attribute of a class with a __getattr__, and reading t.node took three times as long.
    # A Layer has one, for its attributes are read rarely: 171 times in an unrolled step of 20, against 1,226 us.
    for cls in (mg.Tensor, optim.Optimizer, optim.Trainer):
        assert not hasattr(cls, "__getattr__")
    model.weight = mg.Tensor([1.0], requires_grad=True)  # a name of the table is free for a model of one's own
    assert model.weight.item() == 1.0 and "weight" in dir(model) and "weight" in model.named_parameters()


def test_importing_minigrad_loads_no_difflib() -> None:
    code = "import sys, minigrad as mg; assert 'difflib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=Path(mg.__file__).parents[1], check=True)
