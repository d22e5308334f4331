"""What can be done at once for an order: carry on what is left, read it again, ask about unknowns.

Nothing here acts twice: each job asks first what is still wanted.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Status as AttemptStatus
from entrepot.canon.messages import Flow
from entrepot.connect.registry import platform
from entrepot.connections.models import Connection
from entrepot.fulfillment.changes import METHOD_WAITS
from entrepot.fulfillment.models import FulfillmentOrder, Parcel, Shipment
from entrepot.fulfillment.states import Status
from entrepot.orders.models import Order
from entrepot.payments.models import PaymentWish, Refund
from entrepot.payments.states import RefundStatus, WishKind, WishStatus
from entrepot.tasks.queue import Job
from entrepot.tasks.registry import Priority
from entrepot.tasks.rereading import flow_of_orders


def left_of(order_ids: Iterable[int]) -> dict[str, QuerySet[Any]]:
    """What is left to do of some orders: task -> the rows that it would carry on with."""
    ids = list(order_ids)
    shares = FulfillmentOrder.objects.filter(order_id__in=ids)
    return {
        "fulfillment.submit": shares.filter(status=Status.OPEN, is_by_hand=False),
        "fulfillment.change_shipping": shares.filter(METHOD_WAITS, status=Status.ACCEPTED),
        "fulfillment.cancel": shares.filter(status=Status.CANCELLING),
        "payments.refund": Refund.objects.filter(order_id__in=ids, status=RefundStatus.WANTED),
        **{
            f"payments.{kind}": PaymentWish.objects.filter(
                order_id__in=ids, kind=kind, status=WishStatus.WANTED
            )
            for kind in WishKind
        },
        "storefront.write_back": Shipment.objects.filter(order_id__in=ids, written_back_at=None),
    }


def jobs_left(order: Order) -> list[Job]:
    """The jobs that carry on what is left to do of an order; runs in the open scope."""
    mine = {"merchant_id": order.merchant_id, "order_id": order.id}
    planning = [Job(task="routing.plan", args=mine)] if order.released_at else []
    return [
        *planning,
        *(
            Job(task=task, args={**mine, "subject_id": subject_id})
            for task, rows in left_of([order.id]).items()
            for subject_id in rows.order_by("id").values_list("id", flat=True)
        ),
    ]


def rereads_of(order: Order) -> list[Job]:
    """Jobs that read an order again at its storefront, its providers and its carriers."""
    connections = {row.id: row for row in Connection.objects.filter(mode=order.mode)}
    storefront = connections.get(order.connection_id)
    wanted: list[tuple[int, Flow, str]] = []
    if storefront is not None:
        flow = flow_of_orders(storefront.platform)
        wanted.append((storefront.id, flow, order.external_id))
    wanted += [
        (row.connection_id, Flow.FULFILLMENTS, row.external_id)
        for row in FulfillmentOrder.objects.filter(order_id=order.id).exclude(external_id="")
    ]
    wanted += [
        (row.carrier_connection_id, Flow.TRACKERS, row.tracker_external_id)
        for row in Parcel.objects.filter(order_id=order.id).exclude(tracker_external_id="")
        if row.carrier_connection_id is not None
    ]
    return [
        Job(
            task="inbox.reread",
            args={
                "merchant_id": order.merchant_id,
                "connection_id": connection_id,
                "flow": flow.value,
                "external_id": external_id,
            },
            priority=Priority.URGENT,
        )
        for connection_id, flow, external_id in wanted
        if connection_id in connections and _can_read(connections[connection_id], flow)
    ]


def questions_of(order: Order) -> list[Job]:
    """Jobs that ask now what became of an order's unknown attempts."""
    unknown = Attempt.objects.filter(order_id=order.id, status=AttemptStatus.UNKNOWN)
    return [
        Job(
            task="attempts.ask",
            args={"merchant_id": order.merchant_id, "attempt_id": attempt_id},
            priority=Priority.URGENT,
        )
        for attempt_id in unknown.order_by("id").values_list("id", flat=True)
    ]


def _can_read(connection: Connection, flow: Flow) -> bool:
    manifest = platform(connection.platform).manifest
    # Checkouts are read with the payments that they lead to.
    name = "payments" if flow is Flow.CHECKOUTS else flow.value
    return manifest.can(f"pull_{name}")
