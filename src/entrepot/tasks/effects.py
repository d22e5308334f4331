"""Carries intended effects out: marks them, calls outside any transaction, sorts what came back.

accepted            the recorder for it
Unavailable         proven not sent; the job's retry takes the same attempt up again
OutcomeUnknown      unknown: looked up before anything else
UnexpectedResponse  the same: something answered, we cannot tell what was done
Conflict            the same: it exists, or can no longer be changed
Rejected            a proven refusal
PaymentNeeded       a refusal of its own kind
Misconfigured       proven not sent, and the connection stops until a person has acted
anything else       unknown: our own fault after the bytes may have left
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from django.db import DatabaseError

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.queries import hold_together
from entrepot.attempts.states import LeaseLost
from entrepot.connect.crashpoint import crashpoint
from entrepot.connect.errors import (
    ConnectorError,
    Misconfigured,
    PaymentNeeded,
    Rejected,
    Unavailable,
)
from entrepot.connect.words import keepable
from entrepot.connections.call_log import keep_calls
from entrepot.connections.faults import refuse_call
from entrepot.database import saving
from entrepot.events import outbox
from entrepot.fulfillment.submission import PAYMENT_NEEDED
from entrepot.obligations import services as obligations
from entrepot.tasks.calls import Ended, side_by_side

Answer = TypeVar("Answer")
Answer_contra = TypeVar("Answer_contra", contravariant=True)

LockTogether = Callable[[Sequence[int]], object]


class Recorder(Protocol[Answer_contra]):
    """What an effect does with each ending; every method opens its own short transaction."""

    def accepted(self, lease: Lease, answer: Answer_contra) -> None:
        """The other side has it."""
        ...

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        """The other side refused, provably."""
        ...

    def not_sent(self, lease: Lease, *, message: str) -> None:
        """Nothing happened, provably."""
        ...

    def unknown(self, lease: Lease, *, message: str) -> None:
        """It may have happened."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended(Generic[Answer]):
    """An effect that is written down, its one call, and how its endings are recorded.

    `subject_id` is what it is about, `cause` what it follows from.
    """

    subject_id: int
    connection_id: int | None
    lease: Lease
    call: Callable[[Lease], Answer]
    recorder: "Recorder[Answer]"
    cause: str = ""


def carry_out(
    *,
    merchant_id: int,
    connection_id: int | None,
    lease: Lease,
    call: Callable[[Lease], Answer],
    recorder: "Recorder[Answer]",
) -> None:
    """Make one intended call and record how it ended; see `carry_out_together`.

    Raises:
        Unavailable: recorded as not sent; raised again so that the job is retried.
    """
    intended = Intended(
        subject_id=0,
        connection_id=connection_id,
        lease=lease,
        call=call,
        recorder=recorder,
        cause=outbox.current_cause()[1],
    )
    (error,) = carry_out_together(merchant_id, [intended], lock_together=lambda _: None)
    if error is not None:
        raise error


def carry_out_together(
    merchant_id: int,
    effects: Sequence[Intended[Any]],
    *,
    lock_together: LockTogether,
) -> list[Exception | None]:
    """Make intended calls side by side and record how each ended, those that end together at once.

    `lock_together` locks what several effects are about, in the order of the house, and reads it
    ahead for their recorders. Those of one call of this are under way at the same moment, and so
    many become unknown when the process dies.

    Somebody else's lease ends an effect silently: whatever we know is no longer ours to write. The
    answer says for each what its job has to be told: `Unavailable`, recorded as not sent, or our
    own fault, recorded as unknown.
    """
    if not effects:
        return []
    crashpoint(f"{effects[0].lease.kind}.after_intend")
    errors: dict[int, Exception] = {}
    for ended in side_by_side(_make_call, _begin(merchant_id, effects)):
        errors |= _record(merchant_id, ended, lock_together)
    return [errors.get(effect.lease.attempt_id) for effect in effects]


def _begin(merchant_id: int, effects: Sequence[Intended[Any]]) -> list[Intended[Any]]:
    """Mark effects as called about; those that are still ours, with their renewed leases."""
    with scope.merchant(merchant_id):
        held = attempts.begin_calls([effect.lease for effect in effects])
    return [
        replace(effect, lease=held[effect.lease.attempt_id])
        for effect in effects
        if effect.lease.attempt_id in held
    ]


Outcome = Ended[Intended[Any], Any]


def _make_call(effect: Intended[Answer]) -> Answer:
    with outbox.because(cause=effect.cause):
        crashpoint(f"{effect.lease.kind}.before_call")
        effect.lease.check()
        answer = effect.call(effect.lease)
        crashpoint(f"{effect.lease.kind}.after_call")
        return answer


def _record(
    merchant_id: int, ended: Sequence[Outcome], lock_together: LockTogether
) -> dict[int, Exception]:
    """Record endings in one transaction, or each in its own if that fails; errors by attempt."""
    try:
        with scope.merchant(merchant_id), obligations.gathered(), saving.together():
            if len(ended) > 1:
                lock_together([one.thing.subject_id for one in ended])
                hold_together(one.thing.lease.attempt_id for one in ended)
            keep_calls([call for one in ended for call in one.calls])
            errors = {
                one.thing.lease.attempt_id: error
                for one in ended
                if (error := _record_one(one)) is not None
            }
    except Exception as failed:  # noqa: BLE001 -- told to the job of the one whose fault it is
        if len(ended) > 1:
            apart = [_record(merchant_id, [one], lock_together) for one in ended]
            return {key: error for errors in apart for key, error in errors.items()}
        if isinstance(failed, LeaseLost):
            return _keep_calls_only(merchant_id, ended[0])
        return {ended[0].thing.lease.attempt_id: failed}
    crashpoint(f"{ended[0].thing.lease.kind}.after_record")
    for one in ended:
        connection_id = one.thing.connection_id
        if isinstance(one.error, Misconfigured) and connection_id is not None:
            refuse_call(connection_id, merchant_id=merchant_id, reason=str(one.error))
    return errors


def _keep_calls_only(merchant_id: int, ended: Outcome) -> dict[int, Exception]:
    """Keep what went over the wire of a call whose outcome is no longer ours to write."""
    try:
        with scope.merchant(merchant_id):
            keep_calls(ended.calls)
    except DatabaseError as error:
        return {ended.thing.lease.attempt_id: error}
    return {}


def _record_one(ended: Outcome) -> Exception | None:
    """Sort how a call ended and record it; what its job has to be told. Raises LeaseLost."""
    recorder, lease = ended.thing.recorder, ended.thing.lease
    with outbox.because(cause=ended.thing.cause):
        match ended.error:
            case None:
                recorder.accepted(lease, ended.answer)
            case LeaseLost():
                recorder.not_sent(lease, message="the lease ran out before the call left")
            case Unavailable() as error:
                recorder.not_sent(lease, message=str(error))
                return error
            case Rejected() as error:
                recorder.refused(lease, code=error.code, message=str(error), fault=error.fault)
            case PaymentNeeded() as error:
                where = f" ({error.action_url})" if error.action_url else ""
                said = f"{error}{where}"
                recorder.refused(lease, code=PAYMENT_NEEDED, message=said, fault="provider")
            case Misconfigured() as error:
                recorder.not_sent(lease, message=str(error))
            case ConnectorError() as error:
                recorder.unknown(lease, message=f"{type(error).__name__}: {error}")
            case error:
                said = keepable(f"our own fault: {type(error).__name__}: {error}")
                recorder.unknown(lease, message=said)
                return error
    return None
