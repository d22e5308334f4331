"""The time, as the database has it: one clock for all processes, whatever their machines' say.

Facts are ordered, leases run and jobs wait by instants that different processes wrote down. A
machine whose clock is an hour wrong would silence for an hour what it has read.
"""

import time
from datetime import UTC, datetime, timedelta

from django.utils import timezone

# What the database told is late by the way it came, and by as long as this process stood still
# meanwhile. So the latest of all that was told is the nearest to the truth, and what lies behind it
# is believed only when it is told so many times in a row.
NEAR = timedelta(milliseconds=50)
TIMES_BEHIND = 30
_zero: list[datetime] = []
_behind: list[datetime] = []


def now() -> datetime:
    """The database's time now; this machine's own until the first transaction told another."""
    if not _zero:
        return timezone.now()
    return _zero[0] + timedelta(seconds=time.monotonic())


def is_known() -> bool:
    """Whether the database told its time."""
    return bool(_zero)


def learn(told_at: datetime) -> None:
    """Take over what the database's clock says at this moment."""
    zero = told_at.astimezone(UTC) - timedelta(seconds=time.monotonic())
    if not _zero or zero > _zero[0]:
        _zero[:] = [zero]
        _behind.clear()
    elif _zero[0] - zero <= NEAR:
        _behind.clear()
    else:
        _behind.append(zero)
        if len(_behind) >= TIMES_BEHIND:
            _zero[:] = [max(_behind)]
            _behind.clear()
