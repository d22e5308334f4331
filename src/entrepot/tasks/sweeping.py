"""Jobs that carry on what a pause, a fault or a lost job had stopped; nothing waits for ever."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import LIVE, Kind, Status
from entrepot.connect.haste import hurried
from entrepot.database import clock
from entrepot.fulfillment.models import FulfillmentOrder, Shipment
from entrepot.fulfillment.states import ShipmentStatus
from entrepot.fulfillment.states import Status as ShareStatus
from entrepot.obligations.models import Obligation
from entrepot.obligations.states import Kind as Owed
from entrepot.payments.models import PaymentWish, Refund
from entrepot.payments.states import RefundStatus, WishKind, WishStatus
from entrepot.tasks import queue
from entrepot.tasks.registry import Lane, Priority, task
from entrepot.tasks.schedule import schedule

SWEEP = 500
# A fresh one has a job of its own, and one that just failed has a retry.
OLD_ENOUGH = hurried(timedelta(minutes=1))
RETRIED_WITHIN = hurried(timedelta(minutes=30))
PACE = timedelta(milliseconds=200)


@task("effects.sweep", lane=Lane.UPKEEP)
def sweep(**_: object) -> None:
    """Have refunds, captures, voids and write-backs move on that could and do not."""
    now = clock.now()
    with scope.system():
        refunds = waiting_refunds().filter(
            ~_just_failed("refund", now), wanted_at__lt=now - OLD_ENOUGH
        )
        for kind in WishKind:
            wishes = waiting_wishes(kind).filter(
                ~_just_failed("payment_wish", now), wanted_at__lt=now - OLD_ENOUGH
            )
            _defer(f"payments.{kind}", wishes[:SWEEP])
        shipments = waiting_write_backs().filter(
            ~_just_failed("shipment", now), learned_at__lt=now - OLD_ENOUGH
        )
        _defer("payments.refund", refunds[:SWEEP])
        _defer("storefront.write_back", shipments[:SWEEP])


@task("effects.go_on", priority=Priority.HIGH)
def go_on(*, merchant_id: int, **_: object) -> None:
    """Carry on what waited while effects of a merchant were stopped, at an even pace."""
    with scope.merchant(merchant_id):
        shares = FulfillmentOrder.objects.filter(
            ~_is_busy("fulfillment_order"), status=ShareStatus.OPEN, is_by_hand=False
        )
        start = clock.now()
        _defer("fulfillment.submit", shares.order_by("submit_after")[:SWEEP], begins_at=start)
        _defer("payments.refund", waiting_refunds()[:SWEEP], begins_at=start)
        for kind in WishKind:
            _defer(f"payments.{kind}", waiting_wishes(kind)[:SWEEP], begins_at=start)
        _defer("storefront.write_back", waiting_write_backs()[:SWEEP], begins_at=start)


def waiting_refunds() -> QuerySet[Refund]:
    """Refunds that are wanted and have no attempt under way, oldest first."""
    return Refund.objects.filter(~_is_busy("refund"), status=RefundStatus.WANTED).order_by("id")


def waiting_wishes(kind: WishKind) -> QuerySet[PaymentWish]:
    """Captures or voids that are wanted and have no attempt under way, oldest first."""
    return PaymentWish.objects.filter(
        ~_is_busy("payment_wish"), kind=kind, status=WishStatus.WANTED
    ).order_by("id")


def waiting_write_backs() -> QuerySet[Shipment]:
    """Shipments that a storefront is owed the news of, and that it has not refused to hear."""
    owed = Obligation.objects.filter(
        kind=Owed.WRITE_BACK, subject_kind="shipment", subject_id=OuterRef("id"), end=""
    )
    refused = Attempt.objects.filter(
        kind=Kind.WRITE_BACK,
        subject_kind="shipment",
        subject_id=OuterRef("id"),
        status=Status.REJECTED,
    )
    return Shipment.objects.filter(
        Exists(owed),
        ~Exists(refused),
        ~_is_busy("shipment"),
        written_back_at=None,
        status=ShipmentStatus.SHIPPED,
    ).order_by("id")


def _is_busy(subject_kind: str) -> Exists:
    return Exists(
        Attempt.objects.filter(
            subject_kind=subject_kind, subject_id=OuterRef("id"), status__in=LIVE
        )
    )


def _just_failed(subject_kind: str, now: datetime) -> Exists:
    return Exists(
        Attempt.objects.filter(
            subject_kind=subject_kind,
            subject_id=OuterRef("id"),
            status=Status.NOT_SENT,
            ended_at__gt=now - RETRIED_WITHIN,
        )
    )


def _defer(
    task_name: str,
    things: Iterable[FulfillmentOrder | PaymentWish | Refund | Shipment],
    *,
    begins_at: datetime | None = None,
) -> None:
    queue.defer(
        [
            queue.Job(
                task=task_name,
                args={
                    "merchant_id": thing.merchant_id,
                    "order_id": thing.order_id,
                    "subject_id": thing.id,
                },
                run_at=begins_at + PACE * number if begins_at else None,
                unique=f"{task_name}:{thing.id}",
            )
            for number, thing in enumerate(things)
        ]
    )


schedule("effects.sweep", every=timedelta(seconds=30), after_downtime="once")
