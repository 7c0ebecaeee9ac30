"""check_engine: which operation is blamed for a planted fault, and what is no fault."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import OptionError
from minigrad.gradient_checker.engine.programs import TWICE

from .engines import ARRAY, SCALAR, engine


def checked(*fault, source=SCALAR, **options):
    return mg.check_engine(engine(source, *fault), count=60, **options)


@pytest.mark.parametrize("source", [SCALAR, ARRAY])
@pytest.mark.parametrize("seed", [0, 1])
def test_right_engine_has_no_disagreement(source, seed):
    report = mg.check_engine(engine(source), count=60, seed=seed)
    assert (bool(report), report.wrong) == (True, [])
    assert report.compared > 200


@pytest.mark.parametrize(
    ("right", "wrong", "method", "sentence"),
    [
        ("(dz, dz)", "(dz, -dz)", "__add__", "wrong sign"),
        ("(dz, dz)", "(1.0, 1.0)", "__add__", "without multiplying it by dz"),
        ("dz * self.data)", "dz * other.data)", "__mul__", "it should be a"),
        (
            "dz * other.data, ",
            "other.data, ",
            "__mul__",
            "without multiplying it by dz",
        ),
        ("dz * n * self.data", "dz * self.data", "__pow__", "factor"),
        ("self.data ** (n - 1)", "abs(self.data) ** (n - 1)", "__pow__", "sign(x)"),
        ("(self.data > 0)", "1.0", "relu", "local derivative is missing"),
        ("max(self.data, 0.0)", "abs(self.data)", "relu", "it computes abs(a)"),
        ("self * -1", "self * 1", "__neg__", "it computes a"),
        ("return self + other", "return self * other", "__radd__", "it computes 2 * a"),
        (
            "return -self + other",
            "return self + -other",
            "__rsub__",
            "it computes a - 2",
        ),
        ("** -1", "** 1", "__truediv__", "it computes a * b"),
        ("dz * other.data, ", "dz * other.data * bool(self.data), ", "__mul__", ""),
    ],
)
def test_wrong_operation_alone_is_blamed(right, wrong, method, sentence):
    report = checked(right, wrong)
    assert report.wrong == [method]
    assert sentence in report.found[method].sentence


def test_operation_that_changes_its_input_is_blamed():
    wrong = "self.data += other.data\n        return Value(self.data"
    report = checked("return Value(self.data + other.data", wrong)
    assert report.wrong == ["__add__"]
    assert "the value" in report.found["__add__"].what


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ("{self: 1.0}", "{self: 2.0}", "multiplied by 2"),
        ("{self: 1.0}", "{}", "no gradient arrives"),
        ("arrived.get(child, 0.0) + gradient", "gradient", "counts once"),
        (
            "zip(value.children, value.rule(dz))",
            "dict(zip(value.children, value.rule(dz))).items()",
            "counts once",
        ),
        (
            "for value in reversed(order)",
            "for value in order",
            "should start at the result",
        ),
        ("seen.add(value)", "seen.add(value)\n            order.append(value)", ""),
    ],
)
def test_wrong_sweep_is_blamed_on_backward(right, wrong, sentence):
    report = checked(right, wrong)
    assert report.wrong == ["backward"]
    assert sentence in report.found["backward"].sentence


def test_values_in_the_order_of_a_breadth_first_search_are_the_fault_of_backward():
    right = "        visit(self)\n        arrived"
    wrong = """        order = [self]
        for value in order:
            order.extend(c for c in dict.fromkeys(value.children) if c not in order)
        order.reverse()
        arrived"""
    report = checked(right, wrong)
    assert report.wrong == ["backward"]
    program = report.found["backward"].program
    assert program.shared and len(program.steps) <= 4


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ("self.grad = 0.0", "self.grad = 1.0", "gradient"),
        ("= data\n", "= int(data)\n", "value"),
    ],
)
def test_new_value_that_is_wrong_is_the_fault_of_init(right, wrong, sentence):
    report = checked(right, wrong)
    assert report.wrong == ["__init__"]
    assert f"the {sentence} of a new Value(2.5)" in report.found["__init__"].what


KEPT = (
    "if not value.children:\n                value.grad += dz",
    "value.grad += dz\n            dz = value.grad",
)
REPLACED = ("value.grad += dz", "value.grad = dz")


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        (KEPT, "gradients of a second backward() on the same graph do not add up"),
        (REPLACED, "each backward() replaces the gradients of the one before"),
    ],
)
def test_engine_for_one_backward_of_each_graph_is_right(fault, note):
    report = checked(*fault)
    assert report and note in str(report).replace("\n ", "")


def test_gradients_of_repeated_calls_must_add_up_if_the_engine_accumulates():
    assert checked(accumulates=True)
    report = checked(*KEPT, accumulates=True)
    assert report.wrong == ["second backward()"]
    assert report.found["second backward()"].program.calls == TWICE
    report = checked(*REPLACED, accumulates=True)
    assert report.wrong == ["backward"]
    assert "it should add to them" in report.found["backward"].sentence


ADD = "self.array + other.array"
LINKED = "if value not in found:"


@pytest.mark.parametrize(
    ("right", "wrong", "method"),
    [
        (ADD, "self.array + np.trunc(other.array)", "__add__"),
        ("{self: np.ones(self.array.shape)}", "{self: np.ones(1)}", "backward"),
        (
            "np.array(array, dtype=float)",
            "np.array(array, dtype=float)\n"
            "        if self.array.size == 1: self.array = self.array.reshape(())",
            "__init__",
        ),
        (
            "return as_value(other) * self",
            "c = other.array if isinstance(other, Value) else other\n"
            "        return Value(c * self.array, (self,), lambda dz: (dz * c,))",
            "__rmul__",
        ),
        (
            "value.grad + dz",
            "value.grad + dz * bool(value.array.ndim)",
            "backward",
        ),
        (LINKED, "if value not in found and len(found) < 50:", "backward"),
    ],
    ids=["whole constant", "start", "one element", "large constant", "number", "deep"],
)
def test_fault_that_shows_only_in_special_programs_is_blamed(right, wrong, method):
    assert checked(right, wrong, source=ARRAY).wrong == [method]


@pytest.mark.parametrize(
    ("source", "right", "wrong", "expression", "error"),
    [
        (SCALAR, "", "", "sum([a] * 2000, b)", "backward() raises RecursionError"),
        (SCALAR, "(dz, dz))", "(dz, dz))[0]", "a + b", "raises TypeError"),
        (SCALAR, "return self + other", "return other + self", "2 + a", "raises RecursionError"),
        (SCALAR, "(self.data > 0),", "5 // 0,", "a.relu()", "backward() raises ZeroDivisionError"),
        (SCALAR, "max(self.data, 0.0)", "max([])", "a.relu()", "raises ValueError"),
        (ARRAY, "    other = as_value(other)\n\n        def rule(dz):\n            return dz @",
         "    other.array\n\n        def rule(dz):\n            return dz @",
         "a @ np.array([[2.5, -1.25, 0.75], [-0.5, 3.0, 1.5]])", "raises AttributeError"),
    ],
)  # fmt: skip
def test_error_means_that_an_expression_is_not_supported(source, right, wrong, expression, error):
    report = checked(right, wrong, source=source)
    assert report
    kinds = report.engine.unsupported
    assert expression in kinds[error]
    assert f"{expression}" in str(report).replace("\n    ", " ")


def test_method_that_returns_a_plain_number_is_not_supported():
    add = "    def relu(self):"
    report = checked(add, f"    def abs(self):\n        return abs(self.data)\n\n{add}")
    assert report
    assert "Not supported: a.abs(): returns float, not Value." in str(report)


@pytest.mark.parametrize(
    ("source", "right", "wrong"),
    [
        (SCALAR, "visit(self)", "visit(None)"),
        (ARRAY, "reverse=True", "reverse=False"),
    ],
)
def test_engine_that_raises_in_each_expression_does_not_pass(source, right, wrong):
    with pytest.raises(OptionError, match="MG709.*raises an error in each expression"):
        checked(right, wrong, source=source)


def test_errors_of_other_operations_do_not_hide_a_wrong_gradient():
    wrong = "(dz * (self.data > 1),)\n        assert 0 <= self.data"
    report = checked("(dz * (self.data > 0),)", wrong)
    assert report.wrong == ["relu"]


@pytest.mark.parametrize(
    ("right", "method", "program"),
    [
        ("        visit(self)\n", "backward", "a + b"),
        ("        rule = lambda dz: (dz * n", "__pow__", "a / b"),
    ],
)
def test_program_that_never_ends_is_a_fault_with_its_line(right, method, program):
    report = checked(right, f"        while True: pass\n{right}", limit=0.3)
    assert report.wrong == [method]
    found = report.found[method]
    assert str(found.program) == f"y = {program}"
    place = SCALAR[: SCALAR.index(right)].count("\n") + 1
    assert f"0.3 s of processor time; the check ends in line {place} of <string>" in found.what


@pytest.mark.parametrize(
    ("right", "wrong", "methods"),
    [
        ("dz @ other.array.T", "dz @ other.array", ["__matmul__"]),
        ("self.array.T @ dz", "dz.T @ self.array", ["__matmul__"]),
        ("dz * (1 - z * z)", "dz * (1 - z)", ["tanh"]),
        ("dz * np.ones(self.array.shape)", "dz", ["sum"]),
        ("1 / self.array.size", "1 / len(self.array)", ["mean"]),
        ("as_value(other) @ self", "self @ as_value(other)", ["__rmatmul__"]),
        ("dz.sum(axis=0)", "dz[0]", ["unbroadcast"]),
        ("keepdims=True", "keepdims=False", ["unbroadcast"]),
        ("np.ones(self.array.shape)}", "self.array}", ["backward"]),
        ("arrived.get(source, 0.0) + gradient", "gradient", ["backward"]),
    ],
)
def test_fault_of_an_array_engine_is_blamed(right, wrong, methods):
    assert checked(right, wrong, source=ARRAY).wrong == methods


def test_method_that_calls_a_wrong_one_is_excused():
    report = checked("self * -1", "self * 1")
    assert report.excused == {"__sub__": ["__neg__"], "__rsub__": ["__neg__"]}


def test_constants_that_no_operation_accepts_are_no_fault():
    report = checked("thing if isinstance(thing, Value) else Value(thing)", "thing")
    assert "__add__" not in report.wrong


def test_adapter_is_compared():
    def value_and_grad(f, *arrays):
        tensors = [mg.Tensor(array, requires_grad=True) for array in arrays]
        z = f(*tensors)
        return z.array, [g.array for g in mg.grad(z.sum(), tensors)]

    assert mg.check_engine(value_and_grad, count=30)

    def doubled(f, *arrays):
        value, gradients = value_and_grad(f, *arrays)
        return value, [2 * gradient for gradient in gradients]

    assert mg.check_engine(doubled, count=30).wrong == ["backward"]


def test_float32_is_compared_with_its_tolerance():
    source = ARRAY.replace("dtype=float)", "dtype=np.float32)")
    assert mg.check_engine(engine(source), count=60)


@pytest.mark.parametrize("takes_arrays", [True, False])
def test_engine_that_starts_only_at_a_single_number_is_compared_with_sums(takes_arrays):
    start = "        arrived = {self: np.ones(self.array.shape)}"
    add = "    def __add__(self, other):\n"
    source = ARRAY if takes_arrays else ARRAY.replace(add, f"{add}        other.array\n")
    report = checked(start, f"        assert self.array.ndim == 0\n{start}", source=source)
    assert report
    assert str(report.engine.ending) == "a.sum()"


@pytest.mark.parametrize("options", [{"count": -1}, {"limit": 0}])
def test_negative_count_and_limit_of_zero_are_rejected(options):
    with pytest.raises(OptionError, match="MG700"):
        mg.check_engine(engine(), **options)


def test_same_seed_gives_the_same_report():
    reports = [str(checked("(dz, dz)", "(dz, -dz)")) for _ in range(2)]
    assert reports[0] == reports[1]
    assert np.isfinite(checked().compared)


def test_function_that_all_wrong_methods_call_is_blamed_first():
    report = checked("dz.sum(axis=0)", "dz[0]", source=ARRAY)
    assert report.wrong == ["unbroadcast"]
    assert "__add__ and __mul__ call it" in report.found["unbroadcast"].sentence
    assert report.excused["__add__"] == ["unbroadcast"]


@pytest.mark.parametrize(
    ("right", "wrong", "method"),
    [
        ("return self + other", "return other", "__radd__"),
        ("return self * -1", "return self.data * -1", "__neg__"),
    ],
)
def test_method_that_returns_no_value_is_wrong(right, wrong, method):
    assert checked(right, wrong).wrong == [method]
