"""The protocol of exactly once in effect: intend, call, record, and ask before anything else.

    intend   in the transaction that decides: the row, its reference, a lease
    call     `begin_call` marks it just before the bytes leave; the call is outside transactions
    record   `accept`, `reject`, `stop` (proven: nothing happened) or `lose` (unknown), by the
             holder of the current token only
    ask      an unknown attempt is looked up, with backoff, until found or absence is proved

Every function runs inside an open scope and locks the attempt; the caller has locked the order
and the thing that the attempt is about before it, in this order.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, F, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, Least, Now

from entrepot.access import scope
from entrepot.attempts import moves
from entrepot.attempts.leases import LEASE, Lease, steady, this_process
from entrepot.attempts.models import Attempt
from entrepot.attempts.queries import may_still_leave
from entrepot.attempts.states import (
    LIVE,
    IllegalStep,
    Kind,
    LeaseLost,
    Status,
    Step,
    StillLeaving,
)
from entrepot.connect.crashpoint import crashpoint
from entrepot.connect.haste import hurried
from entrepot.connect.manifest import Effect
from entrepot.database import clock, reading, saving


def intend(
    *,
    merchant_id: int,
    mode: str,
    kind: Kind,
    connection_id: int | None,
    order_id: int | None,
    subject: tuple[str, int],
    reference: str,
    generation: int,
    idempotency_key: str,
    fingerprint: str = "",
    request: dict[str, Any] | None = None,
) -> Lease | None:
    """Write down an intended effect and take its lease; None when one is under way already.

    An attempt of the same reference that is proven not sent is taken up again: its generation does
    not rise, because nothing of it exists outside.
    """
    since = steady()
    subject_kind, subject_id = subject
    earlier: list[Attempt] | None = scope.taken_ahead("attempts", (kind, *subject))
    if earlier is not None:
        known = next((one for one in earlier if one.reference == reference), None)
    else:
        named = Attempt.objects.select_for_update().filter(
            merchant_id=merchant_id, mode=mode, kind=kind, reference=reference
        )
        known = named.filter(connection_id=connection_id).first()
    if known is not None:
        if known.status != Status.NOT_SENT:
            return None
        known.fingerprint = fingerprint
        known.request = request or {}
        moves.take(known, Step.TAKE_UP, leases=True)
        return Lease.begin(known, since=since)
    if _is_under_way(merchant_id, kind, subject=subject, earlier=earlier):
        return None
    attempt = Attempt(
        merchant_id=merchant_id,
        mode=mode,
        kind=kind,
        connection_id=connection_id,
        order_id=order_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        reference=reference,
        generation=generation,
        idempotency_key=idempotency_key,
        fingerprint=fingerprint,
        request=request or {},
        leased_until=clock.now() + LEASE,
        holder=this_process(),
    )
    saving.insert(attempt)
    moves.record("attempt.intended", attempt, previous="")
    crashpoint(f"{kind}.before_intend_commit")
    return Lease.begin(attempt, since=since)


def _is_under_way(
    merchant_id: int, kind: Kind, *, subject: tuple[str, int], earlier: list[Attempt] | None
) -> bool:
    """Whether somebody is at it already, told by what was read ahead, where it was."""
    if earlier is not None:
        return any(one.status in LIVE for one in earlier)
    subject_kind, subject_id = subject
    rows = Attempt.objects.filter(merchant_id=merchant_id, kind=kind, status__in=LIVE)
    return rows.filter(subject_kind=subject_kind, subject_id=subject_id).exists()


def begin_call(lease: Lease) -> Lease:
    """Mark one attempt as calling; see `begin_calls`. Raises LeaseLost."""
    renewed = begin_calls([lease])
    if not renewed:
        raise LeaseLost(lease.attempt_id, lease.token)
    return renewed[lease.attempt_id]


def begin_calls(leases: Iterable[Lease]) -> dict[int, Lease]:
    """Mark attempts as calling, just before the bytes leave; the leases that still hold, by id.

    Each is renewed, so that a call has its whole time however long its turn took to come.
    """
    since = steady()
    mine = {lease.attempt_id: lease for lease in leases}
    rows = reading.locked(Attempt, mine)
    held = [attempt for attempt in rows if _is_holder(mine[attempt.id], attempt)]
    moves.take_together(held, Step.CALL)
    return {attempt.id: Lease.begin(attempt, since=since) for attempt in held}


def hold(lease: Lease) -> Attempt:
    """Lock the attempt of a lease, to look at it before it ends. Raises LeaseLost."""
    attempt = _held(lease)
    scope.keep_ahead("attempt", {attempt.id: attempt})
    return attempt


def accept(lease: Lease, *, outcome: dict[str, Any], message: str = "") -> Attempt:
    """Record that the other side has it. Raises LeaseLost."""
    attempt = _held(lease)
    attempt.outcome = outcome
    moves.end(attempt, Step.ACCEPT, message=message)
    crashpoint(f"{lease.kind}.before_record_commit")
    return attempt


def reject(lease: Lease, *, outcome: dict[str, Any], message: str) -> Attempt:
    """Record a proven refusal. Raises LeaseLost."""
    attempt = _held(lease)
    attempt.outcome = outcome
    moves.end(attempt, Step.REJECT, message=message)
    return attempt


def stop(lease: Lease, *, message: str) -> Attempt:
    """Record that, provably, nothing happened. Raises LeaseLost."""
    attempt = _held(lease)
    moves.end(attempt, Step.STOP, message=message)
    return attempt


def lose(lease: Lease, *, message: str) -> Attempt:
    """Record that it may have happened; it will be asked about. Raises LeaseLost."""
    attempt = _held(lease)
    attempt.may_leave_until = None
    moves.become_unknown(attempt, message=message)
    return attempt


def take_over(attempt_id: int) -> tuple[Attempt, Lease] | None:
    """Take the lease of an attempt whose holder is gone or that waits to be asked about.

    An attempt that was only intended is proven not sent; one that was calling becomes unknown.
    None when its lease still runs or it has ended.
    """
    attempt = (
        Attempt.objects.select_for_update()
        .filter(id=attempt_id, status__in=LIVE)
        .annotate(is_free=_is_free())
        .first()
    )
    if attempt is None or not attempt.is_free:
        return None
    since = steady()
    attempt.token += 1
    attempt.leased_until = clock.now() + LEASE
    attempt.holder = this_process()
    if attempt.status == Status.INTENDED:
        moves.end(attempt, Step.STOP, message="its worker was gone before the call")
    elif attempt.status == Status.CALLING:
        moves.become_unknown(attempt, message="its worker was gone during the call")
    else:
        saving.save(attempt, *moves.MOVING)
    return attempt, Lease.begin(attempt, since=since)


def doubt(attempt: Attempt, *, message: str) -> None:
    """Ask about a locked attempt of a copy: what was only intended then may have left since."""
    attempt.token += 1
    moves.become_unknown(attempt, message=message, step=Step.DOUBT)


def found_nothing(lease: Lease, *, effect: Effect) -> tuple[Attempt, bool]:
    """Record a look-up that found nothing; True with it when absence is proved now.

    Absence is proved by two empty look-ups further apart than the settle time, both after the
    call and after the time in which its bytes could leave; where objects can be invisible for
    longer, it never is. The next look-up is no later than the moment at which it can be.
    """
    attempt = _held(lease)
    settle = hurried(timedelta(seconds=effect.settle_seconds))
    Attempt.objects.filter(
        Q(may_leave_until=None) | Q(may_leave_until__lt=Now()), id=attempt.id, first_empty_at=None
    ).update(first_empty_at=Now())
    next_ask_at: Combinable = Now() + _wait(attempt.asked, effect)
    if effect.lookup_proves_absence:
        tells = Coalesce(F("first_empty_at") + settle, F("may_leave_until"), Now())
        next_ask_at = Least(next_ask_at, Greatest(tells, Now()) + hurried(timedelta(seconds=1)))
    Attempt.objects.filter(id=attempt.id).update(
        last_empty_at=Now(), asked=F("asked") + 1, next_ask_at=next_ask_at
    )
    attempt.refresh_from_db()
    is_proved = (
        effect.lookup_proves_absence
        and attempt.first_empty_at is not None
        and attempt.last_empty_at is not None
        and attempt.last_empty_at - attempt.first_empty_at > settle
    )
    if is_proved:
        moves.end(attempt, Step.STOP, message="looked up twice, apart: it is not there")
        return attempt, True
    _let_go(attempt)
    return attempt, False


def could_not_ask(lease: Lease, *, message: str, again_after: timedelta | None = None) -> Attempt:
    """Record that a look-up got no answer; it proves nothing and is tried again later.

    `again_after` is when the other side may be asked, where that is known: nobody was asked then,
    and the next waits grow no longer by it.
    """
    attempt = _held(lease)
    if again_after is None:
        asked, wait = attempt.asked + 1, _wait(attempt.asked, None)
    else:
        asked, wait = attempt.asked, max(again_after, _wait(0, None))
    Attempt.objects.filter(id=attempt.id).update(
        asked=asked, message=message, next_ask_at=Now() + wait
    )
    attempt.refresh_from_db()
    _let_go(attempt)
    return attempt


def ask_a_person(lease: Lease, *, message: str) -> Attempt:
    """Stop asking: nothing outside can tell, or it told something that only a person can judge."""
    attempt = _held(lease)
    attempt.needs_person = True
    attempt.next_ask_at = None
    attempt.message = message
    _let_go(attempt)
    return attempt


def decide(
    merchant_id: int,
    attempt_id: int,
    *,
    happened: bool,
    by: str,
    reason: str,
    external_id: str = "",
) -> Attempt:
    """Record a person's word about an unknown attempt that nothing else can settle.

    Raises:
        IllegalStep: it is not unknown.
        StillLeaving: it did not happen, but the bytes of its call may still leave.
    """
    attempt = Attempt.objects.select_for_update().get(id=attempt_id, merchant_id=merchant_id)
    if attempt.status != Status.UNKNOWN:
        raise IllegalStep(attempt, Step.ACCEPT if happened else Step.STOP, attempt.status)
    if not happened and may_still_leave(attempt):
        raise StillLeaving(attempt)
    attempt.token += 1
    if happened:
        attempt.outcome = {"external_id": external_id, "decided_by": by}
        moves.end(attempt, Step.ACCEPT, message=reason)
    else:
        moves.end(attempt, Step.STOP, message=reason)
    return attempt


def _is_free() -> "ExpressionWrapper[Q]":
    return ExpressionWrapper(
        Q(leased_until__lt=Now()) | Q(leased_until__isnull=True), output_field=BooleanField()
    )


def _held(lease: Lease) -> Attempt:
    attempt: Attempt | None = scope.taken_ahead("attempt", lease.attempt_id)
    attempt = attempt or reading.one_locked(Attempt, lease.attempt_id)
    if not _is_holder(lease, attempt):
        raise LeaseLost(lease.attempt_id, lease.token)
    return attempt


def _is_holder(lease: Lease, attempt: Attempt) -> bool:
    return attempt.token == lease.token


def _let_go(attempt: Attempt) -> None:
    attempt.leased_until = None
    saving.save(attempt, *moves.MOVING)


def _wait(asked: int, effect: Effect | None) -> timedelta:
    seconds = moves.ASK_AFTER[min(asked, len(moves.ASK_AFTER) - 1)]
    settle = effect.settle_seconds if effect else 0
    return hurried(timedelta(seconds=max(seconds, settle + 1) if asked == 0 else seconds))
