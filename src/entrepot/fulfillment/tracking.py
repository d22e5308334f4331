"""Merges what carriers say about parcels: kept by the carrier's time, never overwritten.

The status of a parcel follows from all of its updates; a late or repeated one cannot move it back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from entrepot.canon.tracking import ParcelStatus, TrackerSnapshot
from entrepot.database import sql
from entrepot.events import outbox
from entrepot.fulfillment.counting import recount
from entrepot.fulfillment.models import Parcel
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders.services import lock_order

# Once here, only what is listed can follow: goods come back, or a label turns out void.
FINAL: dict[ParcelStatus, frozenset[ParcelStatus]] = {
    ParcelStatus.DELIVERED: frozenset({ParcelStatus.RETURNING, ParcelStatus.RETURNED}),
    ParcelStatus.RETURNED: frozenset(),
    ParcelStatus.VOIDED: frozenset(),
}
TROUBLE = frozenset(
    {
        ParcelStatus.EXCEPTION,
        ParcelStatus.DELIVERY_ATTEMPTED,
        ParcelStatus.RETURNING,
        ParcelStatus.LOST,
    }
)
PRESUMED_AFTER_DAYS = 14
ARRIVED = frozenset({ParcelStatus.DELIVERED, ParcelStatus.PRESUMED_DELIVERED})
ENDED = ARRIVED | {ParcelStatus.RETURNED, ParcelStatus.LOST, ParcelStatus.VOIDED}
EVENT_OF_STATUS = {
    ParcelStatus.DELIVERED: "parcel.delivered",
    ParcelStatus.PRESUMED_DELIVERED: "parcel.presumed_delivered",
    ParcelStatus.RETURNED: "parcel.returned",
    **dict.fromkeys(TROUBLE, "parcel.exception"),
}
_COLUMNS = {
    "merchant_id": "bigint",
    "parcel_id": "bigint",
    "status": "text",
    "source_status": "text",
    "happened_at": "timestamptz",
    "message": "text",
    "city": "text",
    "region": "text",
    "country": "text",
    "cause": "text",
}
_names = ", ".join(_COLUMNS)
_KEEP = f"""
    INSERT INTO fulfillment_tracking_entry ({_names})
    SELECT {_names} FROM {{batch}} ORDER BY parcel_id, happened_at, status, message
    ON CONFLICT (parcel_id, happened_at, status, message) DO NOTHING
"""


# By fulfillment_parcel_moving.
_PRESUMABLE = """
    SELECT parcel.merchant_id, parcel.id, chosen.days
    FROM fulfillment_parcel AS parcel
    JOIN fulfillment_shipment AS shipment ON shipment.id = parcel.shipment_id
    JOIN fulfillment_order AS share ON share.id = shipment.fulfillment_order_id
    JOIN connections_connection AS provider ON provider.id = share.connection_id
    CROSS JOIN LATERAL (
        SELECT coalesce((provider.policy ->> 'presume_delivered_days')::int, %s) AS days
    ) AS chosen
    WHERE parcel.carrier_connection_id IS NULL
        AND parcel.status <> ALL (%s)
        AND shipment.shipped_at < now() - make_interval(days => chosen.days)
    ORDER BY parcel.id
    LIMIT %s
"""


@dataclass(frozen=True, slots=True, order=True)
class Scan:
    """A status and when it was so at the carrier."""

    happened_at: datetime
    status: ParcelStatus


def status_of(scans: Iterable[Scan]) -> Scan | None:
    """The status that all scans together say, with its instant; None when none says anything.

    Scans count in the carrier's order; of two at one instant the later word of ParcelStatus wins.
    `unknown` never replaces a known status, and a final one is left only as `FINAL` allows.
    """
    rank = {status: number for number, status in enumerate(ParcelStatus)}
    current: Scan | None = None
    for scan in sorted(scans, key=lambda scan: (scan.happened_at, rank[scan.status])):
        if current is None:
            current = scan
            continue
        if scan.status is ParcelStatus.UNKNOWN:
            continue
        allowed = FINAL.get(current.status)
        if allowed is None or scan.status in allowed:
            current = scan
    return current


def apply_tracker(
    merchant_id: int, mode: str, tracker: TrackerSnapshot, *, connection_id: int, cause: str
) -> list[int]:
    """Merge a carrier's word into the parcels of that number; inside the open scope.

    Carriers give numbers out again: only parcels that are still under way, or that follow this very
    tracker, take part. Returns the parcels that moved.
    """
    candidates = Parcel.objects.filter(
        merchant_id=merchant_id, mode=mode, tracking_number=tracker.tracking_number
    )
    parcels = [
        parcel
        for parcel in candidates
        if parcel.tracker_external_id in ("", tracker.external_id) or parcel.status not in ENDED
    ]
    for order_id in sorted({parcel.order_id for parcel in parcels}):
        lock_order(order_id)
    moved = []
    for parcel_id in sorted(parcel.id for parcel in parcels):
        parcel = Parcel.objects.select_for_update().get(id=parcel_id)
        parcel.carrier_connection_id = connection_id
        parcel.tracker_external_id = tracker.external_id
        parcel.tracked_at = timezone.now()
        if tracker.estimated_delivery_at is not None:
            parcel.estimated_delivery_at = tracker.estimated_delivery_at
            parcel.promised_at = parcel.promised_at or tracker.estimated_delivery_at
        if tracker.public_url and not parcel.tracking_url:
            parcel.tracking_url = tracker.public_url
        _keep_scans(parcel, tracker, cause=cause)
        if _settle(parcel):
            moved.append(parcel.id)
    return moved


def move_parcel(
    parcel: Parcel, status: ParcelStatus, *, happened_at: datetime, message: str, cause: str
) -> bool:
    """Add one word about a locked parcel: a person's, a provider's, or ours. True when it moved."""
    batch = sql.recordset(
        [_row(parcel, status, status, happened_at, message, cause=cause)], _COLUMNS
    )
    sql.run(_KEEP.format(batch=batch.sql), [batch.parameter])
    return _settle(parcel)


def due_to_be_presumed(limit: int) -> list[tuple[int, int, int]]:
    """Parcels (merchant, id, days) that no carrier follows, long enough after they left.

    How long is the provider's policy, `presume_delivered_days`; runs in the system's scope.
    """
    ended = [status.value for status in ENDED]
    return sql.fetch(_PRESUMABLE, [PRESUMED_AFTER_DAYS, ended, limit])


def presume_delivered(parcel_id: int, *, after: timedelta) -> bool:
    """Close a parcel that no carrier follows, a set time after it left, and say so."""
    order_id = Parcel.objects.values_list("order_id", flat=True).get(id=parcel_id)
    lock_order(order_id)
    parcel = Parcel.objects.select_for_update().get(id=parcel_id)
    has_word = parcel.carrier_connection_id is not None
    if has_word or ParcelStatus(parcel.status) in ENDED:
        return False
    days = after.days
    return move_parcel(
        parcel,
        ParcelStatus.PRESUMED_DELIVERED,
        happened_at=timezone.now(),
        message=f"no carrier follows it; {days} days have passed",
        cause="schedule:presume",
    )


def _keep_scans(parcel: Parcel, tracker: TrackerSnapshot, *, cause: str) -> None:
    rows = [
        _row(
            parcel,
            update.status,
            update.source_status,
            update.happened_at,
            update.message,
            cause=cause,
            place=(update.place.city, update.place.region, update.place.country),
        )
        for update in tracker.updates
    ]
    if not rows and tracker.status is not ParcelStatus.UNKNOWN:
        rows = [
            _row(parcel, tracker.status, tracker.source_status, tracker.updated_at, "", cause=cause)
        ]
    if rows:
        unique = {(row["happened_at"], row["status"], row["message"]): row for row in rows}
        batch = sql.recordset(unique.values(), _COLUMNS)
        sql.run(_KEEP.format(batch=batch.sql), [batch.parameter])


def _row(
    parcel: Parcel,
    status: str,
    source_status: str,
    happened_at: datetime,
    message: str,
    *,
    cause: str,
    place: Sequence[str] = ("", "", ""),
) -> dict[str, Any]:
    return {
        "merchant_id": parcel.merchant_id,
        "parcel_id": parcel.id,
        "status": status,
        "source_status": source_status,
        "happened_at": happened_at,
        "message": message,
        "city": place[0],
        "region": place[1],
        "country": place[2],
        "cause": cause,
    }


def _settle(parcel: Parcel) -> bool:
    """Derive the status again and save; True, with its event, when it changed."""
    scans = [
        Scan(happened_at, ParcelStatus(status))
        for happened_at, status in parcel.updates.values_list("happened_at", "status")
    ]
    latest = status_of(scans)
    previous = ParcelStatus(parcel.status)
    if latest is None or latest.status is previous:
        parcel.save()
        return False
    parcel.status = latest.status  # derived from the updates, never from the newest to come in
    parcel.status_at = latest.happened_at
    parcel.delivered_at = latest.happened_at if latest.status in ARRIVED else None
    parcel.save()
    outbox.record(
        EVENT_OF_STATUS.get(latest.status, "parcel.moved"),
        merchant_id=parcel.merchant_id,
        mode=parcel.mode,
        order_id=parcel.order_id,
        subject=("parcel", parcel.id),
        data={
            "from": previous,
            "to": latest.status,
            "status": latest.status,
            "tracking_number": parcel.tracking_number,
        },
    )
    recount([parcel.order_id])
    if latest.status in ENDED:
        obligations.meet_many([(parcel.merchant_id, Owed.DELIVER, "parcel", parcel.id)])
    return True
