"""A batch of the intake is as large as can be worked on in about half a second."""

import pytest

from entrepot.inbox.storing import LIVE_LANE
from entrepot.tasks.intake import FEWEST, MOST, Paced


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
