"""Merges what carriers say about parcels: kept by the carrier's time, never overwritten.

The status of a parcel follows from all of its updates; a late or repeated one cannot move it back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from entrepot.canon.tracking import ParcelStatus, TrackerSnapshot
from entrepot.database import clock, saving, sql
from entrepot.events import outbox
from entrepot.fulfillment.counting import recount
from entrepot.fulfillment.losses import FAILED
from entrepot.fulfillment.models import Parcel, TrackingEntry
from entrepot.obligations import services as obligations
from entrepot.obligations.states import Kind as Owed
from entrepot.orders import locks

# Once here, only what is listed can follow: goods come back, or a label turns out void.
FINAL: dict[ParcelStatus, frozenset[ParcelStatus]] = {
    ParcelStatus.DELIVERED: frozenset({ParcelStatus.RETURNING, ParcelStatus.RETURNED}),
    ParcelStatus.RETURNED: frozenset(),
    ParcelStatus.VOIDED: frozenset(),
}
OF_CARRIERS = ("inbox:", "connection:")  # what their words came with
# A parcel that turned back is scanned on its way as any other is, and delivered: to the sender.
TURNED_BACK = frozenset({ParcelStatus.RETURNING, ParcelStatus.RETURNED})
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
# Statuses that counting.py counts by: other moves change no count.
COUNTED = ARRIVED | {*FAILED, ParcelStatus.VOIDED}
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
# What a carrier's word changes of a parcel.
FOLLOWED = (
    "carrier_connection_id",
    "tracker_external_id",
    "tracked_at",
    "estimated_delivery_at",
    "promised_at",
    "tracking_url",
    "status",
    "status_at",
    "delivered_at",
)
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
    """A status and when it was so at the carrier; or where `is_ours`, a word that was said here."""

    happened_at: datetime
    status: ParcelStatus
    is_ours: bool = False


def status_of(scans: Iterable[Scan]) -> Scan | None:
    """The status that all scans together say, with its instant; None when none says anything.

    Scans count in the carrier's order; of two at one instant the later word of ParcelStatus wins.
    `unknown` never replaces a known status, and a final one is left only as `FINAL` allows. What is
    on its way back stays that until it is back, lost or void.
    """
    rank = {status: number for number, status in enumerate(ParcelStatus)}
    current: Scan | None = None
    has_turned = False
    for scan in sorted(scans, key=lambda scan: (scan.happened_at, rank[scan.status])):
        seen = _on_the_way_back(scan) if has_turned else scan
        has_turned = has_turned or scan.status is ParcelStatus.RETURNING
        if current is None:
            current = seen
            continue
        if seen is None or seen.status is ParcelStatus.UNKNOWN:
            continue
        allowed = FINAL.get(current.status)
        if allowed is None or seen.status in allowed:
            current = seen
    return current


def _on_the_way_back(scan: Scan) -> Scan | None:
    """What a scan says of a parcel that turned back, None for a mere step of that way."""
    if scan.is_ours:
        return scan
    if scan.status in ARRIVED:
        return replace(scan, status=ParcelStatus.RETURNED)
    stays = TURNED_BACK | {ParcelStatus.LOST, ParcelStatus.VOIDED}
    return scan if scan.status in stays else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerNews:
    """A carrier's word about a parcel; `cause` is the message or the call that brought it."""

    merchant_id: int
    mode: str
    connection_id: int
    tracker: TrackerSnapshot
    cause: str


def apply_trackers(news: Sequence[TrackerNews]) -> list[int]:
    """Merge carriers' words into the parcels of their numbers; inside the open scope.

    Carriers give numbers out again: only parcels that are still under way, or that follow this very
    tracker, take part. Returns the parcels that moved.
    """
    if not news:
        return []
    candidates = Parcel.objects.filter(
        merchant_id__in={one.merchant_id for one in news},
        tracking_number__in={one.tracker.tracking_number for one in news},
    )
    rows = candidates.values_list("id", "order_id")
    locks.lock(order_id for _, order_id in rows)
    locked = candidates.filter(id__in=[parcel_id for parcel_id, _ in rows])
    by_number: dict[tuple[int, str, str], list[Parcel]] = {}
    for parcel in locked.select_for_update().order_by("id"):
        key = (parcel.merchant_id, parcel.mode, parcel.tracking_number)
        by_number.setdefault(key, []).append(parcel)
    followed: dict[int, tuple[Parcel, str]] = {}
    scans: list[dict[str, Any]] = []
    for one in news:
        for parcel in by_number.get((one.merchant_id, one.mode, one.tracker.tracking_number), ()):
            if _concerns(one.tracker, parcel):
                _follow(parcel, one)
                scans += _scans(parcel, one.tracker, cause=one.cause)
                followed[parcel.id] = (parcel, one.cause)
    return _settle(list(followed.values()), scans)


def _concerns(tracker: TrackerSnapshot, parcel: Parcel) -> bool:
    return parcel.tracker_external_id in {"", tracker.external_id} or parcel.status not in ENDED


def _follow(parcel: Parcel, news: TrackerNews) -> None:
    tracker = news.tracker
    parcel.carrier_connection_id = news.connection_id
    parcel.tracker_external_id = tracker.external_id
    parcel.tracked_at = clock.now()
    if tracker.estimated_delivery_at is not None:
        parcel.estimated_delivery_at = tracker.estimated_delivery_at
        parcel.promised_at = parcel.promised_at or tracker.estimated_delivery_at
    if tracker.public_url and not parcel.tracking_url:
        parcel.tracking_url = tracker.public_url


def move_parcel(
    parcel: Parcel, status: ParcelStatus, *, happened_at: datetime, message: str, cause: str
) -> bool:
    """Add one word about a locked parcel; see `move_parcels`. True when it moved."""
    return bool(
        move_parcels([parcel], status, happened_at=happened_at, message=message, cause=cause)
    )


def move_parcels(
    parcels: Sequence[Parcel],
    status: ParcelStatus,
    *,
    happened_at: datetime,
    message: str,
    cause: str,
) -> list[int]:
    """Add one word about locked parcels: a person's, a provider's, or ours. Those that moved."""
    words = [_row(one, status, status, happened_at, message, cause=cause) for one in parcels]
    because = outbox.current_cause()[1]
    return _settle([(parcel, because) for parcel in parcels], words)


def cause_of_void(shipment_id: int) -> str:
    """How our own word is marked that the parcels of a shipment do not exist."""
    return f"shipment:{shipment_id}"


def follow_again(parcel: Parcel) -> Parcel:
    """Take our word back that a parcel is void; what its carrier has said of it counts again.

    The order must be locked. Returns the parcel as it is now.
    """
    saving.flush()
    parcel = Parcel.objects.select_for_update().get(id=parcel.id)
    ours = TrackingEntry.objects.filter(
        parcel_id=parcel.id,
        status=ParcelStatus.VOIDED,
        cause=cause_of_void(parcel.shipment_id),
    )
    if ours.delete()[0]:
        parcel.status, parcel.status_at = ParcelStatus.UNKNOWN, None
        because = outbox.current_cause()[1]
        _record_move(parcel, ParcelStatus.VOIDED, cause=because)
        _settle([(parcel, because)], ())
    return parcel


def due_to_be_presumed(limit: int) -> list[tuple[int, int, int]]:
    """Parcels (merchant, id, days) that no carrier follows, long enough after they left.

    How long is the provider's policy, `presume_delivered_days`; runs in the system's scope.
    """
    ended = [status.value for status in ENDED]
    return sql.fetch(_PRESUMABLE, [PRESUMED_AFTER_DAYS, ended, limit])


def presume_delivered(parcel_id: int, *, after: timedelta) -> bool:
    """Close a parcel that no carrier follows, a set time after it left, and say so."""
    order_id = Parcel.objects.values_list("order_id", flat=True).get(id=parcel_id)
    locks.lock([order_id])
    parcel = Parcel.objects.select_for_update().get(id=parcel_id)
    has_word = parcel.carrier_connection_id is not None
    if has_word or ParcelStatus(parcel.status) in ENDED:
        return False
    days = after.days
    return move_parcel(
        parcel,
        ParcelStatus.PRESUMED_DELIVERED,
        happened_at=clock.now(),
        message=f"no carrier follows it; {days} days have passed",
        cause="schedule:presume",
    )


def _scans(parcel: Parcel, tracker: TrackerSnapshot, *, cause: str) -> list[dict[str, Any]]:
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
        return [
            _row(parcel, tracker.status, tracker.source_status, tracker.updated_at, "", cause=cause)
        ]
    return rows


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


def _settle(parcels: Sequence[tuple[Parcel, str]], scans: Iterable[dict[str, Any]]) -> list[int]:
    """Keep words about locked parcels, derive their statuses again and save; those that moved.

    Beside each parcel is what its move follows from.
    """
    if not parcels:
        return []
    unique = {
        (row["parcel_id"], row["happened_at"], row["status"], row["message"]): row for row in scans
    }
    if unique:
        batch = sql.recordset(unique.values(), _COLUMNS)
        sql.run(_KEEP.format(batch=batch.sql), [batch.parameter])
    known: dict[int, list[Scan]] = {parcel.id: [] for parcel, _ in parcels}
    words = TrackingEntry.objects.filter(parcel_id__in=list(known))
    for parcel_id, happened_at, status, cause in words.values_list(
        "parcel_id", "happened_at", "status", "cause"
    ):
        is_ours = not cause.startswith(OF_CARRIERS)
        known[parcel_id].append(Scan(happened_at, ParcelStatus(status), is_ours))
    moved, counted = [], set()
    for parcel, cause in parcels:
        previous, latest = ParcelStatus(parcel.status), status_of(known[parcel.id])
        if latest is not None and latest.status is not previous:
            parcel.status = latest.status  # derived from all words, never from the newest to come
            parcel.status_at = latest.happened_at
            parcel.delivered_at = latest.happened_at if latest.status in ARRIVED else None
            _record_move(parcel, previous, cause=cause)
            moved.append(parcel)
            if COUNTED & {previous, latest.status}:
                counted.add(parcel.order_id)
    saving.save_together([parcel for parcel, _ in parcels], FOLLOWED)
    recount(sorted(counted))
    ended = [parcel for parcel in moved if parcel.status in ENDED]
    obligations.meet_many(
        (parcel.merchant_id, Owed.DELIVER, "parcel", parcel.id) for parcel in ended
    )
    return [parcel.id for parcel in moved]


def _record_move(parcel: Parcel, previous: ParcelStatus, *, cause: str) -> None:
    status = ParcelStatus(parcel.status)
    with outbox.because(cause=cause):
        outbox.record(
            EVENT_OF_STATUS.get(status, "parcel.moved"),
            merchant_id=parcel.merchant_id,
            mode=parcel.mode,
            order_id=parcel.order_id,
            subject=("parcel", parcel.id),
            data={
                "from": previous,
                "to": status,
                "status": status,
                "tracking_number": parcel.tracking_number,
            },
        )
