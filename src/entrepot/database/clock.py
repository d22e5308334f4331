"""The time, as the database has it: one clock for all processes, whatever their machines' say.

Facts are ordered, leases run and jobs wait by instants that different processes wrote down. A
machine whose clock is an hour wrong would silence for an hour what it has read.
"""

import time
from datetime import UTC, datetime, timedelta

from django.utils import timezone

# A reading of the database's clock is late by the way it came, a little more or less each time:
# only a real difference moves ours, so that it does not tremble.
TREMBLE = timedelta(milliseconds=50)
_zero: list[datetime] = []


def now() -> datetime:
    """The database's time now; this machine's own until the first transaction told another."""
    if not _zero:
        return timezone.now()
    return _zero[0] + timedelta(seconds=time.monotonic())


def is_known() -> bool:
    """Whether the database told its time."""
    return bool(_zero)


def learn(told: datetime) -> None:
    """Take over what the database's clock says at this moment."""
    zero = told.astimezone(UTC) - timedelta(seconds=time.monotonic())
    if not _zero or abs(zero - _zero[0]) > TREMBLE:
        _zero[:] = [zero]
