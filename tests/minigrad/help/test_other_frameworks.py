"""What people type who come from PyTorch, NumPy, Keras or JAX: it works, or an error tells what to
write.
"""

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


def test_at_most_a_tenth_of_the_one_liners_end_in_an_error_of_pythons(tmp_path: Path) -> None:
    lines = [
        line for line in (HERE / "habits.txt").read_text().splitlines() if line and line[0] != "#"
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
    ],
)  # fmt: skip
def test_what_means_the_same_works(line: str) -> None:
    assert np.all(eval(line, names()))


ANSWERS = """
x.permute(1, 0) -> MG119 .*x.transpose\\(1, 0\\)
x.zero_() -> MG119 .*w.array =
x.max(dim=1) -> MG129 .*for dim=: axis=, .*np.argmax
x.sum(0, True, 1) -> MG129 .*pass the arguments it accepts
mg.zeros(2, 3) -> MG119 minigrad has no zeros.*np.zeros
mg.sigmod(x) -> MG119 .*did you mean sigmoid
mg.gradchek(x) -> MG119 .*did you mean gradcheck
mg.qqq -> MG119 .*call dir\\(\\)
mg.random.randn(3) -> MG119 .*default_rng
nn.Linear(3, 2) -> MG119 layers has no Linear.*Dense\\(3, 2\\)
from layers import Linear -> MG133 layers has no Linear.*Dense\\(3, 2\\)
nn.Dense(10) -> MG129 .*the signature is Dense\\(inputs, outputs,.*the input's size
optim.SGD([w], learning_rate=1) -> MG129 .*for learning_rate=: lr=
opt.learning_rate = 0.1 -> MG119 SGD .*opt.lr = 0.01
opt.zero_grad(set_to_none=True) -> MG129 .*leave it out
model.weight -> MG119 Sequential .*model.dense.W
model(x, training=True) -> MG129 .*model.eval\\(\\)
loss.backward(create_graph=True) -> MG129 .*mg.grad\\(loss
np.dot(x, w) -> MG118 .*a @ b
"""


@pytest.mark.parametrize("row", ANSWERS.strip().splitlines())
def test_what_does_not_is_answered(row: str) -> None:
    line, message = row.split(" -> ")
    builtins: dict[str, type[Exception]] = {"MG133": ImportError, "MG119": AttributeError}
    with pytest.raises(builtins.get(message[:5], TypeError)) as caught:
        exec(line, names())
    assert re.search(f"(?s){message[:5]}.*{message[6:]}", str(caught.value))


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
            exec(line, {**given, **names()})
    assert len(lines) >= 55


def test_the_text_has_the_names_that_a_tensor_answers_and_tells_to_write_what_exists() -> None:
    answered = [
        name
        for name, value in vars(mg.Tensor).items()
        if isinstance(getattr(value, "fget", 0), partial)
    ]
    assert len(answered) > 100 and all(map(other_frameworks.hint, answered))
    remedies = " ".join(other_frameworks._remedies().values())
    for module in (mg, layers):
        words = re.findall(rf"\b{'mg' if module is mg else 'layers'}\.(\w+)", remedies)
        assert set(words) <= {*module.__all__}
