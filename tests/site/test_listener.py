"""Two lessons through the accessibility tree alone (whole_course.py takes all twenty): every control has a
role and a name, every message arrives where screen readers announce it, and the keyboard suffices.
"""

from minigrad.course.checking.registry import lesson

from .listener import Listener
from .test_course import learner as learner
from .whole_course import hand_in, take


def test_two_lessons_are_taken_through_the_accessibility_tree(learner, tmp_path):
    listener = Listener(learner.reader)
    for one, _ in take(listener, [lesson(1), lesson(5)]):
        following = lesson(one.number + 1)
        listener.follow(f"lesson {following.number}, {following.title}")
        assert following.title in listener.title
    assert hand_in(listener, tmp_path).stat().st_size > 0
    assert "Exported as my-course.zip." in listener.heard("status")


def test_messages_are_announced(learner):
    """A screen reader announces what changes in a place with the role status, if the place was there before."""
    listener = Listener(learner.reader)
    one = lesson(5)
    listener.open(one)
    assert all(said.startswith("✗") and len(said) > 20 for said in listener.answer())
    assert listener.heard("status", "What the check says") == [""]
    assert "unbroadcast is not written yet" in listener.check()
    listener.write(one.read("solution.py").replace("dz.sum(axis=0)", "2 * dz.sum(axis=0)"))
    assert "unbroadcast" in listener.check()
    assert listener.find("StaticText", "To see it again, run these lines")
    listener.press("Hint")
    assert any(said.startswith("Hint 1 of") for said in listener.heard("status"))
    listener.press("Reset")
    assert "The original exercise is back." in listener.heard("status")


def test_picture_is_described_in_words(learner):
    listener = Listener(learner.reader)
    listener.reader.visit("index.html")
    assert listener.find("image", "A graph with 6 boxes")
    listener.choose("DisclosureTriangle", "The picture in words")
    words = listener.heard("listitem")
    # y = tanh(2 · -3 + 6.5) = tanh(0.5), dy/ds = 1 - y² = 0.7864, dy/da = -3 · 0.7864
    assert "a: () f32, = 2, ‖grad‖ 2.359." in words
    assert "Hadamard, of a (1) and b (2): ⊙, () f32, = −6, ‖dz‖ 0.7864." in words
    assert "Tanh, of AddGate (5): () f32, loss, = 0.4621, ‖dz‖ 1." in words
