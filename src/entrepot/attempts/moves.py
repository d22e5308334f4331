"""How an attempt moves: each named step with its row and its event, inside the open transaction."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Now

from entrepot.attempts.leases import LEASE, this_process
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import IllegalStep, Step
from entrepot.connect.haste import hurried
from entrepot.database import clock, saving
from entrepot.events import outbox

# When an unknown attempt is asked about, in seconds after each look-up.
ASK_AFTER = (5, 15, 30, 60, 120, 300, 600, 1800, 3600)
EVENT_OF_STEP = {
    Step.CALL: "attempt.called",
    Step.ACCEPT: "attempt.accepted",
    Step.REJECT: "attempt.rejected",
    Step.STOP: "attempt.not_sent",
    Step.LOSE: "attempt.became_unknown",
    Step.DOUBT: "attempt.became_unknown",
    Step.TAKE_UP: "attempt.intended",
}
# What changes after an attempt was written down; the rest of it stands.
MOVING = (
    "status",
    "token",
    "fingerprint",
    "request",
    "outcome",
    "message",
    "leased_until",
    "holder",
    "may_leave_until",
    "needs_person",
    "asked",
    "next_ask_at",
    "first_empty_at",
    "last_empty_at",
    "unknown_since",
    "ended_at",
)


def become_unknown(attempt: Attempt, *, message: str, step: Step = Step.LOSE) -> None:
    """It may have happened: look-ups begin anew, and nobody holds it."""
    now = clock.now()
    attempt.unknown_since = now
    attempt.message = message
    attempt.next_ask_at = now + hurried(timedelta(seconds=ASK_AFTER[0]))
    attempt.leased_until = None
    attempt.asked = 0
    attempt.first_empty_at = attempt.last_empty_at = None
    take(attempt, step)


def end(attempt: Attempt, step: Step, *, message: str) -> None:
    """It is known how it ended: nobody holds it and nobody asks any more."""
    attempt.message = message
    attempt.ended_at = clock.now()
    attempt.leased_until = attempt.may_leave_until = None
    attempt.next_ask_at = None
    attempt.needs_person = False
    take(attempt, step)


def take(attempt: Attempt, step: Step, *, leases: bool = False) -> None:
    """Make a named move of a locked attempt; `leases` gives this process a new lease of it.

    Raises:
        IllegalStep: its status does not allow the move.
    """
    previous = attempt.status
    if previous not in step.sources:
        raise IllegalStep(attempt, step, previous)
    attempt.status = step.target  # attempts move here and nowhere else
    if leases:
        attempt.token += 1
        attempt.leased_until = clock.now() + LEASE
        attempt.holder = this_process()
        attempt.ended_at = None
        attempt.needs_person = False
    saving.save(attempt, *MOVING)
    record(EVENT_OF_STEP[step], attempt, previous=previous)


def take_together(held: Sequence[Attempt], step: Step) -> None:
    """Make the move that begins the calls of locked attempts; each lease is renewed.

    Raises:
        IllegalStep: the status of one does not allow the move.
    """
    for attempt in held:
        previous = attempt.status
        if previous not in step.sources:
            raise IllegalStep(attempt, step, previous)
        attempt.status = step.target
        record(EVENT_OF_STEP[step], attempt, previous=previous)
    rows = Attempt.objects.filter(id__in=[attempt.id for attempt in held])
    rows.update(
        status=step.target,
        calls=F("calls") + 1,
        called_at=Now(),
        leased_until=Now() + LEASE,
        may_leave_until=Now() + LEASE,
    )


def record(name: str, attempt: Attempt, *, previous: str) -> None:
    """Record an event of an attempt, as it is now."""
    outbox.record(
        name,
        merchant_id=attempt.merchant_id,
        mode=attempt.mode,
        order_id=attempt.order_id,
        subject=("attempt", attempt.id),
        reason=attempt.message,
        data={
            "effect": attempt.kind,
            "reference": attempt.reference,
            "from": previous,
            "to": attempt.status,
            "token": attempt.token,
            "subject_kind": attempt.subject_kind,
            "subject_id": attempt.subject_id,
            **({"outcome": attempt.outcome} if attempt.outcome else {}),
        },
    )
