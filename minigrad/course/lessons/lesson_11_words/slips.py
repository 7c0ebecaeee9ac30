"""Typical wrong answers to lesson 11: a part of the solution, and what became of it."""

from minigrad.course.lesson import Slip, lesson

SOLUTION = lesson(11).read("solution.py")
SLIPS = tuple(Slip(name, SOLUTION.replace(old, new), kind) for name, old, new, kind in (
    ("only a word's last use counts", "+= dz", "= dz",
     "A word that was read several times gets only the gradient of its last use. This happens with `=` in a loop, and "
     "with `dW[ids] = dz` and `dW[ids] += dz`: NumPy writes each row only once."),
    ("gradients averaged over the uses", "+= dz[place]", "+= dz[place] / (ids == ids[place]).sum()",
     "You averaged the gradients over a word's uses. But if a row is used twice, each use has its full effect on the "
     "result."),
    ("always empty", "not in ids", "is None", "Your list is always empty."),
    ("ids of a batch not found", "not in ids", "not in ids.tolist()",
     "For a single text the answer is right. A batch (B, T) has two axes. As a list, it contains lists, so Python "
     "compares each id with a whole inner list."),
))  # fmt: skip
