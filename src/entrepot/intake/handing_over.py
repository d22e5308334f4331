"""Orders that people, programs and files hand over: messages in the inbox, like all others."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.db.models import QuerySet

from entrepot.access.models import Merchant
from entrepot.canon.money import Money, NotMoney
from entrepot.canon.orders import Mode, OrderSnapshot
from entrepot.connect import registry
from entrepot.connect.ports import InboundMessage
from entrepot.connections import queries, services
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.database import clock, sql
from entrepot.inbox import services as inbox
from entrepot.inbox.states import Source
from entrepot.inbox.storing import Incoming
from entrepot.intake import soundness
from entrepot.intake.new_orders import NewOrder
from entrepot.orders.models import Order
from entrepot.orders.rows import content_hash

PLATFORM = "direct"
TOPIC = "order"
NAME = "Orders by hand and by program"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What was placed before is history; an order that is typed in a little late is not.
LIVE_FROM = timedelta(days=30)
# Two first orders at the same moment make one connection.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class NotAnOrder(ValueError):
    """What was given cannot be applied as an order; the message says why."""


class StoreRemoved(Exception):
    """The store is archived, or none of these: what is handed over would go nowhere."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was removed: add a connection of {PLATFORM} again first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was stored; the order is there once its message is applied, mostly within a second."""

    message_id: int
    external_id: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What would happen if an order were handed over now.

    `known` is the order of that identity that is there already, `is_same` that it says just this.
    Without `total` it cannot be taken, and `problem` says why.
    """

    order: NewOrder
    known: Order | None = None
    is_same: bool = False
    total: Money | None = None
    problem: str = ""


def hand_over(
    merchant_id: int,
    orders: Sequence[NewOrder],
    *,
    mode: Mode,
    store_id: int | None = None,
    saying: str = "",
) -> list[Taken]:
    """Store orders as messages, all or none, in the open scope; the answer is in their order.

    Without `store_id` the merchant's own store takes them, made with its first order. The last word
    about an order wins. `saying` names one act of a person, so that a form which is sent twice is
    one word; without it each call is a word of its own, also the one that takes an earlier word
    back.

    Raises:
        NotAnOrder: one of them cannot be applied.
        StoreRemoved: the merchant took the store away on purpose, or it is no such store.
    """
    connection = _open_store(merchant_id, mode, store_id)
    now = clock.now()
    known = _known(connection, orders)
    bodies = [_body(order, known.get(order.external_id), now) for order in orders]
    for body in bodies:
        _read(body, connection, now)
    stored = inbox.store(
        [
            Incoming(
                merchant_id=merchant_id,
                connection_id=connection.id,
                mode=mode,
                source=Source.WEBHOOK,
                topic=TOPIC,
                body=body,
                dedupe_key=f"{saying}:{order.external_id}" if saying else uuid.uuid4().hex,
            )
            for order, body in zip(orders, bodies, strict=True)
        ]
    )
    return [
        Taken(
            message_id=one.message_id,
            external_id=order.external_id,
            number=order.number or order.external_id,
        )
        for order, one in zip(orders, stored, strict=True)
    ]


def outlooks(merchant_id: int, orders: Sequence[NewOrder], *, mode: Mode) -> list[Outlook]:
    """What the merchant's own store would do with orders, each by itself; changes nothing.

    Raises:
        StoreRemoved: the merchant took the store away on purpose.
    """
    connection = own_store(merchant_id, mode) or Connection(
        merchant_id=merchant_id,
        platform=PLATFORM,
        mode=mode,
        account=_account(merchant_id),
        settings={},
    )
    if connection.status == Status.ARCHIVED:
        raise StoreRemoved(str(connection))
    known = _known(connection, orders)
    return [_outlook(order, known.get(order.external_id), connection) for order in orders]


def own_store(merchant_id: int, mode: Mode) -> Connection | None:
    """The merchant's own store of a mode, archived or not; None before its first order."""
    return _stores(merchant_id, mode).filter(account=_account(merchant_id)).first()


def further_stores(merchant_id: int, mode: Mode) -> list[Connection]:
    """What orders can be handed over to beside the merchant's own store."""
    rows = _stores(merchant_id, mode).exclude(account=_account(merchant_id))
    return list(rows.exclude(status=Status.ARCHIVED).order_by("name", "id"))


def order_numbered(store: Connection, number: str) -> Order | None:
    """The newest order of that number in a store."""
    rows = Order.objects.filter(connection_id=store.id, mode=store.mode, number=number)
    return rows.order_by("-id").first()


def _stores(merchant_id: int, mode: Mode) -> QuerySet[Connection]:
    return Connection.objects.filter(merchant_id=merchant_id, platform=PLATFORM, mode=mode)


def _open_store(merchant_id: int, mode: Mode, store_id: int | None) -> Connection:
    if store_id is None:
        return _made_store(merchant_id, mode)
    store = _stores(merchant_id, mode).filter(id=store_id).first()
    if store is None or store.status == Status.ARCHIVED:
        raise StoreRemoved(str(store or f"store {store_id}"))
    return store


def _outlook(order: NewOrder, known: Order | None, connection: Connection) -> Outlook:
    at = clock.now() if known is None else EPOCH + timedelta(microseconds=known.source_version)
    try:
        snapshot, encoded = _read(_body(order, known, at), connection, at)
    except NotAnOrder as error:
        return Outlook(order=order, known=known, problem=str(error))
    return Outlook(
        order=order,
        known=known,
        # As if it had been said when the order was: the version is that instant.
        is_same=known is not None and known.source_hash == content_hash(snapshot, encoded=encoded),
        total=snapshot.totals.total,
    )


def _account(merchant_id: int) -> str:
    return services.account_name(PLATFORM, Merchant.objects.get(id=merchant_id).code)


def _made_store(merchant_id: int, mode: Mode) -> Connection:
    """The merchant's own storefront of that mode, made and live with its first order."""
    merchant = Merchant.objects.get(id=merchant_id)
    account = services.account_name(PLATFORM, merchant.code)
    sql.run(_ONE_AT_A_TIME, [f"{merchant.id}:{account}"])
    known = services.of_account(merchant.id, PLATFORM, mode=mode, account=account)
    if known is not None and known.status == Status.ARCHIVED:
        raise StoreRemoved(str(known))
    if known is not None:
        return known
    made = services.add_connection(
        merchant.id, platform=PLATFORM, mode=mode, name=NAME, settings={}, identity=merchant.code
    )
    return services.go_live(
        made.id,
        merchant_id=merchant.id,
        since=clock.now() - LIVE_FROM,
        reason="the first order was handed over",
    )


def _known(connection: Connection, orders: Sequence[NewOrder]) -> dict[str, Order]:
    rows = Order.objects.filter(
        merchant_id=connection.merchant_id,
        account=connection.account or f"{PLATFORM}:connection-{connection.id}",
        mode=connection.mode,
        external_id__in=[order.external_id for order in orders],
    )
    return {row.external_id: row for row in rows}


def _body(order: NewOrder, known: Order | None, now: datetime) -> bytes:
    """The order as the store's own format; one that is changed was placed when it was."""
    content: dict[str, Any] = order.model_dump(mode="json", exclude_none=True)
    content.setdefault("placed_at", (known.placed_at if known else now).isoformat())
    return msgspec.json.encode(content)


def _read(body: bytes, connection: Connection, now: datetime) -> tuple[OrderSnapshot, bytes]:
    """Read it as the intake will, so that what cannot be applied is refused here and now.

    Raises:
        NotAnOrder: with what is wrong.
    """
    message = InboundMessage(source=Source.WEBHOOK, topic=TOPIC, body=body, received_at=now)
    account = queries.account_with(connection, {})
    try:
        (snapshot,) = registry.platform(PLATFORM).webhook.normalize(message, account)
        assert isinstance(snapshot, OrderSnapshot)
        for money in (snapshot.totals.total, *(line.unit_price for line in snapshot.lines)):
            assert isinstance(money.minor, int)
        return snapshot, soundness.check(snapshot)
    except (NotMoney, ValueError) as error:
        raise NotAnOrder(str(error)) from error
