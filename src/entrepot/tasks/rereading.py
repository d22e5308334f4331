"""Reads things again with our own credentials and puts what comes back into the inbox."""

from collections.abc import Sequence

from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.messages import Flow
from entrepot.connect import registry
from entrepot.connect.ports import Pulls
from entrepot.connections import doors
from entrepot.connections.models import Connection
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.inbox import services as inbox
from entrepot.inbox.states import Source
from entrepot.inbox.storing import Incoming
from entrepot.intake.hints import Reread
from entrepot.orders.models import Order
from entrepot.orders.snapshots import mark_deleted
from entrepot.tasks import queue
from entrepot.tasks.calls import outside_transaction
from entrepot.tasks.registry import Priority, task


class CannotReread(Exception):
    """A platform was asked to be read again that cannot be read."""


@task("inbox.reread", priority=Priority.HIGH)
def reread(
    *, merchant_id: int, connection_id: int, flow: str, external_id: str, **_: object
) -> None:
    """Read one thing again; what comes back takes the way of all messages."""
    read_again(merchant_id, connection_id, Flow(flow), external_id)


def read_again(merchant_id: int, connection_id: int, flow: Flow, external_id: str) -> bool:
    """Fetch one thing and store it in the inbox; False when the platform does not have it.

    A reading is news of its own even when nothing changed: it says how fresh our knowledge is.
    """
    client = doors.client(connection_id)
    if not isinstance(client, Pulls):
        raise CannotReread(f"connection {connection_id} cannot be read")
    read_at = timezone.now()
    with outside_transaction():
        item = client.fetch(flow, external_id)
    if item is None:
        return False
    with scope.merchant(merchant_id):
        connection = Connection.objects.get(id=connection_id)
        inbox.store(
            [
                Incoming(
                    merchant_id=merchant_id,
                    connection_id=connection_id,
                    mode=connection.mode,
                    source=Source.POLL,
                    topic=item.topic,
                    body=item.body,
                    dedupe_key=f"{item.dedupe_key}@{read_at.isoformat()}",
                )
            ]
        )
    return True


def read_order_again(merchant_id: int, *, share_id: int) -> None:
    """Read the order of a share again at its storefront."""
    with scope.merchant(merchant_id):
        share = FulfillmentOrder.objects.get(id=share_id)
        order = Order.objects.get(id=share.order_id)
        connection = Connection.objects.get(id=order.connection_id)
    flow = flow_of_orders(connection.platform)
    if not read_again(merchant_id, connection.id, flow, order.external_id):
        # Gone at the source, and nobody told us: what it sold must not leave.
        with scope.merchant(merchant_id):
            mark_deleted(
                merchant_id,
                account=order.account,
                external_id=order.external_id,
                at=timezone.now(),
            )


def flow_of_orders(platform: str) -> Flow:
    """Where a platform's orders are read: its own orders, or the checkouts that became orders."""
    can_pull_orders = registry.platform(platform).manifest.can("pull_orders")
    return Flow.ORDERS if can_pull_orders else Flow.CHECKOUTS


def defer_rereads(rereads: Sequence[Reread]) -> None:
    """Defer a job for each thing to read again; installed into the intake."""
    queue.defer(
        [
            queue.Job(
                task="inbox.reread",
                args={
                    "merchant_id": wanted.merchant_id,
                    "connection_id": wanted.connection_id,
                    "flow": wanted.flow.value,
                    "external_id": wanted.external_id,
                },
                cause=wanted.cause,
            )
            for wanted in rereads
        ]
    )
