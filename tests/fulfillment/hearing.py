"""Shares that their providers took, and what these say of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from entrepot.access import scope
from entrepot.canon.fulfillment import (
    ProviderIssue,
    ProviderOrder,
    ProviderStage,
    ShipmentSnapshot,
    ShipmentState,
    ShippedItem,
)
from entrepot.connections.models import Connection
from entrepot.fulfillment.models import FulfillmentOrder, Parcel, Shipment, ShipmentItem
from entrepot.fulfillment.planning import plan_order
from entrepot.fulfillment.progress import ProviderNews, apply_provider_orders
from entrepot.fulfillment.states import Step
from entrepot.obligations.models import Obligation
from tests.rules.trade import Trade, buyer, line, snapshot

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def accepted(trade: Trade, *numbers: str) -> list[FulfillmentOrder]:
    """The shares of orders as they stand once their providers took them."""
    lines = line("MOEWE-A3", 2), line("POST-12", 3, "7.50")
    trade.tell(*(snapshot(one, *lines, customer=buyer(n)) for n, one in enumerate(numbers)))
    shares = []
    for number in numbers:
        order_id = trade.order(number).id
        for share in plan_order(trade.merchant.id, order_id):
            with scope.merchant(trade.merchant.id):
                share.external_id = f"ord_{share.id}"
                share.take(Step.SUBMIT, reason="handed over")
                share.take(Step.ACCEPT, reason="taken")
            shares.append(share)
    return shares


def said(
    share: FulfillmentOrder,
    *shipments: ShipmentSnapshot,
    minute: int = 1,
    stage: ProviderStage = ProviderStage.IN_PRODUCTION,
    issues: Sequence[ProviderIssue] = (),
) -> ProviderOrder:
    """What the provider says of a share at a minute."""
    return ProviderOrder(
        external_id=share.external_id,
        reference="",
        stage=stage,
        source_stage=str(stage).title(),
        updated_at=NOON + timedelta(minutes=minute),
        issues=tuple(issues),
        shipments=shipments,
    )


def left(
    external_id: str,
    *,
    tracking: str = "",
    state: ShipmentState = ShipmentState.SHIPPED,
    units: dict[int, int] | None = None,
) -> ShipmentSnapshot:
    """Goods that left: units by position, or everything."""
    return ShipmentSnapshot(
        external_id=external_id,
        state=state,
        carrier="DHL",
        service="Paket",
        tracking_number=tracking,
        tracking_url="",
        shipped_at=NOON,
        items=tuple(
            ShippedItem(item_reference=f"item-{position}", quantity=count)
            for position, count in (units or {}).items()
        ),
    )


def hear(trade: Trade, provider: Connection, *answers: ProviderOrder) -> None:
    """Apply what was said, all of it together; message n says the n-th, from 1."""
    told = [
        ProviderNews(
            merchant_id=trade.merchant.id,
            connection_id=provider.id,
            answer=answer,
            cause=f"inbox:{number}",
        )
        for number, answer in enumerate(answers, start=1)
    ]
    with scope.system():
        apply_provider_orders(told)


def facts(trade: Trade) -> tuple[list[str], list[tuple[int, int, str]], list[tuple[int, str, str]]]:
    """Shipments, units in them, and parcels, as they are written."""
    with scope.merchant(trade.merchant.id):
        items = ShipmentItem.objects.order_by("shipment_id", "line_id")
        return (
            list(Shipment.objects.order_by("id").values_list("external_id", flat=True)),
            [(one.shipment.number, one.quantity, one.shipment.status) for one in items],
            list(Parcel.objects.order_by("id").values_list("number", "tracking_number", "status")),
        )


def owed(trade: Trade) -> list[str]:
    """The kinds of open promises."""
    with scope.merchant(trade.merchant.id):
        found = Obligation.objects.filter(end="").exclude(kind="submit")
        return sorted(found.values_list("kind", flat=True))
