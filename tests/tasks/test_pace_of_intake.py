"""A batch of the intake is as large as can be worked on in about half a second."""

import itertools
import threading

import pytest

from entrepot.inbox.storing import LIVE_LANE
from entrepot.tasks.intake import FEWEST, MOST, Paced
from entrepot.tasks.worker import FEW, Loop


def learned(limit: int, *batches: tuple[int, float]) -> int:
    """The next batch's size after batches of so many messages that took so many seconds."""
    paced = Paced(LIVE_LANE)
    paced.limit = limit
    for done, seconds in batches:
        paced.learn(done, seconds)
    return paced.limit


@pytest.mark.parametrize(
    ("limit", "batches", "expected"),
    [
        (100, [(100, 1.0)], 50),
        (100, [(100, 0.4)], 125),
        (100, [(100, 0.1)], 200),  # twice as many at most
        (400, [(400, 0.1)], MOST),
        (100, [(100, 60.0)], FEWEST),
        (100, [(7, 0.3)], 100),  # few and quick ones say nothing of many
        (100, [(7, 1.4)], FEWEST),
        (100, [(0, 3.0), (0, 0.01)], 100),
    ],
)
def test_the_size_follows_how_long_the_last_took(
    limit: int, batches: list[tuple[int, float]], expected: int
) -> None:
    assert learned(limit, *batches) == expected


def test_after_a_few_the_next_are_waited_for_and_after_many_not() -> None:
    batches = itertools.chain([FEW, FEW - 1], itertools.repeat(0))
    has_had_few, is_called_again = threading.Event(), threading.Event()

    def work() -> int:
        if has_had_few.is_set():
            is_called_again.set()
        done = next(batches)
        if done == FEW - 1:
            has_had_few.set()
        return done

    loop = Loop("examples", work, idle=60, company=60)
    loop.start()
    assert has_had_few.wait(20)
    loop.wake()  # news does not shorten the wait
    assert not is_called_again.wait(0.2)
    loop.stop()

    assert loop.join()
