"""`/api/orders/management` and `/api/orders/{id}/status`: the documented order management."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone
from ninja import Query, Router, Schema

from entrepot.access.models import Merchant
from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.customer_tokens import KeyOrCustomer
from entrepot.api.errors import Problem, invalid
from entrepot.api.finding import found_order, orders_of
from entrepot.api.interfaces import words
from entrepot.api.interfaces.bodies import OrderUpdate
from entrepot.api.interfaces.dropship import shares_of
from entrepot.api.interfaces.shapes import (
    DropshipRow,
    HistoryRow,
    ItemRow,
    LogRow,
    ManagedOrderRow,
    TrackingRow,
    dropship_rows,
    history_rows,
    item_rows,
    log_rows,
    order_rows,
    tracking_rows,
)
from entrepot.api.operations import operation
from entrepot.api.paging import Paged, cursor_of, cut, instant_before
from entrepot.canon.tracking import ParcelStatus
from entrepot.customers.models import Customer
from entrepot.customers.services import email_hash
from entrepot.events.models import Event
from entrepot.fulfillment import shipping
from entrepot.fulfillment.models import FulfillmentOrder, Parcel
from entrepot.fulfillment.shipping import Leaving
from entrepot.fulfillment.states import Status
from entrepot.fulfillment.tracking import move_parcel
from entrepot.intake.given import Moment, Word
from entrepot.orders import services
from entrepot.orders.models import Order, SearchTerm
from entrepot.orders.search import kinds_for, terms_of
from entrepot.tasks import going_on, queue

router = Router(tags=["documented"])
# Each action in its usual spellings.
ACTIONS = {
    "refresh": "refresh",
    "refresh_status": "refresh",
    "refresh_prodigi": "refresh",
    "refresh_prodigi_status": "refresh",
    "sync": "refresh",
    "cancel": "cancel",
    "hold": "hold",
    "release": "release",
}
EVENTS_SHOWN = 200
NO_REASON = "no reason was given"


class OrderQuery(Paged):
    """Which orders: by status, by date, by customer (name, e-mail address or any identifier).

    A date without a time is that whole day, where the merchant is.
    """

    status: Word = ""
    customer: Word = ""
    search: Word = ""
    date_from: Moment | date | None = None
    date_to: Moment | date | None = None


class Pagination(Schema):
    """How the list goes on."""

    limit: int
    next_cursor: str | None
    has_more: bool


class OrderList(Schema):
    """A page of orders."""

    orders: list[ManagedOrderRow]
    pagination: Pagination


class Updated(Schema):
    """What became of an update."""

    success: bool
    message: str
    order: ManagedOrderRow


class OrderStatus(Schema):
    """An order with all that its page shows. `logs` are for operators only."""

    order: ManagedOrderRow
    items: list[ItemRow]
    status_history: list[HistoryRow]
    dropship_orders: list[DropshipRow]
    tracking: list[TrackingRow]
    logs: list[LogRow]


@operation(
    router,
    "GET",
    path="/orders/management",
    scope="orders:read",
    answers=OrderList,
    summary="List orders (admin)",
)
def list_managed_orders(request: ApiRequest, asked: Query[OrderQuery]) -> OrderList:
    """Orders by status, date and customer, the newest first."""
    rows = _filtered(request.auth, asked)
    before = instant_before(asked)
    if before is not None:
        at, row_id = before
        rows = rows.filter(placed_at__lte=at).exclude(placed_at=at, id__gte=row_id)
    found = list(rows.order_by("-placed_at", "-id")[: asked.limit + 1])
    shown, follows = cut(
        found, asked.limit, cursor=lambda order: cursor_of(order.placed_at, order.id)
    )
    return OrderList.model_construct(
        orders=order_rows(shown, request.auth),
        pagination=Pagination.model_construct(
            limit=asked.limit, next_cursor=follows, has_more=follows is not None
        ),
    )


@operation(
    router,
    "PATCH",
    path="/orders/management",
    scope="orders:write",
    answers=Updated,
    summary="Update order (admin)",
)
def update_managed_order(request: ApiRequest, asked: OrderUpdate) -> Updated:
    """Each wish becomes the fact behind it; a status that only others can know is refused."""
    caller = request.auth
    order = found_order(caller, asked.order_id)
    done = [
        *_note(caller, order, asked),
        *_track(caller, order, asked),
        *_move(caller, order, asked),
        *_act(caller, order, asked),
    ]
    if not done:
        raise invalid("nothing to do: send a status, tracking_number, notes or an action")
    order.refresh_from_db()
    (row,) = order_rows([order], caller)
    return Updated.model_construct(success=True, message="; ".join(done), order=row)


@operation(
    router,
    "GET",
    path="/orders/{key}/status",
    scope="orders:read",
    answers=OrderStatus,
    summary="Get order details",
    auth=KeyOrCustomer,
)
def get_order_status(request: ApiRequest, key: str) -> OrderStatus:
    """By integer, number or reference; a customer's token sees that customer's own only."""
    return _status(request.auth, found_order(request.auth, key))


class Refreshed(OrderStatus):
    """The order as it is known now; what is read again follows within seconds."""

    success: bool
    message: str


@operation(
    router,
    "POST",
    path="/orders/{key}/status",
    scope="orders:write",
    answers=Refreshed,
    summary="Refresh Prodigi status",
)
def refresh_order_status(request: ApiRequest, key: str) -> Refreshed:
    """Reads the order again at its storefront, its provider and its carriers; sends nothing."""
    order = found_order(request.auth, key)
    jobs = [*going_on.rereads_of(order), *going_on.questions_of(order)]
    queue.defer(jobs)
    return Refreshed.model_construct(
        **dict(_status(request.auth, order)),
        success=True,
        message=f"reading it again in {len(jobs)} places" if jobs else "there is nobody to ask",
    )


def _status(caller: Caller, order: Order) -> OrderStatus:
    events = list(Event.objects.filter(order_id=order.id).order_by("id")[:EVENTS_SHOWN])
    shares, references = shares_of(order)
    (row,) = order_rows([order], caller)
    return OrderStatus.model_construct(
        order=row,
        items=item_rows(order),
        status_history=history_rows(events, order),
        dropship_orders=[] if caller.is_customer else dropship_rows(shares, references),
        tracking=tracking_rows(order),
        logs=[] if caller.is_customer else log_rows(events),
    )


def _filtered(caller: Caller, asked: OrderQuery) -> QuerySet[Order]:
    rows = orders_of(caller)
    if asked.status:
        if asked.status not in words.ORDERS:
            raise invalid(f"status: {asked.status!r} is none of {', '.join(words.ORDERS)}")
        rows = rows.filter(words.orders_of(asked.status))
    if asked.date_from is not None:
        rows = rows.filter(placed_at__gte=_instant(asked.date_from, caller))
    if asked.date_to is not None:
        rows = rows.filter(placed_at__lt=_instant(asked.date_to, caller, is_end=True))
    customer = asked.customer or asked.search
    if "@" in customer:
        caller.needs("personal_data:read")
        identity = f"email:{email_hash(customer)}"
        people = Customer.objects.filter(merchant_id=caller.merchant_id, identity=identity)
        rows = rows.filter(customer_id__in=people.values("id"))
    elif customer:
        terms = SearchTerm.objects.filter(
            merchant_id=caller.merchant_id,
            kind__in=kinds_for(sees_people=caller.sees_people),
            term__in=terms_of(customer),
        )
        rows = rows.filter(id__in=terms.values("object_id"))
    return rows


def _instant(told: datetime | date, caller: Caller, *, is_end: bool = False) -> datetime:
    if isinstance(told, datetime):
        return told
    zone = Merchant.objects.values_list("time_zone", flat=True).get(id=caller.merchant_id)
    day = told + timedelta(days=1) if is_end else told
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(zone))


def _note(caller: Caller, order: Order, asked: OrderUpdate) -> list[str]:
    if not asked.notes:
        return []
    services.add_note(caller.merchant_id, order.id, by=caller.actor, text=asked.notes)
    return ["note kept"]


def _track(caller: Caller, order: Order, asked: OrderUpdate) -> list[str]:
    """Tracking that a person enters; of what a provider ships its own word is awaited."""
    if not asked.tracking_number:
        if asked.tracking_url or asked.carrier:
            raise invalid("tracking_number: it is missing")
        return []
    if asked.tracking_url and not asked.tracking_url.startswith(("https://", "http://")):
        raise invalid("tracking_url: must begin with https://")
    caller.needs("fulfillment:write")
    _ship(caller, order, asked, number=asked.tracking_number)
    return ["tracking recorded"]


def _ship(caller: Caller, order: Order, asked: OrderUpdate, *, number: str) -> None:
    shares = FulfillmentOrder.objects.filter(order_id=order.id, is_by_hand=True).exclude(
        status=Status.CANCELLED
    )
    if Parcel.objects.filter(order_id=order.id, tracking_number=number).exists() and number:
        return
    sent = 0
    for share in shares.prefetch_related("items").order_by("share"):
        units = {
            item.id: left
            for item in share.items.all()
            if (left := item.quantity - item.units_shipped - item.units_cancelled) > 0
        }
        if not units:
            continue
        leaving = Leaving(
            external_id=f"hand:{number or share.id}",
            carrier=asked.carrier,
            service="",
            tracking_number=number,
            tracking_url=asked.tracking_url,
            shipped_at=timezone.now(),
            units=units,
        )
        shipping.ship_by_hand(caller.merchant_id, share.id, leaving=leaving, by=caller.actor)
        sent += 1
    if not sent:
        raise Problem(
            409,
            f"nothing of {order} is left that the merchant ships: what a provider ships is told by"
            " the provider",
        )


def _move(caller: Caller, order: Order, asked: OrderUpdate) -> list[str]:
    word = asked.status
    if not word:
        return []
    if word not in words.ORDERS:
        raise invalid(f"status: {word!r} is none of {', '.join(words.ORDERS)}")
    order.refresh_from_db()
    if words.status_of(order) == word:
        return [f"it is {word} already"]
    reason = asked.reason or NO_REASON
    mine: dict[str, Any] = {"by": caller.actor, "reason": reason}
    match word:
        case "cancelled":
            services.cancel_units(caller.merchant_id, order.id, **mine)
        case "on_hold":
            services.hold_order(caller.merchant_id, order.id, **mine)
        case "processing":
            services.release_order(caller.merchant_id, order.id, **mine)
        case "shipped":
            caller.needs("fulfillment:write")
            _ship(caller, order, asked, number=asked.tracking_number)
        case "delivered":
            caller.needs("fulfillment:write")
            _deliver(order, reason)
        case _:
            raise Problem(
                409,
                f"an order is {word} by what happened to its money or goods, not by a word: use"
                " refunds, or wait for the platform's news",
            )
    return [f"{word} wanted"]


def _deliver(order: Order, reason: str) -> None:
    """A person's word that every parcel arrived."""
    services.lock_order(order.id)
    parcels = list(
        Parcel.objects.select_for_update()
        .filter(order_id=order.id)
        .exclude(status__in=["delivered", "voided", "returned"])
        .order_by("id")
    )
    if not parcels:
        raise Problem(409, f"{order} has no parcel under way that could have arrived")
    for parcel in parcels:
        move_parcel(
            parcel,
            ParcelStatus.DELIVERED,
            happened_at=timezone.now(),
            message=reason,
            cause="interface:orders",
        )


def _act(caller: Caller, order: Order, asked: OrderUpdate) -> list[str]:
    action = asked.action
    if not action:
        return []
    reason = asked.reason or NO_REASON
    mine: dict[str, Any] = {"by": caller.actor, "reason": reason}
    match ACTIONS.get(action):
        case "refresh":
            queue.defer([*going_on.rereads_of(order), *going_on.questions_of(order)])
        case "cancel":
            services.cancel_units(caller.merchant_id, order.id, **mine)
        case "release":
            services.release_order(caller.merchant_id, order.id, **mine)
        case "hold":
            services.hold_order(caller.merchant_id, order.id, **mine)
        case _:
            raise invalid(f"action: {action!r} is none of {', '.join(ACTIONS)}")
    return [f"{action} under way"]
