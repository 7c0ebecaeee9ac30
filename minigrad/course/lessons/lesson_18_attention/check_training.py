"""Train networks with the learner's functions in lesson 18, and state what must be true of them."""

import numpy as np

from layers import MultiHeadAttention
from minigrad.course.checking.lesson import Question
from minigrad.course.lessons.lesson_18_attention import trained
from minigrad.course.lessons.lesson_18_attention.check_gradients import slopes
from minigrad.course.lessons.lesson_18_attention.check_inputs import MATRICES, random, tensor

PAGE_SHOWS = "for the page"
"""The name of what an answer contains for the page: numbers that rounding may change a little."""


def is_right(file):
    """Return whether the learner's `multi_head` agrees with the one in `layers`."""
    numbers = random(7, x=(2, 5, 6), **dict.fromkeys(MATRICES, (6, 6)))
    matrices = [tensor(numbers[name]) for name in MATRICES]

    def agrees(causal):
        layer = MultiHeadAttention(6, 3, causal, bias=False)
        layer.W_qkv.array = np.concatenate([numbers[name] for name in MATRICES[:3]], axis=1)
        layer.out_proj.W.array = numbers["W_out"]
        ends = []
        for f in (layer, lambda x: file.multi_head(x, *matrices, 3, causal)):
            x = tensor(numbers["x"])
            z = f(x)
            ends.append([*slopes(z, x), z.array])
        return all(np.allclose(a, b) for a, b in zip(*ends, strict=True))

    return agrees(causal=True) and agrees(causal=False)


def training(file):
    """Return the helper `learns`, which trains with the functions of this file."""

    def learns(task):
        """Trains a network that uses your functions, and looks at its weights for 200 new sequences."""
        if not is_right(file):
            raise ValueError("No network was trained, because multi_head is not right yet.")
        writer, loss, accuracy = trained.train(file.multi_head, task)
        look = trained.pattern(file, writer, task)
        place = "rank of the digit" if task == "sort" else "place"
        return {
            "the last loss is below 0.1": bool(loss < 0.1),
            "at least 95% of the new sequences are right": bool(accuracy >= 0.95),
            **{
                f"{place} that output {t} looks at most": int(row.argmax())
                for t, row in enumerate(look)
            },
            PAGE_SHOWS: [task, accuracy, look],
        }

    return {"learns": learns}


def training_question(task):
    return Question(
        "multi_head", f"learns({task!r})", training,
        f"learns({task!r}): whether a network that uses your functions learns to {task} digits, and where it looks",
        formula="gradients must flow from the result of multi_head to x and to all four matrices",
        names=facts, compare=same_facts, training=120.0,
    )  # fmt: skip


def facts(found):
    """Return what must be true of a trained network, by name."""
    return [(name, fact) for name, fact in found.items() if name != PAGE_SHOWS]


def same_facts(yours, right):
    return None if facts(yours) == facts(right) else "A trained network differs."
