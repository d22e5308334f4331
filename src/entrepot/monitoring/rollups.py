"""Counters per hour: appended as deltas where things happen, folded by one task in key order.

A row that every transaction updates would make them wait for each other; appending does not.
Whoever reads adds the deltas that are not folded yet, so that a number is never late.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db.models import Sum

from entrepot.access import scope
from entrepot.database import clock, sql
from entrepot.events.outbox import RecordedEvent
from entrepot.monitoring.models import Rollup, RollupDelta

FOLD_LOCK = 4_107_113  # held while folding, so that two workers do not
BATCH = 5_000

# Events that count one each, and the counter they belong to.
COUNTED = {
    "order.imported": "orders_imported",
    "order.released": "orders_released",
    "order.cancelled": "orders_cancelled",
    "order.held": "holds_opened",
    "fulfillment_order.accepted": "submissions_accepted",
    "fulfillment_order.rejected": "submissions_rejected",
    "shipment.recorded": "shipments",
    "parcel.delivered": "parcels_delivered",
    "parcel.presumed_delivered": "parcels_presumed_delivered",
    "attempt.became_unknown": "attempts_unknown",
    "notification.sent": "mails_sent",
    "notification.bounced": "mails_bounced",
    "obligation.met": "obligations_met",
    "obligation.overdue": "obligations_overdue",
    "inbox.parked": "messages_parked",
    "deadletter.buried": "dead_letters",
}
# Events that carry an amount and its currency.
SUMMED = {"payment.captured": "captured", "payment.refunded": "refunded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A change of a counter; `currency` is empty where it counts things."""

    merchant_id: int
    mode: str
    name: str
    at: datetime
    amount: Decimal = Decimal(1)
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A counter's hour."""

    hour: datetime
    currency: str
    amount: Decimal


_COLUMNS = {
    "merchant_id": "bigint",
    "mode": "text",
    "name": "text",
    "hour": "timestamptz",
    "currency": "text",
    "amount": "numeric",
}
_APPEND = """
    INSERT INTO monitoring_rollup_delta (merchant_id, mode, name, hour, currency, amount)
    SELECT merchant_id, mode, name, hour, currency, amount
    FROM {batch}
"""
_FOLD = """
    WITH oldest AS (
        SELECT id
        FROM monitoring_rollup_delta
        ORDER BY id
        LIMIT %s
    ), gone AS (
        DELETE FROM monitoring_rollup_delta AS delta
        USING oldest
        WHERE delta.id = oldest.id
        RETURNING delta.merchant_id, delta.mode, delta.name, delta.hour, delta.currency,
            delta.amount
    ), sums AS (
        SELECT merchant_id, mode, name, hour, currency, sum(amount) AS amount, count(*) AS n
        FROM gone
        GROUP BY 1, 2, 3, 4, 5
        ORDER BY 1, 2, 3, 4, 5
    ), folded AS (
        INSERT INTO monitoring_rollup AS rollup (merchant_id, mode, name, hour, currency, amount)
        SELECT merchant_id, mode, name, hour, currency, amount
        FROM sums
        ON CONFLICT (merchant_id, mode, name, hour, currency)
            DO UPDATE SET amount = rollup.amount + excluded.amount
    )
    SELECT coalesce(sum(n), 0) FROM sums
"""


def append(deltas: Iterable[Delta]) -> None:
    """Append changes in the open scope, in the transaction that makes them true."""
    sums: defaultdict[tuple[int, str, str, datetime, str], Decimal] = defaultdict(Decimal)
    for delta in deltas:
        hour = delta.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        sums[delta.merchant_id, delta.mode, delta.name, hour, delta.currency] += delta.amount
    if sums:
        rows = [dict(zip(_COLUMNS, (*key, amount), strict=True)) for key, amount in sums.items()]
        batch = sql.recordset(rows, _COLUMNS)
        sql.run(_APPEND.format(batch=batch.sql), [batch.parameter])


def count_events(events: list[RecordedEvent]) -> None:
    """Count a batch of events; the outbox calls it in their transaction."""
    append(delta for event in events if (delta := _delta_of(event)) is not None)


def fold(*, limit: int = BATCH) -> int:
    """Fold the oldest deltas into their counters; return how many, 0 when another folds."""
    with scope.system():
        if not sql.fetch_value("SELECT pg_try_advisory_xact_lock(%s)", [FOLD_LOCK]):
            return 0
        return int(sql.fetch_value(_FOLD, [limit]))


def series(
    merchant_id: int, mode: str, *, name: str, since: datetime, until: datetime | None = None
) -> list[Point]:
    """A counter by hour and currency, oldest first; hours without anything are left out."""
    found: dict[tuple[datetime, str], Decimal] = {}
    for model in (Rollup, RollupDelta):
        rows = (
            model.objects.filter(
                merchant_id=merchant_id,
                mode=mode,
                name=name,
                hour__gte=since.replace(minute=0, second=0, microsecond=0),
                hour__lt=until or clock.now() + timedelta(hours=1),
            )
            .values("hour", "currency")
            .annotate(sum=Sum("amount"))
            .order_by()
        )
        for row in rows:
            key = (row["hour"], row["currency"])
            found[key] = found.get(key, Decimal(0)) + row["sum"]
    return [
        Point(hour=hour, currency=currency, amount=amount)
        for (hour, currency), amount in sorted(found.items())
    ]


def totals(
    merchant_id: int, mode: str, *, name: str, since: datetime, until: datetime | None = None
) -> dict[str, Decimal]:
    """A counter's sum by currency ("" where it counts things) from the hour of `since` on."""
    sums: dict[str, Decimal] = {}
    for point in series(merchant_id, mode, name=name, since=since, until=until):
        sums[point.currency] = sums.get(point.currency, Decimal(0)) + point.amount
    return sums


def _delta_of(event: RecordedEvent) -> Delta | None:
    if name := COUNTED.get(event.name):
        return Delta(merchant_id=event.merchant_id, mode=event.mode, name=name, at=event.at)
    name = SUMMED.get(event.name)
    if name is None or event.order_id is None or "amount" not in event.data:
        return None  # a figure never takes down the fact that it counts
    return Delta(
        merchant_id=event.merchant_id,
        mode=event.mode,
        name=name,
        at=event.at,
        amount=Decimal(str(event.data["amount"])),
        currency=str(event.data["currency"]),
    )
