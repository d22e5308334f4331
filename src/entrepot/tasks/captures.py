"""Jobs that capture or void authorized payments."""

from dataclasses import dataclass

from entrepot.attempts.leases import Lease
from entrepot.canon.payments import PaymentFact, PaymentFactKind
from entrepot.connect.errors import Rejected
from entrepot.connect.ports import Captures
from entrepot.connections import doors
from entrepot.payments import authorizations
from entrepot.payments.authorizations import ENDS, WishCall
from entrepot.payments.states import WishKind
from entrepot.tasks.effects import carry_out
from entrepot.tasks.registry import Priority, task


class CannotCapture(Exception):
    """A capture or void was wanted at a connection whose platform knows neither."""


@task("payments.capture", priority=Priority.HIGH)
def capture(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Take authorized money, once."""
    _settle(merchant_id, subject_id)


@task("payments.void", priority=Priority.HIGH)
def void(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Let authorized money go, once."""
    _settle(merchant_id, subject_id)


def _settle(merchant_id: int, wish_id: int) -> None:
    decided = authorizations.intend(merchant_id, wish_id)
    if decided is None:
        return
    call, lease = decided
    carry_out(
        merchant_id=merchant_id,
        connection_id=call.connection_id,
        lease=lease,
        call=lambda lease: _look_then_send(capturer(call.connection_id, lease=lease), call),
        recorder=WishRecorder(merchant_id, wish_id),
    )


def _look_then_send(place: Captures, call: WishCall) -> PaymentFact:
    """What is there already counts: another database of ours, or a person, may have done it."""
    return find_end(place, call) or send(place, call)


def find_end(place: Captures, call: WishCall) -> PaymentFact | None:
    """How the payment ended, as its gateway tells; None while it is authorized.

    Raises:
        Rejected: the gateway knows no such payment, or nothing of it is authorized.
    """
    told = {fact.kind: fact for fact in place.read_payment(call.payment_external_id)}
    for kind in ENDS:
        if kind in told:
            return told[kind]
    if PaymentFactKind.AUTHORIZED not in told:
        said = ", ".join(sorted(told)) or "nothing"
        raise Rejected(
            f"payment {call.payment_external_id} is not authorized there: it tells {said}",
            code="not_authorized",
        )
    return None


def send(place: Captures, call: WishCall) -> PaymentFact:
    """Ask for it. Safe to repeat only where the manifest says that the key is remembered."""
    payment, key = call.payment_external_id, call.idempotency_key
    if call.kind is WishKind.VOID:
        return place.void(payment, idempotency_key=key)
    return place.capture(payment, amount=call.amount, idempotency_key=key)


def capturer(connection_id: int, *, lease: Lease | None = None) -> Captures:
    """Whoever can capture and void behind a connection; with a lease, its writes are fenced."""
    client = doors.client(connection_id, before_send=lease.check if lease else None)
    if not isinstance(client, Captures):
        raise CannotCapture(f"connection {connection_id} can neither capture nor void")
    return client


@dataclass(frozen=True, slots=True)
class WishRecorder:
    """How the endings of a capture or void are recorded."""

    merchant_id: int
    wish_id: int

    def accepted(self, lease: Lease, answer: PaymentFact) -> None:
        """The gateway told how the payment ended, as wished or not."""
        authorizations.record_told(self.merchant_id, self.wish_id, lease=lease, fact=answer)

    def refused(self, lease: Lease, *, code: str, message: str, fault: str) -> None:
        """The gateway refused."""
        authorizations.record_refusal(
            self.merchant_id, self.wish_id, lease=lease, code=code, message=message
        )

    def not_sent(self, lease: Lease, *, message: str) -> None:
        """Nothing left."""
        authorizations.record_not_sent(self.merchant_id, self.wish_id, lease=lease, message=message)

    def unknown(self, lease: Lease, *, message: str) -> None:
        """It may have happened."""
        authorizations.record_unknown(self.merchant_id, self.wish_id, lease=lease, message=message)
