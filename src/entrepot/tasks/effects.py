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

from collections.abc import Callable
from typing import Protocol, TypeVar

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.services import Lease
from entrepot.attempts.states import LeaseLost
from entrepot.connect.crashpoint import crashpoint
from entrepot.connect.errors import (
    ConnectorError,
    Misconfigured,
    PaymentNeeded,
    Rejected,
    Unavailable,
)
from entrepot.connections import services as connections
from entrepot.fulfillment.submission import PAYMENT_NEEDED
from entrepot.tasks.calls import outside_transaction

Answer = TypeVar("Answer")
Answer_contra = TypeVar("Answer_contra", contravariant=True)


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


def carry_out(
    *,
    merchant_id: int,
    connection_id: int | None,
    lease: Lease,
    call: Callable[[], Answer],
    recorder: "Recorder[Answer]",
) -> bool:
    """Make one intended call and record how it ended; True when it was accepted.

    Somebody else's lease ends it silently: whatever we know is no longer ours to write.

    Raises:
        Unavailable: recorded as not sent; raised again so that the job is retried.
    """
    crashpoint(f"{lease.kind}.after_intend")
    try:
        with scope.merchant(merchant_id):
            attempts.begin_call(lease)
        crashpoint(f"{lease.kind}.before_call")
        with outside_transaction():
            answer = _call(merchant_id, connection_id, lease, call, recorder)
        if answer is None:
            return False
        crashpoint(f"{lease.kind}.after_call")
        recorder.accepted(lease, answer)
        crashpoint(f"{lease.kind}.after_record")
    except LeaseLost:
        return False
    return True


def _call(
    merchant_id: int,
    connection_id: int | None,
    lease: Lease,
    call: Callable[[], Answer],
    recorder: "Recorder[Answer]",
) -> Answer | None:
    try:
        lease.check()
        return call()
    except LeaseLost:
        recorder.not_sent(lease, message="the lease ran out before the call left")
    except Unavailable as error:
        recorder.not_sent(lease, message=str(error))
        raise
    except Rejected as error:
        recorder.refused(lease, code=error.code, message=str(error), fault=error.fault)
    except PaymentNeeded as error:
        where = f" ({error.action_url})" if error.action_url else ""
        recorder.refused(lease, code=PAYMENT_NEEDED, message=f"{error}{where}", fault="provider")
    except Misconfigured as error:
        recorder.not_sent(lease, message=str(error))
        if connection_id is not None:
            connections.refuse_ping(connection_id, merchant_id=merchant_id, reason=str(error))
    except ConnectorError as error:
        recorder.unknown(lease, message=f"{type(error).__name__}: {error}")
    except Exception as error:
        recorder.unknown(lease, message=f"our own fault: {type(error).__name__}: {error}")
        raise
    return None
