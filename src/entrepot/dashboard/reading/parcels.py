"""The parcels of one order: what is in each, where it is, and its five steps."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from entrepot.canon.carriers import carrier_name
from entrepot.canon.tracking import ParcelStatus
from entrepot.dashboard.wording import Chip, day_words, moment_words
from entrepot.dashboard.words_of_states import PARCEL, chip_of
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
from entrepot.orders.models import Line, Order

ARRIVED = {ParcelStatus.DELIVERED, ParcelStatus.PRESUMED_DELIVERED}
TROUBLE = {
    ParcelStatus.DELAYED,
    ParcelStatus.EXCEPTION,
    ParcelStatus.LOST,
    ParcelStatus.DELIVERY_ATTEMPTED,
    ParcelStatus.RETURNING,
    ParcelStatus.RETURNED,
    ParcelStatus.AVAILABLE_FOR_PICKUP,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One of a parcel's five steps: done, now, or empty; the step in trouble has a role."""

    word: str
    detail: str = ""
    state: str = ""
    role: str = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One parcel with its steps."""

    id: int
    number: int
    chip: Chip
    contents: str
    carrier: str
    tracking_number: str
    tracking_url: str
    steps: list[Step]
    last_scan: TrackingEntry | None
    promised_at: datetime | None
    status: ParcelStatus
    is_made_good: bool

    @property
    def is_coming(self) -> bool:
        """Whether it may still arrive."""
        return self.status not in {*ARRIVED, *FAILED}


@dataclass(frozen=True, slots=True)
class Sent:
    """What of an order has left: its parcels with their shipments, and what is in each shipment."""

    parcels: list[Parcel]
    contents: dict[int, list[ShipmentItem]]


def sent_of(order_id: int) -> Sent:
    """The parcels of an order by number, voided ones too."""
    rows = Parcel.objects.filter(order_id=order_id).select_related("shipment")
    parcels = list(rows.order_by("number", "id"))
    contents: dict[int, list[ShipmentItem]] = defaultdict(list)
    shipments = {parcel.shipment_id for parcel in parcels}
    for item in ShipmentItem.objects.filter(shipment_id__in=shipments).order_by("id"):
        contents[item.shipment_id].append(item)
    return Sent(parcels, contents)


def delivered_by_item(sent: Sent) -> dict[int, int]:
    """Units of each item in shipments all of whose parcels have arrived."""
    states: dict[int, set[str]] = defaultdict(set)
    for parcel in sent.parcels:
        states[parcel.shipment_id].add(parcel.status)
    counted: dict[int, int] = defaultdict(int)
    for shipment_id, found in states.items():
        if found <= ARRIVED:
            for item in sent.contents.get(shipment_id, ()):
                counted[item.fulfillment_item_id] += item.quantity
    return counted


def boxes_of(
    order: Order,
    rows: list[FulfillmentOrder],
    *,
    items: list[FulfillmentItem],
    lines: Mapping[int, Line],
    sent: Sent,
) -> dict[int, list[Box]]:
    shares = {row.id: row for row in rows}
    skus = {item.id: item for item in items}
    contents: dict[int, list[str]] = defaultdict(list)
    for shipment_id, packed in sent.contents.items():
        for row in packed:
            item = skus.get(row.fulfillment_item_id)
            line = lines.get(row.line_id)
            contents[shipment_id].append(
                f"{row.quantity} × {line.title if line else item.sku if item else 'unknown'}"
            )
    parcels = [one for one in sent.parcels if one.shipment.status != ShipmentStatus.VOIDED]
    scans = _last_scans([parcel.id for parcel in parcels])
    good = made_good(parcel.id for parcel in parcels if parcel.status in FAILED)
    found: dict[int, list[Box]] = defaultdict(list)
    for parcel in parcels:
        shipment = parcel.shipment
        share = shares[shipment.fulfillment_order_id]
        chip = chip_of(PARCEL, parcel.status)
        if parcel.id in good:
            chip = Chip("neutral", "swap", f"{chip.word}, sent again")
        found[shipment.fulfillment_order_id].append(
            Box(
                id=parcel.id,
                number=parcel.number,
                chip=chip,
                contents=", ".join(contents[shipment.id]),
                carrier=carrier_name(parcel.carrier or shipment.carrier),
                tracking_number=parcel.tracking_number,
                tracking_url=parcel.tracking_url if _is_web(parcel.tracking_url) else "",
                steps=_steps(order, share, shipment, parcel, role=chip.role),
                last_scan=scans.get(parcel.id),
                promised_at=parcel.promised_at or parcel.estimated_delivery_at,
                status=ParcelStatus(parcel.status),
                is_made_good=parcel.id in good,
            )
        )
    return found


def _is_web(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _last_scans(parcel_ids: list[int]) -> dict[int, TrackingEntry]:
    rows = TrackingEntry.objects.filter(parcel_id__in=parcel_ids).order_by("happened_at", "id")
    return {row.parcel_id: row for row in rows}


def _steps(
    order: Order, share: FulfillmentOrder, shipment: Shipment, parcel: Parcel, *, role: str
) -> list[Step]:
    status = ParcelStatus(parcel.status)
    made = "Packed" if share.is_by_hand else "In production"
    steps = [
        Step("Confirmed", day_words(order.released_at or order.placed_at), "done"),
        Step(made, day_words(share.accepted_at) if share.accepted_at else "", "done"),
        Step("Shipped", day_words(shipment.shipped_at), "done"),
    ]
    at = moment_words(parcel.status_at) if parcel.status_at else ""
    if status in ARRIVED:
        word = "Delivered" if status == ParcelStatus.DELIVERED else "Presumed delivered"
        return [*steps, Step("Out for delivery", "", "done"), Step(word, at, "done")]
    chip = PARCEL[status]
    if status in TROUBLE:
        since = f"since {day_words(parcel.status_at)}" if parcel.status_at else ""
        return [*steps, Step(chip.word, since, "now", role), Step("Delivered")]
    if status == ParcelStatus.OUT_FOR_DELIVERY:
        return [*steps, Step("Out for delivery", at, "now"), Step("Delivered")]
    steps[-1] = Step("Shipped", day_words(shipment.shipped_at), "now")
    return [*steps, Step("Out for delivery"), Step("Delivered", _by(parcel))]


def _by(parcel: Parcel) -> str:
    by = parcel.promised_at or parcel.estimated_delivery_at
    return f"by {day_words(by)}" if by else ""


def waiting_steps(order: Order, row: FulfillmentOrder, *, due_at: datetime | None) -> list[Step]:
    by = f"by {day_words(due_at)}" if due_at else ""
    made = "Being packed" if row.is_by_hand else "In production"
    confirmed = Step("Confirmed", day_words(order.released_at or order.placed_at), "done")
    if row.status in {Status.OPEN, Status.ON_HOLD, Status.SUBMITTED}:
        if order.released_at is None:
            confirmed = Step("Confirmed")
        else:
            confirmed = Step("Confirmed", confirmed.detail, "now")
        return [
            confirmed,
            Step(made),
            Step("Shipped", by),
            Step("Out for delivery"),
            Step("Delivered"),
        ]
    since = day_words(row.accepted_at) if row.accepted_at else ""
    return [
        confirmed,
        Step(made, since, "now"),
        Step("Shipped", by),
        Step("Out for delivery"),
        Step("Delivered"),
    ]
