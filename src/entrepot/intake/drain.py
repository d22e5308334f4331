"""Drains the inbox in batches: claim, understand, apply, and isolate whatever cannot be."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.db import DatabaseError, OperationalError

from entrepot.access import scope
from entrepot.connect.crashpoint import crashpoint
from entrepot.connections.models import Connection
from entrepot.inbox import services as inbox
from entrepot.inbox.claiming import Claimed, claim
from entrepot.inbox.services import Finished
from entrepot.intake.applying import Raced, ReusedIdentity, apply, parted
from entrepot.intake.understanding import Known, NotUnderstood, Understood, understand

BATCH = 500
DEADLOCK_RETRIES = 5
TRIES_BEFORE_PARKING = 4
TRIES_IN_COMPANY = 2  # after that a message might be what kills the worker: it is applied alone
MOST_TRIES = 8
RETRY_AFTER = timedelta(seconds=2)

DEADLOCKS = frozenset({"40P01", "40001"})
# Classes of SQLSTATE for which the message is not to blame: connection, resources, locks, an
# operator who shuts down. Everything else would fail again just so.
SERVERS_FAULT = frozenset({"", "08", "53", "55", "57", "58"})
# What the data itself is refused for: it cannot be kept, or breaks a constraint.
FAULTS_OF_DATA = frozenset({"22", "23", "54"})

log = structlog.get_logger()


def drain(lane: str, *, limit: int = BATCH) -> int:
    """Work on the next batch of a lane; returns how many messages it took.

    Safe to run anywhere at once: claims skip each other, applying is idempotent. Dying half-way
    leaves the messages claimed until the claim ends, then another takes them.
    """
    with scope.system():
        claimed = claim(lane, limit=limit)
        ids = {message.connection_id for message in claimed}
        connections = Connection.objects.in_bulk(ids)
    if not claimed:
        return 0
    crashpoint("intake.after_claim")
    understood: list[Understood] = []
    known: dict[int, Known] = {}
    for message in claimed:
        if message.tries > MOST_TRIES:
            _park(message, f"taken up {message.tries - 1} times and never ended")
            continue
        try:
            if message.connection_id not in known:
                known[message.connection_id] = Known.of(connections[message.connection_id])
            understood.append(understand(message, known[message.connection_id]))
        except NotUnderstood as error:
            _park(message, str(error))
        except Exception as error:  # whatever a connector stumbles over: its message is parked
            log.exception("intake.cannot_read", message_id=message.message_id)
            _park(message, f"cannot read it: {type(error).__name__}: {error}")
    for part in parted([one for one in understood if one.claimed.tries <= TRIES_IN_COMPANY]):
        apply_all(part)
    for one in understood:
        if one.claimed.tries > TRIES_IN_COMPANY:
            apply_all([one])
    return len(claimed)


def apply_all(messages: Sequence[Understood]) -> None:
    """Apply a batch in one transaction; if anything in it fails, one by one.

    Raises:
        OperationalError: the database cannot be used; nothing of the batch is lost.
    """
    if not messages:
        return
    for _ in range(DEADLOCK_RETRIES):
        try:
            _apply(messages)
        except Exception as error:  # one bad item never fails its batch
            if is_deadlock(error):
                continue
            if _is_servers_fault(error):
                raise
            if len(messages) == 1:
                _isolate(messages[0], error)
                return
            for message in messages:
                apply_all([message])
        return
    for message in messages:
        _give_back(message.claimed, "the database was too busy")


def is_deadlock(error: Exception) -> bool:
    """Whether somebody else's locks were in the way: the same again may well succeed."""
    return _sqlstate(error) in DEADLOCKS


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
    elif _is_fault_of_data(error) or claimed.tries >= TRIES_BEFORE_PARKING:
        log.warning("intake.parked", message_id=claimed.message_id, error=type(error).__name__)
        _park(claimed, f"cannot apply it: {type(error).__name__}: {error}".splitlines()[0])
    else:
        if not isinstance(error, Raced):
            log.warning("intake.failed", message_id=claimed.message_id, exc_info=error)
        _give_back(claimed, f"{type(error).__name__}: {error}")


def _park(claimed: Claimed, reason: str) -> None:
    with scope.system():
        inbox.park(claimed.message_id, reason=reason)


def _give_back(claimed: Claimed, reason: str) -> None:
    with scope.system():
        inbox.retry([claimed.message_id], after=RETRY_AFTER * claimed.tries, reason=reason)


def _is_servers_fault(error: Exception) -> bool:
    return isinstance(error, OperationalError) and _sqlstate(error)[:2] in SERVERS_FAULT


def _is_fault_of_data(error: Exception) -> bool:
    return isinstance(error, DatabaseError) and _sqlstate(error)[:2] in FAULTS_OF_DATA


def _sqlstate(error: Exception) -> str:
    return getattr(error.__cause__, "sqlstate", None) or ""
