"""The lessons, each in its own folder.

A lesson's folder contains text.md, the exercise, its solution, check.py (the questions for the
learner's file), slips.py (known wrong solutions with names), hints.md and quiz.json. Some also
contain right.py (other right solutions), and scripts that train, read data, or draw figures.
A long check.py has parts called check_*.py. key.json.gz, pages and figures are generated.

mutants.py makes the mistakes that all lessons share, by the rules in rewrites.py. mistakes.py names
and describes them, proofs.py proves them, and places.py describes where one is in the learner's code.
curves.py draws loss curves for the lessons' pages.

checking/lesson.py reads a lesson's files. From `checking`, lessons import only the classes for
questions and mistakes (`lesson`), and the functions that read code and numbers (`source`,
`answers`).
"""
