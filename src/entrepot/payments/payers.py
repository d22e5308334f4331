"""Where an order's money was taken, and whether it can go back there."""

from entrepot.canon.payments import PaymentFactKind
from entrepot.connect.registry import UnknownPlatform, platform
from entrepot.connections.models import Connection
from entrepot.connections.queries import settings_of
from entrepot.orders.models import Order
from entrepot.payments.models import PaymentEntry


def taken_by(order: Order) -> PaymentEntry | None:
    """The payment that a refund goes back to: a gateway's own word before a shop's."""
    return (
        PaymentEntry.objects.filter(order_id=order.id, kind=PaymentFactKind.CAPTURED, counts=True)
        .order_by("-is_from_gateway", "id")
        .first()
    )


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
    code = Connection.objects.get(id=entry.connection_id).platform
    return "storefront" in platform(code).manifest.kinds
