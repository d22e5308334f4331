"""The right to carry an attempt on: who has it, and until when."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from entrepot.attempts.states import Kind, LeaseLost
from entrepot.connect.haste import hurried
from entrepot.database import sql

if TYPE_CHECKING:
    from entrepot.attempts.models import Attempt

LEASE = hurried(timedelta(seconds=60))
# A call may last its whole deadline; one that could outlive the lease must not begin.
CALL_MARGIN = hurried(timedelta(seconds=30))
# By attempts_attempt_leased.
LET_GO = """
UPDATE attempts_attempt
SET leased_until = now()
WHERE status IN ('intended', 'calling') AND leased_until > now() AND holder = ANY(%s)
"""
# Linux' monotonic clock stands still while the machine sleeps or is moved; that of others does not.
STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_known: dict[str, UUID] = {}


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to carry an attempt on: its token, and when it ends on this process's clock.

    That clock (`steady`) goes on while the process is frozen or the machine sleeps, so that one
    which wakes up late knows.
    """

    attempt_id: int
    kind: Kind
    token: int
    ends: float

    @classmethod
    def begin(cls, attempt: "Attempt", *, since: float) -> "Lease":
        """The lease that was written to the row after the instant `since` of `steady`.

        Not the instant now: a process that froze in between would believe in more than it has.
        """
        return cls(attempt.id, Kind(attempt.kind), attempt.token, since + LEASE.total_seconds())

    def check(self) -> None:
        """Refuse to go on when the call could outlive the lease.

        Raises:
            LeaseLost: too little is left, or it is over.
        """
        if steady() > self.ends - CALL_MARGIN.total_seconds():
            raise LeaseLost(self.attempt_id, self.token)


def steady() -> float:
    """Seconds of a clock that nobody sets and that does not stand still, also not in sleep."""
    return time.clock_gettime(STEADY)


def be_holder(worker_id: UUID) -> None:
    """Say once who this process is, so that its death can be told from others'.

    A process that says nothing holds leases all the same; they simply run out.
    """
    _known["holder"] = worker_id


def this_process() -> UUID | None:
    """Who this process is, if it said so."""
    return _known.get("holder")


def let_go_of(holders: Sequence[UUID]) -> None:
    """End the leases of workers that are gone, of attempts under way; in the system's scope.

    One that is not gone after all loses its token with the next take-over, and writes nothing any
    more. Its calls may still leave, so that looking them up in vain proves nothing until their time
    is over, and nothing is sent again before.
    """
    sql.run(LET_GO, [list(holders)])
