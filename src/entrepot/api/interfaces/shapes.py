"""Shapes of the documented interfaces: its tables' columns, amounts in the smallest unit."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from ninja import Schema

from entrepot.access import crypto
from entrepot.api.caller import Caller
from entrepot.api.interfaces import words
from entrepot.canon.money import Money, exponent_of
from entrepot.connections.models import Connection
from entrepot.customers.models import Customer, PostalAddress
from entrepot.customers.sealing import EMAIL
from entrepot.events.models import Event
from entrepot.fulfillment.models import FulfillmentOrder, Parcel
from entrepot.notifications.models import Notification
from entrepot.orders.models import Line, Order


class ItemRow(Schema):
    """A row of `order_items`."""

    id: int
    order_id: int
    product_id: str
    sku: str
    title: str
    quantity: int
    unit_price: int
    total_price: int


class DropshipRow(Schema):
    """A row of `dropship_orders`."""

    id: int
    order_id: int
    provider: str
    provider_order_id: str
    reference: str
    status: str
    provider_status: str
    tracking_number: str
    tracking_url: str
    estimated_delivery: datetime | None


class ManagedOrderRow(Schema):
    """A row of `orders`. `id` is the integer, `reference` the opaque one; both find the order."""

    id: int
    reference: str
    order_number: str
    status: str
    payment_status: str
    fulfillment_status: str
    total_amount: int
    currency: str
    tracking_number: str
    tracking_url: str
    estimated_delivery_date: datetime | None
    created_at: datetime
    updated_at: datetime
    customer_name: str | None
    customer_email: str | None


class TrackingRow(Schema):
    """Where a parcel is."""

    tracking_number: str
    tracking_url: str
    carrier: str
    status: str
    status_at: datetime | None
    estimated_delivery: datetime | None
    delivered_at: datetime | None


class HistoryRow(Schema):
    """A change of an order, as its customer may know it."""

    status: str
    created_at: datetime


class LogRow(Schema):
    """A row of `order_logs`, for operators."""

    id: int
    order_id: int
    action: str
    details: dict[str, Any]
    created_at: datetime


class NotificationRow(Schema):
    """A row of `customer_notifications`."""

    id: int
    order_id: int | None
    type: str
    title: str
    message: str
    is_read: bool
    created_at: datetime


# What a customer is told of the journal; everything else is the merchant's own affair.
HISTORY = {
    "order.imported": "pending",
    "payment.captured": "paid",
    "order.released": "processing",
    "shipment.recorded": "shipped",
    "parcel.delivered": "delivered",
    "parcel.presumed_delivered": "delivered",
    "order.cancelled": "cancelled",
    "payment.refunded": "refunded",
}


def minor(amount: Decimal, currency: str) -> int:
    """The amount in the smallest unit of its currency: 18740 for 187.40 EUR, 1200 for 1200 JPY."""
    return int(Money(amount, currency).rounded().amount.scaleb(exponent_of(currency)))


def order_rows(orders: list[Order], caller: Caller) -> list[ManagedOrderRow]:
    """Orders as rows; at most three further queries."""
    parcels: dict[int, Parcel] = {}
    ids = [order.id for order in orders]
    for parcel in Parcel.objects.filter(order_id__in=ids).exclude(status="voided").order_by("id"):
        if parcel.tracking_number or parcel.order_id not in parcels:
            parcels[parcel.order_id] = parcel  # the newest one with a number
    names: dict[int, str] = {}
    emails: dict[int, str] = {}
    if caller.sees_people:
        places = PostalAddress.objects.filter(id__in=[order.address_id or 0 for order in orders])
        names = dict(places.values_list("id", "name"))
        people = Customer.objects.filter(id__in=[order.customer_id or 0 for order in orders])
        emails = {
            row_id: crypto.decrypt(EMAIL, bytes(sealed)).decode() if sealed else ""
            for row_id, sealed in people.values_list("id", "email_sealed")
        }
    return [
        _order_row(
            order,
            parcels.get(order.id),
            name=names.get(order.address_id or 0, "") if caller.sees_people else None,
            email=emails.get(order.customer_id or 0, "") if caller.sees_people else None,
        )
        for order in orders
    ]


def _order_row(
    order: Order, parcel: Parcel | None, *, name: str | None, email: str | None
) -> ManagedOrderRow:
    return ManagedOrderRow.model_construct(
        id=order.id,
        reference=order.reference,
        order_number=order.number,
        status=words.status_of(order),
        payment_status=order.payment_status,
        fulfillment_status=order.fulfillment_status,
        total_amount=minor(order.total, order.currency),
        currency=order.currency,
        tracking_number=parcel.tracking_number if parcel is not None else "",
        tracking_url=parcel.tracking_url if parcel is not None else "",
        estimated_delivery_date=parcel.estimated_delivery_at if parcel is not None else None,
        created_at=order.placed_at,
        updated_at=order.updated_at,
        customer_name=name,
        customer_email=email,
    )


def item_rows(order: Order) -> list[ItemRow]:
    """The lines that the order still has."""
    return [
        ItemRow.model_construct(
            id=line.id,
            order_id=order.id,
            product_id=line.product_external_id,
            sku=line.sku,
            title=line.title,
            quantity=line.quantity,
            unit_price=minor(line.unit_price, order.currency),
            total_price=minor(line.total, order.currency),
        )
        for line in Line.objects.filter(order_id=order.id, removed_at=None).order_by("position")
    ]


def dropship_rows(shares: list[FulfillmentOrder], references: dict[int, str]) -> list[DropshipRow]:
    """Shares with their newest parcel; `references` is what each provider knows them by."""
    connections = dict(
        Connection.objects.filter(id__in={share.connection_id for share in shares}).values_list(
            "id", "platform"
        )
    )
    parcels: dict[int, Parcel] = {}
    rows = Parcel.objects.filter(shipment__fulfillment_order__in=shares).select_related("shipment")
    for parcel in rows.order_by("id"):
        parcels[parcel.shipment.fulfillment_order_id] = parcel
    return [
        _dropship_row(
            share,
            parcels.get(share.id),
            provider=connections.get(share.connection_id, ""),
            reference=references.get(share.id, ""),
        )
        for share in shares
    ]


def _dropship_row(
    share: FulfillmentOrder, parcel: Parcel | None, *, provider: str, reference: str
) -> DropshipRow:
    return DropshipRow.model_construct(
        id=share.id,
        order_id=share.order_id,
        provider=provider,
        provider_order_id=share.external_id,
        reference=reference,
        status=share.status,
        provider_status=share.provider_stage,
        tracking_number=parcel.tracking_number if parcel is not None else "",
        tracking_url=parcel.tracking_url if parcel is not None else "",
        estimated_delivery=parcel.estimated_delivery_at if parcel is not None else None,
    )


def tracking_rows(order: Order) -> list[TrackingRow]:
    """Where the order's parcels are."""
    return [
        TrackingRow.model_construct(
            tracking_number=parcel.tracking_number,
            tracking_url=parcel.tracking_url,
            carrier=parcel.carrier,
            status=parcel.status,
            status_at=parcel.status_at,
            estimated_delivery=parcel.estimated_delivery_at,
            delivered_at=parcel.delivered_at,
        )
        for parcel in Parcel.objects.filter(order_id=order.id).order_by("number")
    ]


def history_rows(events: list[Event], order: Order) -> list[HistoryRow]:
    """What the customer may know, oldest first: what it became, not what it still was.

    An order of which a part of the money went back is not refunded.
    """
    rows: list[HistoryRow] = []
    left = order.amount_captured
    for event in events:
        word = HISTORY.get(event.name, "")
        if event.name == "payment.refunded":
            left -= Decimal(str(event.data.get("amount", 0)))
            word = word if left <= 0 else ""
        if word and (not rows or rows[-1].status != word):
            rows.append(HistoryRow.model_construct(status=word, created_at=event.at))
    return rows


def log_rows(events: list[Event]) -> list[LogRow]:
    """The journal, for operators."""
    return [
        LogRow.model_construct(
            id=event.id,
            order_id=event.order_id,
            action=event.name,
            details={
                **event.data,
                "actor": event.actor,
                "cause": event.cause,
                "reason": event.reason,
            },
            created_at=event.at,
        )
        for event in events
    ]


def notification_row(row: Notification) -> NotificationRow:
    """News, with the documented word for its kind."""
    return NotificationRow.model_construct(
        id=row.id,
        order_id=row.order_id,
        type=words.NOTIFICATIONS.get(row.kind, row.kind),
        title=row.title,
        message=row.message,
        is_read=row.read_at is not None,
        created_at=row.created_at,
    )


def now_text() -> str:
    """This instant, as the documented answers write it."""
    return timezone.now().isoformat().replace("+00:00", "Z")
