"""What an event means to the customer: which message, about which fact, and since when."""

from collections.abc import Sequence
from datetime import datetime

from entrepot.access import scope
from entrepot.events.models import Event
from entrepot.fulfillment.models import Parcel, Shipment
from entrepot.notifications import facts
from entrepot.notifications.services import News
from entrepot.notifications.states import Kind
from entrepot.orders.models import Order
from entrepot.payments.models import PaymentEntry, Refund

OF_PARCELS = ("parcel.delivered", "parcel.exception", "parcel.returned")
_PEOPLE = ("user:", "api_key:")


def read_together(events: Sequence[Event]) -> None:
    """Read ahead what `news_of` asks for, of several events."""
    _shipments([event for event in events if event.name == "shipment.recorded"])
    _parcels([event for event in events if event.name in OF_PARCELS])


def news_of(event: Event) -> News | None:
    """The news in an event, None when it has none for the customer; read in the merchant's scope.

    Refunds and cancellations that a person decided here tell the customer only if that was chosen
    (rule 17: cancel, refund, restock and notify are four choices).
    """
    match event.name:
        case "order.released":
            released_at = scope.once(
                "released_at", event.order_id, read=lambda: _released_at(event.order_id or 0)
            )
            return News(
                kind=Kind.CONFIRMATION, fact=facts.RELEASED, happened_at=released_at or event.at
            )
        case "order.cancelled" | "order.lines_cancelled":
            return _of_cancellation(event)
        case "payment.refunded":
            return _of_refund(event)
        case "shipment.recorded":
            shipment = _shipments([event])[event.subject_id]
            return News(
                kind=Kind.SHIPPED,
                fact=facts.shipment(shipment.number),
                happened_at=shipment.shipped_at,
            )
        case name if name in OF_PARCELS:
            return _of_parcel(event)
        case _:
            return None


def _shipments(events: Sequence[Event]) -> dict[int | None, Shipment]:
    return scope.once_each(
        "heard_shipment", (event.subject_id for event in events), read=Shipment.objects.in_bulk
    )


def _parcels(events: Sequence[Event]) -> dict[int | None, Parcel]:
    parcels = Parcel.objects.select_related("shipment")
    return scope.once_each(
        "heard_parcel", (event.subject_id for event in events), read=parcels.in_bulk
    )


def _released_at(order_id: int) -> datetime | None:
    at: datetime | None = Order.objects.values_list("released_at", flat=True).get(id=order_id)
    return at


def _of_cancellation(event: Event) -> News:
    was_person = str(event.data.get("by") or event.actor).startswith(_PEOPLE)
    is_whole = event.name == "order.cancelled"
    return News(
        kind=Kind.CANCELLED,
        fact=facts.CANCELLED if is_whole else facts.lines_cancelled(event.id),
        happened_at=event.at,
        tells_customer=bool(event.data.get("tells_customer", not was_person)),
    )


def _of_refund(event: Event) -> News:
    entry = PaymentEntry.objects.get(id=event.subject_id or 0)
    ours = Refund.objects.filter(
        merchant_id=entry.merchant_id, order_id=event.order_id or 0, external_id=entry.external_id
    ).first()
    return News(
        kind=Kind.REFUNDED,
        fact=facts.refund(entry.external_id),
        happened_at=entry.happened_at,
        tells_customer=ours is None or ours.tells_customer,
    )


def _of_parcel(event: Event) -> News:
    parcel = _parcels([event])[event.subject_id]
    what = event.name.partition(".")[2]
    return News(
        kind=Kind.DELIVERED if what == "delivered" else Kind.EXCEPTION,
        fact=facts.parcel(parcel.shipment.number, parcel.number, news=what),
        happened_at=parcel.delivered_at or parcel.status_at or event.at,
    )
