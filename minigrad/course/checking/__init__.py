"""One answer becomes a verdict.

In come a lesson (lesson.py), its key (key.py) and the text of a learner's file. Out come a verdict
(grade.py) and its words (feedback.py).

The learner's file runs in its own process, which sandbox.py starts and child.py runs. When a
teacher grades submissions, wall.py isolates this process. The process only answers questions
(answers.py). grade.py never runs the learner's code. It compares the answers with the solution's
answers. quiz.py checks the answers to the questions before an exercise.

This room imports from `lessons` only what lesson.py and key.py load by name: a lesson's check.py
and slips.py, and mutants.py. Lessons import `lesson`, `answers` and `curves` from here. It never
imports `classroom`, the workbook or the commands.
"""
