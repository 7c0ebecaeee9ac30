"""A lesson with a question that trains. The training takes as many seconds as the file says."""

import time

from minigrad.course.checking.lesson import Question, progress

LIMIT = 4.0


def train(seconds):
    for step in range(20):
        time.sleep(seconds / 20)
        progress((step + 1) / 20)
    return seconds


QUESTIONS = (
    Question("before", "before()"),
    Question("SECONDS", "train(SECONDS)", lambda file: {"train": train}, training=LIMIT),
    Question("after", "after()", stretch=True),
)
