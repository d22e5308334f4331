"""Drains the inbox in batches: claim, understand, apply, and isolate whatever cannot be."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.db import DatabaseError, OperationalError

from entrepot.access import scope
from entrepot.connect.crashpoint import crashpoint
from entrepot.connections.models import Connection
from entrepot.inbox import services as inbox
from entrepot.inbox.services import Claimed, Finished
from entrepot.intake.applying import Raced, ReusedIdentity, apply
from entrepot.intake.understanding import Known, NotUnderstood, Understood, understand

BATCH = 100
DEADLOCK_RETRIES = 5
TRIES_BEFORE_PARKING = 4
RETRY_AFTER = timedelta(seconds=2)

log = structlog.get_logger()


def drain(lane: str, *, limit: int = BATCH) -> int:
    """Work on the next batch of a lane; returns how many messages it took.

    Safe to run anywhere at once: claims skip each other, applying is idempotent. Dying half-way
    leaves the messages claimed until the claim ends, then another takes them.
    """
    with scope.system():
        claimed = inbox.claim(lane, limit=limit)
        ids = {message.connection_id for message in claimed}
        known = {c.id: Known.of(c) for c in Connection.objects.filter(id__in=ids)}
    if not claimed:
        return 0
    crashpoint("intake.after_claim")
    understood: list[Understood] = []
    for message in claimed:
        try:
            understood.append(understand(message, known))
        except NotUnderstood as error:
            _park(message, str(error))
    _apply_all(understood)
    return len(claimed)


def _apply_all(messages: Sequence[Understood]) -> None:
    """Apply a batch in one transaction; if anything in it fails, one by one."""
    if not messages:
        return
    for _ in range(DEADLOCK_RETRIES):
        try:
            _apply(messages)
        except OperationalError as error:
            if not _is_deadlock(error):
                raise
            continue
        except (
            DatabaseError,
            ReusedIdentity,
            Raced,
            ArithmeticError,
            ValueError,
            LookupError,
        ) as error:
            if len(messages) == 1:
                _isolate(messages[0], error)
                return
            for message in messages:
                _apply_all([message])
        return
    for message in messages:
        _give_back(message.claimed, "the database was too busy")


def _apply(messages: Sequence[Understood]) -> None:
    with scope.system():
        finished: list[Finished] = apply(messages)
        inbox.finish(finished)
        crashpoint("intake.before_commit")
    crashpoint("intake.after_commit")


def _isolate(message: Understood, error: Exception) -> None:
    claimed = message.claimed
    if isinstance(error, ReusedIdentity):
        _park(claimed, str(error))
    elif isinstance(error, Raced) or claimed.tries < TRIES_BEFORE_PARKING:
        _give_back(claimed, f"{type(error).__name__}: {error}")
    else:
        log.warning("intake.parked", message_id=claimed.message_id, error=type(error).__name__)
        _park(claimed, f"cannot apply it: {type(error).__name__}: {error}".splitlines()[0])


def _park(claimed: Claimed, reason: str) -> None:
    with scope.system():
        inbox.park(claimed.message_id, reason=reason)


def _give_back(claimed: Claimed, reason: str) -> None:
    with scope.system():
        inbox.retry([claimed.message_id], after=RETRY_AFTER * claimed.tries, reason=reason)


def _is_deadlock(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", "") in {"40P01", "40001"}
