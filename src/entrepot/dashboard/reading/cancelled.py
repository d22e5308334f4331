"""Where the cancelled units of a line are shown: in the share that had them, else beside shares."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder
from entrepot.fulfillment.states import Status
from entrepot.orders.models import Line


def cancelled_by_item(
    lines: Iterable[Line], rows: Sequence[FulfillmentOrder], *, items: Iterable[FulfillmentItem]
) -> dict[int, int]:
    """How many pieces of each item are cancelled units of its line.

    A cancelled share had them, unless its units went to another one that still has them. A live
    share has them where its provider goes on, or has not answered yet. What is sent again counts
    for nothing here.
    """
    shares = {row.id: row for row in rows if row.replaces_id is None}
    parts: dict[tuple[int, str], list[FulfillmentItem]] = defaultdict(list)
    for item in items:
        if item.fulfillment_order_id in shares:
            parts[item.line_id, item.sku].append(item)
    found: dict[int, int] = {}
    for line in lines:
        if line.units_cancelled:
            for (line_id, _sku), pieces in parts.items():
                if line_id == line.id:
                    found |= _of_part(line, pieces, shares)
    return found


def beside_shares(
    line: Line, items: Iterable[FulfillmentItem], *, cancelled: Mapping[int, int]
) -> int:
    """The cancelled units of a line that no share shows."""
    shown: dict[str, int] = defaultdict(int)
    for item in items:
        if item.line_id == line.id:
            shown[item.sku] += cancelled.get(item.id, 0) // max(item.units_per_line, 1)
    return int(line.units_cancelled - min(shown.values(), default=0))


def _of_part(
    line: Line, pieces: list[FulfillmentItem], shares: Mapping[int, FulfillmentOrder]
) -> dict[int, int]:
    """The same for one SKU of a line: the newest share first, cancelled ones before live ones."""
    per_line = max(pieces[0].units_per_line, 1)
    dead = [one for one in pieces if shares[one.fulfillment_order_id].status == Status.CANCELLED]
    live = [one for one in pieces if one not in dead]
    held = sum(one.quantity for one in live)
    to_send = line.units_to_send * per_line
    dropped = sum(one.quantity - one.units_shipped for one in dead)
    if held + sum(one.quantity for one in dead) > line.quantity * per_line:
        dropped -= held  # they were planned anew
    found: dict[int, int] = {}
    left = line.units_cancelled * per_line
    for group, most in ((dead, dropped), (live, held - to_send)):
        room = min(left, max(most, 0))
        for one in sorted(group, key=lambda item: -shares[item.fulfillment_order_id].share):
            taken = min(room, one.quantity - one.units_shipped)
            if taken > 0:
                found[one.id] = taken
                room, left = room - taken, left - taken
    return found
