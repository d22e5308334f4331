"""What is in shipments, and what of a share none of them holds yet."""

from collections import Counter
from collections.abc import Iterable, Mapping

from entrepot.fulfillment.models import FulfillmentOrder, Shipment, ShipmentItem
from entrepot.fulfillment.states import ShipmentStatus

Units = dict[int, int]  # by fulfillment item


def contents_of(shipment_ids: Iterable[int]) -> dict[int, Units]:
    """The units of shipments, by shipment."""
    found: dict[int, Units] = {}
    rows = ShipmentItem.objects.filter(shipment_id__in=list(shipment_ids))
    for shipment_id, item_id, units in rows.values_list(
        "shipment_id", "fulfillment_item_id", "quantity"
    ):
        found.setdefault(shipment_id, {})[item_id] = units
    return found


def fitting(
    units: Mapping[int, int],
    share: FulfillmentOrder,
    *,
    shipments: Iterable[Shipment],
    contents: Mapping[int, Units],
) -> Units:
    """As many of these units as the other shipments of a share leave: none is sent twice.

    Some providers do not count what is in a shipment. Goods that were taken to have left with the
    first one may turn out to come in a second.
    """
    sent: Counter[int] = Counter()
    for shipment in shipments:
        if shipment.status == ShipmentStatus.SHIPPED:
            sent.update(contents.get(shipment.id, {}))
    quantities = {item.id: item.quantity for item in share.items.all()}
    return {
        item_id: min(count, max(0, quantities[item_id] - sent[item_id]))
        for item_id, count in units.items()
    }
