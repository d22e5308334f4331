"""What happens after a job failed: run it again, later, or give it up to the dead letters.

This is the only layer that retries; nothing below it does.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError

from entrepot.connect.errors import BudgetSpent, ConnectorError, Unavailable
from entrepot.connect.haste import hurried
from entrepot.database import clock

SCHEDULE = tuple(
    hurried(timedelta(seconds=seconds))
    for seconds in (
        *(1, 5, 15),
        *(60, 300, 1800),
        *(3600, 2 * 3600, 4 * 3600, 8 * 3600, 12 * 3600, 24 * 3600),
    )
)
JITTER = 0.2
# An error that nobody foresaw is tried again soon, in case it was a moment's, and not for days.
UNFORESEEN_RETRIES = 3
LOST_DATABASE = (OperationalError, InterfaceError)
# Nothing happened and time may heal it.
TRANSIENT = (Unavailable, *LOST_DATABASE, TimeoutError, ConnectionError)


class Snooze(Exception):
    """Raised by a task: run me later. It spends no try."""

    def __init__(self, until: datetime | timedelta, reason: str = "") -> None:
        super().__init__(reason or "snoozed")
        self.until = clock.now() + until if isinstance(until, timedelta) else until
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Again:
    """Run the job again after a while."""

    delay: timedelta
    reason: str
    is_snooze: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadJob:
    """A job that gave up; `args` are what `queue.defer` needs to run it again.

    `error` is the exception's own message, `kind` its class; `deaths` counts the worker processes
    that died while it ran. The same job is buried at most twice (when a worker dies between).
    """

    job_id: int
    task: str
    args: Mapping[str, object]
    cause: str
    tries: int
    kind: str
    error: str
    deaths: int = 0
    traceback: str = field(default="", repr=False)


DeadLetterSink = Callable[[DeadJob], None]
_sinks: list[DeadLetterSink] = []


def install_dead_letter_sink(sink: DeadLetterSink) -> None:
    """Have a function keep the jobs that gave up. It is called in a thread, outside any scope."""
    _sinks[:] = [sink]


def replace_dead_letter_sink(sink: DeadLetterSink | None) -> DeadLetterSink | None:
    """Put another sink, or none, in place of the installed one, and return that."""
    before = _sinks[0] if _sinks else None
    _sinks[:] = [sink] if sink else []
    return before


def bury(job: DeadJob) -> bool:
    """Hand a job to the dead letters; False when nobody keeps them."""
    for sink in _sinks:
        sink(job)
    return bool(_sinks)


def after(
    error: Exception, *, tries: int, retries: int | None = None, chance: random.Random | None = None
) -> Again | None:
    """Decide what follows a failure, None for giving up.

    Args:
        error: what the task raised.
        tries: how often it ran and failed, this time included.
        retries: the task's own limit, None for the usual one. Not for the loss of the database: it
            says nothing about the task.
        chance: where the jitter comes from, for tests.
    """
    if isinstance(error, Snooze):
        delay = max(error.until - clock.now(), timedelta(0))
        return Again(delay, str(error), is_snooze=True)
    if isinstance(error, BudgetSpent) and error.retry_after is not None:
        return Again(error.retry_after, str(error), is_snooze=True)
    is_transient = isinstance(error, TRANSIENT)
    if isinstance(error, ConnectorError) and not is_transient:
        return None  # the task did not handle it, and a repetition could act twice
    usual = len(SCHEDULE) if is_transient else UNFORESEEN_RETRIES
    limit = usual if retries is None or isinstance(error, LOST_DATABASE) else retries
    if tries > limit:
        return None
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, Unavailable) and error.retry_after is not None:
        return Again(error.retry_after, reason)
    if isinstance(error, LOST_DATABASE):
        # Back within seconds, or everybody's matter: no job waits for it longer than another.
        tries = min(tries, 3)
    return Again(delay_before(tries, chance=chance), reason)


def delay_before(retry: int, *, chance: random.Random | None = None) -> timedelta:
    """How long to wait before the n-th retry (from 1), jittered by a fifth either way."""
    usual = SCHEDULE[min(retry, len(SCHEDULE)) - 1]
    spread = (chance or random).uniform(1 - JITTER, 1 + JITTER)
    return usual * spread
