"""Holds what a provider would charge for an order against what the order brings in."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import msgspec
from django.utils import timezone

from entrepot.access import scope
from entrepot.canon.fulfillment import FulfillmentRequest
from entrepot.canon.fulfillment import Quote as Told
from entrepot.canon.money import Money
from entrepot.canon.places import Address
from entrepot.connect import registry
from entrepot.connections.queries import connection_of
from entrepot.customers.queries import address_of
from entrepot.fulfillment.models import FulfillmentItem, FulfillmentOrder, Quote
from entrepot.fulfillment.states import Status
from entrepot.orders.holds import NewHold, was_let_go
from entrepot.orders.models import Order
from entrepot.orders.policy import MOST_COST_PERCENT
from entrepot.orders.states import HoldKind

LASTS = timedelta(hours=24)
QUOTED = ("quoted_at", "quoted_place", "quoted_cost", "quote_currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoting:
    """A share that its provider should put a price on before anything of the order is sent."""

    fulfillment_order_id: int
    connection_id: int
    request: FulfillmentRequest
    currency: str


def unquoted(order: Order) -> list[FulfillmentOrder]:
    """Unsent shares of an order whose provider can say what they cost, and was not asked lately.

    Nor for another country: a delivery elsewhere has another price.
    """
    place = _place_of(address_of(order.address_id))
    waiting = FulfillmentOrder.objects.filter(
        order_id=order.id, status=Status.OPEN, is_by_hand=False, replaces_id=None
    ).order_by("share")
    since = timezone.now() - LASTS
    return [
        share
        for share in waiting
        if (share.quoted_at is None or share.quoted_at < since or share.quoted_place != place)
        and _can_quote(share.connection_id)
    ]


def recall_quote(share: FulfillmentOrder, request: FulfillmentRequest, *, currency: str) -> bool:
    """Take over what the same goods to the same country were said to cost lately; False if none."""
    known = Quote.objects.filter(
        connection_id=share.connection_id,
        content=_content_of(request, currency),
        quoted_at__gte=timezone.now() - LASTS,
    ).first()
    if known is not None:
        _write_down(share, request, Money(known.cost, known.currency))
    return known is not None


def keep_quote(merchant_id: int, quoting: Quoting, quotes: Sequence[Told]) -> None:
    """Keep the price of the shipping method that was chosen; without one the cost stays unknown.

    A price in another currency than the order's cannot be compared and is not kept.
    """
    chosen = [
        quote.total
        for quote in quotes
        if quote.shipping_method.casefold() == quoting.request.shipping_method.casefold()
        and quote.total.currency == quoting.currency
    ]
    with scope.merchant(merchant_id):
        share = FulfillmentOrder.objects.select_for_update().get(id=quoting.fulfillment_order_id)
        cost = chosen[0] if chosen else None
        _write_down(share, quoting.request, cost)
        if cost is not None:
            Quote.objects.update_or_create(
                merchant_id=merchant_id,
                connection_id=quoting.connection_id,
                content=_content_of(quoting.request, quoting.currency),
                defaults={
                    "cost": cost.amount,
                    "currency": cost.currency,
                    "quoted_at": timezone.now(),
                },
            )


def excess(order: Order) -> NewHold | None:
    """A hold when the quotes of an order's shares exceed its share of what they bring in.

    A person who has let these very figures go is not asked again.
    """
    shares = _priced(order)
    quoted = [share.quoted_cost for share in shares if share.quoted_cost is not None]
    if not quoted:
        return None
    cost = Money(sum(quoted, Decimal(0)), order.currency).rounded()
    brought = brought_in(order, shares)
    percent = _percent_of(order)
    if cost.amount * 100 <= brought.amount * percent:
        return None
    limit = f"; at most {percent} % of that may be spent" if percent != MOST_COST_PERCENT else ""
    hold = NewHold(
        merchant_id=order.merchant_id,
        order_id=order.id,
        kind=HoldKind.COST,
        about=f"{cost.amount.normalize():f}/{brought.amount.normalize():f}",
        reason=f"The provider wants {cost}, and it brings in {brought}{limit}",
        data={
            "cost": str(cost.amount),
            "revenue": str(brought.amount),
            "currency": order.currency,
            "percent": percent,
        },
    )
    return None if was_let_go(hold) else hold


def brought_in(order: Order, shares: Sequence[FulfillmentOrder]) -> Money:
    """What the units of some shares bring in: their part of the order's total, without its tax."""
    units: dict[int, int] = {}
    for item in FulfillmentItem.objects.filter(fulfillment_order__in=shares):
        of_line = item.quantity // item.units_per_line
        units[item.line_id] = max(units.get(item.line_id, 0), of_line)
    goods, here = Decimal(0), Decimal(0)
    for line in order.lines.all():
        if line.removed_at is not None:
            continue
        goods += line.total
        if line.quantity:
            here += line.total * min(units.get(line.id, 0), line.quantity) / line.quantity
    net = order.total - order.total_tax
    return Money(net * here / goods if goods else Decimal(0), order.currency).rounded()


def brought_in_by_providers(order: Order) -> Money:
    """What the units bring in that a provider has put a price on."""
    return brought_in(order, _priced(order))


def _priced(order: Order) -> list[FulfillmentOrder]:
    mine = FulfillmentOrder.objects.filter(order_id=order.id, replaces_id=None)
    return list(mine.filter(quote_currency=order.currency).exclude(status=Status.CANCELLED))


def _can_quote(connection_id: int) -> bool:
    return registry.platform(connection_of(connection_id).platform).manifest.can("quote")


def _percent_of(order: Order) -> int:
    policy = connection_of(order.connection_id).policy
    return int(policy.get("most_cost_percent", MOST_COST_PERCENT))


def _write_down(share: FulfillmentOrder, request: FulfillmentRequest, cost: Money | None) -> None:
    share.quoted_at = timezone.now()
    share.quoted_place = _place_of(request.recipient)
    share.quoted_cost = cost.amount if cost else None
    share.quote_currency = cost.currency if cost else ""
    share.save(update_fields=list(QUOTED))


def _place_of(address: Address) -> str:
    """What decides a price of where it goes; nothing else of the customer is kept with it."""
    return f"{address.country}/{address.region}"


def _content_of(request: FulfillmentRequest, currency: str) -> str:
    """The name of what decides a price."""
    goods = sorted(
        (item.provider_sku, sorted(item.attributes), item.quantity) for item in request.items
    )
    place = _place_of(request.recipient)
    content = [currency, request.shipping_method.casefold(), place, goods]
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:32]
