"""The course: fourteen lessons from tanh(a*b + c) by hand to a recurrent network on movie reviews.

    minigrad course start my-course     copies the lessons' files into a folder
    cd my-course && minigrad course     shows your progress and checks the current lesson

A lesson is a folder in `lessons/`: text.md, the exercise, its solution, check.py (the questions
for the learner's file), slips.py (known wrong solutions, by name), hints.md and quiz.json. lesson.py
describes each of them. The learner's file runs in its own process (child.py, started by sandbox.py;
for a teacher, behind wall.py). This process only answers questions. grade.py never runs the
learner's code; it compares the answers with those of the solution. feedback.py puts the verdict into
words, with more detail after each failed attempt.
"""
