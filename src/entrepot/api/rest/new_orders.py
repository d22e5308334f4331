"""Orders that a program or a CSV file hands over: messages in the inbox, like all others."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from django.utils import timezone
from ninja import Schema
from pydantic import Field, ValidationError

from entrepot.access.models import Merchant
from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import Problem, invalid
from entrepot.api.operations import operation
from entrepot.api.rest.moments import Moment
from entrepot.api.rest.orders import router
from entrepot.api.rest.shapes import AddressShape, Amount, Currency, Text, Word
from entrepot.api.spreadsheet import CSV, read_csv
from entrepot.canon.money import NotMoney
from entrepot.canon.orders import Mode, OrderSnapshot
from entrepot.connect import registry
from entrepot.connect.ports import InboundMessage
from entrepot.connections import queries, services
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.database import sql
from entrepot.inbox import services as inbox
from entrepot.inbox.states import Source
from entrepot.inbox.storing import Incoming
from entrepot.intake.understanding import NotUnderstood, check_totals

PLATFORM = "direct"
TOPIC = "order"
# What was placed before is history; an order that is typed in a little late is not.
LIVE_FROM = timedelta(days=30)
MOST_LINES = 500
# Two first orders at the same moment make one connection.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class NewCustomer(Schema):
    """Who bought. `language` is a BCP 47 tag; mails are written in it."""

    email: Annotated[Word, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    name: Word = ""
    phone: Word = ""
    company: Word = ""
    language: Annotated[str, Field(pattern=r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$")] = ""


class NewShipping(Schema):
    """What the customer chose and pays; `method` is mapped to each provider's word."""

    method: Word = ""
    title: Word = ""
    price: Amount = "0"


class NewLine(Schema):
    """A line; without `total` it is the unit price times the quantity."""

    sku: Annotated[Word, Field(min_length=1)]
    title: Word
    quantity: Annotated[int, Field(ge=1, le=1_000_000)]
    unit_price: Amount
    external_id: Word = ""
    total: Amount | None = None
    is_shippable: bool | None = None
    weight_g: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    image_url: Word = ""
    properties: Annotated[dict[Word, Text], Field(max_length=50)] = {}


class NewFee(Schema):
    """An amount beside goods and shipping; may be negative."""

    title: Word
    amount: Amount


class NewTax(Schema):
    """A tax of the whole order, never recomputed. `rate` is a fraction of one."""

    name: Word
    amount: Amount
    rate: Annotated[str, Field(pattern=r"^[0-9](\.[0-9]{1,6})?$")] | None = None
    is_included: bool = True


class NewOrder(Schema):
    """An order that no storefront tells.

    `external_id` is the caller's own name for it, and its identity for ever: the same one again
    changes the order, and a line that is left out is cancelled. Without `total` the parts make it.
    """

    external_id: Annotated[Word, Field(min_length=1, max_length=120)]
    number: Annotated[Word, Field(max_length=120)] = ""
    currency: Currency
    placed_at: Moment | None = None
    state: Literal["awaiting", "on_hold", "processing", "completed", "cancelled"] = "processing"
    payment: Literal["paid", "unpaid", "on_terms", "not_required"]
    paid_at: Moment | None = None
    transaction_id: Word = ""
    payment_title: Word = ""
    customer: NewCustomer = NewCustomer()
    shipping_address: AddressShape
    billing_address: AddressShape = AddressShape()
    shipping: NewShipping = NewShipping()
    lines: Annotated[list[NewLine], Field(min_length=1, max_length=MOST_LINES)]
    fees: Annotated[list[NewFee], Field(max_length=50)] = []
    taxes: Annotated[list[NewTax], Field(max_length=50)] = []
    prices_include_tax: bool = True
    total: Amount | None = None
    note: Text = ""
    channel: Word = ""


class Taken(Schema):
    """What was stored; the order is there once its message is applied, mostly within a second."""

    message_id: int
    external_id: str
    order: str


class AllTaken(Schema):
    """What was stored of a file."""

    orders: int
    data: list[Taken]


@operation(
    router,
    "POST",
    "/orders",
    scope="orders:write",
    answers=Taken,
    status=202,
    summary="Hand an order over",
)
def create_order(request: ApiRequest, asked: NewOrder) -> Taken:
    """Stored as a message and applied like every other: `GET /inbox/{message_id}` says how it went.

    `order` is where it will be found.
    """
    (taken,) = _hand_over(request.auth, [asked])
    return taken


COLUMNS = (
    "external_id", "number", "placed_at", "currency", "payment", "state", "email", "name",
    "company", "line1", "line2", "city", "region", "postal_code", "country", "phone", "language",
    "shipping_method", "shipping_title", "shipping_price", "total", "note", "sku", "title",
    "quantity", "unit_price", "line_total",
)  # fmt: skip
NEEDED = ("external_id", "currency", "payment", "sku", "title", "quantity", "unit_price")
OF_LINES = ("sku", "title", "quantity", "unit_price", "line_total")


@operation(
    router,
    "POST",
    "/order-imports",
    scope="orders:write",
    answers=AllTaken,
    status=202,
    takes=CSV,
    summary="Hand orders over as CSV",
)
def import_orders(request: ApiRequest) -> AllTaken:
    """One row per line, UTF-8; rows of the same `external_id` are one order. All or nothing.

    Needed columns: external_id, currency, payment, sku, title, quantity, unit_price. Further ones:
    number, placed_at, state, email, name, company, line1, line2, city, region, postal_code,
    country, phone, language, shipping_method, shipping_title, shipping_price, total, note,
    line_total. What is about the order stands in its first row, and may be repeated or left empty
    in the others.
    """
    rows = read_csv(request.body, needed=NEEDED, known=COLUMNS)
    if not rows:
        raise invalid("the file has no rows")
    taken = _hand_over(request.auth, _orders_of(rows))
    return AllTaken.model_construct(orders=len(taken), data=taken)


def _hand_over(caller: Caller, orders: Sequence[NewOrder]) -> list[Taken]:
    connection = _connection(caller)
    now = timezone.now()
    bodies = [_body(order, now) for order in orders]
    for body in bodies:
        _check(body, connection, now)
    stored = inbox.store(
        [
            Incoming(
                merchant_id=caller.merchant_id,
                connection_id=connection.id,
                mode=caller.mode,
                source=Source.WEBHOOK,
                topic=TOPIC,
                body=body,
                # Each word counts, also the one that takes an earlier word back.
                dedupe_key=uuid.uuid4().hex,
            )
            for body in bodies
        ]
    )
    return [
        Taken.model_construct(
            message_id=one.message_id,
            external_id=order.external_id,
            order=f"/api/v1/orders/number:{order.number or order.external_id}",
        )
        for order, one in zip(orders, stored, strict=True)
    ]


def _connection(caller: Caller) -> Connection:
    """The merchant's own storefront of that mode, made and live with its first order."""
    merchant = Merchant.objects.get(id=caller.merchant_id)
    account = services.account_name(PLATFORM, merchant.code)
    sql.run(_ONE_AT_A_TIME, [f"{merchant.id}:{account}"])
    known = services.of_account(merchant.id, PLATFORM, Mode(caller.mode), account)
    if known is not None and known.status == Status.ARCHIVED:
        raise Problem(409, f"{known} was removed: add a connection of {PLATFORM} again first")
    if known is not None:
        return known
    made = services.add_connection(
        merchant.id,
        platform=PLATFORM,
        mode=Mode(caller.mode),
        name="Orders by hand and by program",
        settings={},
        identity=merchant.code,
    )
    return services.go_live(
        made.id,
        merchant_id=merchant.id,
        since=timezone.now() - LIVE_FROM,
        reason="the first order was handed over",
    )


def _body(order: NewOrder, now: datetime) -> bytes:
    content: dict[str, Any] = order.model_dump(mode="json", exclude_none=True)
    content.setdefault("placed_at", now.isoformat())
    return msgspec.json.encode(content)


def _check(body: bytes, connection: Connection, now: datetime) -> None:
    """Read it as the intake will, so that what cannot be applied is refused here and now."""
    message = InboundMessage(source=Source.WEBHOOK, topic=TOPIC, body=body, received_at=now)
    account = queries.account_with(connection, {})
    try:
        (snapshot,) = registry.platform(PLATFORM).webhook.normalize(message, account)
        assert isinstance(snapshot, OrderSnapshot)
        check_totals(snapshot)
        for money in (snapshot.totals.total, *(line.unit_price for line in snapshot.lines)):
            assert isinstance(money.minor, int)
    except (NotUnderstood, NotMoney, ValueError) as error:
        raise invalid(str(error)) from error


def _orders_of(rows: Iterable[tuple[int, dict[str, str]]]) -> list[NewOrder]:
    by_id: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for number, row in rows:
        if not row["external_id"]:
            raise invalid(f"line {number}: external_id is empty")
        by_id.setdefault(row["external_id"], []).append((number, row))
    return [_order(group) for group in by_id.values()]


def _order(group: list[tuple[int, dict[str, str]]]) -> NewOrder:
    number, first = group[0]
    for other_number, other in group[1:]:
        for name, value in other.items():
            if name not in OF_LINES and value and value != first.get(name, ""):
                raise invalid(f"line {other_number}: {name} differs from line {number}")
    told = {name: value for name, value in first.items() if value}
    plain = ("external_id", "number", "placed_at", "currency", "payment", "state", "total", "note")
    content: dict[str, Any] = {name: told[name] for name in plain if name in told}
    content["customer"] = _part(
        told, email="email", name="name", phone="phone", language="language"
    )
    places = ("name", "company", "line1", "line2", "city", "region", "postal_code", "country")
    content["shipping_address"] = _part(told, phone="phone", **{name: name for name in places})
    content["shipping"] = _part(
        told, method="shipping_method", title="shipping_title", price="shipping_price"
    )
    content["lines"] = [_line(row) for _, row in group]
    try:
        return NewOrder.model_validate(content)
    except ValidationError as error:
        fault = error.errors()[0]
        place = [str(part) for part in fault["loc"]]
        at = group[int(place[1])][0] if place[:1] == ["lines"] and len(place) > 1 else number
        raise invalid(f"line {at}: {place[-1]}: {fault['msg']}") from error


def _part(told: dict[str, str], **names: str) -> dict[str, str]:
    return {ours: told[theirs] for ours, theirs in names.items() if theirs in told}


def _line(row: dict[str, str]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if value}
    return _part(
        told, sku="sku", title="title", quantity="quantity", unit_price="unit_price",
        total="line_total",
    )  # fmt: skip
