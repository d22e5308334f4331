"""Asks a provider to send an accepted share elsewhere, and records its answer.

Until submission an edit of the address is free: the request reads it. Afterwards it is a request
of its own, exactly once in effect: asked with the address that applies now, looked at before it is
asked again, and a refusal becomes a case for a person.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from entrepot.access import scope
from entrepot.attempts import services as attempts
from entrepot.attempts.leases import Lease
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind as Effect
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.canon.fulfillment import ChangeAnswer, ChangeReceipt
from entrepot.canon.places import Address
from entrepot.connect import registry
from entrepot.connections.effects import effects_allowed
from entrepot.connections.models import Connection
from entrepot.connections.states import EffectFlow
from entrepot.customers.queries import address_of, email_of
from entrepot.events import outbox
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.references import idempotency_key, share_reference
from entrepot.fulfillment.requesting import share_of_sale
from entrepot.fulfillment.states import Status
from entrepot.fulfillment.submission import lock_share, owe_an_answer
from entrepot.orders.holds import NewHold, lift_holds, open_holds
from entrepot.orders.models import Order
from entrepot.orders.services import lock_orders
from entrepot.orders.states import HoldKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Readdressing:
    """A request to send it elsewhere that is written down and may be called now."""

    lease: Lease
    connection_id: int
    external_id: str
    recipient: Address
    email: str


def shares_elsewhere(merchant_id: int, order_ids: Iterable[int]) -> list[int]:
    """The shares of orders that a provider sends to another place than it should."""
    with scope.merchant(merchant_id):
        orders = {order.id: order for order in lock_orders(order_ids)}
        rows = FulfillmentOrder.objects.filter(order_id__in=list(orders))
        shares = list(rows.order_by("order_id", "share").prefetch_related("items"))
        for share in shares:
            order = orders[share.order_id]
            if order.open_holds and share.sent_address_id == order.address_id:
                _settle(share, reason="it goes to the address that the provider has")
        return [share.id for share in shares if _goes_elsewhere(share, orders[share.order_id])]


def intend_readdressing(merchant_id: int, fulfillment_order_id: int) -> Readdressing | None:
    """Write the request down, when the provider has the share with another address.

    None when there is nothing to ask: it goes where it should, has left, was refused this very
    address, or cannot be asked, which a person is told.
    """
    with scope.merchant(merchant_id):
        share, order = lock_share(fulfillment_order_id)
        if not _goes_elsewhere(share, order) or not share.external_id:
            return None
        connection = Connection.objects.get(id=share.connection_id)
        if not registry.platform(connection.platform).manifest.can("change_recipient"):
            cannot = "it cannot change where an order goes"
            _refuse(share, order, order.address_id, message=cannot)
            return None
        if not effects_allowed(connection, EffectFlow.SUBMISSIONS).is_allowed:
            return None
        number = _number_of(share)
        sale = share_of_sale(share, order)
        lease = attempts.intend(
            merchant_id=merchant_id,
            mode=order.mode,
            kind=Effect.CHANGE_RECIPIENT,
            connection_id=share.connection_id,
            order_id=order.id,
            subject=("fulfillment_order", share.id),
            reference=f"{share_reference(**sale)}/recipient/{number}",
            generation=share.generation,
            idempotency_key=idempotency_key(f"change_recipient/{number}", **sale),
            request={"external_id": share.external_id, "address_id": order.address_id},
        )
        if lease is None:
            return None
        return Readdressing(
            lease=lease,
            connection_id=share.connection_id,
            external_id=share.external_id,
            recipient=address_of(order.address_id),
            email=email_of(order.customer_id),
        )


def record_change_answer(
    merchant_id: int, fulfillment_order_id: int, lease: Lease, receipt: ChangeReceipt
) -> None:
    """Record the provider's answer: it goes there, or (in part) where it went. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        share, order = lock_share(fulfillment_order_id)
        address_id = Attempt.objects.get(id=lease.attempt_id).request["address_id"]
        if receipt.answer is ChangeAnswer.CHANGED:
            attempts.accept(lease, outcome={"answer": receipt.answer}, message=receipt.message)
            share.sent_address_id = address_id
            share.save(update_fields=["sent_address_id"])
            _settle(share, reason="the provider sends it there")
        else:
            message = receipt.message or str(receipt.answer)
            outcome = {"code": receipt.answer, "fault": "provider"}
            attempts.reject(lease, outcome=outcome, message=message)
            part = "only part of it" if receipt.answer is ChangeAnswer.PARTLY else "nothing"
            _refuse(share, order, address_id, message=f"it changed {part}: {message}")
        outbox.record(
            "fulfillment_order.readdressed",
            merchant_id=merchant_id,
            mode=share.mode,
            order_id=share.order_id,
            subject=("fulfillment_order", share.id),
            data={"answer": str(receipt.answer), "address_id": address_id},
            reason=receipt.message,
        )


def record_change_not_sent(
    merchant_id: int, fulfillment_order_id: int, lease: Lease, *, message: str
) -> None:
    """Record that the request, provably, did not leave. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        lock_share(fulfillment_order_id)
        attempts.stop(lease, message=message)


def record_change_unknown(
    merchant_id: int, fulfillment_order_id: int, lease: Lease, *, message: str
) -> None:
    """Record that nobody knows whether the request arrived; looking tells. Raises LeaseLost."""
    with scope.merchant(merchant_id):
        share, _ = lock_share(fulfillment_order_id)
        attempts.lose(lease, message=message)
        owe_an_answer(share, lease.attempt_id)


def _goes_elsewhere(share: FulfillmentOrder, order: Order) -> bool:
    return (
        share.status == Status.ACCEPTED
        and not share.is_by_hand
        and share.sent_address_id is not None
        and order.address_id not in (None, share.sent_address_id, share.refused_address_id)
    )


def _number_of(share: FulfillmentOrder) -> int:
    """Which request it is: what was not sent keeps its number, and is taken up again."""
    answered = Attempt.objects.filter(
        kind=Effect.CHANGE_RECIPIENT,
        subject_kind="fulfillment_order",
        subject_id=share.id,
        status__in=[AttemptStatus.ACCEPTED, AttemptStatus.REJECTED],
    )
    return answered.count() + 1


def _about(share: FulfillmentOrder) -> str:
    return f"{share.id}:address"


def _settle(share: FulfillmentOrder, *, reason: str) -> None:
    lift_holds(
        by="system",
        reason=reason,
        order_ids=[share.order_id],
        kind=HoldKind.CHANGED_AFTER_SENDING,
        about=_about(share),
    )


def _refuse(share: FulfillmentOrder, order: Order, address_id: int | None, *, message: str) -> None:
    share.refused_address_id = address_id
    share.save(update_fields=["refused_address_id"])
    open_holds(
        [
            NewHold(
                merchant_id=order.merchant_id,
                order_id=order.id,
                kind=HoldKind.CHANGED_AFTER_SENDING,
                about=_about(share),
                reason=f"The provider was asked to send it elsewhere, and {message}",
                data={"fulfillment_order_id": share.id, "address_id": address_id},
            )
        ]
    )
