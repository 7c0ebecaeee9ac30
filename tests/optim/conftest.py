"""What tests of threads share."""

import sys

import pytest


@pytest.fixture
def busy_threads():
    """Threads take turns after every few instructions, not after 5 ms."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
