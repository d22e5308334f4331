"""Which tests begin first: those that take minutes, or the run would end by waiting for them."""

from collections.abc import Sequence
from itertools import chain

import pytest


def longest_first(items: Sequence[pytest.Item], *, at_once: int, usual: float) -> list[pytest.Item]:
    """Put the tests that ask for more than the usual time-out in front of each process's share.

    xdist gives every process one piece of the list, of equal length, and lets it take from the
    others once it is done. The rest stays in the order that it has.
    """
    patient = sorted((one for one in items if _timeout(one) > usual), key=_timeout, reverse=True)
    first = set(patient)
    rest = [one for one in items if one not in first]
    shares: list[list[pytest.Item]] = []
    taken = 0
    for number in range(at_once):
        share = patient[number::at_once]
        ends = len(items) * (number + 1) // at_once - sum(map(len, shares))
        fill = max(0, ends - len(share))
        shares.append([*share, *rest[taken : taken + fill]])
        taken += fill
    return [*chain(*shares), *rest[taken:]]


def _timeout(item: pytest.Item) -> float:
    """Seconds that a test asks for; without a limit it is as long as its reader wishes."""
    mark = item.get_closest_marker("timeout")
    return 0.0 if mark is None else float(mark.args[0])
