"""Lifts holds whose question an edit of the order has answered."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from entrepot.fulfillment import costs
from entrepot.orders.holds import lift_holds
from entrepot.orders.models import Hold, Line, Order
from entrepot.orders.states import HoldKind

ABOUT_LINES = (HoldKind.UNMAPPED_SKU, HoldKind.MISSING_ARTWORK)
ASKED = (*ABOUT_LINES, HoldKind.SHIPPING_UNMAPPED, HoldKind.ADDRESS_REFUSED, HoldKind.COST)


def lift_answered(order: Order, lines: Sequence[Line]) -> bool:
    """Lift holds of a locked order that planning opened and that do not apply any more.

    Their lines are gone or sell something else, another delivery was chosen, it goes to another
    address, or brings in another sum. True when any was lifted.
    """
    by_id = {line.id: line for line in lines}
    over = [
        hold.id
        for hold in Hold.objects.filter(order_id=order.id, lifted_at=None, kind__in=ASKED)
        if _is_answered(hold, order, by_id)
    ]
    if over:
        lift_holds(by="system", reason="the order was changed since", hold_ids=over)
    return bool(over)


def _is_answered(hold: Hold, order: Order, lines: Mapping[int, Line]) -> bool:
    data = hold.data
    match hold.kind:
        case HoldKind.UNMAPPED_SKU | HoldKind.MISSING_ARTWORK if "line_sku" in data:
            line = lines.get(data["line_id"])
            return line is None or line.units_open <= 0 or line.sku != data["line_sku"]
        case HoldKind.SHIPPING_UNMAPPED if "method_code" in data:
            return bool(data["method_code"] != order.shipping_method)
        case HoldKind.ADDRESS_REFUSED if "address_id" in data:
            return bool(data["address_id"] != order.address_id)
        case HoldKind.COST if "revenue" in data:
            return bool(Decimal(data["revenue"]) != costs.brought_in_by_providers(order).amount)
        case _:
            return False
