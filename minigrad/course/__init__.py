"""The course: twenty lessons, from computing tanh(a*b + c) by hand to a recurrent network that reads
movie reviews and a small GPT that writes names.

    minigrad course start my-course     copies the lessons' files into a folder
    cd my-course && minigrad course     shows your progress and checks the current lesson

Each lesson is a folder in `lessons/`. It contains text.md, the exercise, its solution, check.py
(the questions for the learner's file), slips.py (known wrong solutions with names), hints.md and
quiz.json. lesson.py describes these files.

The learner's file runs in its own process, which sandbox.py starts and child.py runs. When a
teacher grades submissions, wall.py isolates this process. The process only answers questions.
grade.py never runs the learner's code. It compares the answers with the solution's answers.
feedback.py describes the verdict, with more detail after each failed attempt.
"""

from .lesson import inputs, steps

__all__ = ["inputs", "steps"]
