"""Examples of the first batch: what the model itself computes with the same parameters."""

import numpy as np
import pytest

import minigrad as mg
import optim
from layers import (
    BatchNorm,
    Conv2d,
    Dense,
    Embedding,
    Flatten,
    MultiHeadAttention,
    Sequential,
    outputs,
)
from minigrad.data import Characters
from optim.recording.recorder import Recorder

from .helpers import IDS, X, Y, mean, network, reader, recorded, train


def test_predictions_are_those_of_the_model():
    model = network()
    run = recorded(model, 2)
    last = list(run.records.values())[-1]
    p = mg.softmax(model(X)).array[:6]
    predicted, right = last["answers", ""]
    np.testing.assert_array_equal(predicted, p.argmax(axis=1))
    np.testing.assert_allclose(right, p[np.arange(6), Y[:6]], 1e-6)


@pytest.mark.parametrize("loss", [mg.binary_cross_entropy, mg.mean_squared_error])
def test_predictions_of_one_output(loss):
    model, y = Dense(3, 1), Y.astype("float32")
    with Recorder() as recorder:
        loss(model(X).reshape(-1), y).backward()
    z = model(X).array[:6, 0]
    predicted, right = recorder.runs[0].records[1]["answers", ""]
    if loss is mg.binary_cross_entropy:
        p = 1 / (1 + np.exp(-z))
        np.testing.assert_array_equal(predicted, p > 0.5)
        np.testing.assert_allclose(right, np.where(y[:6] == 1, p, 1 - p), 1e-5)
    else:
        np.testing.assert_array_equal(predicted, z)


def test_labels_that_are_ignored_are_no_examples():
    model, labels = network(), np.array([-100, 1, -100, 0, 1, 0, 1, 0])
    with Recorder() as recorder:
        mg.cross_entropy(model(X), labels).backward()
    examples = recorder.runs[0].examples
    assert examples.rows.tolist() == [1, 3, 4, 5, 6, 7]
    assert examples.labels.tolist() == [1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("fused", [True, False])
def test_attention_weights(fused):
    model = Sequential(MultiHeadAttention(4, 2, causal=True), mean, Dense(4, 2))
    x = np.random.default_rng(1).standard_normal((8, 5, 4)).astype("float32")
    with mg.fused(fused):
        run = recorded(model, 1, x)
    with mg.fused(False):
        expected = outputs(model, x, ["multiheadattention.weights"])
    shown = list(run.records.values())[-1]
    ((_, weights),) = [(k, v) for k, v in shown.items() if k[0] == "attention"]
    np.testing.assert_allclose(weights, expected["multiheadattention.weights"][0], 1e-5)


def test_filtered_images_and_pictures():
    model = Sequential(Conv2d(1, 3, 2), Flatten(), Dense(12, 2))
    x = np.random.default_rng(1).random((8, 1, 3, 3)).astype("float32")
    run = recorded(model, 1, x)
    last = list(run.records.values())[-1]
    convolved = mg.conv(x, model[0].W).array
    np.testing.assert_allclose(last["images", "sequential.conv2d"], convolved[0], 1e-5)
    pictures = run.examples.describe(None)["pictures"]
    assert pictures["shape"] == (6, 3, 3)


def test_texts_are_decoded_if_the_words_are_known():
    run = recorded(reader(), 1, IDS)
    letters = Characters("abcdefghijk")
    first = "".join("·abcdefghijk"[one] for one in IDS[0, 0])
    assert run.examples.describe(letters)["texts"][0] == first
    numbers = " ".join(map(str, IDS[0, 0]))
    assert run.examples.describe(None)["texts"][0] == numbers


def test_text_ends_at_the_step_of_the_answer():
    model = Sequential(Embedding(12, 4), Dense(4, 12))
    x = IDS[0]
    labels = x.copy()
    labels[0, :2] = -100  # ignored
    with Recorder() as recorder:
        mg.cross_entropy(model(x).reshape(-1, 12), labels.reshape(-1)).backward()
    described = recorder.runs[0].examples.describe(Characters("abcdefghijk"))
    first, second = ("".join("·abcdefghijk"[one] for one in row) for row in x[:2])
    texts = [*(first[:end] for end in (3, 4, 5)), *(second[:end] for end in (1, 2, 3))]
    assert described["texts"] == texts
    assert described["classes"] == list("·abcdefghijk")


def test_running_means_of_the_layers_do_not_change():
    model = Sequential(Dense(3, 2), BatchNorm(2))
    twin = Sequential(Dense(3, 2), BatchNorm(2))
    twin.load_state_dict(model.state_dict())
    recorded(model, 3, rule=optim.Adam)
    train(twin, 3, rule=optim.Adam)
    for path, array in model.named_buffers().items():
        np.testing.assert_array_equal(array, twin.named_buffers()[path])


def test_rows_of_numbers():
    described = recorded(network()).examples.describe(None)
    assert described["batch"] == 8
    shown = ", ".join(f"{one:.3g}" for one in X[1])
    assert "-" in shown
    # the page writes all its other numbers with this minus
    assert described["texts"][1] == shown.replace("-", "−")


def test_row_of_one_id():
    run = recorded(Sequential(Embedding(12, 4), Dense(4, 2)), 1, IDS[0, :, 0])
    first = IDS[0, 0, 0]
    assert run.examples.describe(None)["texts"][0] == str(first)
    letters = Characters("abcdefghijk")
    assert run.examples.describe(letters)["texts"][0] == "·abcdefghijk"[first]
