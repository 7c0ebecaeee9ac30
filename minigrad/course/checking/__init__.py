"""One answer becomes a verdict.

The input is a lesson (lesson.py), its key (key.py) and the text of a learner's file. The output is
a verdict (grade.py) and the text that explains it (feedback.py).

The learner's file runs in its own process, which sandbox.py starts and child.py runs. When a
teacher grades submissions, wall.py isolates this process. The process only answers questions
(answers.py). grade.py never runs the learner's code. It compares the answers with the solution's
answers. quiz.py checks the answers to the questions before an exercise.

lesson.py loads a lesson's check.py and slips.py by name, and key.py loads mutants.py, mistakes.py
and places.py. Apart from these files, this room imports nothing from `lessons`. It also imports
nothing from `classroom`, the workbook or the commands. registry.py finds the lessons, source.py
reads code, and repeat.py contains the two functions that a check prints for learners.
"""
