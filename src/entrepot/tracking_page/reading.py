"""Reads an order for its customer: parcels, what is still to come, what needs no parcel."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from entrepot.canon.tracking import ParcelStatus
from entrepot.fulfillment.losses import FAILED, made_good
from entrepot.fulfillment.models import (
    FulfillmentItem,
    FulfillmentOrder,
    Parcel,
    Shipment,
    ShipmentItem,
    TrackingEntry,
)
from entrepot.fulfillment.states import ShipmentStatus, Status
from entrepot.obligations.models import Obligation
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.models import Line, Order
from entrepot.tracking_page.cards import (
    ARRIVED,
    CAME_AGAIN,
    ORDER_OF_GROUPS,
    SENT_AGAIN,
    Cards,
    Item,
)
from entrepot.tracking_page.telling import Teller
from entrepot.tracking_page.voice import Voice


def cards_of(order: Order, voice: Voice) -> Cards:
    """Read an order's parcels; a fixed number of queries."""
    lines = {line.id: line for line in Line.objects.filter(order=order).order_by("position")}
    shares = list(FulfillmentOrder.objects.filter(order_id=order.id).order_by("share"))
    by_id = {share.id: share for share in shares}
    items = list(FulfillmentItem.objects.filter(fulfillment_order__in=shares).order_by("position"))
    shipments = list(
        Shipment.objects.filter(order_id=order.id)
        .exclude(status=ShipmentStatus.VOIDED)
        .order_by("number")
    )
    inside: dict[int, list[Item]] = defaultdict(list)
    for row in ShipmentItem.objects.filter(shipment__in=shipments).order_by("id"):
        if line := lines.get(row.line_id):
            inside[row.shipment_id].append(_item(line, row.quantity))
    boxes = list(
        Parcel.objects.filter(shipment__in=shipments)
        .exclude(status=ParcelStatus.VOIDED)
        .order_by("number", "id")
    )
    scans: dict[int, list[TrackingEntry]] = defaultdict(list)
    for entry in TrackingEntry.objects.filter(parcel__in=boxes).order_by("happened_at", "id"):
        scans[entry.parcel_id].append(entry)
    again = _again(boxes, shares, {one.id: one.fulfillment_order_id for one in shipments})
    found = Cards()
    numbers: dict[int, list[int]] = defaultdict(list)
    for number, box in enumerate(boxes, start=1):
        numbers[box.shipment_id].append(number)
    by_shipment = {shipment.id: shipment for shipment in shipments}
    for number, box in enumerate(boxes, start=1):
        shipment = by_shipment[box.shipment_id]
        others = [str(one) for one in numbers[box.shipment_id] if one != number]
        together = voice.say("together", numbers=", ".join(others)) if others else ""
        teller = Teller(order, by_id[shipment.fulfillment_order_id], voice)
        found.cards.append(
            teller.sent(
                number,
                shipment,
                box=box,
                items=tuple(inside[shipment.id]),
                scans=scans[box.id],
                together=together,
                again=again.get(box.id, ""),
            )
        )
    _add_waiting(found, order, shares, items=items, lines=lines, voice=voice)
    _add_without(found, lines.values(), voice)
    found.cards.sort(key=lambda card: (ORDER_OF_GROUPS.index(card.group), card.number))
    return found


def _again(
    boxes: Sequence[Parcel], shares: Sequence[FulfillmentOrder], share_of: Mapping[int, int]
) -> dict[int, str]:
    """The words for what became of the goods of parcels that failed, where they are sent again."""
    failed = [box for box in boxes if box.status in FAILED]
    ended = {*ARRIVED, *FAILED}
    coming = {share_of[box.shipment_id] for box in boxes if box.status not in ended}
    replaced = {
        share.replaces_id
        for share in shares
        if share.status not in {Status.CANCELLED, Status.CLOSED} or share.id in coming
    }
    told = {box.id: SENT_AGAIN for box in failed if share_of[box.shipment_id] in replaced}
    return told | dict.fromkeys(made_good(box.id for box in failed), CAME_AGAIN)


def _item(line: Line, quantity: int) -> Item:
    told = tuple(
        f"{one['name']}: {one['value']}"
        for one in line.properties
        if isinstance(one, dict)
        and one.get("name")
        and one.get("value")
        and not str(one["name"]).startswith("_")
        and not str(one["value"]).startswith(("http:", "https:"))
    )
    return Item(line.title or line.sku, line.sku, quantity, told[:4])


def _add_waiting(
    found: Cards,
    order: Order,
    shares: Sequence[FulfillmentOrder],
    *,
    items: Sequence[FulfillmentItem],
    lines: dict[int, Line],
    voice: Voice,
) -> None:
    """A card per share with units that have not left, and one for what nobody makes yet."""
    due = dict(
        Obligation.objects.filter(
            kind=Owed.SHIP,
            end="",
            subject_kind="fulfillment_order",
            subject_id__in=[share.id for share in shares],
        ).values_list("subject_id", "due_at")
    )
    number = len(found.cards)
    for share in shares:
        if share.status in {Status.CANCELLED, Status.CLOSED}:
            continue
        left = [
            _item(lines[item.line_id], units)
            for item in items
            if item.fulfillment_order_id == share.id
            and item.line_id in lines
            and (units := item.quantity - item.units_shipped - item.units_cancelled) > 0
        ]
        if left:
            number += 1
            teller = Teller(order, share, voice)
            found.cards.append(teller.waiting(number, tuple(left), due_at=due.get(share.id)))
    if order.status == "cancelled":
        return
    unplanned = [_item(line, line.units_open) for line in lines.values() if line.units_open > 0]
    if unplanned:
        found.cards.append(Teller(order, None, voice).received(number + 1, tuple(unplanned)))


def _add_without(found: Cards, lines: Iterable[Line], voice: Voice) -> None:
    for line in lines:
        for units, key in (
            (line.units_nothing, "needs_no_parcel"),
            (line.units_elsewhere, "sent_by_others"),
            (line.units_cancelled, "is_cancelled"),
        ):
            if units > 0:
                found.without.append((_item(line, units), voice.say(key)))
