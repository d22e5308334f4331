"""Where an order's money was taken, whether it can go back there, and how much of it."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.db.models import Sum

from entrepot.canon.money import Money
from entrepot.canon.payments import PaymentFactKind
from entrepot.connect.registry import UnknownPlatform, platform
from entrepot.connections.models import Connection
from entrepot.connections.queries import settings_of
from entrepot.orders.models import Order
from entrepot.payments.models import PaymentEntry, Refund
from entrepot.payments.states import RefundStatus


def taken_by(order: Order) -> PaymentEntry | None:
    """The payment that a refund goes back to: a gateway's own word before a shop's."""
    return taken_by_each([order]).get(order.id)


def taken_by_each(orders: Iterable[Order]) -> dict[int, PaymentEntry]:
    """The same of several orders, by order; those without a known payment are left out."""
    rows = (
        PaymentEntry.objects.filter(
            order_id__in=[order.id for order in orders], kind=PaymentFactKind.CAPTURED, counts=True
        )
        .order_by("order_id", "-is_from_gateway", "id")
        .distinct("order_id")
    )
    return {entry.order_id: entry for entry in rows if entry.order_id is not None}


def refundable(order: Order) -> Money:
    """What can still be given back: captured, not refunded, not disputed, not promised already."""
    return refundable_of_each([order])[order.id]


def refundable_of_each(orders: Sequence[Order]) -> dict[int, Money]:
    """The same of several orders, by order."""
    promised = dict(
        Refund.objects.filter(
            order_id__in=[order.id for order in orders],
            status__in=[RefundStatus.WANTED, RefundStatus.PENDING],
        )
        .values_list("order_id")
        .annotate(sum=Sum("amount"))
    )
    return {
        order.id: Money(
            order.amount_captured
            - order.amount_refunded
            - order.amount_disputed
            - promised.get(order.id, Decimal(0)),
            order.currency,
        )
        for order in orders
    }


def why_not(entry: PaymentEntry | None) -> str:
    """Why a payment cannot be given back from here; empty where it can."""
    if entry is None:
        return "no captured payment of it is known here"
    connection = Connection.objects.get(id=entry.connection_id)
    try:
        can = platform(connection.platform).manifest.can("refund")
    except UnknownPlatform:
        can = False
    if can:
        return ""
    return f"{connection.name} cannot give money back: do it where it was taken, and note it here"


def only_notes(entry: PaymentEntry | None) -> bool:
    """Whether a refund at that connection moves no money: its settings say that it is noted."""
    if entry is None:
        return False
    connection = Connection.objects.get(id=entry.connection_id)
    effect = platform(connection.platform).manifest.effects.get("refund")
    if effect is None or not effect.noted_unless:
        return False
    return not settings_of(connection)[effect.noted_unless]


def is_paid_at_its_shop(order: Order) -> bool:
    """Whether its refunds are made by the shop that sold it.

    Only a shop hears of the units that are paid back, and can restock them; a gateway knows none.
    """
    entry = taken_by(order)
    if entry is None or entry.connection_id != order.connection_id or why_not(entry):
        return False
    return is_a_shops(entry)


def is_a_shops(entry: PaymentEntry) -> bool:
    """Whether a shop took a payment that can go back; a gateway is none."""
    code = Connection.objects.get(id=entry.connection_id).platform
    return "storefront" in platform(code).manifest.kinds
