"""Reads things again with our own credentials and puts what comes back into the inbox."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entrepot.access import scope
from entrepot.canon.messages import Flow
from entrepot.connect import registry
from entrepot.connect.errors import Misconfigured, OutcomeUnknown, UnexpectedResponse
from entrepot.connect.ports import PulledItem, Pulls
from entrepot.connections import doors
from entrepot.connections.call_log import keep_calls
from entrepot.connections.models import Connection
from entrepot.database import clock
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.inbox import services as inbox
from entrepot.inbox.states import Source
from entrepot.inbox.storing import Incoming
from entrepot.intake.hints import Reread
from entrepot.orders.models import Order
from entrepot.orders.snapshots import mark_deleted
from entrepot.tasks import queue
from entrepot.tasks.calls import CALLS_AT_ONCE, Ended, side_by_side
from entrepot.tasks.refusal import stopped
from entrepot.tasks.registry import Outcomes, Priority, Work, batch_task

# Where a thing is read: connection, flow, and its id there.
Place = tuple[int, Flow, str]


class CannotReread(Exception):
    """A platform that cannot be read was to be read again, or what it answered cannot be."""


@batch_task("inbox.reread", at_once=CALLS_AT_ONCE, priority=Priority.HIGH)
def reread(merchant_id: int, batch: Sequence[Work]) -> Outcomes:
    """Read things again, each once; what comes back takes the way of all messages."""
    wanted = [
        (work.args["connection_id"], Flow(work.args["flow"]), work.args["external_id"])
        for work in batch
    ]
    found = {one.thing: one for one in _read_together(merchant_id, set(wanted))}
    return [found[place].error for place in wanted]


def read_again(merchant_id: int, connection_id: int, *, flow: Flow, external_id: str) -> bool:
    """Fetch one thing and store it in the inbox; False when the platform does not have it.

    A reading is news of its own even when nothing changed: it says how fresh our knowledge is.
    """
    (ended,) = _read_together(merchant_id, [(connection_id, flow, external_id)])
    return ended.answered().item is not None


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a platform has, and from when on we know it."""

    read_at: datetime
    item: PulledItem | None


def _read_together(merchant_id: int, places: Iterable[Place]) -> list[Ended[Place, _Reading]]:
    """Read things side by side and store them; a refusal of our credentials stops a connection."""
    found = []
    for ended in side_by_side(_read, sorted(places)):
        _store(merchant_id, ended)
        found += [replace(one, error=_told(merchant_id, one.thing[0], one.error)) for one in ended]
    return found


def _told(merchant_id: int, connection_id: int, error: Exception | None) -> Exception | None:
    """What a job is told of a reading that failed; one that cannot be read may be repeated."""
    match error:
        case Misconfigured():
            return stopped(connection_id, merchant_id=merchant_id, error=error)
        case OutcomeUnknown() | UnexpectedResponse():
            return CannotReread(str(error))
        case _:
            return error


def _read(place: Place) -> _Reading:
    connection_id, flow, external_id = place
    client = doors.client(connection_id)
    if not isinstance(client, Pulls):
        raise CannotReread(f"connection {connection_id} cannot be read")
    read_at = clock.now()
    return _Reading(read_at, client.fetch(flow, external_id))


def _store(merchant_id: int, ended: Sequence[Ended[Place, _Reading]]) -> None:
    with scope.merchant(merchant_id):
        keep_calls([call for one in ended for call in one.calls])
        connections = Connection.objects.in_bulk({one.thing[0] for one in ended})
        inbox.store(
            [
                Incoming(
                    merchant_id=merchant_id,
                    connection_id=one.thing[0],
                    mode=connections[one.thing[0]].mode,
                    source=Source.POLL,
                    topic=one.answer.item.topic,
                    body=one.answer.item.body,
                    dedupe_key=f"{one.answer.item.dedupe_key}@{one.answer.read_at.isoformat()}",
                )
                for one in ended
                if one.answer is not None and one.answer.item is not None
            ]
        )


def read_orders_again(merchant_id: int, share_ids: Collection[int]) -> dict[int, Exception]:
    """Read the orders of shares again at their storefronts; what kept one from it, by share."""
    if not share_ids:
        return {}
    with scope.merchant(merchant_id):
        shares = FulfillmentOrder.objects.filter(id__in=share_ids)
        order_of = dict(shares.values_list("id", "order_id"))
        known = Order.objects.in_bulk(set(order_of.values()))
        orders = {share_id: known[order_id] for share_id, order_id in order_of.items()}
        connections = Connection.objects.in_bulk({order.connection_id for order in known.values()})
    place_of = {
        share_id: (
            order.connection_id,
            flow_of_orders(connections[order.connection_id].platform),
            order.external_id,
        )
        for share_id, order in orders.items()
    }
    found = {one.thing: one for one in _read_together(merchant_id, set(place_of.values()))}
    errors = {}
    for share_id, order in orders.items():
        ended = found[place_of[share_id]]
        if ended.error is not None:
            errors[share_id] = ended.error
        elif ended.answered().item is None:
            # Gone at the source, and nobody told us: what it sold must not leave.
            with scope.merchant(merchant_id):
                mark_deleted(
                    merchant_id,
                    account=order.account,
                    external_id=order.external_id,
                    at=clock.now(),
                )
    return errors


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
