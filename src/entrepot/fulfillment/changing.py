"""Asks a provider to change what it has of an accepted share, and records its answer."""

from dataclasses import dataclass
from typing import Any

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind as Effect
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.canon.fulfillment import ChangeAnswer, ChangeReceipt
from entrepot.connect import registry
from entrepot.connections.effects import effects_allowed
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.database import saving
from entrepot.events import outbox
from entrepot.fulfillment.changes import CHANGES, Change, is_due, miss, refuse, settle
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.references import idempotency_key, share_reference
from entrepot.fulfillment.requesting import share_of_sale
from entrepot.fulfillment.states import Status
from entrepot.fulfillment.submission import lock_share, owe_an_answer
from entrepot.orders.models import Order

# What follows the share's reference in that of an attempt.
PATHS = {"address_id": "recipient", "shipping_method": "shipping"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to change something that is written down and may be called now.

    `what` is an address's id, or a shipping method.
    """

    lease: Lease
    connection_id: int
    external_id: str
    what: Any


def intend_change(change: Change, merchant_id: int, *, fulfillment_order_id: int) -> Asked | None:
    """Write the request down, when the provider has the share otherwise than it should.

    None when there is nothing to ask: it is as it should be, has left, was refused this very
    thing, or cannot be asked, which a person is told.
    """
    with scope.merchant(merchant_id):
        share, order = lock_share(fulfillment_order_id)
        if share.status == Status.CLOSED:
            miss(change, share, order=order)  # it left while somebody meant to ask, and died before
        if not is_due(change, share, order=order) or not share.external_id:
            return None
        wanted = change.wanted(share, order)
        connection = Connection.objects.get(id=share.connection_id)
        if not registry.platform(connection.platform).manifest.can(change.effect):
            refuse(change, share, asked=wanted, message=change.cannot)
            return None
        if not effects_allowed(connection, EffectFlow.SUBMISSIONS).is_allowed:
            return None
        number = _number_of(change, share)
        sale = share_of_sale(share, order)
        lease = attempts.intend(
            merchant_id=merchant_id,
            mode=order.mode,
            kind=change.effect,
            connection_id=share.connection_id,
            order_id=order.id,
            subject=("fulfillment_order", share.id),
            reference=f"{share_reference(**sale)}/{PATHS[change.key]}/{number}",
            generation=share.generation,
            idempotency_key=idempotency_key(f"{change.effect}/{number}", **sale),
            request={"external_id": share.external_id, change.key: wanted},
        )
        if lease is None:
            return None
        return Asked(
            lease=lease,
            connection_id=share.connection_id,
            external_id=share.external_id,
            what=wanted,
        )


def is_wanted(attempt: Attempt) -> bool:
    """Whether what was asked for is still to be asked for; in the open scope."""
    change = CHANGES[Effect(attempt.kind)]
    share = FulfillmentOrder.objects.get(id=attempt.subject_id)
    order = Order.objects.get(id=share.order_id)
    return is_due(change, share, order=order) and change.wanted(share, order) == _asked(attempt)


def record_change_answer(
    merchant_id: int, fulfillment_order_id: int, *, lease: Lease, receipt: ChangeReceipt
) -> None:
    """Record the provider's answer: it is so now, or (in part) as it was. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        share, order = lock_share(fulfillment_order_id)
        attempt = attempts.hold(lease)
        if receipt.answer is ChangeAnswer.CHANGED:
            attempts.accept(lease, outcome={"answer": receipt.answer}, message=receipt.message)
        else:
            outcome = {"code": receipt.answer, "fault": "provider"}
            attempts.reject(lease, outcome=outcome, message=receipt.message or str(receipt.answer))
        _take_in(attempt, share, order, receipt)


def record_change_not_sent(
    merchant_id: int, fulfillment_order_id: int, *, lease: Lease, message: str
) -> None:
    """Record that the request, provably, did not leave. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        lock_share(fulfillment_order_id)
        attempts.stop(lease, message=message)


def record_change_unknown(
    merchant_id: int, fulfillment_order_id: int, *, lease: Lease, message: str
) -> None:
    """Record that nobody knows whether the request arrived; looking tells. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        share, _ = lock_share(fulfillment_order_id)
        attempts.lose(lease, message=message)
        owe_an_answer(share, lease.attempt_id)


def count_as_changed(attempt: Attempt, *, reason: str) -> None:
    """Take a person's word that the provider has changed it; in the open scope."""
    share, order = lock_share(attempt.subject_id)
    _take_in(attempt, share, order, ChangeReceipt(answer=ChangeAnswer.CHANGED, message=reason))


def _take_in(
    attempt: Attempt, share: FulfillmentOrder, order: Order, receipt: ChangeReceipt
) -> None:
    """What the provider has now, or that a person has to look: unless it is not wanted any more."""
    change, asked = CHANGES[Effect(attempt.kind)], _asked(attempt)
    if receipt.answer is ChangeAnswer.CHANGED:
        setattr(share, change.given, asked)
        saving.save(share, change.given)
        settle(change, share, reason=change.settled)
    elif change.wanted(share, order) == asked:
        part = "only part of it" if receipt.answer is ChangeAnswer.PARTLY else "nothing"
        said = receipt.message or str(receipt.answer)
        refuse(change, share, asked=asked, message=f"it changed {part}: {said}")
    outbox.record(
        change.event,
        merchant_id=share.merchant_id,
        mode=share.mode,
        order_id=share.order_id,
        subject=("fulfillment_order", share.id),
        data={"answer": str(receipt.answer), change.key: asked},
        reason=receipt.message,
    )


def _asked(attempt: Attempt) -> Any:
    return attempt.request[CHANGES[Effect(attempt.kind)].key]


def _number_of(change: Change, share: FulfillmentOrder) -> int:
    """Which request it is: what was not sent keeps its number, and is taken up again."""
    answered = Attempt.objects.filter(
        kind=change.effect,
        subject_kind="fulfillment_order",
        subject_id=share.id,
        status__in=[AttemptStatus.ACCEPTED, AttemptStatus.REJECTED],
    )
    return answered.count() + 1
