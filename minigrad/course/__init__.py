"""The course: fourteen lessons from tanh(a*b + c) by hand to a recurrent network on movie reviews.

    minigrad course start my-course     copies the lessons' files into a folder
    cd my-course && minigrad course     says where you are, and checks the lesson at hand

A lesson is a folder of `lessons/`: text.md, the exercise, its solution, check.py (what is asked of
the learner's file), slips.py (well-known wrong solutions, by name), hints.md and quiz.json.
lesson.py says what each of them holds. The learner's file runs in its own process (child.py,
started by sandbox.py; for a teacher, behind wall.py) that only answers questions; grade.py, which
never runs the learner's code, compares those answers with the solution's, and feedback.py puts the
verdict into words: the oftener a lesson is tried, the more.
"""
