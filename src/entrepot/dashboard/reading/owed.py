"""What is owed: promises by urgency, with the money of their orders and why each stands."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.utils import timezone

from entrepot.canon.money import Money
from entrepot.dashboard import words_of_states
from entrepot.dashboard.reading import problems
from entrepot.dashboard.reading.amounts import listed_sums
from entrepot.dashboard.reading.problems import Problem
from entrepot.dashboard.wording import sentence
from entrepot.database import sql
from entrepot.obligations.states import Kind


class Bucket(StrEnum):
    """How urgent a promise is."""

    OVERDUE = "overdue"
    HOUR = "hour"
    TODAY = "today"
    LATER = "later"
    MET = "met"


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """The promises of one bucket: how many, of what, about how much money."""

    bucket: Bucket
    number: int
    kinds: list[tuple[str, int]]
    first_at: datetime | None
    last_at: datetime | None
    amounts: list[Money]


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """Today's promises that were kept. `in_time` and `ended` count those that came to an end."""

    number: int
    in_time: int
    ended: int
    usual: float | None
    median: timedelta | None

    @property
    def share(self) -> str:
        """In time, as a percentage: "99.0 %"."""
        return f"{100 * self.in_time / self.ended:.1f}\N{NO-BREAK SPACE}%" if self.ended else ""

    @property
    def usual_share(self) -> str:
        """The same over the four weeks before."""
        return "" if self.usual is None else f"{100 * self.usual:.1f}\N{NO-BREAK SPACE}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise of a list, with its order as far as there is one."""

    id: int
    kind: str
    word: str
    due_at: datetime
    ended_at: datetime | None
    order_id: int | None
    number: str
    customer: str
    total: Money | None
    problem: Problem | None

    @property
    def was_late(self) -> bool:
        """Whether it was kept after its deadline."""
        return self.ended_at is not None and self.ended_at > self.due_at


_BUCKET = """
    CASE
        WHEN b.due_at < now() THEN 'overdue'
        WHEN b.due_at < now() + interval '1 hour' THEN 'hour'
        WHEN b.due_at < %(midnight)s THEN 'today'
        ELSE 'later'
    END
"""
# By obligations_due.
_OPEN = f"""
    SELECT {_BUCKET} AS bucket, b.kind, count(*), min(b.due_at), max(b.due_at)
    FROM obligations_obligation AS b
    WHERE b."end" = '' AND b.mode = %(mode)s
        AND b.due_at < greatest(%(midnight)s, now() + interval '1 hour')
    GROUP BY 1, 2
"""  # noqa: S608 -- constants
_MONEY = f"""
    SELECT bucket, o.currency, sum(o.total)
    FROM (
        SELECT DISTINCT {_BUCKET} AS bucket, b.order_id
        FROM obligations_obligation AS b
        WHERE b."end" = '' AND b.mode = %(mode)s
            AND b.due_at < greatest(%(midnight)s, now() + interval '1 hour')
    ) AS each
    JOIN orders_order AS o ON o.id = each.order_id
    GROUP BY 1, 2
"""  # noqa: S608 -- constants
# By obligations_met_in_time, without its table.
_MET = """
    SELECT
        count(*) FILTER (WHERE ended_at >= %(morning)s),
        count(*) FILTER (WHERE ended_at >= %(morning)s AND ended_at <= due_at),
        avg((ended_at <= due_at)::int) FILTER (WHERE ended_at < %(morning)s)
    FROM obligations_obligation
    WHERE "end" = 'met' AND mode = %(mode)s AND ended_at >= %(morning)s - interval '28 days'
"""
# Cooling off is not counted: the clock starts when the share may be handed over. What was accepted
# today is among the newest shares, but for a few that waited for long: no index is kept for those.
_MEDIAN = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY f.accepted_at - f.submit_after)
    FROM (
        SELECT accepted_at, submit_after, is_by_hand
        FROM fulfillment_order
        WHERE mode = %(mode)s
        ORDER BY id DESC
        LIMIT 3000
    ) AS f
    WHERE f.accepted_at >= %(morning)s AND f.accepted_at >= f.submit_after AND NOT f.is_by_hand
"""
_LIST = f"""
    SELECT
        b.id, b.kind, b.due_at, b.ended_at, b.order_id, o.number, o.currency, o.total,
        coalesce(nullif(a.name, ''), c.name, '') AS customer
    FROM obligations_obligation AS b
    LEFT JOIN orders_order AS o ON o.id = b.order_id
    LEFT JOIN customers_postal_address AS a ON a.id = o.address_id
    LEFT JOIN customers_customer AS c ON c.id = o.customer_id
    WHERE b.mode = %(mode)s AND b."end" = '' AND ({_BUCKET}) = ANY (%(buckets)s)
        AND (b.due_at, b.id) > (%(after_due)s, %(after_id)s)
    ORDER BY b.due_at, b.id
    LIMIT %(limit)s
"""  # noqa: S608 -- constants
_LIST_MET = """
    SELECT
        b.id, b.kind, b.due_at, b.ended_at, b.order_id, o.number, o.currency, o.total,
        coalesce(nullif(a.name, ''), c.name, '') AS customer
    FROM obligations_obligation AS b
    LEFT JOIN orders_order AS o ON o.id = b.order_id
    LEFT JOIN customers_postal_address AS a ON a.id = o.address_id
    LEFT JOIN customers_customer AS c ON c.id = o.customer_id
    WHERE b.mode = %(mode)s AND b."end" = 'met' AND b.ended_at >= %(morning)s
        AND (b.ended_at, b.id) < (%(before_end)s, %(before_id)s)
    ORDER BY b.ended_at DESC, b.id DESC
    LIMIT %(limit)s
"""
_START_OF_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def morning_of(now: datetime) -> datetime:
    """The midnight that began the day where the page is."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def urgencies(mode: str) -> dict[Bucket, Urgency]:
    """The open promises by urgency; each bucket is there, empty ones too."""
    parameters = {"mode": mode, "midnight": morning_of(timezone.now()) + timedelta(days=1)}
    rows = sql.fetch(_OPEN, parameters)
    money = sql.fetch(_MONEY, parameters)
    return {
        bucket: _urgency(
            bucket,
            [row[1:] for row in rows if row[0] == bucket],
            [(currency, amount) for name, currency, amount in money if name == bucket],
        )
        for bucket in (Bucket.OVERDUE, Bucket.HOUR, Bucket.TODAY)
    }


def _urgency(
    bucket: Bucket, rows: list[tuple[Any, ...]], money: list[tuple[str, Decimal]]
) -> Urgency:
    return Urgency(
        bucket=bucket,
        number=sum(row[1] for row in rows),
        kinds=sorted(((word_of(row[0]), row[1]) for row in rows), key=lambda pair: -pair[1]),
        first_at=min((row[2] for row in rows), default=None),
        last_at=max((row[3] for row in rows), default=None),
        amounts=listed_sums(money),
    )


def next_due(mode: str) -> tuple[datetime, str] | None:
    """The next deadline that has not passed, and what it is for."""
    row = sql.fetch_one(
        """
        SELECT due_at, kind
        FROM obligations_obligation
        WHERE "end" = '' AND mode = %s AND due_at > now()
        ORDER BY due_at
        LIMIT 1
        """,
        [mode],
    )
    return (row[0], word_of(row[1])) if row else None


def met_today(mode: str, *, overdue: int) -> Met:
    """What was kept today; what is overdue now counts as not in time."""
    parameters = {"mode": mode, "morning": morning_of(timezone.now())}
    number, in_time, usual = sql.fetch(_MET, parameters)[0]
    return Met(
        number=number,
        in_time=in_time,
        ended=number + overdue,
        usual=None if usual is None else float(usual),
        median=sql.fetch_value(_MEDIAN, parameters),
    )


def promises(
    mode: str, bucket: Bucket, *, limit: int, after: tuple[datetime, int] | None = None
) -> list[Promise]:
    """A page of promises of one bucket: open ones by deadline, met ones the newest first."""
    now = timezone.now()
    parameters: dict[str, object] = {"mode": mode, "limit": limit}
    if bucket == Bucket.MET:
        end, id_ = after or (now + timedelta(days=1), 0)
        parameters |= {"morning": morning_of(now), "before_end": end, "before_id": id_}
        rows = sql.fetch_dicts(_LIST_MET, parameters)
    else:
        due, id_ = after or (_START_OF_TIME, 0)
        midnight = morning_of(now) + timedelta(days=1)
        parameters |= {
            "midnight": midnight,
            "buckets": [bucket.value],
            "after_due": due,
            "after_id": id_,
        }
        rows = sql.fetch_dicts(_LIST, parameters)
    found = problems.problems_of({row["order_id"] for row in rows if row["order_id"]})
    return [_promise(row, found.get(row["order_id"])) for row in rows]


def _promise(row: dict[str, Any], problem: Problem | None) -> Promise:
    return Promise(
        id=row["id"],
        kind=row["kind"],
        word=word_of(row["kind"]),
        due_at=row["due_at"],
        ended_at=row["ended_at"],
        order_id=row["order_id"],
        number=row["number"] or "",
        customer=row["customer"],
        total=Money(row["total"], row["currency"]) if row["currency"] else None,
        problem=problem,
    )


def word_of(kind: str) -> str:
    """What a kind of promise is called on pages."""
    return words_of_states.OWED[Kind(kind)] if kind in Kind.values else sentence(kind)
