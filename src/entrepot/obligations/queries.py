"""What is owed, by urgency: for the home page, the needs-attention page and the order page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Min, QuerySet

from entrepot.database import clock
from entrepot.obligations.deadlines import DEFAULTS
from entrepot.obligations.models import DeadlineRule, Obligation
from entrepot.obligations.states import End, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One group of promises. `oldest_due_at` is None when there are none.

    `order_ids` are of distinct orders, so that a higher room can add up their money by currency.
    """

    count: int
    oldest_due_at: datetime | None
    order_ids: frozenset[int]
    kinds: dict[Kind, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIsOwed:
    """The promises of a merchant at one instant; the four groups do not overlap."""

    at: datetime
    overdue: Owed
    due_within_the_hour: Owed
    due_later_today: Owed
    met_today: Owed


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """How long a kind may take: the merchant's own time, else the default; None: case by case."""

    kind: Kind
    default: timedelta | None
    own: timedelta | None

    @property
    def allowed(self) -> timedelta | None:
        return self.own if self.own is not None else self.default


def open_obligations(merchant_id: int, mode: str) -> QuerySet[Obligation]:
    """Every promise that is neither kept, waived nor void."""
    return Obligation.objects.filter(merchant_id=merchant_id, mode=mode, end="")


def overdue(merchant_id: int, mode: str, *, at: datetime | None = None) -> QuerySet[Obligation]:
    """Open promises whose deadline has passed, the most urgent first."""
    return (
        open_obligations(merchant_id, mode)
        .filter(due_at__lt=at or clock.now())
        .order_by("due_at", "id")
    )


def open_obligations_of(merchant_id: int, order_ids: Iterable[int]) -> QuerySet[Obligation]:
    """Open promises about these orders, by deadline."""
    return Obligation.objects.filter(
        merchant_id=merchant_id, order_id__in=list(order_ids), end=""
    ).order_by("due_at", "id")


def what_is_owed(
    merchant_id: int, mode: str, *, time_zone: str, at: datetime | None = None
) -> WhatIsOwed:
    """The four groups of the home page; "today" ends and begins in the merchant's time zone."""
    now = at or clock.now()
    local = now.astimezone(ZoneInfo(time_zone))
    morning = local.replace(hour=0, minute=0, second=0, microsecond=0)
    midnight = (morning + timedelta(days=1, hours=6)).replace(hour=0)  # also on days of 23 or 25 h
    soon = now + timedelta(hours=1)
    still_open = open_obligations(merchant_id, mode)
    met = Obligation.objects.filter(
        merchant_id=merchant_id, mode=mode, end=End.MET, ended_at__gte=morning, ended_at__lte=now
    )
    return WhatIsOwed(
        at=now,
        overdue=_owed(still_open.filter(due_at__lt=now)),
        due_within_the_hour=_owed(still_open.filter(due_at__gte=now, due_at__lt=soon)),
        due_later_today=_owed(still_open.filter(due_at__gte=soon, due_at__lt=midnight)),
        met_today=_owed(met),
    )


def deadlines(merchant_id: int) -> list[Deadline]:
    """The table of deadlines, in the order of the kinds, for the page where it is edited."""
    own = dict(DeadlineRule.objects.filter(merchant_id=merchant_id).values_list("kind", "seconds"))
    return [
        Deadline(
            kind=kind,
            default=default,
            own=timedelta(seconds=own[kind]) if kind in own else None,
        )
        for kind, default in DEFAULTS.items()
    ]


def _owed(obligations: QuerySet[Obligation]) -> Owed:
    rows = list(
        obligations.values("kind", "order_id")
        .annotate(n=Count("id"), oldest=Min("due_at"))
        .order_by()
    )
    kinds: dict[Kind, int] = {}
    for row in rows:
        kinds[Kind(row["kind"])] = kinds.get(Kind(row["kind"]), 0) + row["n"]
    return Owed(
        count=sum(row["n"] for row in rows),
        oldest_due_at=min((row["oldest"] for row in rows), default=None),
        order_ids=frozenset(row["order_id"] for row in rows if row["order_id"] is not None),
        kinds=kinds,
    )
