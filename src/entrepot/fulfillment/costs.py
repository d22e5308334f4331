"""Holds what a provider would charge for an order against what the order brings in."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import msgspec

from entrepot.access import scope
from entrepot.canon.fulfillment import FulfillmentRequest
from entrepot.canon.fulfillment import Quote as Told
from entrepot.canon.money import Money
from entrepot.canon.places import Address
from entrepot.connect import registry
from entrepot.connections.queries import connection_of
from entrepot.customers.queries import address_of
from entrepot.database import clock, saving
from entrepot.fulfillment.models import FulfillmentOrder, Quote
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

    merchant_id: int
    fulfillment_order_id: int
    connection_id: int
    request: FulfillmentRequest
    currency: str

    @property
    def content(self) -> str:
        """The name of what decides the price: shares of the same goods need one answer."""
        return _content_of(self.request, self.currency)


def unquoted(
    orders: Sequence[Order], *, known: Sequence[FulfillmentOrder] = ()
) -> list[FulfillmentOrder]:
    """Unsent shares of orders whose provider can say what they cost, and was not asked lately.

    Nor for another country: a delivery elsewhere has another price. By order and share; of those in
    `known` these very rows.
    """
    places = {order.id: _place_of(address_of(order.address_id)) for order in orders}
    waiting = FulfillmentOrder.objects.filter(
        order_id__in=list(places), status=Status.OPEN, is_by_hand=False, replaces_id=None
    )
    rows = {share.id: share for share in known}
    since = clock.now() - LASTS
    return [
        rows.get(share.id, share)
        for share in waiting.order_by("order_id", "share").prefetch_related("items")
        if (
            share.quoted_at is None
            or share.quoted_at < since
            or share.quoted_place != places[share.order_id]
        )
        and can_quote(share.connection_id)
    ]


def still_unquoted(
    waiting: Sequence[tuple[FulfillmentOrder, FulfillmentRequest]], orders: Mapping[int, Order]
) -> list[tuple[FulfillmentOrder, FulfillmentRequest]]:
    """Take over what the same goods to the same country were said to cost lately; the others."""
    if not waiting:
        return []
    contents = [
        (share.connection_id, _content_of(request, orders[share.order_id].currency))
        for share, request in waiting
    ]
    quotes = Quote.objects.filter(
        connection_id__in={connection_id for connection_id, _ in contents},
        content__in={content for _, content in contents},
        quoted_at__gte=clock.now() - LASTS,
    )
    prices = {
        (quote.connection_id, quote.content): Money(quote.cost, quote.currency) for quote in quotes
    }
    others, recalled = [], []
    for (share, request), content in zip(waiting, contents, strict=True):
        if content in prices:
            _write_down(share, request, prices[content])
            recalled.append(share)
        else:
            others.append((share, request))
    if recalled:
        saving.save_together(recalled, QUOTED)
    return others


def keep_quotes(merchant_id: int, answers: Sequence[tuple[Quoting, Sequence[Told]]]) -> None:
    """Keep the prices of the shipping methods that were chosen; without one it stays unknown.

    A price in another currency than the order's cannot be compared and is not kept.
    """
    costs = {quoting.fulfillment_order_id: _chosen(quoting, quotes) for quoting, quotes in answers}
    with scope.merchant(merchant_id):
        locked = FulfillmentOrder.objects.select_for_update().filter(id__in=list(costs))
        shares = {share.id: share for share in locked.order_by("id")}
        for quoting, _ in answers:
            share = shares[quoting.fulfillment_order_id]
            _write_down(share, quoting.request, costs[share.id])
        saving.save_together(list(shares.values()), QUOTED)
        told = {
            (quoting.connection_id, quoting.content): cost
            for quoting, _ in answers
            if (cost := costs[quoting.fulfillment_order_id]) is not None
        }
        Quote.objects.bulk_create(
            (
                Quote(
                    merchant_id=merchant_id,
                    connection_id=connection_id,
                    content=content,
                    cost=cost.amount,
                    currency=cost.currency,
                    quoted_at=clock.now(),
                )
                for (connection_id, content), cost in sorted(told.items(), key=lambda one: one[0])
            ),
            update_conflicts=True,
            unique_fields=("merchant_id", "connection_id", "content"),
            update_fields=("cost", "currency", "quoted_at"),
        )


def _chosen(quoting: Quoting, quotes: Sequence[Told]) -> Money | None:
    for quote in quotes:
        is_chosen = quote.shipping_method.casefold() == quoting.request.shipping_method.casefold()
        if is_chosen and quote.total.currency == quoting.currency:
            return quote.total
    return None


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
    for item in (item for share in shares for item in share.items.all()):
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


def read_priced(orders: Iterable[Order]) -> None:
    """Read ahead, for `excess`, the shares of orders that have a price by now."""
    currencies = {order.id: order.currency for order in orders}
    priced: dict[int, list[FulfillmentOrder]] = {order_id: [] for order_id in currencies}
    rows = FulfillmentOrder.objects.filter(order_id__in=list(currencies), replaces_id=None)
    rows = rows.exclude(quote_currency="").exclude(status=Status.CANCELLED)
    for share in rows.prefetch_related("items"):
        if share.quote_currency == currencies[share.order_id]:
            priced[share.order_id].append(share)
    scope.keep_ahead("priced shares", priced)


def _priced(order: Order) -> list[FulfillmentOrder]:
    ahead: list[FulfillmentOrder] | None = scope.taken_ahead("priced shares", order.id)
    if ahead is not None:
        return ahead
    mine = FulfillmentOrder.objects.filter(order_id=order.id, replaces_id=None)
    mine = mine.filter(quote_currency=order.currency).exclude(status=Status.CANCELLED)
    return list(mine.prefetch_related("items"))


def can_quote(connection_id: int) -> bool:
    """Whether the provider behind a connection can say what something would cost."""
    return registry.platform(connection_of(connection_id).platform).manifest.can("quote")


def _percent_of(order: Order) -> int:
    policy = connection_of(order.connection_id).policy
    return int(policy.get("most_cost_percent", MOST_COST_PERCENT))


def _write_down(share: FulfillmentOrder, request: FulfillmentRequest, cost: Money | None) -> None:
    share.quoted_at = clock.now()
    share.quoted_place = _place_of(request.recipient)
    share.quoted_cost = cost.amount if cost else None
    share.quote_currency = cost.currency if cost else ""


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
