"""Waits for a fact to come true in another process."""

import threading
from collections.abc import Callable


def wait_for(fact: Callable[[], bool], *, seconds: float = 30) -> None:
    """Return as soon as the fact holds; fail when it does not in time."""
    never = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if fact():
            return
        never.wait(0.02)
    raise AssertionError("it did not come true in time")
