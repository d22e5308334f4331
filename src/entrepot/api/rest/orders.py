"""Orders: lists, one of them, what happened to it, what its customer was told."""

from typing import Annotated

from django.db.models import BooleanField, Exists, F, Func, OuterRef, QuerySet, Value
from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import invalid
from entrepot.api.finding import found_order, orders_of
from entrepot.api.operations import operation
from entrepot.api.paging import (
    Id,
    Listed,
    Paged,
    cursor_of,
    cut,
    id_before,
    instant_before,
    page_of,
)
from entrepot.api.rest import order_reading
from entrepot.api.rest.order_parts import fulfillment_orders_of, shaped
from entrepot.api.rest.order_shapes import (
    EventShape,
    FulfillmentOrderShape,
    MailShape,
    OrderRow,
    OrderShape,
)
from entrepot.api.spreadsheet import CSV, EXPORTED
from entrepot.canon.payments import REFUND_KINDS, refund_ids
from entrepot.customers.models import Customer
from entrepot.customers.services import email_hash
from entrepot.fulfillment.models import FulfillmentOrder
from entrepot.intake.given import Moment, Word
from entrepot.intake.tables import as_csv
from entrepot.notifications.queries import mails_of_order
from entrepot.orders.models import Hold, Line, Order, SearchTerm, Tag
from entrepot.orders.search import kinds_for, terms_of
from entrepot.orders.states import FulfillmentStatus, HoldKind, OrderStatus, PaymentStatus
from entrepot.payments.models import PaymentEntry

router = Router(tags=["orders"])


class OrderFilter(Paged):
    """Which orders: every filter given applies. `sku` may end in `*`; `find` is any identifier."""

    status: OrderStatus | None = None
    payment_status: PaymentStatus | None = None
    fulfillment_status: FulfillmentStatus | None = None
    is_held: bool | None = None
    hold: HoldKind | None = None
    connection_id: Id | None = None
    provider_id: Id | None = None
    sku: Word = ""
    tag: Word = ""
    currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = ""
    find: Word = ""
    email: Word = ""
    placed_from: Moment | None = None
    placed_to: Moment | None = None
    updated_since: Moment | None = None


@operation(
    router,
    "GET",
    path="/orders",
    scope="orders:read",
    answers=Listed[OrderRow],
    summary="List orders",
)
def list_orders(request: ApiRequest, asked: Query[OrderFilter]) -> Listed[OrderRow]:
    """Orders, the newest first. Live keys see live orders, test keys test orders."""
    found, follows = _page(request.auth, asked, limit=asked.limit)
    return Listed[OrderRow].model_construct(
        data=order_reading.rows_of(found, request.auth), next=follows
    )


@operation(
    router,
    "GET",
    path="/orders.csv",
    scope="orders:read",
    answers=str,
    media=CSV,
    summary="Export orders as CSV",
)
def export_orders(request: ApiRequest, asked: Query[OrderFilter]) -> HttpResponse:
    """The same list as CSV, at most 10,000 orders; safe to open in a spreadsheet."""
    found, _ = _page(request.auth, asked, limit=EXPORTED)
    head = (
        "id", "number", "external_id", "placed_at", "status", "payment_status",
        "fulfillment_status", "is_held", "total", "currency", "units", "country",
        "customer_name", "tags",
    )  # fmt: skip
    return as_csv(
        "orders",
        head,
        rows=(
            (
                row.id,
                row.number,
                row.external_id,
                row.placed_at.isoformat(),
                row.status,
                row.payment_status,
                row.fulfillment_status,
                row.is_held,
                row.total.amount,
                row.total.currency,
                row.units.ordered,
                row.country,
                row.customer_name or "",
                " ".join(row.tags),
            )
            for row in order_reading.rows_of(found, request.auth)
        ),
    )


@operation(
    router,
    "GET",
    path="/orders/{key}",
    scope="orders:read",
    answers=OrderShape,
    summary="Read an order",
)
def get_order(request: ApiRequest, key: str) -> OrderShape:
    """One order by reference, number or integer.

    Where one order has a text as its number and another as its integer, the answer is 409: say
    `id:17` or `number:17`.
    """
    return order_reading.order_of(found_order(request.auth, key), request.auth)


@operation(
    router,
    "GET",
    path="/orders/{key}/events",
    scope="orders:read",
    answers=Listed[EventShape],
    summary="Read an order's timeline",
)
def list_order_events(request: ApiRequest, key: str, paged: Query[Paged]) -> Listed[EventShape]:
    """What happened, the newest first, with who or what caused it."""
    order = found_order(request.auth, key)
    events = order_reading.events_of(order.id, before=id_before(paged), limit=paged.limit + 1)
    shown, follows = cut(events, paged.limit, cursor=lambda event: cursor_of(event.id))
    return Listed[EventShape].model_construct(
        data=[order_reading.event_shape(event) for event in shown], next=follows
    )


@operation(
    router,
    "GET",
    path="/orders/{key}/mails",
    scope="notifications:read",
    answers=Listed[MailShape],
    summary="List an order's mails",
)
def list_order_mails(request: ApiRequest, key: str, paged: Query[Paged]) -> Listed[MailShape]:
    """What the customer was told, and what not and why."""
    order = found_order(request.auth, key)
    mails, follows = page_of(mails_of_order(request.auth.merchant_id, order.id), paged)
    return Listed[MailShape].model_construct(
        data=[shaped(MailShape, mail) for mail in mails], next=follows
    )


@operation(
    router,
    "GET",
    path="/orders/{key}/fulfillment-orders",
    scope="orders:read",
    answers=Listed[FulfillmentOrderShape],
    summary="List an order's fulfillment orders",
)
def list_fulfillment_orders(request: ApiRequest, key: str) -> Listed[FulfillmentOrderShape]:
    """Shares, what has left of them, and where the parcels are."""
    order = found_order(request.auth, key)
    return Listed[FulfillmentOrderShape].model_construct(
        data=fulfillment_orders_of(order), next=None
    )


def _page(caller: Caller, asked: OrderFilter, *, limit: int) -> tuple[list[Order], str | None]:
    rows = _filtered(orders_of(caller), caller, asked)
    before = instant_before(asked)
    if before is not None:
        at, row_id = before
        # By orders_recent: a comparison of both columns at once walks the index.
        rows = rows.filter(placed_at__lte=at).exclude(placed_at=at, id__gte=row_id)
    found = list(rows.order_by("-placed_at", "-id")[: limit + 1])
    return cut(found, limit, cursor=lambda order: cursor_of(order.placed_at, order.id))


def _filtered(rows: QuerySet[Order], caller: Caller, asked: OrderFilter) -> QuerySet[Order]:
    same = {
        "status": asked.status,
        "payment_status": asked.payment_status,
        "fulfillment_status": asked.fulfillment_status,
        "connection_id": asked.connection_id,
        "currency": asked.currency,
        "placed_at__gte": asked.placed_from,
        "placed_at__lt": asked.placed_to,
        "updated_at__gte": asked.updated_since,
    }
    rows = rows.filter(**{name: value for name, value in same.items() if value not in (None, "")})
    if asked.is_held is not None:
        rows = rows.filter(open_holds__gt=0) if asked.is_held else rows.filter(open_holds=0)
    mine = {"order_id": OuterRef("pk")}
    if asked.hold:
        rows = rows.filter(Exists(Hold.objects.filter(**mine, kind=asked.hold, lifted_at=None)))
    if asked.provider_id:
        shares = FulfillmentOrder.objects.filter(**mine, connection_id=asked.provider_id)
        rows = rows.filter(Exists(shares.exclude(status="cancelled")))
    if asked.sku:
        rows = rows.filter(Exists(_with_sku(asked.sku).filter(**mine)))
    if asked.tag:
        rows = rows.filter(Exists(Tag.objects.filter(**mine, word=asked.tag)))
    if asked.find:
        terms = SearchTerm.objects.filter(
            merchant_id=caller.merchant_id,
            kind__in=kinds_for(sees_people=caller.sees_people),
            term__in=terms_of(asked.find),
        )
        refunds = PaymentEntry.objects.filter(
            merchant_id=caller.merchant_id,
            kind__in=REFUND_KINDS,
            external_id__in=refund_ids(asked.find),
            order_id__isnull=False,
        )
        # Together, for an OR of both would read every order.
        found = terms.values("object_id").union(refunds.values("order_id"))
        rows = rows.filter(id__in=found)
    if asked.email:
        rows = rows.filter(customer_id__in=_customers(caller, asked.email))
    return rows


def _with_sku(sku: str) -> QuerySet[Line]:
    if sku.endswith("*"):
        # Under row-level security ^@ may use the index, LIKE may not.
        return Line.objects.filter(
            Func(
                F("sku"),
                Value(sku.rstrip("*")),
                template="%(expressions)s",
                arg_joiner=" ^@ ",
                output_field=BooleanField(),
            )
        )
    return Line.objects.filter(sku=sku)


def _customers(caller: Caller, email: str) -> QuerySet[Customer, int]:
    """Whose address that is; asking by address needs the right to see addresses."""
    caller.needs("personal_data:read")
    if "@" not in email:
        raise invalid("email: this is not an e-mail address")
    return Customer.objects.filter(
        merchant_id=caller.merchant_id, identity=f"email:{email_hash(email)}"
    ).values_list("id", flat=True)
