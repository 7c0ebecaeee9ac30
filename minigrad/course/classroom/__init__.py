"""Many answers become marks.

The input is the files that students hand in (submissions.py) and a teacher's list of students
(roster.py). The output is marks (marks.py), in a table or in the format of a spreadsheet, Moodle,
Canvas, Gradescope or Classroom 50 (report.py, formats.py), counts of what the class did not
understand (stats.py), a zip file with an autograder (autograder/), and notebooks (export.py).
own.py tests a teacher's own lessons.

This room imports `checking` and `lessons`. A learner's check never loads it.
"""
