"""Lesson 19's questions about a GPT that uses all functions: who sees whom, and a short training."""

import numpy as np

import minigrad as mg
from minigrad.course.checking.lesson import Question
from minigrad.course.lessons.lesson_19_gpt import trained
from minigrad.course.lessons.lesson_19_gpt.check_attend import first_leak
from minigrad.course.lessons.lesson_19_gpt.check_writing import Draws, adder, counter, dice, reads
from minigrad.course.lessons.lesson_19_gpt.shading import results

BOUND = 2.4
"""A right model reaches about 2.29, one without residuals 2.58, counted pairs of letters 2.454."""


def causal(embed, block, attend):
    """Build a small GPT from these three functions, with random weights. Return mg.check_causal's
    matrix of who sees whom: 1 if the logits at position t (down) depend on the id at position s
    (across).
    """
    mg.seed(0)
    model = trained.GPT(
        trained.functions(embed=embed, block=block, attend=attend), width=8, blocks=2
    )
    ids = np.random.default_rng(0).integers(27, size=(2, 6))
    return mg.check_causal(model, ids).steps.matrix.astype(int)


def writes(file):
    """Return whether the other functions give the right answers to a few questions."""
    inputs, labels = file.targets(np.array([[0, 5, 6, 0, 0]]))
    right = [*np.ravel(inputs), *np.ravel(labels)] == [0, 5, 6, 0, 5, 6, 0, -100]
    p = file.probabilities(np.array([0, np.log(9), 1000.0]), 0.5)
    right = (
        right
        and np.allclose(p, [0, 0, 1])
        and np.allclose(file.probabilities(np.log([1, 9.0]), 0.5)[0], 1 / 82)
    )
    for function, cached in ((file.write, False), (file.write_cached, True)):
        for make, ids, found in WRITTEN:
            model, rng = make(cached), Draws()
            right = right and list(function(model, [*ids], 8, rng, 2.0)) == found
            right = right and not (cached and reads(model.calls, [[len(ids), 0]]
                                                    + [[1, len(ids) + t] for t in range(7)]))  # fmt: skip
    return right


def train(*functions):
    """Train a small GPT of these functions, and let it write names. Return the mean loss on 3,203 names that
    it did not see, whether `write` and `write_cached` agree, and the results that the page shows.
    """
    file = trained.functions(*functions)
    if not (writes(file) and trained.agrees(file)):
        return "not trained, because one of the functions is not right yet"
    model, loss = trained.train(file)
    texts = []
    for function, call in ((file.write, model), (file.write_cached, model.step)):
        rng = np.random.default_rng(1)
        with mg.no_grad():
            texts.append([function(call, [0], 8, rng, 1.0) for _ in range(5)])
    return {
        "loss": loss,
        "names with and without the cache are equal": texts[0] == texts[1],
        **results(file, model),
    }


def good_enough(yours, right):
    """A right model has a loss below BOUND, and its names do not depend on the cache."""
    if isinstance(yours, str):
        return yours
    loss, equal, *_ = yours.values()
    if not loss < BOUND:
        return (
            f"yours         a validation loss of {loss:.3f}\nit should be  below {BOUND}; counted pairs of letters "
            f"reach {trained.BIGRAM}"
        )
    return (
        None if equal else "write and write_cached, with equal generators, write different names."
    )


WRITTEN = (
    (dice, [1, 0], [1, 0, 3, 2, 0, 0, 5, 5, 4, 4]), (counter, [2, 5, 1], [2, 5, 1, 3, 6, 3, 1, 0, 0, 1, 3]),
    (adder, [1, 2], [1, 2, 3, 1, 2, 4, 3, 1, 2, 4]),
)  # fmt: skip
"""Toy models, ids, and the right text after eight draws at temperature 2, for `writes`."""
TRAINED = "train(positions, embed, targets, block, attend, probabilities, write, write_cached)"


QUESTIONS = (
    Question("write_cached", "causal(embed, block, attend)", lambda file: {"causal": causal},
             "who sees whom in a GPT of your embed, block and attend", formula="see embed, block and attend",
             compare=first_leak),
    Question("write_cached", TRAINED, lambda file: {"train": train},
             "the validation loss of a GPT of all your functions after a short training", formula="see all functions",
             compare=good_enough, training=120.0),
)  # fmt: skip
