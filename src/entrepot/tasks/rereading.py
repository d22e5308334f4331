"""Reads things again with our own credentials and puts what comes back into the inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.messages import Flow
from entrepot.connect import registry
from entrepot.connect.ports import PulledItem, Pulls
from entrepot.connections import doors
from entrepot.connections.call_log import gathered_calls, keep_calls
from entrepot.connections.models import CallRecord, Connection
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.inbox import services as inbox
from entrepot.inbox.states import Source
from entrepot.inbox.storing import Incoming
from entrepot.intake.hints import Reread
from entrepot.orders.models import Order
from entrepot.orders.snapshots import mark_deleted
from entrepot.tasks import queue
from entrepot.tasks.calls import CALLS_AT_ONCE, outside_transaction, side_by_side
from entrepot.tasks.registry import Outcomes, Priority, Work, batch_task

# Where a thing is read: connection, flow, and its id there.
Place = tuple[int, Flow, str]


class CannotReread(Exception):
    """A platform was asked to be read again that cannot be read."""


@batch_task("inbox.reread", at_once=CALLS_AT_ONCE, priority=Priority.HIGH)
def reread(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Read things again, each once; what comes back takes the way of all messages."""
    wanted = [
        (work.args["connection_id"], Flow(work.args["flow"]), work.args["external_id"])
        for work in batch
    ]
    readings: dict[Place, _Reading] = {}
    with outside_transaction():
        for read in side_by_side(_read, sorted(set(wanted))):
            _store(merchant_id, dict(read))
            readings |= read
    return [readings[place].error for place in wanted]


def read_again(merchant_id: int, connection_id: int, flow: Flow, external_id: str) -> bool:
    """Fetch one thing and store it in the inbox; False when the platform does not have it.

    A reading is news of its own even when nothing changed: it says how fresh our knowledge is.
    """
    place = (connection_id, flow, external_id)
    with outside_transaction():
        reading = _read(place)
    _store(merchant_id, {place: reading})
    if reading.error is not None:
        raise reading.error
    return reading.item is not None


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a platform answered when it was read, or why it could not be."""

    read_at: datetime
    item: PulledItem | None
    error: Exception | None
    calls: Sequence[CallRecord]


def _read(place: Place) -> _Reading:
    connection_id, flow, external_id = place
    read_at = timezone.now()
    item, failed = None, None
    with gathered_calls() as calls:
        try:
            client = doors.client(connection_id)
            if not isinstance(client, Pulls):
                raise CannotReread(f"connection {connection_id} cannot be read")
            item = client.fetch(flow, external_id)
        except Exception as error:  # noqa: BLE001 -- its job is told, the others go on
            failed = error
    return _Reading(read_at, item, failed, calls)


def _store(merchant_id: int, readings: Mapping[Place, _Reading]) -> None:
    with scope.merchant(merchant_id):
        keep_calls([call for reading in readings.values() for call in reading.calls])
        connections = Connection.objects.in_bulk({place[0] for place in readings})
        inbox.store(
            [
                Incoming(
                    merchant_id=merchant_id,
                    connection_id=connection_id,
                    mode=connections[connection_id].mode,
                    source=Source.POLL,
                    topic=reading.item.topic,
                    body=reading.item.body,
                    dedupe_key=f"{reading.item.dedupe_key}@{reading.read_at.isoformat()}",
                )
                for (connection_id, _, _), reading in readings.items()
                if reading.item is not None
            ]
        )


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
