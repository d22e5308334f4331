"""Checkouts of the hub's own: a cart is snapshotted, then a payment page is opened for it."""

import hashlib
from datetime import datetime, timedelta
from typing import Annotated

from django.conf import settings
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import AfterValidator, Field

from entrepot.access import scope as access_scope
from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import Problem, invalid, not_found
from entrepot.api.idempotency import HEADER
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Listed, Paged, page_of
from entrepot.api.rest.shapes import Body, MoneyShape
from entrepot.canon.money import Money, NotMoney
from entrepot.canon.payments import CheckoutLine, CheckoutRequest, CheckoutSession, CheckoutShipping
from entrepot.connect.errors import ConnectorError, Misconfigured, OutcomeUnknown
from entrepot.connect.ports import OpensCheckouts
from entrepot.connections import doors, faults, queries
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.intake.given import Amount, Currency, Moment, Word
from entrepot.orders.models import Order
from entrepot.payments import checkouts
from entrepot.payments.models import Checkout
from entrepot.payments.states import CheckoutStatus
from entrepot.tasks.calls import outside_transaction

router = Router(tags=["checkout"])
MOST_LINES = 100


def _web_address(url: str) -> str:
    if not url.startswith("https://") and not settings.ALLOW_PRIVATE_ADDRESSES:
        raise ValueError("must begin with https://")
    if not url.startswith(("https://", "http://")):
        raise ValueError("must be a web address")
    return url


Address = Annotated[Word, Field(max_length=300), AfterValidator(_web_address)]


class CartLine(Body):
    """A position of the cart, at the price that the customer sees."""

    sku: Annotated[Word, Field(min_length=1)]
    title: Annotated[Word, Field(min_length=1)]
    quantity: Annotated[int, Field(ge=1, le=10_000)]
    unit_price: Amount
    is_shippable: bool = True
    image_url: Word = ""


class CartShipping(Body):
    """A delivery that the customer may choose on the page; `code` is mapped to providers."""

    code: Annotated[Word, Field(min_length=1)]
    title: Annotated[Word, Field(min_length=1)]
    price: Amount


class Cart(Body):
    """What is to be sold. `cart_id` is the shop's own: a second paid page of it holds its order."""

    connection_id: Id | None = None
    currency: Currency
    lines: Annotated[list[CartLine], Field(min_length=1, max_length=MOST_LINES)]
    shipping_options: Annotated[list[CartShipping], Field(max_length=5)] = []
    discount: Amount | None = None
    allowed_countries: Annotated[
        list[Annotated[str, Field(pattern="^[A-Z]{2}$")]], Field(max_length=250)
    ] = []
    email: Annotated[Word, Field(pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    success_url: Address
    cancel_url: Address
    expires_at: Moment | None = None
    cart_id: Word = ""


class CheckoutShape(Schema):
    """A checkout. `reference` rides along with every fact about it; `order` is null until sold."""

    reference: str
    status: str
    url: str
    connection_id: int
    external_id: str
    goods: MoneyShape
    created_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    order: str | None


@operation(
    router,
    "POST",
    path="/checkout/sessions",
    scope="checkout:write",
    answers=CheckoutShape,
    status=201,
    summary="Open a payment page for a cart",
    calls_outside=True,
)
def open_checkout(request: ApiRequest, asked: Cart) -> CheckoutShape:
    """The cart is kept first, so that the order is made of it and not of what comes back.

    Send an Idempotency-Key: whoever repeats the request, also after a crash, gets the same page.
    """
    caller = request.auth
    reference = _reference(request)
    with access_scope.merchant(caller.merchant_id):
        connection = _gateway(caller, asked.connection_id)
        checkout = checkouts.snapshot_cart(
            caller.merchant_id,
            connection.id,
            request=_requested(asked, reference),
            cart_key=asked.cart_id,
        )
    if checkout.status == CheckoutStatus.OPENING:
        checkout = _opened(caller, checkout, asked)
    with access_scope.merchant(caller.merchant_id):
        return _shapes([Checkout.objects.get(id=checkout.id)])[0]


class CheckoutFilter(Paged):
    """Which checkouts."""

    status: CheckoutStatus | None = None


@operation(
    router,
    "GET",
    path="/checkout/sessions",
    scope="checkout:write",
    answers=Listed[CheckoutShape],
    summary="List checkouts",
)
def list_checkouts(request: ApiRequest, asked: Query[CheckoutFilter]) -> Listed[CheckoutShape]:
    """Carts that were sent to a payment page, the newest first."""
    caller = request.auth
    rows = Checkout.objects.filter(merchant_id=caller.merchant_id, mode=caller.mode)
    if asked.status is not None:
        rows = rows.filter(status=asked.status)
    found, follows = page_of(rows, asked)
    return Listed[CheckoutShape].model_construct(data=_shapes(found), next=follows)


@operation(
    router,
    "GET",
    path="/checkout/sessions/{reference}",
    scope="checkout:write",
    answers=CheckoutShape,
    summary="Read a checkout",
)
def get_checkout(request: ApiRequest, reference: str) -> CheckoutShape:
    """Where a cart stands."""
    caller = request.auth
    checkout = Checkout.objects.filter(
        merchant_id=caller.merchant_id, mode=caller.mode, reference=reference
    ).first()
    if checkout is None:
        raise not_found(f"checkout {reference[:100]!r}")
    return _shapes([checkout])[0]


def _reference(request: ApiRequest) -> str:
    """The same key names the same checkout: repeating after a crash opens no second page."""
    key = request.headers.get(HEADER, "").strip()
    caller = request.auth
    if not key:
        return checkouts.new_reference(caller.merchant_id)
    whole = f"{caller.merchant_id}/{caller.mode}/{key}"
    name = hashlib.sha256(whole.encode()).hexdigest()[: checkouts.NAME_DIGITS]
    return checkouts.sealed_reference(caller.merchant_id, name)


def _gateway(caller: Caller, connection_id: int | None) -> Connection:
    """The connection that is named, or the only one there is."""
    able = [
        connection
        for connection in queries.live_connections(capability="checkout")
        if connection.mode == caller.mode and connection_id in {None, connection.id}
    ]
    if connection_id is not None and not able:
        raise invalid(f"connection_id: {connection_id} is no {caller.mode} payment gateway here")
    usable = [connection for connection in able if connection.status == Status.LIVE]
    if not usable:
        why = f"{able[0].name} is {able[0].status}" if able else "none is connected"
        raise Problem(409, f"no payment gateway can be used in {caller.mode} mode: {why}")
    if len(usable) > 1:
        raise invalid("connection_id: there are several payment gateways, say which one")
    return usable[0]


def _requested(asked: Cart, reference: str) -> CheckoutRequest:
    currency = asked.currency

    def money(place: str, text: str) -> Money:
        value = Money.of(text, currency)
        if value < Money.zero(currency):
            raise invalid(f"{place}: must not be negative")
        try:
            assert isinstance(value.minor, int)
        except NotMoney as error:
            raise invalid(f"{place}: {error}") from error
        return value

    if asked.expires_at is not None and asked.expires_at < timezone.now() + timedelta(minutes=1):
        raise invalid("expires_at: this is in the past")
    return CheckoutRequest(
        reference=reference,
        idempotency_key=reference,
        currency=currency,
        success_url=asked.success_url,
        cancel_url=asked.cancel_url,
        email=asked.email,
        allowed_countries=tuple(asked.allowed_countries),
        discount=money("discount", asked.discount) if asked.discount else None,
        expires_at=asked.expires_at,
        lines=tuple(
            CheckoutLine(
                sku=line.sku,
                title=line.title,
                quantity=line.quantity,
                unit_price=money(f"lines.{number}.unit_price", line.unit_price),
                is_shippable=line.is_shippable,
                image_url=line.image_url,
            )
            for number, line in enumerate(asked.lines)
        ),
        shipping_options=tuple(
            CheckoutShipping(
                code=option.code,
                title=option.title,
                price=money(f"shipping_options.{number}.price", option.price),
            )
            for number, option in enumerate(asked.shipping_options)
        ),
    )


def _opened(caller: Caller, checkout: Checkout, asked: Cart) -> Checkout:
    """Ask the gateway for the page, outside any transaction; a second time it answers the same.

    A key whose answer was a fault stays at fault for a day, whether the page was opened or not:
    therefore a page whose answer nobody can trust is looked up at once.
    """
    wanted = checkouts.request_of(
        checkout, success_url=asked.success_url, cancel_url=asked.cancel_url
    )
    client = doors.client(checkout.connection_id, priority="people")
    assert isinstance(client, OpensCheckouts)
    try:
        with outside_transaction():
            session = _page(client, wanted)
    except Misconfigured as error:
        faults.refuse_call(
            checkout.connection_id, merchant_id=caller.merchant_id, reason=str(error)
        )
        raise
    return checkouts.record_session(caller.merchant_id, checkout.id, session=session)


def _page(client: OpensCheckouts, wanted: CheckoutRequest) -> CheckoutSession:
    try:
        return client.open_checkout(wanted)
    except OutcomeUnknown as unknown:
        try:
            found = client.find_checkout(wanted)
        except ConnectorError as error:
            raise unknown from error
        if found is None:  # which proves nothing
            raise
        return found


def _shapes(rows: list[Checkout]) -> list[CheckoutShape]:
    ids = [row.order_id for row in rows if row.order_id is not None]
    references = dict(Order.objects.filter(id__in=ids).values_list("id", "reference"))
    return [
        CheckoutShape.model_construct(
            reference=row.reference,
            status=row.status,
            url=row.url,
            connection_id=row.connection_id,
            external_id=row.external_id,
            goods=MoneyShape.of(row.total, row.currency),
            created_at=row.created_at,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            order=references.get(row.order_id) if row.order_id is not None else None,
        )
        for row in rows
    ]
