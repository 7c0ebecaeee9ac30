"""Lesson 19's questions about the stretch tasks `top_k` and `perplexities`."""

import numpy as np

from minigrad.course.checking.lesson import Question, over_time, values
from minigrad.course.lessons.lesson_19_gpt.check_answers import cells, tensor

QUESTIONS = (
    Question("top_k", "top_k(p, k)", values(p=[0.1, 0.4, 0.2, 0.3], k=2), stretch=True, names=cells("p")),
    Question("top_k", "top_k(p, k)", values(p=[0.25, 0.75], k=1), stretch=True, names=cells("p")),
    Question("top_k", "top_k(p, k)", values(p=[0.5, 0.125, 0.25, 0.1, 0.025], k=3), stretch=True, names=cells("p")),
    Question("perplexities", "perplexities(logits, labels)",
             lambda file: {"logits": tensor(np.log([[[1, 1, 2], [1, 2, 1]]])), "labels": np.array([[2, 0]])},
             stretch=True, names=over_time("position {}")),
    Question("perplexities", "perplexities(logits, labels)",
             lambda file: {"logits": tensor(np.log([[[1, 1], [1, 3]], [[1, 3], [1, 1]]])),
                           "labels": np.array([[0, 1], [0, -100]])},
             stretch=True, names=over_time("position {}")),
    Question("perplexities", "perplexities(logits, labels)",
             lambda file: {"logits": tensor(np.random.default_rng(0).normal(size=(5, 4, 3)).round(1)),
                           "labels": np.array([[0, 1, 2, -100], [2, 2, -100, -100], [0, 0, 0, 0], [1, 2, 1, -100],
                                               [2, 1, 0, 1]])},
             stretch=True, names=over_time("position {}")),
)  # fmt: skip
