"""Typical wrong answers to lesson 11: a part of the solution, and what became of it."""

from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson

SOLUTION = lesson(11).read("solution.py")
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("only a word's last use counts", "+= dz", "= dz",
     "A word that was read several times gets only the gradient of its last use. This happens with `=` in a loop, and "
     "with `dW[ids] = dz` and `dW[ids] += dz`: NumPy writes each row only once."),
    ("only a word's last use in a text counts", "ids.shape):\n        dW[", "ids.shape[:1]):\n        dW[",
     "You add one text of a batch at a time. Within a text, `dW[ids] += dz` still writes each row only once."),
    ("as many columns as the largest id needs", "np.eye(V)", "np.eye(ids.max() + 1)",
     "You count the columns by the largest id in ids. Every word of the vocabulary has a column, so there are V."),
    ("a transpose by reshape", "    for place",
     "    dz = dz.reshape(dz.shape[-1], -1).T.reshape(dz.shape)\n    for place",
     "Your reshape to D rows mixes the numbers of different positions. The last axis must keep its length D."),
    ("a batch flattened", "return table[ids]", "return table[ids.ravel()]",
     "The rows are right, but all B * T positions are along one axis. The result must have the axes of ids, and D."),
    ("gradients averaged over the uses", "+= dz[place]", "+= dz[place] / (ids == ids[place]).sum()",
     "You averaged over a word's uses. But if a row is used twice, each use has its full effect on the result."),
    ("always empty", "not in ids", "is None", "Your list is always empty."),
    ("ids of a batch not found", "not in ids", "not in ids.tolist()",
     "For a single text the answer is right. A batch (B, T) has two axes. As a list, it contains lists, so Python "
     "compares each id with a whole inner list."),
))  # fmt: skip
