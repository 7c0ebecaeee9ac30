"""Milestone 7: the network of lesson 7, which learns XOR."""

import numpy as np

from minigrad.course.milestones.pictures import heat, page_of
from minigrad.course.milestones.training import complete

YEAR, BY = 1986, "Rumelhart et al."
TRIES = {}


def facts(found):
    near = np.abs(np.array(found["answers"]) - [0, 1, 1, 0]) < 0.1
    return {"the answers are 0, 1, 1 and 0, within 0.1": bool(near.all())}


def picture(found):
    answers = np.reshape(found["answers"], (2, 2))
    return heat(
        "The answers. First bit: down. Second bit: across", answers, down=(0, 1), across=(0, 1)
    )


page = page_of(picture)
QUESTIONS = complete(TRIES, facts)
