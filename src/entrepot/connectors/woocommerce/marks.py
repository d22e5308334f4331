"""What the hub leaves in a shop, so that it finds its own writes and knows their echo. Pure.

An order carries two meta: `_entrepot_parcels`, a JSON list of the parcels that were told, and
`_entrepot_writes`, a JSON list of write-back references. Notes and refund reasons end with
`[ref X]`; refunds carry `_entrepot_refund` as well.
"""

import json
import re
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from entrepot.canon.orders import SourceState
from entrepot.connect.ports import WriteBack, WrittenParcel
from entrepot.connectors.woocommerce.fields import Fields

PREFIX = "_entrepot_"
PARCELS = "_entrepot_parcels"
WRITES = "_entrepot_writes"
REFUND = "_entrepot_refund"
_IN_TEXT = re.compile(r"\[ref ([^\[\]]+)\]")

# States in which the shop has nothing left to complete.
PAST_COMPLETING = frozenset(
    {
        SourceState.COMPLETED,
        SourceState.CANCELLED,
        SourceState.REFUNDED,
        SourceState.DELETED,
        SourceState.FAILED,
    }
)
CALLED_OFF = frozenset({SourceState.CANCELLED, SourceState.REFUNDED, SourceState.DELETED})


def in_text(reference: str) -> str:
    """The mark as it stands in a note or a refund's reason."""
    return f"[ref {reference}]"


def found_in_text(text: str) -> str:
    """The reference that a text carries, or nothing."""
    found = _IN_TEXT.search(text)
    return found.group(1) if found else ""


def own_marks_of(order: Fields) -> tuple[str, ...]:
    """Every reference that the hub wrote into an order's meta, each once."""
    marks: dict[str, None] = {}
    for key, value in order.meta():
        if key.startswith(PREFIX):
            marks.update(dict.fromkeys(_references(listed(value))))
    return tuple(marks)


def told_parcels(order: Fields) -> list[Any]:
    """The parcels that the order's meta lists."""
    return next((listed(value) for key, value in order.meta() if key == PARCELS), [])


def told_references(order: Fields) -> set[str]:
    """The references of the parcels that were told already."""
    return set(_references(told_parcels(order)))


def writes_of(order: Fields) -> list[str]:
    """The references of the write-backs that ended."""
    return next(
        (list(_references(listed(value))) for key, value in order.meta() if key == WRITES), []
    )


def listed(value: Any) -> list[Any]:
    """A meta's value as a list; what a plug-in has mangled reads as one word or as nothing."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return [value] if value else []
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _references(rows: Iterable[Any]) -> Iterable[str]:
    for row in rows:
        if isinstance(row, str) and row:
            yield row
        elif isinstance(row, dict) and isinstance(row.get("reference"), str):
            yield row["reference"]


def to_meta(order: Fields, news: WriteBack) -> list[dict[str, str]]:
    """The order's meta after this write-back; setting it twice is setting it once.

    A key without an id replaces the meta of that key (WC_Data::update_meta_data).
    """
    known = told_references(order)
    parcels = told_parcels(order) + [
        _parcel_entry(parcel) for parcel in news.parcels if parcel.reference not in known
    ]
    writes = writes_of(order)
    if news.reference not in writes:
        writes.append(news.reference)
    values = ((PARCELS, parcels), (WRITES, writes)) if parcels else ((WRITES, writes),)
    return [{"key": key, "value": json.dumps(value, ensure_ascii=False)} for key, value in values]


def _parcel_entry(parcel: WrittenParcel) -> dict[str, Any]:
    return {
        "reference": parcel.reference,
        "carrier": parcel.carrier,
        "service": parcel.service,
        "tracking_number": parcel.tracking_number,
        "tracking_url": parcel.tracking_url,
        "shipped_at": parcel.shipped_at.astimezone(UTC).isoformat(timespec="seconds"),
        "items": [[line, quantity] for line, quantity in parcel.items],
    }


def to_note(parcel: WrittenParcel) -> str:
    """What people in the shop read about a parcel, with our mark."""
    by = " ".join(filter(None, (parcel.carrier, parcel.service))) or "an unnamed carrier"
    units = sum(quantity for _, quantity in parcel.items)
    number = f", tracking number {parcel.tracking_number}" if parcel.tracking_number else ""
    link = f": {parcel.tracking_url}" if parcel.tracking_url else ""
    counted = f"{units} unit{'' if units == 1 else 's'}" if units else "Another parcel"
    return f"{counted} shipped with {by}{number}{link} {in_text(parcel.reference)}"


def to_tracking(parcel: WrittenParcel) -> dict[str, str]:
    """The body of the Shipment Tracking extension.

    A carrier with a link goes in as a custom provider, because the extension knows carriers only
    by its own list of names.
    """
    day = parcel.shipped_at.astimezone(UTC).date().isoformat()
    if not parcel.tracking_url:
        return {
            "tracking_provider": parcel.carrier,
            "tracking_number": parcel.tracking_number,
            "date_shipped": day,
        }
    return {
        "custom_tracking_provider": parcel.carrier,
        "custom_tracking_link": parcel.tracking_url,
        "tracking_number": parcel.tracking_number,
        "date_shipped": day,
    }


def is_all_there(order: Fields, state: SourceState, *, news: WriteBack) -> bool:
    """Whether nothing of the news is left to write.

    The order's meta is written last, together with its status, so what it lists has its notes and
    its tracking. An order that someone cancelled or refunded is never completed.
    """
    told = {parcel.reference for parcel in news.parcels} <= told_references(order)
    completed = not news.completes_order or state in PAST_COMPLETING
    cancelled = not news.cancels_order or state in CALLED_OFF
    return told and completed and cancelled and news.reference in writes_of(order)
