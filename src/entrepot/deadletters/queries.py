"""Given-up work, one by one and grouped by cause."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Max, Min, QuerySet

from entrepot.deadletters.models import DeadLetter
from entrepot.deadletters.states import Status

IDS_SHOWN = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Letters that wait and gave up for the same reason.

    `ids` are at most a thousand, the oldest first; `count` is all of them. `error` is the newest's.
    """

    fingerprint: str
    task: str
    error: str
    count: int
    orders: int
    first_at: datetime
    last_at: datetime
    ids: tuple[int, ...]


def waiting(merchant_id: int) -> QuerySet[DeadLetter]:
    """Letters that nobody has decided about, the newest first."""
    return DeadLetter.objects.filter(merchant_id=merchant_id, status=Status.WAITING).order_by(
        "-buried_at", "-id"
    )


def waiting_count(merchant_id: int) -> int:
    """How many letters wait; a count over their partial index."""
    return waiting(merchant_id).order_by().count()


def waiting_of_order(merchant_id: int, order_id: int) -> QuerySet[DeadLetter]:
    """Letters about one order that wait, the newest first."""
    return waiting(merchant_id).filter(order_id=order_id)


def causes(merchant_id: int) -> list[Cause]:
    """Waiting letters grouped by cause, the biggest group first."""
    groups = (
        waiting(merchant_id)
        .order_by()
        .values("fingerprint", "task")
        .annotate(
            n=Count("id"),
            orders=Count("order_id", distinct=True),
            first=Min("buried_at"),
            last=Max("buried_at"),
            newest=Max("id"),
            ids=ArrayAgg("id", order_by="id"),
        )
        .order_by("-n", "fingerprint")
    )
    rows = list(groups)
    errors = dict(
        DeadLetter.objects.filter(
            merchant_id=merchant_id, id__in=[row["newest"] for row in rows]
        ).values_list("id", "error")
    )
    return [
        Cause(
            fingerprint=row["fingerprint"],
            task=row["task"],
            error=errors[row["newest"]],
            count=row["n"],
            orders=row["orders"],
            first_at=row["first"],
            last_at=row["last"],
            ids=tuple(row["ids"][:IDS_SHOWN]),
        )
        for row in rows
    ]
