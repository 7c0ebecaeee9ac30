"""Milestone 9: the loss of a softmax, and a network for two spirals."""

import numpy as np

from minigrad.course.milestones.pictures import page_of, regions
from minigrad.course.milestones.training import complete, inputs, slope_of, value_of

YEAR, BY = 1988, "Lang, Witbrock"
FORMULA = "loss = -log p[label]; dz = dloss · (p - y), with y = 1 at the label and 0 elsewhere"
LOG3 = 1.0986122886681098
RNG = np.random.default_rng(9)
MANY = RNG.normal(size=(2, 3, 4)).round(1)
IDS = np.array([[3, 0, 1], [1, 1, 2]])
TRIES = {"cross_entropy": (lambda file, z: file.cross_entropy(z, IDS), MANY)}


def asked(dz=None, labels=(1, 0, 1), z=((0.0, LOG3), (0.0, LOG3), (0.0, 0.0))):
    return inputs(dz, {"labels": np.array(labels)}, z=z)


CALL = "cross_entropy(z, labels)"


def facts(found):
    return {"at least 95% of the new points are right": found["right"] >= 0.95}


def picture(found):
    title = "Where the network says 0 (blue) and 1 (orange), and new points of the two spirals (dots and crosses)"
    return regions(title, *(found[name] for name in ("regions", "points", "labels")))


page = page_of(picture)
QUESTIONS = complete(
    TRIES,
    facts,
    value_of(CALL, asked(), FORMULA),
    value_of(CALL, asked(labels=IDS, z=MANY), FORMULA),
    value_of(CALL, asked(labels=(1, 2), z=((1000.0, 999.0, 0.0), (0.0, 0.0, 0.0))), FORMULA),
    value_of(CALL, asked(labels=(1,), z=((1000.0, 0.0),)), FORMULA),
    slope_of(CALL, asked((1, 1, 1)), FORMULA),
    slope_of(CALL, asked((2, -4, 6)), FORMULA),
    slope_of(CALL, asked(RNG.normal(size=(2, 3)).round(1), IDS, MANY), FORMULA),
)
