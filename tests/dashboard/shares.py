"""What providers have of a scene's orders: shares, and the parcels that they have sent."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from entrepot.access import scope
from entrepot.events import outbox
from entrepot.fulfillment.models import (
    FulfillmentItem,
    FulfillmentOrder,
    Parcel,
    Shipment,
    ShipmentItem,
    TrackingEntry,
)
from entrepot.orders.models import Line, Order
from tests.dashboard.scene import Scene


def share(
    scene: Scene,
    order: Order,
    *,
    provider: str = "prodigi",
    status: str = "accepted",
    number: int = 1,
    lines: Sequence[int] = (0,),
    shipped: bool = False,
    **more: Any,
) -> FulfillmentOrder:
    """The share of an order that one provider has; `lines` are positions."""
    with scope.merchant(scene.merchant.id):
        row = FulfillmentOrder.objects.create(
            merchant_id=scene.merchant.id,
            mode=order.mode,
            order_id=order.id,
            connection_id=scene.connections[provider].id,
            share=number,
            status=status,
            is_by_hand=provider == "hand",
            planned_version=1,
            external_id=f"ord_{order.id}"
            if status in {"accepted", "closed"} and provider != "hand"
            else "",
            accepted_at=order.placed_at + timedelta(minutes=33)
            if status in {"accepted", "closed"}
            else None,
            cost=Decimal("46.85") if provider == "prodigi" else None,
            cost_currency="EUR" if provider == "prodigi" else "",
            **{"submit_after": timezone.now() - timedelta(minutes=1), **more},
        )
        for position in lines:
            line = Line.objects.get(order=order, position=position)
            Line.objects.filter(id=line.id).update(units_planned=line.quantity)
            FulfillmentItem.objects.create(
                merchant_id=scene.merchant.id,
                fulfillment_order=row,
                line_id=line.id,
                position=position,
                sku=line.sku,
                quantity=line.quantity,
                provider_sku="" if provider == "hand" else f"GLOBAL-{line.sku[:3]}-20X28",
                sizing="" if provider == "hand" else "fill",
                bin="H-04-2" if provider == "hand" else "",
                units_shipped=line.quantity if shipped else 0,
            )
        outbox.record(
            "fulfillment_order.accepted" if status == "accepted" else "fulfillment_order.planned",
            merchant_id=scene.merchant.id,
            mode=order.mode,
            order_id=order.id,
            subject=("fulfillment_order", row.id),
        )
    return row


def _pack(shipment: Shipment, positions: Sequence[int]) -> None:
    items = FulfillmentItem.objects.filter(
        fulfillment_order=shipment.fulfillment_order, position__in=positions
    )
    for item in items:
        ShipmentItem.objects.create(
            merchant_id=shipment.merchant_id,
            shipment=shipment,
            fulfillment_item_id=item.id,
            line_id=item.line_id,
            quantity=item.quantity,
        )
        FulfillmentItem.objects.filter(id=item.id).update(units_shipped=item.quantity)
        Line.objects.filter(id=item.line_id).update(units_shipped=item.quantity)


def parcel(
    scene: Scene,
    row: FulfillmentOrder,
    *,
    number: int,
    status: str,
    tracking: str,
    positions: Sequence[int] = (0,),
    ago: timedelta = timedelta(days=3),
    scan: str = "Sendung im Paketzentrum bearbeitet",
    **more: Any,
) -> Parcel:
    """A parcel of a share with one scan; line and item counters follow."""
    now = timezone.now()
    with scope.merchant(scene.merchant.id):
        shipment = Shipment.objects.create(
            merchant_id=scene.merchant.id,
            mode=row.mode,
            order_id=row.order_id,
            fulfillment_order=row,
            external_id=f"shp-{number}",
            number=number,
            carrier="Nordpost",
            shipped_at=now - ago,
        )
        _pack(shipment, positions)
        made = Parcel.objects.create(
            merchant_id=scene.merchant.id,
            mode=row.mode,
            order_id=row.order_id,
            shipment=shipment,
            number=number,
            tracking_number=tracking,
            tracking_url=f"https://track.example/{number}",
            carrier="Nordpost",
            status=status,
            status_at=now - ago / 2,
            **more,
        )
        TrackingEntry.objects.create(
            merchant_id=scene.merchant.id,
            parcel=made,
            status="in_transit",
            happened_at=now - ago / 2,
            message=scan,
            city="Hannover",
        )
        outbox.record(
            "shipment.recorded",
            merchant_id=scene.merchant.id,
            mode=row.mode,
            order_id=row.order_id,
            subject=("shipment", shipment.id),
        )
    return made
