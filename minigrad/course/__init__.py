"""The course: twenty lessons, from computing tanh(a*b + c) by hand to a recurrent network that reads
movie reviews and a small GPT that writes names.

    minigrad course start my-course     copies the lessons' files into a folder
    cd my-course && minigrad course     shows your progress and checks the current lesson

The course has four rooms.

    lessons/    texts and exercises; what a lesson's author writes
    milestones/ networks that the learner's own engine trains
    checking/   one answer becomes a verdict
    classroom/  many answers become marks

Each room's `__init__` describes what comes in and what goes out. `checking` and `lessons` import
each other, because a lesson's check is code; `classroom` imports both. Next to the rooms are
the learner's folder (workbook.py), the questions before an exercise (questions.py), and the commands
(commands.py for learners, teaching.py for teachers). No room imports these files.
"""

from .checking.repeat import inputs, steps

__all__ = ["inputs", "steps"]
