"""Jobs that keep shares moving: after a hold, an acceptance, a mapping, a pause; and sweeps."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q

from entrepot.access import scope
from entrepot.attempts.models import Attempt
from entrepot.attempts.states import LIVE
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.canon.messages import Flow
from entrepot.catalog.models import Mapping as SkuMapping
from entrepot.catalog.models import MappingAsset, ShippingMap
from entrepot.catalog.queries import ANY_METHOD
from entrepot.connect.haste import hurried
from entrepot.connect.ports import Fulfills
from entrepot.connections import doors
from entrepot.connections.models import Connection
from entrepot.connections.states import Status as ConnectionStatus
from entrepot.database import clock
from entrepot.fulfillment import planning, readiness
from entrepot.fulfillment.changes import METHOD_WAITS
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.fulfillment.states import Status
from entrepot.orders import holds
from entrepot.orders.models import Hold, Order
from entrepot.orders.states import HoldKind
from entrepot.tasks import artwork, queue, rereading
from entrepot.tasks.registry import Lane, Outcomes, Priority, Work, batch_task, task
from entrepot.tasks.schedule import schedule

SWEEP = 500
STALE_AFTER = hurried(timedelta(minutes=10))
RETRIED_WITHIN = hurried(timedelta(minutes=30))


@task("fulfillment.resume", priority=Priority.HIGH)
def resume(*, merchant_id: int, order_id: int, **_: object) -> None:
    """Go on with an order that may go on again: plan what has no share, submit what waits."""
    artwork.copy_for_orders(merchant_id, [order_id])
    planning.plan_order(merchant_id, order_id)
    with scope.merchant(merchant_id):
        order = Order.objects.get(id=order_id)
        if not readiness.is_workable(order):
            return
        _defer_submissions(
            FulfillmentOrder.objects.filter(order_id=order_id, status=Status.OPEN, is_by_hand=False)
        )


@batch_task("fulfillment.after_acceptance", at_once=100, side_by_side=1)
def after_acceptance(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Have accepted shares sent where they should go by now, and as they should."""
    with scope.merchant(merchant_id):
        accepted = FulfillmentOrder.objects.filter(
            id__in=[work.args["subject_id"] for work in batch], status=Status.ACCEPTED
        )
        _defer("fulfillment.change_shipping", accepted.filter(METHOD_WAITS, is_by_hand=False))
        elsewhere = Order.objects.filter(id=OuterRef("order_id"), address_id__isnull=False)
        moved = accepted.filter(
            Exists(elsewhere.exclude(address_id=OuterRef("sent_address_id"))),
            sent_address_id__isnull=False,
        )
        queue.defer(
            [
                queue.Job(
                    task="fulfillment.readdress",
                    args={"merchant_id": merchant_id, "order_id": order_id},
                )
                for order_id in sorted(set(moved.values_list("order_id", flat=True)))
            ]
        )
    return [None] * len(batch)


@task("catalog.after_mapping", priority=Priority.HIGH)
def after_mapping(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Lift the holds that a mapping answers: mapping it once releases all that wait."""
    with scope.merchant(merchant_id):
        links = MappingAsset.objects.filter(mapping_id=subject_id).exclude(asset_id=None)
        asset_ids = [link.asset_id for link in links.order_by("id") if link.asset_id is not None]
    for asset_id in asset_ids:
        artwork.copy_artwork(merchant_id=merchant_id, subject_id=asset_id)
    with scope.merchant(merchant_id):
        mapping = SkuMapping.objects.filter(id=subject_id).first()
        if mapping is not None:
            for kind in (HoldKind.UNMAPPED_SKU, HoldKind.MISSING_ARTWORK):
                holds.lift_holds(
                    by="system", reason=f"{mapping.sku} is mapped", kind=kind, about=mapping.sku
                )
        shipping = ShippingMap.objects.filter(id=subject_id).first()
        if shipping is not None:
            waiting = Hold.objects.filter(
                kind=HoldKind.SHIPPING_UNMAPPED,
                lifted_at=None,
                about__startswith=f"{shipping.provider_connection_id}:",
            )
            if shipping.method_code != ANY_METHOD:
                waiting = waiting.filter(about__endswith=f":{shipping.method_code}")
            hold_ids = list(waiting.order_by("id").values_list("id", flat=True))
            holds.lift_holds(
                by="system", reason=f"{shipping.method_code} is mapped", hold_ids=hold_ids
            )


@task("fulfillment.refresh", priority=Priority.MEDIUM)
def refresh(*, merchant_id: int, subject_id: int, **_: object) -> None:
    """Read one share again at its provider; what comes back takes the way of all messages."""
    with scope.merchant(merchant_id):
        share = FulfillmentOrder.objects.get(id=subject_id)
        FulfillmentOrder.objects.filter(id=subject_id).update(provider_read_at=clock.now())
    if share.external_id and isinstance(doors.client(share.connection_id), Fulfills):
        rereading.read_again(
            merchant_id, share.connection_id, flow=Flow.FULFILLMENTS, external_id=share.external_id
        )


@task("fulfillment.sweep", lane=Lane.UPKEEP)
def sweep(**_: object) -> None:
    """Have shares move on that could and do not: lost jobs, ended pauses, quiet providers."""
    now = clock.now()
    with scope.system():
        is_busy = Attempt.objects.filter(
            subject_kind="fulfillment_order", subject_id=OuterRef("id"), status__in=LIVE
        )
        held = Order.objects.filter(id=OuterRef("order_id")).filter(
            Q(open_holds__gt=0) | Q(status="cancelled")
        )
        stopped = Connection.objects.filter(id=OuterRef("connection_id")).exclude(
            status=ConnectionStatus.LIVE
        )
        # Its job waits for the next try, with a longer pause each time.
        just_failed = Attempt.objects.filter(
            subject_kind="fulfillment_order",
            subject_id=OuterRef("id"),
            status=AttemptStatus.NOT_SENT,
            ended_at__gt=now - RETRIED_WITHIN,
        )
        waiting = FulfillmentOrder.objects.filter(~Exists(is_busy), ~Exists(stopped))
        _defer_submissions(
            waiting.filter(
                ~Exists(held),
                ~Exists(just_failed),
                status=Status.OPEN,
                is_by_hand=False,
                submit_after__lt=now - timedelta(seconds=30),
            ).order_by("submit_after")[:SWEEP]
        )
        _defer(
            "fulfillment.cancel",
            waiting.filter(status=Status.CANCELLING).exclude(external_id="")[:SWEEP],
        )
        theirs = Order.objects.filter(id=OuterRef("order_id"), address_id__isnull=False)
        moved = Exists(theirs.exclude(address_id=OuterRef("sent_address_id")))
        refused = Exists(theirs.filter(address_id=OuterRef("refused_address_id")))
        _defer(
            "fulfillment.readdress",
            waiting.filter(moved, ~refused, status=Status.ACCEPTED, is_by_hand=False)
            .exclude(sent_address_id=None)
            .exclude(external_id="")[:SWEEP],
        )
        _defer(
            "fulfillment.change_shipping",
            waiting.filter(METHOD_WAITS, status=Status.ACCEPTED, is_by_hand=False).exclude(
                external_id=""
            )[:SWEEP],
        )
        quiet = Q(provider_read_at__lt=now - STALE_AFTER) | Q(provider_read_at=None)
        _defer(
            "fulfillment.refresh",
            FulfillmentOrder.objects.filter(
                quiet, status__in=[Status.ACCEPTED, Status.CANCELLING], is_by_hand=False
            )
            .exclude(external_id="")
            .order_by(F("provider_read_at").asc(nulls_first=True))[:SWEEP],
        )


def _defer_submissions(shares: Iterable[FulfillmentOrder]) -> None:
    _defer("fulfillment.submit", shares)


def _defer(task_name: str, shares: Iterable[FulfillmentOrder]) -> None:
    queue.defer(
        [
            queue.Job(
                task=task_name,
                args={
                    "merchant_id": share.merchant_id,
                    "order_id": share.order_id,
                    "subject_id": share.id,
                },
                unique=f"{task_name}:{share.id}",
            )
            for share in shares
        ]
    )


schedule("fulfillment.sweep", every=timedelta(seconds=10), after_downtime="once")
