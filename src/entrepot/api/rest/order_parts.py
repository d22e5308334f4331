"""Reads what belongs to one order: lines, taxes, holds, money, shares and parcels, notes."""

from collections import defaultdict
from typing import Any, TypeVar

from ninja import Schema

from entrepot.api.rest.order_shapes import (
    FulfillmentOrderShape,
    HoldShape,
    ItemShape,
    LineShape,
    NoteShape,
    ParcelShape,
    PaymentShape,
    PaymentWishShape,
    RefundShape,
    ShipmentShape,
    ShippedUnits,
    TaxShape,
    TrackingShape,
)
from entrepot.api.rest.shapes import MoneyShape
from entrepot.fulfillment.models import FulfillmentOrder, Parcel, Shipment
from entrepot.orders.models import Hold, Line, Note, Order, TaxLine
from entrepot.payments.models import PaymentEntry, PaymentWish, Refund

Shape = TypeVar("Shape", bound=Schema)


def shaped(shape: type[Shape], row: Any, **more: Any) -> Shape:
    """A shape of a row's own columns, but for those that are given."""
    same = {name: getattr(row, name) for name in shape.model_fields if name not in more}
    return shape.model_construct(**same, **more)


def lines_of(order: Order) -> list[LineShape]:
    """The lines in the source's order, those it took out as well."""
    currency = order.currency
    return [
        shaped(
            LineShape,
            line,
            unit_price=MoneyShape.of(line.unit_price, currency),
            discount=MoneyShape.of(line.discount, currency),
            total=MoneyShape.of(line.total, currency),
            is_removed=line.removed_at is not None,
        )
        for line in Line.objects.filter(order_id=order.id).order_by("position", "id")
    ]


def taxes_of(order: Order) -> list[TaxShape]:
    """Taxes as the source told them."""
    return [
        shaped(
            TaxShape,
            row,
            rate=None if row.rate is None else f"{row.rate.normalize():f}",
            amount=MoneyShape.of(row.amount, order.currency),
        )
        for row in TaxLine.objects.filter(order_id=order.id).order_by("id")
    ]


def holds_of(order: Order) -> list[HoldShape]:
    """Holds, those that are lifted as well, the newest first."""
    rows = Hold.objects.filter(order_id=order.id).order_by("-id")[:200]
    return [shaped(HoldShape, row) for row in rows]


def payments_of(order: Order) -> list[PaymentShape]:
    """The ledger, as it happened."""
    rows = PaymentEntry.objects.filter(order_id=order.id).order_by("happened_at", "id")
    return [
        shaped(PaymentShape, row, amount=MoneyShape.of(row.amount, row.currency)) for row in rows
    ]


def refunds_of(order: Order) -> list[RefundShape]:
    """Refunds that were asked for here."""
    rows = Refund.objects.filter(order_id=order.id).order_by("number")
    return [refund_shape(row) for row in rows]


def refund_shape(refund: Refund) -> RefundShape:
    """One refund."""
    return shaped(RefundShape, refund, amount=MoneyShape.of(refund.amount, refund.currency))


def payment_wishes_of(order: Order) -> list[PaymentWishShape]:
    """Captures and voids that were asked for here."""
    rows = PaymentWish.objects.filter(order_id=order.id).order_by("number")
    return [wish_shape(row) for row in rows]


def wish_shape(wish: PaymentWish) -> PaymentWishShape:
    """One capture or void."""
    return shaped(PaymentWishShape, wish, amount=MoneyShape.of(wish.amount, wish.currency))


def notes_of(order: Order) -> list[NoteShape]:
    """Notes, the newest first."""
    rows = Note.objects.filter(order_id=order.id).order_by("-id")[:200]
    return [shaped(NoteShape, row) for row in rows]


def fulfillment_orders_of(order: Order) -> list[FulfillmentOrderShape]:
    """Shares with their shipments, parcels and tracking; six queries whatever their number."""
    shipments = defaultdict(list)
    rows = (
        Shipment.objects.filter(order_id=order.id)
        .prefetch_related("items", "parcels__updates")
        .order_by("number")
    )
    for row in rows:
        shipments[row.fulfillment_order_id].append(shipment_shape(row))
    shares = FulfillmentOrder.objects.filter(order_id=order.id).prefetch_related("items")
    return [share_shape(share, shipments[share.id]) for share in shares.order_by("share")]


def share_shape(share: FulfillmentOrder, shipments: list[ShipmentShape]) -> FulfillmentOrderShape:
    """One share; its items must be at hand."""
    items = sorted(share.items.all(), key=lambda item: item.position)
    return shaped(
        FulfillmentOrderShape,
        share,
        cost=MoneyShape.maybe(share.cost, share.cost_currency),
        items=[shaped(ItemShape, item) for item in items],
        shipments=shipments,
    )


def shipment_shape(shipment: Shipment) -> ShipmentShape:
    """One shipment with its parcels."""
    return shaped(
        ShipmentShape,
        shipment,
        items=[shaped(ShippedUnits, item) for item in shipment.items.all()],
        parcels=[
            parcel_shape(parcel)
            for parcel in sorted(shipment.parcels.all(), key=lambda parcel: parcel.number)
        ],
    )


def parcel_shape(parcel: Parcel) -> ParcelShape:
    """One parcel with what its carrier said, the oldest word first."""
    updates = sorted(parcel.updates.all(), key=lambda update: (update.happened_at, update.id))
    return shaped(
        ParcelShape, parcel, tracking=[shaped(TrackingShape, update) for update in updates]
    )
