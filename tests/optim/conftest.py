"""What tests of threads share."""

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture
def busy_threads() -> Iterator[None]:
    """Threads take turns after every few instructions, not after 5 ms."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
