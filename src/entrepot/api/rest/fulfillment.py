"""Fulfillment orders: what people ship, and what is sent again."""

import hashlib
from datetime import timedelta
from typing import Annotated, Literal

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router
from pydantic import AfterValidator, Field, WithJsonSchema

from entrepot.api.caller import ApiRequest, Caller
from entrepot.api.errors import Problem, invalid, not_found
from entrepot.api.operations import operation
from entrepot.api.paging import Id, Listed, Paged, page_of
from entrepot.api.rest.order_parts import parcel_shape, share_shape, shipment_shape
from entrepot.api.rest.order_shapes import FulfillmentOrderShape, ParcelShape, ShipmentShape
from entrepot.api.rest.shapes import Because, Body, Units
from entrepot.api.spreadsheet import CSV, EXPORTED
from entrepot.canon.money import Money
from entrepot.canon.tracking import ParcelStatus
from entrepot.connections.models import Connection
from entrepot.fulfillment import methods, reship, shipping, whereabouts
from entrepot.fulfillment.models import FulfillmentOrder, Parcel, Shipment
from entrepot.fulfillment.shipping import Leaving
from entrepot.fulfillment.states import Status
from entrepot.intake.given import Moment, Word
from entrepot.intake.tables import as_csv
from entrepot.orders.models import Order

router = Router(tags=["fulfillment"])
MOST_ITEMS = 500
CLOCKS_DIFFER = timedelta(minutes=10)
ShareStatus = Annotated[Status, WithJsonSchema({"type": "string", "enum": Status.values})]


class ItemUnits(Body):
    """How many units of an item of a fulfillment order."""

    item_id: Id
    quantity: Units


class Reshipment(Because):
    """What to send again, at the merchant's cost; all of it when no units are told."""

    units: Annotated[list[ItemUnits], Field(max_length=MOST_ITEMS)] = []


class ShippingChoice(Because):
    """By which of the provider's shipping methods it should go instead."""

    shipping_method: Annotated[Word, Field(min_length=1, max_length=methods.LONGEST)]


class Whereabouts(Because):
    """Where a parcel is, and how somebody knows."""

    status: Literal["delivered", "lost", "returned"]


def _web_address(url: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        raise ValueError("must begin with https://")
    return url


class HandedOver(Body):
    """What a person packed and gave to a carrier; all that is left when no units are told.

    `external_id` names the parcel; the same one again is the same shipment. Without one the
    carrier's tracking number does.
    """

    carrier: Word = ""
    service: Word = ""
    tracking_number: Annotated[Word, Field(max_length=100)] = ""
    tracking_url: Annotated[Word, Field(max_length=300), AfterValidator(_web_address)] = ""
    shipped_at: Moment | None = None
    external_id: Word = ""
    units: Annotated[list[ItemUnits], Field(max_length=MOST_ITEMS)] = []


class ShareFilter(Paged):
    """Which fulfillment orders."""

    status: ShareStatus | None = None
    connection_id: Id | None = None
    is_by_hand: bool | None = None


@operation(
    router,
    "GET",
    path="/fulfillment-orders",
    scope="orders:read",
    answers=Listed[FulfillmentOrderShape],
    summary="List fulfillment orders",
)
def list_shares(request: ApiRequest, asked: Query[ShareFilter]) -> Listed[FulfillmentOrderShape]:
    """Shares of all orders, the newest first; `is_by_hand=true&status=accepted` is a pick list."""
    rows = _wanted(request.auth, asked)
    found, follows = page_of(
        rows.prefetch_related("items", "shipments__items", "shipments__parcels__updates"), asked
    )
    return Listed[FulfillmentOrderShape].model_construct(
        data=[_shape(share) for share in found], next=follows
    )


def _wanted(caller: Caller, asked: ShareFilter) -> QuerySet[FulfillmentOrder]:
    rows = FulfillmentOrder.objects.filter(merchant_id=caller.merchant_id, mode=caller.mode)
    wanted = {
        "status": asked.status,
        "connection_id": asked.connection_id,
        "is_by_hand": asked.is_by_hand,
    }
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})


@operation(
    router,
    "GET",
    path="/fulfillment-orders.csv",
    scope="orders:read",
    answers=str,
    media=CSV,
    summary="Export fulfillment orders as CSV",
)
def export_shares(request: ApiRequest, asked: Query[ShareFilter]) -> HttpResponse:
    """The same list as CSV, at most 10,000 fulfillment orders; safe to open in a spreadsheet."""
    rows = _wanted(request.auth, asked).prefetch_related("items", "shipments__parcels")
    found, _ = page_of(rows, asked.model_copy(update={"limit": EXPORTED}))
    orders = dict(
        Order.objects.filter(id__in={share.order_id for share in found}).values_list("id", "number")
    )
    codes = dict(Connection.objects.values_list("id", "code"))
    head = (
        "id", "order", "share", "provider", "status", "is_by_hand", "external_id",
        "shipping_method", "cost", "currency", "units", "units_shipped", "planned_at",
        "accepted_at", "ended_at", "tracking_numbers",
    )  # fmt: skip
    return as_csv(
        "fulfillment-orders",
        head,
        rows=(
            (
                share.id,
                orders[share.order_id],
                share.share,
                codes[share.connection_id],
                share.status,
                share.is_by_hand,
                share.external_id,
                share.shipping_method,
                *_cost(share),
                sum(item.quantity for item in share.items.all()),
                sum(item.units_shipped for item in share.items.all()),
                share.planned_at,
                share.accepted_at,
                share.ended_at,
                " ".join(_tracking_numbers(share)),
            )
            for share in found
        ),
    )


def _cost(share: FulfillmentOrder) -> tuple[object, str]:
    if share.cost is None:
        return "", ""
    return Money(share.cost, share.cost_currency).rounded().amount, share.cost_currency


def _tracking_numbers(share: FulfillmentOrder) -> list[str]:
    parcels = [parcel for one in share.shipments.all() for parcel in one.parcels.all()]
    return [parcel.tracking_number for parcel in parcels if parcel.tracking_number]


@operation(
    router,
    "GET",
    path="/fulfillment-orders/{share_id}",
    scope="orders:read",
    answers=FulfillmentOrderShape,
    summary="Read a fulfillment order",
)
def get_share(request: ApiRequest, share_id: Id) -> FulfillmentOrderShape:
    """One share with what has left of it."""
    return _shape(_share(request.auth, share_id))


@operation(
    router,
    "POST",
    path="/fulfillment-orders/{share_id}/shipments",
    scope="fulfillment:write",
    answers=ShipmentShape,
    status=201,
    summary="Say what was shipped by hand",
)
def ship_by_hand(request: ApiRequest, share_id: Id, asked: HandedOver) -> ShipmentShape:
    """Only for what the merchant ships; a provider's own word is awaited for the others."""
    share = _share(request.auth, share_id)
    shipment = shipping.ship_by_hand(
        request.auth.merchant_id, share.id, leaving=_leaving(share, asked), by=request.auth.actor
    )
    return shipment_shape(
        Shipment.objects.prefetch_related("items", "parcels__updates").get(id=shipment.id)
    )


@operation(
    router,
    "POST",
    path="/fulfillment-orders/{share_id}/reship",
    scope="orders:write",
    answers=FulfillmentOrderShape,
    status=201,
    summary="Send units again",
)
def reship_share(request: ApiRequest, share_id: Id, asked: Reshipment) -> FulfillmentOrderShape:
    """A replacement with a reason, a share of its own; the customer is charged nothing."""
    share = _share(request.auth, share_id)
    replacement = reship.reship(
        request.auth.merchant_id,
        share.id,
        by=request.auth.actor,
        reason=asked.reason,
        units=_units(share, asked.units) or None,
    )
    return _shape(_share(request.auth, replacement.id))


@operation(
    router,
    "PUT",
    path="/fulfillment-orders/{share_id}/shipping-method",
    scope="orders:write",
    answers=FulfillmentOrderShape,
    summary="Ship a fulfillment order otherwise",
)
def choose_shipping_method(
    request: ApiRequest, share_id: Id, asked: ShippingChoice
) -> FulfillmentOrderShape:
    """Free until submission, then a request with the provider's answer; read it for its end.

    The same choice again is one choice, unless the provider has refused it: then it is asked anew.
    """
    share = _share(request.auth, share_id)
    methods.choose_method(
        request.auth.merchant_id,
        share.id,
        method=asked.shipping_method,
        by=request.auth.actor,
        reason=asked.reason,
    )
    return _shape(_share(request.auth, share.id))


@operation(
    router,
    "POST",
    path="/parcels/{parcel_id}/whereabouts",
    scope="orders:write",
    answers=ParcelShape,
    summary="Say where a parcel is",
)
def say_where_a_parcel_is(request: ApiRequest, parcel_id: Id, asked: Whereabouts) -> ParcelShape:
    """It arrived, is lost, or came back: where no carrier tells it, or a customer knows better.

    Again changes nothing. 409 when what is known rules it out. Sends nothing again and pays
    nothing back.
    """
    caller = request.auth
    mine = Parcel.objects.filter(merchant_id=caller.merchant_id, mode=caller.mode)
    if not mine.filter(id=parcel_id).exists():
        raise not_found(f"parcel {parcel_id}")
    parcel = whereabouts.say_where(
        caller.merchant_id,
        parcel_id,
        status=ParcelStatus(asked.status),
        by=caller.actor,
        reason=asked.reason,
    )
    return parcel_shape(parcel)


def _share(caller: Caller, share_id: int) -> FulfillmentOrder:
    share = FulfillmentOrder.objects.filter(
        id=share_id, merchant_id=caller.merchant_id, mode=caller.mode
    ).first()
    if share is None:
        raise not_found(f"fulfillment order {share_id}")
    return share


def _shape(share: FulfillmentOrder) -> FulfillmentOrderShape:
    shipments = sorted(share.shipments.all(), key=lambda shipment: shipment.number)
    return share_shape(share, [shipment_shape(shipment) for shipment in shipments])


def _units(share: FulfillmentOrder, asked: list[ItemUnits]) -> dict[int, int]:
    units = {one.item_id: one.quantity for one in asked}
    if len(units) < len(asked):
        raise invalid("units: an item is named twice")
    known = {item.id for item in share.items.all()}
    if missing := sorted(set(units) - known):
        raise invalid(f"units: {share} has no item {missing[0]}")
    return units


def _leaving(share: FulfillmentOrder, asked: HandedOver) -> Leaving:
    units = _units(share, asked.units) or {
        item.id: left
        for item in share.items.all()
        if (left := item.quantity - item.units_shipped - item.units_cancelled) > 0
    }
    now = timezone.now()
    shipped_at = asked.shipped_at or now
    if shipped_at > now + CLOCKS_DIFFER:
        raise invalid("shipped_at: this is in the future")
    external_id = asked.external_id or _named_by(share, asked)
    known = Shipment.objects.filter(fulfillment_order=share, external_id=external_id).exists()
    if not units and not known:
        raise Problem(409, f"nothing of {share} is left to ship")
    return Leaving(
        external_id=external_id,
        carrier=asked.carrier,
        service=asked.service,
        tracking_number=asked.tracking_number,
        tracking_url=asked.tracking_url,
        shipped_at=shipped_at,
        units=units,
    )


def _named_by(share: FulfillmentOrder, asked: HandedOver) -> str:
    """Typing the same number twice is one shipment; untracked goods are told apart by content."""
    if asked.tracking_number:
        return f"hand:{asked.tracking_number}"
    number = Shipment.objects.filter(fulfillment_order=share).count()
    content = f"{share.id}/{number}/{sorted(_units(share, asked.units).items())}"
    return f"hand:{hashlib.sha256(content.encode()).hexdigest()[:16]}"
