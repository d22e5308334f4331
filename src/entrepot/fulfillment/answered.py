"""Lifts holds whose question an edit of the order, or its end, has answered."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from entrepot.canon.orders import SourceState
from entrepot.fulfillment import costs
from entrepot.orders.holds import lift_holds
from entrepot.orders.models import Hold, Line, Order
from entrepot.orders.states import HoldKind, OrderStatus

ABOUT_LINES = (HoldKind.UNMAPPED_SKU, HoldKind.MISSING_ARTWORK)
ASKED = (*ABOUT_LINES, HoldKind.SHIPPING_UNMAPPED, HoldKind.ADDRESS_REFUSED, HoldKind.COST)
# What keeps an order from being made, and nothing else: over when it is cancelled. A dispute, and
# whatever a provider has of it, is a case all the same.
IN_THE_WAY = (
    *ASKED,
    HoldKind.DUPLICATE_SUSPECTED,
    HoldKind.MODE_UNKNOWN,
    HoldKind.REFUSED,
    HoldKind.SOURCE,
    HoldKind.STATE_UNKNOWN,
)
EDITED = "the order was changed since"
CANCELLED = "the order is cancelled"


def lift_answered(order: Order, lines: Sequence[Line]) -> bool:
    """Lift holds of a locked order that do not apply any more; True when any was.

    Their lines are gone or sell something else, another delivery was chosen, it goes to another
    address, or brings in another sum; or the order is cancelled, and nothing of it is to be made.
    """
    by_id = {line.id: line for line in lines}
    over: dict[str, list[int]] = {}
    for hold in Hold.objects.filter(order_id=order.id, lifted_at=None):
        if order.status == OrderStatus.CANCELLED and _is_moot(hold, order):
            over.setdefault(CANCELLED, []).append(hold.id)
        elif hold.kind in ASKED and _is_answered(hold, order, by_id):
            over.setdefault(EDITED, []).append(hold.id)
    for reason, hold_ids in over.items():
        lift_holds(by="system", reason=reason, hold_ids=hold_ids)
    return bool(over)


def _is_moot(hold: Hold, order: Order) -> bool:
    """Whether a cancelled order has no use for a hold.

    A colleague's stays where the shop cancelled: the shop may take that back, and knows nothing of
    what the colleague wanted.
    """
    if hold.kind == HoldKind.PERSON:
        return order.source_state != SourceState.CANCELLED
    return hold.kind in IN_THE_WAY


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
