"""Networks that the learner's own engine trains: `minigrad course milestones`.

A milestone's folder contains the files of a lesson: text.md, exercise.py, check.py, solution.py, slips.py,
hints.md, right.py and key.json.gz. Its exercise imports the learner's my_engine.py, and contains the
network and empty functions for the operations that the engine lacks. The learner writes the operations.
Then the network is trained. solution.py contains only these operations, because the network is already in
the exercise.

The names in check.py that only milestones have are YEAR and BY: when the network was first trained, and
by whom. training.py asks about operations and trains; pictures.py draws what was learned.

A milestone belongs to no lesson: it has no quiz, does not count for a lesson, and is not graded for a
teacher. Its entry in progress.json has its own name, so it cannot change a lesson's entry.
"""
